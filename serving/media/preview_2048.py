"""The 2048 px derivative on demand: made when first looked at, kept for the next time."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import anyio
import anyio.to_thread

from serving.media.originals import unchanged_original
from serving.replica.replica import Replica
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Lake, Row
from tasks.batches.ingest import derivative_row
from tasks.errors import AssetError
from tasks.files.atomic_write import atomic_write
from tasks.files.derivatives import large_file, on_disk
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind, MediaType
from tasks.images.thumbnail import LARGE_RECIPE, Rendered, Tools, render_large
from tasks.metadata.exiftool import ExifTool
from tasks.programs import find_exiftool
from tasks.video.ffmpeg import find_ffmpeg

_REMEMBERED_FAILURES = 4096


class LargePictures:
    """
    Renders at most one picture per asset at a time, and only a few at once; more wait without holding a thread.

    Args:
        folder: `THUMBNAILS`.
        at_once: Renders running at the same time.
    """

    def __init__(self, lake: Lake, replica: Replica, folder: Path, *, at_once: int = 2) -> None:
        self._lake = lake
        self._replica = replica
        self._folder = folder
        self._at_once = at_once
        self._limiter: anyio.CapacityLimiter | None = None
        self._running: dict[tuple[int, str], asyncio.Task[Path]] = {}
        self._failed: OrderedDict[str, AssetError] = OrderedDict()  # by content hash: a bad file is tried once

    def known_file(self, copy: ReplicaSnapshot, asset: Row) -> Path | None:
        """The picture, where it was made before and is still there."""
        rows = copy.rows("media/derivative_file", asset_id=asset["asset_id"], kind="large")
        path = on_disk(self._folder, rows[0]["file"]) if rows else None
        return path if path and path.is_file() else None

    async def render(self, copy: ReplicaSnapshot, asset: Row) -> Path:
        """
        Make it, or wait for whoever is making it already.

        Raises:
            AssetError: It cannot be shown. NotFound: Not read yet, or changed since. ToolMissing, StorageUnavailable.
        """
        if known := self._failed.get(asset["content_hash"]):
            raise known
        key = (asset["asset_id"], asset["content_hash"])
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._in_thread(copy, asset))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(task)  # a client that goes away does not take the others' picture with it

    async def _in_thread(self, copy: ReplicaSnapshot, asset: Row) -> Path:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._at_once)
        try:
            return await anyio.to_thread.run_sync(self._make, copy, asset, limiter=self._limiter)
        except AssetError as exc:
            self._failed[asset["content_hash"]] = exc
            while len(self._failed) > _REMEMBERED_FAILURES:
                self._failed.popitem(last=False)
            raise

    def _make(self, copy: ReplicaSnapshot, asset: Row) -> Path:
        original = unchanged_original(copy, asset)
        kind = MediaKind(cast(MediaType, asset["media_type"]), asset["mime_type"])
        file = MediaFile(original, kind, asset["size_bytes"], asset["mtime_ns"])
        with ExitStack() as stack:
            rendered = render_large(file, None, _tools(stack, asset["media_type"]))
        name = large_file(asset["library_id"], asset["path"])
        path = on_disk(self._folder, name)
        atomic_write(path, rendered.jpeg, durable=False)
        self._record(asset, name, rendered)
        return path

    def _record(self, asset: Row, name: str, rendered: Rendered) -> None:
        row = derivative_row(asset["asset_id"], asset["content_hash"], "large", name, rendered, LARGE_RECIPE)
        with self._lake.write(f"large picture of {asset['path']}") as writer:
            writer.replace("derivative", [row])
        self._replica.refresh()


def _tools(stack: ExitStack, media_type: str) -> Tools:
    exiftool = find_exiftool() if media_type == "raw" else None  # 0.1 s to start, and of use to RAWs only
    return Tools(ffmpeg=find_ffmpeg(), exiftool=stack.enter_context(ExifTool(exiftool)) if exiftool else None)
