"""Completion for the search box: filters, values that there are, and words, with how many photos have them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from serving.search.index import SearchIndex
from serving.search.query import COLUMN_KEYS, TEXT_KEYS
from serving.search.searcher import escaped
from serving.search.segment import Segment

_OFFERED = ("person", "tag", "place", "city", "country", "keyword", "camera", "lens", "folder")
_EXAMPLES = {
    "date": ("2012", "2012-07", "2012..2014"), "type": ("photo", "raw", "video"), "rating": (">=4", "5"),
    "size": (">10MB", "<500kB"), "near": ("47.1,8.5,10km",), "is": ("favorite", "live", "motion", "hidden"),
    "has": ("gps", "tag", "rating", "date"),
}  # fmt: skip
_LAST_PART = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))*$')
_FEW = 3  # values of one filter where any filter may be meant


@dataclass(frozen=True, slots=True)
class Suggestion:
    """
    Args:
        text: What the last part of the query would become.
        kind: filter, word, or the filter that it is a value of.
        count: Photos that have it; None where that is not counted.
    """

    text: str
    kind: str
    count: int | None


def suggestions(index: SearchIndex, query: str, limit: int) -> tuple[str, list[Suggestion]]:
    """
    Returns:
        What stands before the last part of *query*, and what that part may become.
    """
    found = _LAST_PART.search(query)
    part = found[0] if found else ""
    before = query[: len(query) - len(part)]
    sign = "-" if part.startswith("-") else ""
    key, colon, value = part.removeprefix(sign).partition(":")
    offered = _of_filter(index, key.lower(), value) if colon else _of_word(index, key)
    return before, [Suggestion(sign + one.text, one.kind, one.count) for one in offered][:limit]


def _of_filter(index: SearchIndex, key: str, value: str) -> list[Suggestion]:
    bare = value.strip('"')
    if key in _EXAMPLES:
        return [Suggestion(f"{key}:{text}", key, None) for text in _EXAMPLES[key] if text.startswith(bare.lower())]
    if key not in TEXT_KEYS:
        return []
    return list(_values(index, key, bare, anywhere=True))


def _of_word(index: SearchIndex, word: str) -> list[Suggestion]:
    bare = word.strip('"')
    keys = [Suggestion(f"{key}:", "filter", None) for key in (*TEXT_KEYS, *COLUMN_KEYS) if key.startswith(bare.lower())]
    if not bare:
        return keys
    values = [one for key in _OFFERED for one in list(_values(index, key, bare, anywhere=False))[:_FEW]]
    return [*keys, *values, *_words(index, bare)]


def _values(index: SearchIndex, field: str, text: str, *, anywhere: bool) -> Iterator[Suggestion]:
    """Values of a filter that hold *text* (or have a word beginning with it), the most frequent first."""
    folded = index.fold([text])[0][0]
    counts: Counter[str] = Counter()
    spellings: dict[str, str] = {}
    for segment in index.segments():
        prefix = f"@{field}="
        for term in segment.holding(prefix, f"%{escaped(folded)}%"):
            name = str(segment.terms[int(term)].as_py())
            if anywhere or re.search(rf"(?:^|[^\w]){re.escape(folded)}", name[len(prefix) :]):
                counts[name] += int(segment.counts(int(term), int(term) + 1)[0])
                spellings.setdefault(name, segment.spellings.get(name, name[len(prefix) :]))
    if field in {"place", "city"}:
        counts.update(_by_other_names(index, folded, spellings, set(counts)))
    for name, count in counts.most_common():
        if spellings[name]:
            yield Suggestion(f"{field}:{_quoted(spellings[name])}", field, count)


def _by_other_names(index: SearchIndex, folded: str, spellings: dict[str, str], offered: set[str]) -> Counter[str]:
    """Cities one of whose other names begins so, by the name they are shown with."""
    counts: Counter[str] = Counter()
    wanted = set(index.cities.beginning_with(folded)) if folded else set()
    for city_id, name in index.cities.names:
        term = f"@city={index.fold([name])[0][0]}" if city_id in wanted else ""
        if term and term not in offered:
            counts[term] = sum(int(segment.with_term(f"@city_id={city_id}").sum()) for segment in index.segments())
            spellings[term] = name
    return +counts


def _words(index: SearchIndex, text: str) -> list[Suggestion]:
    words = index.fold([text])[0][1]
    if len(words) != 1:
        return []
    counts: Counter[str] = Counter()
    for segment in index.segments():
        counts.update(_frequent(segment, " " + words[0]))
    return [Suggestion(word, "word", count) for word, count in counts.most_common(5)]


def _frequent(segment: Segment, prefix: str) -> dict[str, int]:
    low, high = segment.beginning_with(prefix)
    counts = segment.counts(low, high)
    best: Sequence[int] = np.argsort(-counts, kind="stable")[:20].tolist()
    return {str(segment.terms[low + place].as_py())[1:]: int(counts[place]) for place in best}


def _quoted(text: str) -> str:
    """As the query language takes it: in quotes where it has blanks, commas or other signs."""
    return text if re.fullmatch(r"[\w.\-/]+", text) else '"' + text.replace('"', " ") + '"'
