"""
Groups of duplicates: the same bytes in several places, or pictures that look alike.

Near pairs are computed from all perceptual hashes by a thread beside the requests: when the API starts, and again when
there are other hashes.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import duckdb
import numpy as np
import structlog

from serving.listing.timeline import Conditions
from serving.replica.snapshot import Reader, as_list
from sql.lake import Lake, LakeError, Row, statement
from tasks.errors import StillPreparing
from tasks.vectors.near_duplicates import near_pairs

log = structlog.get_logger(__name__)

MOMENT_SLACK = 8  # bits more, where one camera took both within two seconds
LARGEST_GROUP = 200
MOST_PAIRS = 500_000  # held at a time
DEFAULT_THRESHOLD = 6  # bits
PATIENCE_SECONDS = 3.0  # a request waits so long for pairs being computed
POLL_SECONDS = 2.0
SHARE_OF_TIME = 20  # computes at most a twentieth of the time, while a scan goes on finding pictures
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
    return [frozenset(row["content_hashes"]) for row in lake.rows("serving/edits/duplicate_decisions")]


def exact_groups(
    reader: Reader, conditions: Conditions, ignored: Sequence[frozenset[str]], limit: int, offset: int
) -> tuple[list[Group], int]:
    """Groups of the same bytes, and how many there are. A decision about one picture alone ignores its copies."""
    alone = [next(iter(hashes)) for hashes in ignored if len(hashes) == 1]
    text = statement("serving/edits/exact_duplicates").format(conditions=conditions.text)
    rows = reader.rows(text, {**conditions.parameters, "ignored": as_list(alone)})
    page = rows[offset : offset + limit]
    copies = _copies(reader, [row["content_hash"] for row in page], conditions)
    groups = [
        _group(copies[row["content_hash"]][:LARGEST_GROUP]) for row in page if len(copies[row["content_hash"]]) > 1
    ]
    return groups, len(rows)


@dataclass(frozen=True, slots=True)
class ComputedPairs:
    """
    Args:
        threshold: That was asked for. used: The one that was affordable.
        version: Of the hashes. snapshot_id: The latest snapshot of the lake that is known to have these.
    """

    pairs: list[NearPair]
    threshold: int
    used: int
    version: Row
    snapshot_id: int


class NearDuplicates:
    """Pairs that look alike, for the threshold that was asked for last: one at a time, they may be large."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._threshold = DEFAULT_THRESHOLD
        self._computed: ComputedPairs | None = None
        self._ready = threading.Condition()
        self._wanted = threading.Event()  # ends the pause of the thread
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._follow, name="near-duplicates", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def pairs(self, threshold: int) -> tuple[list[NearPair], int]:
        """
        Pairs up to *threshold* bits apart, and the threshold that was really used.

        All hashes are compared for them: 1 s for 200,000. Where that takes longer than PATIENCE_SECONDS, these are the
        pairs from before the latest hashes.

        Raises:
            StillPreparing: And there are none from before. LakeError.
        """
        newest = self._lake.snapshot_id()
        with self._ready:
            if not self._is_of(threshold, newest):
                self._threshold = threshold
                self._wanted.set()
                self._ready.wait_for(lambda: self._is_of(threshold, newest), PATIENCE_SECONDS)
            computed = self._computed
        if computed is None or computed.threshold != threshold:
            raise StillPreparing("Pictures are being compared")
        return computed.pairs, computed.used

    def _is_of(self, threshold: int, snapshot_id: int) -> bool:
        known = self._computed
        return known is not None and known.threshold == threshold and known.snapshot_id >= snapshot_id

    def _follow(self) -> None:
        while not self._stopping:
            started = time.monotonic()
            self._wanted.clear()
            try:
                self._catch_up(self._threshold)
            except (LakeError, duckdb.Error, OSError) as exc:
                log.warning("duplicates.not_compared", reason=str(exc))
            self._wanted.wait(max(POLL_SECONDS, SHARE_OF_TIME * (time.monotonic() - started)))

    def _catch_up(self, threshold: int) -> None:
        newest = self._lake.snapshot_id()  # before the hashes are read: what comes meanwhile is for the next time
        if self._is_of(threshold, newest):
            return
        version = self._lake.rows("serving/edits/near_hashes_version")[0]
        known = self._computed
        if known is None or known.threshold != threshold or known.version != version:
            pairs, used = self._compute(threshold)
            known = ComputedPairs(pairs, threshold, used, version, newest)
        with self._ready:
            self._computed = replace(known, snapshot_id=newest)
            self._ready.notify_all()

    def _compute(self, threshold: int) -> tuple[list[NearPair], int]:
        table = self._lake.table("serving/edits/near_hashes")
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
        for row in self._lake.rows("serving/edits/near_moments"):
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
    text = statement("serving/edits/copies_of").format(conditions=conditions.text)
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
