"""
The query language of the search box (docs/search.md): words, "phrases", and filters such as `camera:nikon`.

Everything in a query must hold; `-` in front of a part turns it round; commas inside a filter mean any of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.errors import InvalidQuery

MAX_CHARACTERS = 2_000
MAX_PARTS = 60
# Filters answered by the search index, and those answered by the timeline's columns.
TEXT_KEYS = ("camera", "lens", "tag", "keyword", "person", "place", "city", "region", "country", "folder", "ext")
COLUMN_KEYS = ("date", "type", "rating", "size", "near", "library", "is", "has")
_ALIASES = {"people": "person", "tags": "tag", "keywords": "keyword", "path": "folder", "extension": "ext",
            "taken": "date", "media_type": "type"}  # fmt: skip
_KEY = re.compile(r"([A-Za-z_]+):")
_DASHES = "-\N{MINUS SIGN}\N{EN DASH}"  # phones type all of them
_HIGH_6, _HIGH_9, _LOW_9 = (
    "\N{LEFT DOUBLE QUOTATION MARK}",
    "\N{RIGHT DOUBLE QUOTATION MARK}",
    "\N{DOUBLE LOW-9 QUOTATION MARK}",
)
_QUOTES = {'"': '"', _HIGH_6: f'"{_HIGH_9}', _LOW_9: f'"{_HIGH_6}{_HIGH_9}'}  # opening to what may close it


@dataclass(frozen=True, slots=True)
class Part:
    """
    One condition.

    Args:
        key: Of a filter; '' for text.
        values: What the filter accepts, any of them; for text, the one text.
        phrase: It stood in quotes: its words belong together, and its last one is whole.
        negated: It must not hold.
        position: Where it begins, counted from 1.
    """

    key: str
    values: tuple[str, ...]
    phrase: bool
    negated: bool
    position: int

    def refusal(self, reason: str) -> InvalidQuery:
        return InvalidQuery(f"at character {self.position}: {reason}")


def parsed_query(text: str) -> list[Part]:
    """
    The parts of a query; none for an empty one.

    Raises:
        InvalidQuery: With the position, and what to write instead.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidQuery(f"a query has at most {MAX_CHARACTERS} characters, not {len(text)}")
    parts = list(_parts(text))
    if len(parts) > MAX_PARTS:
        raise parts[MAX_PARTS].refusal(f"a query has at most {MAX_PARTS} parts")
    return parts


def parsed_filter(key: str, text: str) -> Part:
    """One filter given as a parameter: `camera=nikon,canon`, `tag=-summer`. Raises InvalidQuery."""
    negated = text[:1] in _DASHES and not (key == "near" or text[1:2].isdigit()) if text else False
    values, end = _values(text, 1 if negated else 0, key, whole=True)
    if end < len(text) or not values:
        raise InvalidQuery(f"{key}: a value is missing, or there is too much after it")
    return Part(key, tuple(values), False, negated, 1)


def _parts(text: str) -> Iterator[Part]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        begin = at
        negated = text[at] in _DASHES and at + 1 < len(text) and not text[at + 1].isspace()
        at += negated
        if text[at] in _QUOTES:
            phrase, at = _quoted(text, at)
            if phrase.strip():
                yield Part("", (phrase,), True, negated, begin + 1)
            continue
        found = _KEY.match(text, at)
        if not found:
            end = _end_of_word(text, at)
            yield Part("", (text[at:end],), False, negated, begin + 1)
            at = end
            continue
        key = _known_key(found[1], begin + 1)
        values, at = _values(text, found.end(), key, whole=False)
        if not values:
            raise InvalidQuery(f"at character {begin + 1}: {key}: needs a value right after the colon")
        yield Part(key, tuple(values), False, negated, begin + 1)


def _known_key(word: str, position: int) -> str:
    key = _ALIASES.get(word.lower(), word.lower())
    if key not in TEXT_KEYS and key not in COLUMN_KEYS:
        known = ", ".join(sorted((*TEXT_KEYS, *COLUMN_KEYS)))
        raise InvalidQuery(
            f"at character {position}: there is no filter {word[:30]!r} (there are {known}); "
            "put it in quotes to look for the text"
        )
    return key


def _values(text: str, at: int, key: str, *, whole: bool) -> tuple[list[str], int]:
    """
    The values of a filter from *at* on, separated by commas, each bare or in quotes; and where they end.

    Args:
        whole: Blanks are part of a bare value: it is all there is.
    """
    values: list[str] = []
    while at < len(text):
        if text[at] in _QUOTES:
            value, at = _quoted(text, at)
        else:
            end = _end_of_value(text, at, commas=key != "near", blanks=whole)
            value, at = text[at:end], end
        if value.strip():
            values.append(value.strip())
        if at >= len(text) or text[at] != ",":
            break
        at += 1
    return values, at


def _end_of_value(text: str, at: int, *, commas: bool, blanks: bool) -> int:
    while at < len(text) and not (text[at].isspace() and not blanks) and not (commas and text[at] == ","):
        at += 1
    return at


def _end_of_word(text: str, at: int) -> int:
    while at < len(text) and not text[at].isspace():
        at += 1
    return at


def _quoted(text: str, at: int) -> tuple[str, int]:
    """What stands between the quotes that open at *at*, and where the text goes on behind them."""
    closing = _QUOTES[text[at]]
    for end in range(at + 1, len(text)):
        if text[end] in closing:
            return text[at + 1 : end], end + 1
    raise InvalidQuery(f"at character {at + 1}: this quotation mark is never closed")
