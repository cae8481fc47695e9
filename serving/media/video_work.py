"""Streams and clips that clients ask for before the flows have come to them: made in the background, few at once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue

import structlog

from serving.media.originals import unchanged_original
from serving.replica.replica import Replica
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Lake, LakeError, Row
from tasks.asset import Asset, Results
from tasks.errors import DarkroomError, NotFound, ToolMissing, TransientError
from tasks.video.ffmpeg import find_ffmpeg

log = structlog.get_logger(__name__)

HLS, PREVIEW_CLIP = "hls", "preview_clip"
MAX_WAITING = 200  # of one kind; a client that asks for a whole library is told to come again
_REMEMBERED_TROUBLES = 1000
_STOP_SECONDS = 5.0
_RUN_ID = "on demand"

Key = tuple[str, str]  # kind, and what it is made of


class Stopped(BaseException):
    """The API ends: raised into work that is under way. Not an Exception: no handler of one file's faults is meant."""


class Busy(TransientError):
    """Too much is waiting already."""


Work = Callable[[Asset, Callable[[], None]], Results]  # the second is called now and then, and raises Stopped


@dataclass
class VideoWork:
    """
    Makes a thing at most once at a time; each kind has its own queue, so that no clip waits for a film.

    What comes of it is recorded as the flows record it: a derivative, or a failure that is not tried again until the
    file or the tools change.

    Args:
        works: How each kind is made.
        at_once: Threads of each kind.
    """

    lake: Lake
    replica: Replica
    works: Mapping[str, Work]
    at_once: Mapping[str, int] = field(default_factory=dict)
    _running: dict[Key, Row] = field(default_factory=dict)
    _troubles: OrderedDict[Key, str] = field(default_factory=OrderedDict)
    _queues: dict[str, SimpleQueue[tuple[Key, Asset] | None]] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def begin(self, kind: str, copy: ReplicaSnapshot, asset: Row) -> None:
        """
        See to it that it is being made; returns at once.

        Raises:
            NotFound: Gone, never read, or changed since. InvalidPath: A link leads out of the library.
            ToolMissing: No ffmpeg. Busy: Too much is waiting. StorageUnavailable.
        """
        unchanged_original(copy, asset)
        if find_ffmpeg() is None:
            raise ToolMissing("ffmpeg is not installed: apt install ffmpeg, or brew install ffmpeg")
        key = key_of(kind, asset)
        with self._lock:
            if key in self._running:
                return
            queue = self._queue(kind)
            if queue.qsize() >= MAX_WAITING:
                raise Busy("many videos are waiting to be made ready; try again in a while")
            self._troubles.pop(key, None)
            self._running[key] = asset
            queue.put((key, _as_asset(copy, asset)))

    def is_running(self, kind: str, asset: Row) -> bool:
        return key_of(kind, asset) in self._running

    def take_trouble(self, kind: str, asset: Row) -> str | None:
        """Why the last try came to nothing without the file being at fault; said once, so that it is tried again."""
        return self._troubles.pop(key_of(kind, asset), None)

    def stop(self) -> None:
        """Nothing new is begun; what runs is broken off, and will be done by the flows."""
        self._stopping.set()
        for queue in self._queues.values():
            for _ in self._threads:
                queue.put(None)
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _queue(self, kind: str) -> SimpleQueue[tuple[Key, Asset] | None]:
        """The kind's queue; its threads start with the first thing asked for. Under the lock."""
        if kind not in self._queues:
            self._queues[kind] = SimpleQueue()
            for number in range(max(1, self.at_once.get(kind, 1))):
                # Daemons: ffmpeg ends with us, and a half-made file has a temporary name.
                thread = threading.Thread(target=self._serve, args=(kind,), name=f"{kind}-{number}", daemon=True)
                self._threads.append(thread)
                thread.start()
        return self._queues[kind]

    def _serve(self, kind: str) -> None:
        while (job := self._queues[kind].get()) is not None and not self._stopping.is_set():
            key, asset = job
            try:
                self._make(kind, asset)
            except Stopped:
                log.info("video.broken_off", kind=kind, asset_id=asset.asset_id)
            except (DarkroomError, LakeError, OSError) as exc:
                self._remember(key, str(exc))
                log.warning("video.not_made", kind=kind, asset_id=asset.asset_id, reason=str(exc))
            except Exception as exc:  # a thread that dies would leave all that waits behind it waiting for ever
                self._remember(key, "something went wrong here; the server's log has the reason")
                log.error("video.work_failed", kind=kind, asset_id=asset.asset_id, exc_info=exc)
            finally:
                with self._lock:
                    self._running.pop(key, None)

    def _make(self, kind: str, asset: Asset) -> None:
        results = self.works[kind](asset, self._breathe)
        if not (results.rows or results.cleared):
            raise NotFound(f"{asset.rel_path} has changed on disk, or a program is missing; the next scan comes to it")
        with self.lake.write(f"{kind} of {asset.rel_path}") as writer:
            writer.record(results.rows, results.cleared, _RUN_ID)
        self.replica.refresh()

    def _breathe(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _remember(self, key: Key, trouble: str) -> None:
        with self._lock:
            self._troubles[key] = trouble
            while len(self._troubles) > _REMEMBERED_TROUBLES:
                self._troubles.popitem(last=False)


def key_of(kind: str, asset: Row) -> Key:
    """A stream belongs to the bytes, of which there may be copies; all else to the place."""
    return (kind, asset["content_hash"]) if kind == HLS else (kind, f"{asset['asset_id']} {asset['content_hash']}")


def _as_asset(copy: ReplicaSnapshot, row: Row) -> Asset:
    library = next(one for one in copy.libraries if one["library_id"] == row["library_id"])
    return Asset(
        asset_id=row["asset_id"],
        library_id=row["library_id"],
        library=library["name"],
        root_path=library["root_path"],
        rel_path=row["path"],
        media_type=row["media_type"],
        mime_type=row["mime_type"],
        size_bytes=row["size_bytes"],
        mtime_ns=row["mtime_ns"],
        sidecar="",
        sidecar_version="",
        content_hash=row["content_hash"],
    )
