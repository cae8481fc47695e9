"""
An in-memory copy of what the API is asked for, kept up with the lake.

A small change is applied to the present copy in one transaction; a large one builds a new copy beside it and swaps:
nobody sees half of either.
"""

from __future__ import annotations

import threading
import time

import duckdb
import structlog

from serving.replica_copy import Copy
from serving.replica_load import apply_changes, changes_since, load_copy
from sql.lake import Lake, LakeError

log = structlog.get_logger(__name__)

PARTIAL_LIMIT = 0.2  # of the timeline; above it a new copy is quicker, and in order again
PARTIAL_ROWS = 5_000  # always worth applying one by one


class Replica:
    """
    The present copy, and the thread that keeps it present.

    Raises:
        LakeError: The lake cannot be read.
    """

    def __init__(self, lake: Lake, *, poll_seconds: float = 1.0) -> None:
        self.lake = lake
        self.poll_seconds = poll_seconds
        self.error: str | None = None  # why the last look at the lake failed
        self.load_seconds = 0.0
        self._refreshing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._current = self._timed_load()
        self.checked_at = time.monotonic()  # the last look that worked

    @property
    def current(self) -> Copy:
        return self._current

    def start(self) -> None:
        self._thread = threading.Thread(target=self._poll, name="replica", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def refresh(self) -> Copy:
        """
        Catch up with the lake; a handler calls it after its own write, so that a client sees what it wrote.

        Raises:
            LakeError: The lake cannot be read; the present copy stays.
        """
        with self._refreshing:
            try:
                if self.lake.snapshot_id() != self._current.snapshot_id:
                    self._current = self._newer()
            except (LakeError, duckdb.Error, OSError) as exc:
                self.error = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
                raise LakeError(f"the lake cannot be read: {self.error}") from exc
            self.error, self.checked_at = None, time.monotonic()
            return self._current

    def _newer(self) -> Copy:
        started = time.monotonic()
        copy = self._current
        allowed = max(PARTIAL_ROWS, PARTIAL_LIMIT * copy.photos) - copy.disorder
        try:
            changes = changes_since(self.lake, copy.snapshot_id, allowed)
            newer = apply_changes(copy, changes) if changes else None
        except duckdb.Error as exc:  # rolled back: the present copy is as it was
            log.warning("replica.changes_not_applied", reason=str(exc))
            newer = None
        self.load_seconds = time.monotonic() - started
        return newer or self._timed_load()

    def _timed_load(self) -> Copy:
        started = time.monotonic()
        copy = load_copy(self.lake)
        self.load_seconds = time.monotonic() - started
        return copy

    def _poll(self) -> None:
        pause = self.poll_seconds
        while not self._stop.wait(pause):
            try:
                self.refresh()
            except LakeError as exc:
                log.warning("replica.refresh_failed", reason=str(exc))
            pause = max(self.poll_seconds, 4 * self.load_seconds)  # while a scan commits: a fifth of one core at most
