"""Filters of the query language that the timeline's own columns answer: dates, sizes, ratings, positions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from serving.listing.paths import library_id_of
from serving.listing.timeline import MEDIA_TYPES, Conditions, is_circle, near_part
from serving.replica.snapshot import ReplicaSnapshot
from serving.search.query import Part
from tasks.errors import UnknownLibrary

_UNITS = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9, "t": 10**12,
          "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}  # fmt: skip
_LENGTHS = {"": 1.0, "km": 1.0, "m": 0.001, "mi": 1.609344}
_SPAN = re.compile(r"(?P<operator>>=|<=|>|<|=)?(?P<first>.*?)(?:(?P<dots>\.\.)(?P<last>.*))?", re.DOTALL)
_NUMBER = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)", re.ASCII)
_IS = {
    "favorite": "list_contains(timeline.favorite_of, $asker)",
    "live": "timeline.live_video is not null",
    "motion": "timeline.motion_video",
    "duplicate": "timeline.hidden_because = 'duplicate'",
}
_HAS = {
    "gps": "timeline.latitude is not null and timeline.longitude is not null",
    "date": "timeline.taken_at is not null",
    "tag": "timeline.tag_key <> 0",
    "rating": "coalesce(timeline.rating, 0) > 0",
}
Sql = tuple[str, dict[str, Any]]


def add_column_part(conditions: Conditions, part: Part, number: int, copy: ReplicaSnapshot) -> None:
    """
    Add one filter to the conditions of a search.

    Args:
        number: Of the part in its query: its parameters are named for it.
    Raises:
        InvalidQuery: With the position.
    """
    if part.key == "is" and any(value.lower() in {"hidden", "duplicate"} for value in part.values):
        if not part.negated:
            conditions.hidden = "only"
        if [value.lower() for value in part.values] == ["hidden"]:
            return
    tests = []
    for position, value in enumerate(part.values):
        text, parameters = _TESTS[part.key](part, value, f"q{number}_{position}", copy)
        tests.append(f"({text})")
        conditions.parameters.update(parameters)
    whole = " or ".join(tests)
    conditions.add(f"not coalesce({whole}, false)" if part.negated else f"({whole})")


def _date(part: Part, value: str, name: str, _: ReplicaSnapshot) -> Sql:
    """Wall time of where it was taken; a photo without a date is never meant."""
    operator, first, last = _span(part, value)
    low, high = (_period(part, text) if text else None for text in (first, last))
    bounds: list[tuple[str, datetime]] = []
    if operator in {">=", "=", ".."} and low:
        bounds.append((">=", low[0]))
    if operator == ">" and low:
        bounds.append((">=", low[1]))
    if operator == "<" and low:
        bounds.append(("<", low[0]))
    end = low if operator in {"<=", "="} else high if operator == ".." else None
    if end:
        bounds.append(("<", end[1]))
    if low and high and high[1] <= low[0]:
        raise part.refusal(f"{value[:50]!r} ends before it begins")
    return _compared("timeline.taken_at", name, bounds)


def _period(part: Part, text: str) -> tuple[datetime, datetime]:
    """A year, month, day or moment: from when, and until when without it."""
    found = re.fullmatch(r"([0-9]{4})(?:-([0-9]{1,2}))?(?:-([0-9]{1,2}))?", text)
    try:
        if not found:
            moment = datetime.fromisoformat(text)
            return moment.replace(tzinfo=None), moment.replace(tzinfo=None) + timedelta(seconds=1)
        year, month, day = int(found[1]), found[2], found[3]
        begin = datetime(year, int(month or 1), int(day or 1))
        if day:
            return begin, begin + timedelta(days=1)
        if month:
            return begin, datetime(year + begin.month // 12, begin.month % 12 + 1, 1)
        return begin, datetime(year + 1, 1, 1)
    except (ValueError, OverflowError) as exc:
        raise part.refusal(f"{text[:50]!r} is no date: write 2012, 2012-07, 2012-07-03, or 2012..2014") from exc


def _size(part: Part, value: str, name: str, _: ReplicaSnapshot) -> Sql:
    operator, first, last = _span(part, value)
    numbers = [_bytes(part, text) if text else None for text in (first, last)]
    return _number_test(part, "timeline.size_bytes", name, operator, numbers)


def _bytes(part: Part, text: str) -> int:
    found = _NUMBER.fullmatch(text)
    if not found or found[2].lower() not in _UNITS:
        raise part.refusal(f"{text[:50]!r} is no size: write >10MB, <500kB, or 1MB..5MB")
    return min(int(float(found[1]) * _UNITS[found[2].lower()]), (1 << 63) - 1)


def _rating(part: Part, value: str, name: str, _: ReplicaSnapshot) -> Sql:
    operator, first, last = _span(part, value)
    stars = [int(text) if re.fullmatch(r"-?[0-5]", text) else None for text in (first, last) if text]
    if None in stars:
        raise part.refusal(f"{value[:50]!r} is no rating: write >=4, 5, or 3..5; 0 is none")
    numbers = iter(stars)
    given = [next(numbers) if text else None for text in (first, last)]
    return _number_test(part, "coalesce(timeline.rating, 0)", name, operator, given)


def _number_test(part: Part, column: str, name: str, operator: str, given: list[int | None]) -> Sql:
    first, last = given
    if operator != "..":
        return _compared(column, name, [(operator, first)])
    if first is not None and last is not None and last < first:
        raise part.refusal("it ends before it begins")
    return _compared(
        column, name, [(sign, number) for sign, number in ((">=", first), ("<=", last)) if number is not None]
    )


def _span(part: Part, value: str) -> tuple[str, str, str]:
    """Operator and its one or two values: `>=4` is (>=, 4, ''), `1..5` is (.., 1, 5), `5` is (=, 5, '')."""
    found = _SPAN.fullmatch(value.strip())
    first, last = (found["first"].strip(), (found["last"] or "").strip()) if found else ("", "")
    dots, operator = bool(found and found["dots"]), found["operator"] if found else None
    if not (first or last) or (dots and operator):
        raise part.refusal(f"{part.key}:{value[:50]} is neither a value, a comparison (>=4), nor a range (1..5)")
    return ".." if dots else operator or "=", first, last


def _compared(column: str, name: str, bounds: list[tuple[str, Any]]) -> Sql:
    tests = [f"{column} {sign} ${name}_{number}" for number, (sign, _) in enumerate(bounds)]
    return " and ".join(tests), {f"{name}_{number}": bound for number, (_, bound) in enumerate(bounds)}


def _near(part: Part, value: str, name: str, _: ReplicaSnapshot) -> Sql:
    words = [word.strip() for word in value.split(",")]
    numbers = [_decimal(word) for word in words[:2]]
    radius = _kilometres(words[2]) if len(words) == 3 else 1.0
    latitude, longitude = numbers if len(words) in {2, 3} else (None, None)
    if latitude is None or longitude is None or radius is None or not is_circle(latitude, longitude, radius):
        raise part.refusal(f"{value[:50]!r} is no place: write latitude,longitude and a radius, such as 47.1,8.5,10km")
    return near_part(name), {f"{name}_lat": latitude, f"{name}_lon": longitude, f"{name}_km": radius}


def _decimal(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[-+]?[0-9]{1,3}(\.[0-9]{1,15})?", text) else None


def _kilometres(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    return float(found[1]) * _LENGTHS[found[2].lower()] if found and found[2].lower() in _LENGTHS else None


def _type(part: Part, value: str, name: str, _: ReplicaSnapshot) -> Sql:
    kinds = MEDIA_TYPES.get(value.lower())
    if kinds is None:
        raise part.refusal(f"{value[:50]!r} is no type: there are {', '.join(MEDIA_TYPES)}")
    return (f"list_contains(${name}, timeline.media_type)", {name: list(kinds)}) if kinds else ("true", {})


def _library(part: Part, value: str, name: str, copy: ReplicaSnapshot) -> Sql:
    try:
        return f"timeline.library_id = ${name}", {name: library_id_of(copy, value)}
    except UnknownLibrary as exc:
        raise part.refusal(f"no library is called {value[:50]!r}") from exc


def _word_of(words: dict[str, str]) -> Callable[[Part, str, str, ReplicaSnapshot], Sql]:
    def test(part: Part, value: str, _name: str, _copy: ReplicaSnapshot) -> Sql:
        word = {"favourite": "favorite", "tags": "tag", "place": "gps"}.get(value.lower(), value.lower())
        if word not in words and word != "hidden":
            raise part.refusal(
                f"{part.key}: is one of {', '.join(sorted({*words, *(['hidden'] if words is _IS else [])}))}"
            )
        return words.get(word, "true"), {}

    return test


_TESTS: dict[str, Callable[[Part, str, str, ReplicaSnapshot], Sql]] = {
    "date": _date,
    "size": _size,
    "rating": _rating,
    "near": _near,
    "type": _type,
    "library": _library,
    "is": _word_of(_IS),
    "has": _word_of(_HAS),
}
