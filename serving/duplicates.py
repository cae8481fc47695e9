"""
Groups of duplicates: the same bytes in several places, or pictures that look alike.

Near pairs are computed when they are asked for, from all perceptual hashes, and kept until there are others.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from serving.photo_query import Conditions
from serving.replica_copy import Reader, as_list
from sql.lake import Lake, Row, statement
from tasks.near_duplicates import near_pairs

MOMENT_SLACK = 8  # bits more, where one camera took both within two seconds
LARGEST_GROUP = 200
MOST_PAIRS = 500_000  # held at a time
_ASKED_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class NearPair:
    first: str
    second: str
    bits: int
    moment: bool


@dataclass(slots=True)
class Group:
    """
    Assets that show the same.

    Args:
        keep: The one to keep, as far as numbers tell: most pixels, most bytes, seen first.
        bits: Between the two pictures of it that differ most among neighbours; 0 for the same bytes.
    """

    assets: list[Row]
    keep: int
    bits: int = 0
    moment: bool = False
    wasted_bytes: int = 0
    content_hashes: list[str] = field(default_factory=list)


def decisions(lake: Lake) -> list[frozenset[str]]:
    return [frozenset(row["content_hashes"]) for row in lake.rows("serving/duplicate_decisions")]


def exact_groups(
    reader: Reader, conditions: Conditions, ignored: Sequence[frozenset[str]], limit: int, offset: int
) -> tuple[list[Group], int]:
    """Groups of the same bytes, and how many there are. A decision about one picture alone ignores its copies."""
    alone = [next(iter(hashes)) for hashes in ignored if len(hashes) == 1]
    text = statement("serving/exact_duplicates").format(conditions=conditions.text)
    rows = reader.rows(text, {**conditions.parameters, "ignored": as_list(alone)})
    page = rows[offset : offset + limit]
    copies = _copies(reader, [row["content_hash"] for row in page], conditions)
    groups = [
        _group(copies[row["content_hash"]][:LARGEST_GROUP]) for row in page if len(copies[row["content_hash"]]) > 1
    ]
    return groups, len(rows)


class NearDuplicates:
    """Pairs that look alike, kept until another perceptual hash is there."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._computing = threading.Lock()
        self._kept: dict[int, tuple[Row, list[NearPair], int]] = {}

    def pairs(self, threshold: int) -> tuple[list[NearPair], int]:
        """
        Pairs up to *threshold* bits apart, and the threshold that was really used.

        The first call reads and compares all hashes: 1 s for 200,000 of them.
        """
        with self._computing:
            version = self._lake.rows("serving/near_hashes_version")[0]
            kept = self._kept.get(threshold)
            if kept is None or kept[0] != version:
                found, used = self._compute(threshold)
                self._kept = {threshold: (version, found, used)}  # one at a time: they may be large
            return self._kept[threshold][1], self._kept[threshold][2]

    def _compute(self, threshold: int) -> tuple[list[NearPair], int]:
        table = self._lake.table("serving/near_hashes")
        phash, dhash = (table[name].to_numpy().astype(np.uint64) for name in ("phash", "dhash"))
        first, second, bits, used = near_pairs(phash, dhash, threshold)
        nearest = np.argsort(bits, kind="stable")[:MOST_PAIRS]
        hashes = table["content_hash"]
        found = {
            (a, b): NearPair(a, b, int(apart), False)
            for a, b, apart in zip(
                hashes.take(first[nearest]).to_pylist(),
                hashes.take(second[nearest]).to_pylist(),
                bits[nearest],
                strict=True,
            )
        }
        for row in self._lake.rows("serving/near_moments"):
            pair = tuple(sorted((row["content_hash"], row["next_hash"])))
            if row["bits"] <= threshold + MOMENT_SLACK:
                found[pair[0], pair[1]] = NearPair(pair[0], pair[1], row["bits"], True)
        return list(found.values()), used


def near_groups(
    reader: Reader, pairs: Iterable[NearPair], conditions: Conditions, ignored: Sequence[frozenset[str]]
) -> list[Group]:
    """Groups of pictures that are joined by pairs, the largest waste first; only of assets that *conditions* allow."""
    refused = {frozenset(pair) for hashes in ignored for pair in combinations(sorted(hashes), 2)}
    kept = [pair for pair in pairs if not refused or frozenset((pair.first, pair.second)) not in refused]
    hashes = sorted({one for pair in kept for one in (pair.first, pair.second)})
    copies = _copies(reader, hashes, conditions)
    shown = [
        pair for pair in kept
        if copies[pair.first] and copies[pair.second] and not _raw_and_jpeg(copies[pair.first], copies[pair.second])
    ]  # fmt: skip
    groups = []
    for members, its_pairs in _joined(shown):
        assets = [asset for one in members for asset in copies[one]]
        group = _group(assets[:LARGEST_GROUP])
        group.bits = max(pair.bits for pair in its_pairs)
        group.moment = all(pair.moment for pair in its_pairs)
        groups.append(group)
    return sorted(groups, key=lambda group: (-group.wasted_bytes, group.keep))


def _copies(reader: Reader, hashes: Sequence[str], conditions: Conditions) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    text = statement("serving/copies_of").format(conditions=conditions.text)
    for start in range(0, len(hashes), _ASKED_AT_ONCE):
        asked = as_list(hashes[start : start + _ASKED_AT_ONCE])
        for row in reader.rows(text, {**conditions.parameters, "hashes": asked}):
            found[row["content_hash"]].append(row)
    return found


def _group(assets: list[Row]) -> Group:
    best = max(assets, key=lambda row: (row["pixels"], row["size_bytes"], -row["asset_id"]))
    rest = sorted((row for row in assets if row is not best), key=lambda row: row["asset_id"])
    return Group(
        [best, *rest],
        best["asset_id"],
        wasted_bytes=sum(row["size_bytes"] for row in rest),
        content_hashes=sorted({row["content_hash"] for row in assets}),
    )


def _raw_and_jpeg(some: Iterable[Row], others: Iterable[Row]) -> bool:
    """The two files of one shot: a RAW and the picture its camera wrote beside it are no duplicates."""
    return any(
        _stem(one) == _stem(other) and (one["media_type"] == "raw") != (other["media_type"] == "raw")
        for one in some
        for other in others
    )


def _stem(asset: Row) -> tuple[int, str]:
    folder, _, name = asset["path"].rpartition("/")
    return asset["library_id"], f"{folder}/{name.rpartition('.')[0] or name}".lower()


def _joined(pairs: Sequence[NearPair]) -> Iterator[tuple[list[str], list[NearPair]]]:
    """Pictures that hang together by pairs, and these pairs."""
    above: dict[str, str] = {}

    def top(one: str) -> str:
        while above.setdefault(one, one) != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for pair in pairs:
        above[top(pair.first)] = top(pair.second)
    members: dict[str, list[str]] = defaultdict(list)
    for one in list(above):
        members[top(one)].append(one)
    joining: dict[str, list[NearPair]] = defaultdict(list)
    for pair in pairs:
        joining[top(pair.first)].append(pair)
    for root, group in members.items():
        yield sorted(group), joining[root]
