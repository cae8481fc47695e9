"""
A search: each part of the query becomes a mask over the documents of each segment, and the masks are combined.

What the timeline's columns answer (dates, sizes, who hid what) is asked of the replica as one list of numbers.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from serving.listing.cursor import Cursor, Sort
from serving.listing.timeline import Conditions, Page, read_chosen
from serving.replica.snapshot import Reader, ReplicaSnapshot
from serving.search.cities import CityNames
from serving.search.columns import add_column_part
from serving.search.index import SearchIndex
from serving.search.query import TEXT_KEYS, Part
from serving.search.segment import Mask, Segment

MOST_FOUND = 1_000  # on a page
_EPOCH = datetime(1970, 1, 1)
_DENSE = 1 << 26  # a table of asset numbers up to this long; beyond it they are looked up in a sorted list
# Scripts that write no blanks between words: there a word is found inside another.
_NO_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_WHOLE = frozenset({"tag", "keyword", "ext", "country"})  # filters that mean the whole value; the others a part of it
_SIGNS = ("", "!")  # of what all may find, and of what only owners may: sql/serving/search/terms.sql
_CITY_KEYS = frozenset({"place", "city"})  # filters that know a city by all its names
_FIELDS = {"place": ("place", "city", "region", "country")}  # filters that look into several


@dataclass(frozen=True, slots=True)
class SearchResult:
    page: Page
    total: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """
    A set of asset numbers.

    Args:
        before: One less than the smallest of them.
        table: Whether each number from there on belongs to it; the first and the last do not, and stand for all beyond.
        sorted_ids: They themselves, where such a table would be too long (None).
    """

    before: int
    table: Mask | None
    sorted_ids: NDArray[np.int64]

    def mask(self, asset_ids: NDArray[np.int64]) -> Mask:
        if self.table is None:
            return np.isin(asset_ids, self.sorted_ids, assume_unique=True)
        return self.table.take(asset_ids - self.before, mode="clip")


class Searcher:
    """Answers queries over one index, and remembers what everybody may see of the present copy."""

    def __init__(self, index: SearchIndex) -> None:
        self.index = index
        self._lock = threading.Lock()
        self._visible: tuple[tuple[int, str], Allowed] | None = None

    def find(
        self,
        copy: ReplicaSnapshot,
        parts: Sequence[Part],
        conditions: Conditions,
        sort: Sort,
        limit: int,
        cursor: Cursor | None,
        *,
        private: bool = False,
    ) -> SearchResult:
        """
        A page of what the parts and the conditions allow, in the order of the timeline.

        Args:
            private: Words are looked for in insights, too: they tell what messages said, so for owners only.
        Raises:
            InvalidQuery: A filter that cannot be understood, with its position.
        """
        for number, part in enumerate(parts):
            if part.key not in TEXT_KEYS and part.key:
                add_column_part(conditions, part, number, copy)
        texts = [part for part in parts if part.key in TEXT_KEYS or not part.key]
        segments = self.index.segments()
        with copy.reading() as reader:
            allowed = self._allowed(copy, reader, conditions)
            masks = [allowed.mask(segment.asset_ids) & segment.live for segment in segments]
            for part in texts:
                masks = self._narrowed(part, segments, masks, _SIGNS if private else _SIGNS[:1])
            total = sum(int(np.count_nonzero(mask)) for mask in masks)
            ids, keys = _first(segments, masks, sort, limit + 1, cursor)
            return SearchResult(_rendered(reader, ids, keys, sort, limit, conditions.asker), total)

    def _narrowed(
        self, part: Part, segments: Sequence[Segment], masks: Sequence[Mask], signs: Sequence[str]
    ) -> list[Mask]:
        folded = self.index.fold(list(part.values))
        found = [_matching(segment, part, folded, signs, self.index.cities) for segment in segments]
        return [mask & ~its if part.negated else mask & its for mask, its in zip(masks, found, strict=True)]

    def _allowed(self, copy: ReplicaSnapshot, reader: Reader, conditions: Conditions) -> Allowed:
        common = not conditions.parameters
        key = (copy.snapshot_id, conditions.text)
        if common and self._visible and self._visible[0] == key:
            return self._visible[1]
        parameters = dict(conditions.parameters)
        if "$asker" in conditions.text:
            parameters["asker"] = -1 if conditions.asker is None else conditions.asker
        allowed = _set_of(reader.column(f"select asset_id from timeline where {conditions.text}", parameters))
        if common and "$asker" not in conditions.text:
            with self._lock:
                self._visible = (key, allowed)
        return allowed


def _set_of(asset_ids: NDArray[np.int64]) -> Allowed:
    asset_ids = asset_ids.astype(np.int64, copy=False)
    if not len(asset_ids):
        return Allowed(0, np.zeros(1, np.bool_), asset_ids)
    before, last = int(asset_ids.min()) - 1, int(asset_ids.max())
    if last - before >= _DENSE:
        return Allowed(before, None, np.sort(asset_ids))
    table = np.zeros(last - before + 2, np.bool_)
    table[asset_ids - before] = True
    return Allowed(before, table, np.array([], np.int64))


def _matching(
    segment: Segment, part: Part, folded: list[tuple[str, list[str]]], signs: Sequence[str], cities: CityNames
) -> Mask:
    found = np.zeros(len(segment), np.bool_)
    for value, words in folded:
        if part.key:
            for field in _FIELDS.get(part.key, (part.key,)):
                found |= _with_value(segment, field, value)
            if part.key in _CITY_KEYS:
                found |= _in_cities(segment, cities.like(value))
        elif part.phrase:
            found |= _with_phrase(segment, words, signs) | _in_cities(segment, cities.with_phrase(words))
        else:
            found |= _with_words(segment, words, signs, cities)
    return found


def _in_cities(segment: Segment, city_ids: Sequence[int]) -> Mask:
    return _anywhere([np.zeros(len(segment), np.bool_), *(segment.with_term(f"@city_id={one}") for one in city_ids)])


def _with_words(segment: Segment, words: list[str], signs: Sequence[str], cities: CityNames) -> Mask:
    """All the words, each the beginning of one. What holds no letter or digit finds nothing."""
    found = np.full(len(segment), bool(words))
    for word in words:
        here = _anywhere([_beginning(segment, f"{sign} ", word) for sign in signs])
        found &= here | _in_cities(segment, cities.beginning_with(word))
    return found


def _beginning(segment: Segment, sign: str, word: str) -> Mask:
    if _NO_BLANKS.search(word):
        return segment.with_terms(segment.holding(sign, f"%{escaped(word)}%"))
    return segment.with_range(*segment.beginning_with(sign + word))


def _with_phrase(segment: Segment, words: list[str], signs: Sequence[str]) -> Mask:
    """The words beside each other: each pair of neighbours stands so somewhere."""
    if len(words) == 1:
        return _anywhere([_whole(segment, f"{sign} ", words[0]) for sign in signs])
    found = np.full(len(segment), bool(words))
    for first, second in pairwise(words):
        found &= _anywhere([segment.with_term(f'{sign}"{first} {second}') for sign in signs])
    return found


def _whole(segment: Segment, sign: str, word: str) -> Mask:
    return _beginning(segment, sign, word) if _NO_BLANKS.search(word) else segment.with_term(sign + word)


def _anywhere(masks: Sequence[Mask]) -> Mask:
    found: Mask = np.logical_or.reduce(masks)
    return found


def _with_value(segment: Segment, field: str, value: str) -> Mask:
    """Documents with a value of a field: `*` stands for anything; see _WHOLE."""
    pattern = escaped(value).replace("*", "%")
    if field == "folder":
        trimmed = pattern.strip("/")
        pattern = f"%/{trimmed}/%" if trimmed else "//"
    elif field not in _WHOLE and "%" not in pattern:
        pattern = f"%{pattern}%"
    elif field == "ext":
        pattern = pattern.removeprefix(".")
    return segment.with_terms(segment.holding(f"@{field}=", pattern))


def escaped(text: str) -> str:
    """*text* in a pattern of `like`, meaning itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _first(
    segments: Sequence[Segment], masks: Sequence[Mask], sort: Sort, wanted: int, cursor: Cursor | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first *wanted* documents behind the cursor over all segments: asset numbers, and order in microseconds."""
    ids, keys = [np.array([], np.int64)], [np.array([], np.int64)]
    for segment, mask in zip(segments, masks, strict=True):
        docs = np.flatnonzero(mask)
        if cursor is not None:
            docs = docs[_behind(segment, docs, sort, cursor)]
        docs = docs[:wanted] if sort.descending else docs[::-1][:wanted]
        ids.append(segment.asset_ids[docs])
        keys.append(segment.order_us[docs])
    all_ids, all_keys = np.concatenate(ids), np.concatenate(keys)
    order = np.lexsort((all_ids, all_keys))
    order = (order[::-1] if sort.descending else order)[:wanted]
    return all_ids[order], all_keys[order]


def _behind(segment: Segment, docs: NDArray[np.int64], sort: Sort, cursor: Cursor) -> Mask:
    moment = cursor.moment or _EPOCH
    key = (moment.replace(tzinfo=None) - _EPOCH) // timedelta(microseconds=1)
    keys, ids = segment.order_us[docs], segment.asset_ids[docs]
    later = keys < key if sort.descending else keys > key
    beside = ids < cursor.asset_id if sort.descending else ids > cursor.asset_id
    found: Mask = later | ((keys == key) & beside)
    return found


def _rendered(
    reader: Reader,
    ids: NDArray[np.int64],
    keys: NDArray[np.int64],
    sort: Sort,
    limit: int,
    asker: int | None,
) -> Page:
    chosen = ids[:limit]
    if not len(chosen):
        return Page([], None)
    photos = read_chosen(reader, chosen.tolist(), sort, asker=asker)
    if len(ids) <= limit:
        return Page(photos, None)
    return Page(photos, Cursor(sort, str(_moment(keys[limit - 1])), int(ids[limit - 1])).encoded())


def _moment(microseconds: np.int64) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))
