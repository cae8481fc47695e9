"""
An in-memory copy of what the API is asked for, kept up with the lake.

A change is applied to the present copy in one transaction. When many have left it out of order, a new copy is built
beside it, which takes in what happened meanwhile and then takes its place: nobody sees half of either, and nobody waits
for the new one to see what is in the lake.
"""

from __future__ import annotations

import threading
import time

import duckdb
import structlog

from serving.replica.load import apply_changes, changes_since, load_snapshot
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Lake, LakeError

log = structlog.get_logger(__name__)

PARTIAL_LIMIT = 0.2  # of the timeline; above it a new copy is quicker, and in order again
PARTIAL_ROWS = 5_000  # always worth applying one by one
LATEST_SECONDS = 2.0  # from a commit until it is seen, at every size
SHARE_OF_TIME = 4  # pauses as long as so many refreshes while a scan commits, as far as the bound allows


def pause_after(seconds: float, poll_seconds: float) -> float:
    """How long to wait after a refresh that took so long, for the next one to end within LATEST_SECONDS."""
    return max(poll_seconds, min(SHARE_OF_TIME * seconds, LATEST_SECONDS - seconds))


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
        self._rebuilding: threading.Thread | None = None
        self._rebuilt: ReplicaSnapshot | None = None  # waits to take the place of the present one
        self._current = self._timed_load()
        self.checked_at = time.monotonic()  # the last look that worked

    @property
    def current(self) -> ReplicaSnapshot:
        return self._current

    def start(self) -> None:
        self._thread = threading.Thread(target=self._poll, name="replica", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in (self._thread, self._rebuilding):
            if thread is not None:
                thread.join(timeout=10)

    def refresh(self) -> ReplicaSnapshot:
        """
        Catch up with the lake; a handler calls it after its own write, so that a client sees what it wrote.

        Raises:
            LakeError: The lake cannot be read; the present copy stays.
        """
        with self._refreshing:
            try:
                if self._rebuilt is not None:
                    self._current, self._rebuilt = self._caught_up(self._rebuilt), None
                elif self.lake.snapshot_id() != self._current.snapshot_id:
                    self._current = self._caught_up(self._current)
                    self._keep_in_order()
            except (LakeError, duckdb.Error, OSError) as exc:
                self.error = str(exc).splitlines()[0] if str(exc) else type(exc).__name__
                raise LakeError(f"the lake cannot be read: {self.error}") from exc
            self.error, self.checked_at = None, time.monotonic()
            return self._current

    def _caught_up(self, copy: ReplicaSnapshot) -> ReplicaSnapshot:
        started = time.monotonic()
        if self.lake.snapshot_id() == copy.snapshot_id:
            return copy
        try:
            changes = changes_since(self.lake, copy.snapshot_id, _worth_applying(copy))
            newer = apply_changes(copy, changes) if changes else None
        except duckdb.Error as exc:  # rolled back: the present copy is as it was
            log.warning("replica.changes_not_applied", reason=str(exc))
            newer = None
        self.load_seconds = time.monotonic() - started
        return newer or self._timed_load()

    def _keep_in_order(self) -> None:
        """Begin a new copy once too much of the present one has changed."""
        busy = self._rebuilding is not None and self._rebuilding.is_alive()
        if self._current.disorder > _worth_applying(self._current) and not busy:
            self._rebuilding = threading.Thread(target=self._rebuild, name="replica-rebuild", daemon=True)
            self._rebuilding.start()

    def _rebuild(self) -> None:
        try:
            rebuilt = load_snapshot(self.lake)
        except (LakeError, duckdb.Error, OSError) as exc:  # the present copy stays, and a later change tries again
            log.warning("replica.not_rebuilt", reason=str(exc))
            return
        with self._refreshing:
            self._rebuilt = rebuilt

    def _timed_load(self) -> ReplicaSnapshot:
        started = time.monotonic()
        copy = load_snapshot(self.lake)
        self.load_seconds = time.monotonic() - started
        return copy

    def _poll(self) -> None:
        pause = self.poll_seconds
        while not self._stop.wait(pause):
            try:
                self.refresh()
            except LakeError as exc:
                log.warning("replica.refresh_failed", reason=str(exc))
            pause = pause_after(self.load_seconds, self.poll_seconds)


def _worth_applying(copy: ReplicaSnapshot) -> float:
    """Changed rows up to which applying them is quicker than a new copy."""
    return max(PARTIAL_ROWS, PARTIAL_LIMIT * copy.photos)
