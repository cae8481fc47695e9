"""
The search index: segments built from the lake, the newest of an asset's documents being the one that counts.

It is built when the API starts, in slices, and follows the lake's change feed from then on: a commit makes a small
segment of the assets it touched, and marks what older segments know of them as dead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from serving.replica.change_feed import changed_tables
from serving.search.cities import CityNames, read_city_names
from serving.search.segment import Segment, build_segment, scratch_connection
from sql.lake import Lake, LakeError, statement
from tasks.errors import StillPreparing

log = structlog.get_logger(__name__)

SLICE_IDS = 50_000  # assets in a segment: bounds the memory of building one
SMALL = 20_000  # segments of fewer documents are put together again
MANY_SEGMENTS = 8  # small ones
WORTH_REBUILDING = 0.5  # of all documents touched at once
PATIENCE_SECONDS = 3.0  # a search waits so long for what is being taken in; then it answers without it
POLL_SECONDS = 2.0

_OF_ASSET = ("asset", "fingerprint", "metadata")
_OF_CONTENT = ("photo_tag", "photo_note", "photo_place", "face", "insight")
_NAMED = {"tag": ("tag_id", "photo_tag"), "person": ("person_id", "face")}  # a new name concerns all that have it


class SearchIndex:
    """Raises LakeError where the lake cannot be read."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._segments: tuple[Segment, ...] = ()
        self._snapshot: int | None = None  # None: not built yet
        self._share_built = 0.0
        self.cities = CityNames()
        self._changing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._folding = scratch_connection(threads=1)

    def start(self) -> None:
        """Build it in a thread, 4 s for 200,000 assets, and follow the lake: a search then finds little left to do."""
        self._thread = threading.Thread(target=self._follow, name="search-index", daemon=True)
        self._thread.start()

    def segments(self) -> tuple[Segment, ...]:
        """
        All segments, as of now.

        Raises:
            StillPreparing: They are being built, and that takes longer than a client should wait without a word.
        """
        if self._changing.acquire(timeout=PATIENCE_SECONDS):
            try:
                self._catch_up()
            finally:
                self._changing.release()
        if self._snapshot is None:
            raise StillPreparing("Search is being prepared", self._share_built)
        return self._segments

    def fold(self, texts: list[str]) -> list[tuple[str, list[str]]]:
        """Each text as the index spells it, and its words."""
        asked = "select search_fold(t) as folded, regexp_extract_all(folded, '[\\p{L}\\p{N}]+') from unnest(?) as _(t)"
        cursor = self._folding.cursor()
        try:
            return [(folded, words) for folded, words in cursor.execute(asked, [texts]).fetchall()]
        finally:
            cursor.close()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
        self._folding.close()

    def _catch_up(self) -> None:
        if self._snapshot == self._lake.snapshot_id():
            return
        with self._reading() as source:
            newest = int(source.execute("select id from lake.current_snapshot()").fetchall()[0][0])
            touched = None if self._snapshot is None else _touched(source, self._snapshot)
            if touched is None or len(touched) > WORTH_REBUILDING * sum(map(len, self._segments)) + SMALL:
                self._segments = tuple(self._built(source))
                self.cities = read_city_names(source, self.cities, self.fold)
            elif len(touched):
                self.cities = read_city_names(source, self.cities, self.fold)
                self._segments = self._renewed(source, touched)
            self._snapshot = newest

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor whose statements all see one snapshot of the lake."""
        cursor = self._lake.cursor()
        try:
            cursor.execute("begin transaction")
            yield cursor
        except (duckdb.Error, OSError) as exc:
            raise LakeError(f"the search index cannot read the lake: {str(exc).splitlines()[0]}") from exc
        finally:
            cursor.close()

    def _built(self, source: duckdb.DuckDBPyConnection) -> Iterator[Segment]:
        first, last = source.execute(statement("serving/replica/asset_id_range")).fetchall()[0]
        for start in range(first, last + 1, SLICE_IDS):
            if self._stop.is_set():  # nobody asks any more
                return
            segment = self._segment(source, start, start + SLICE_IDS - 1, "true")
            self._share_built = min(1.0, (start + SLICE_IDS - first) / (last + 1 - first))
            if len(segment):
                yield segment

    def _renewed(self, source: duckdb.DuckDBPyConnection, touched: NDArray[np.int64]) -> tuple[Segment, ...]:
        kept = [segment.without(touched) for segment in self._segments]
        small = [segment for segment in kept if len(segment) < SMALL]
        if len(small) >= MANY_SEGMENTS:
            kept = [segment for segment in kept if len(segment) >= SMALL]
            touched = np.unique(np.concatenate([touched, *(one.asset_ids[one.live] for one in small)]))
        source.register("touched", pa.table({"asset_id": touched}))
        only = "asset.asset_id in (select asset_id from touched)"
        fresh = self._segment(source, int(touched.min()), int(touched.max()), only)
        source.unregister("touched")
        return (*(segment for segment in kept if not segment.dead.all()), *([fresh] if len(fresh) else []))

    def _segment(self, source: duckdb.DuckDBPyConnection, first: int, last: int, only: str) -> Segment:
        bounds = {"first_id": first, "last_id": last}
        docs = source.execute(statement("serving/search/docs").format(only=only), bounds).to_arrow_table()
        texts = source.execute(statement("serving/search/texts").format(only=only), bounds).to_arrow_table()
        with scratch_connection() as scratch:  # closed at once: what it needed for sorting goes back to the system
            return build_segment(scratch, docs, texts)

    def _follow(self) -> None:
        while not self._stop.is_set():
            with self._changing:
                try:
                    self._catch_up()
                except LakeError as exc:
                    log.warning("search.not_caught_up", reason=str(exc))
            self._stop.wait(POLL_SECONDS)


def _touched(source: duckdb.DuckDBPyConnection, known: int) -> NDArray[np.int64] | None:
    """Assets whose texts may have changed after snapshot *known*; None when the change feed cannot say."""
    changed = changed_tables(source, known, (*_OF_ASSET, *_OF_CONTENT, *_NAMED))
    if changed is None:
        return None
    feeds = [_feed(table, changed.first, changed.last) for table in sorted(changed.names)]
    if not feeds:
        return np.array([], np.int64)
    found = source.execute(f"select distinct asset_id from ({' union all '.join(feeds)}) where asset_id is not null")
    return np.asarray(found.fetchnumpy()["asset_id"], np.int64)


def _feed(table: str, first: int, last: int) -> str:
    """A query for the assets that a change of *table* touches."""
    changes = f"lake.table_changes('{table}', {first}, {last})"
    if table in _OF_ASSET:
        return f"select asset_id from {changes}"
    hashes = f"select content_hash from {changes}"
    if table in _NAMED:
        key, bearers = _NAMED[table]
        hashes = f"select content_hash from {bearers} where {key} in (select {key} from {changes})"
    return f"select asset_id from fingerprint where content_hash in ({hashes})"
