"""The slow half of thumbnails: video frames, RAWs that need exiftool or demosaicing, what was left or is redone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from tasks.asset import Asset, Results, in_threads, is_unchanged
from tasks.batches.ingest import IngestPlan, derivative_row, record_thumbnail, record_unsupported
from tasks.errors import AssetError, ToolMissing
from tasks.files.atomic_write import atomic_write
from tasks.files.derivatives import large_file, on_disk
from tasks.images.thumbnail import LARGE_RECIPE, Tools, render_large, render_thumbnail
from tasks.metadata.exiftool import ExifTool
from tasks.programs import find_exiftool
from tasks.video.ffmpeg import find_ffmpeg


def make_thumbnails(batch: Sequence[Asset], plan: IngestPlan) -> Results:
    """One thumbnail per file; one that is bad is a failure row, one whose program is not installed waits for it."""
    return _with_tools(make_thumbnail, batch, plan)


def make_large_pictures(batch: Sequence[Asset], plan: IngestPlan) -> Results:
    """The same for the derivative that a browser shows in place of a RAW, HEIC or TIFF."""
    return _with_tools(make_large, batch, plan)


def _with_tools(
    make: Callable[[Asset, IngestPlan, Tools], Results], batch: Sequence[Asset], plan: IngestPlan
) -> Results:
    with SharedExifTool(find_exiftool()) as exiftool:
        tools = Tools(ffmpeg=find_ffmpeg(), exiftool=exiftool if exiftool.executable else None)
        return in_threads(lambda asset: make(asset, plan, tools), batch, plan.threads)


def make_thumbnail(asset: Asset, plan: IngestPlan, tools: Tools) -> Results:
    results = Results()
    content_hash = asset.content_hash or ""
    try:
        rendered = render_thumbnail(asset.media_file(), None, plan.long_edge_px, tools)
    except AssetError as exc:
        if not is_unchanged(asset):
            results.left += 1
            return results
        record_unsupported(results, asset, content_hash, exc, plan.thumbnails, plan.thumbnail_tools)
        return results
    except ToolMissing:
        results.left += 1
        return results
    record_thumbnail(results, asset, content_hash, rendered, plan.thumbnails, plan.recipe)
    results.done += 1
    return results


def make_large(asset: Asset, plan: IngestPlan, tools: Tools) -> Results:
    results = Results()
    content_hash = asset.content_hash or ""
    try:
        rendered = render_large(asset.media_file(), None, tools)
    except AssetError as exc:
        if not is_unchanged(asset):
            results.left += 1
            return results
        results.fail(asset, "large", exc, tool_version=plan.thumbnail_tools, file_version=content_hash)
        return results
    except ToolMissing:
        results.left += 1
        return results
    file = large_file(asset.library_id, asset.rel_path)
    atomic_write(on_disk(plan.thumbnails, file), rendered.jpeg, within=plan.thumbnails)
    results.add("derivative", derivative_row(asset.asset_id, content_hash, "large", file, rendered, LARGE_RECIPE))
    results.clear(asset, "large")
    results.done += 1
    return results


class SharedExifTool:
    """One exiftool for the threads of a batch, started by the first that needs it: few pictures do."""

    def __init__(self, executable: str | None) -> None:
        self.executable = executable
        self._lock = threading.Lock()
        self._running: ExifTool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.close()

    def extract_previews(self, path: Path) -> list[bytes]:
        """
        The embedded JPEGs that exiftool finds in *path*.

        Raises:
            ToolMissing: It is not installed.
        """
        if self.executable is None:
            raise ToolMissing("exiftool is not installed")
        with self._lock:
            if self._running is None:
                self._running = ExifTool(self.executable).__enter__()
            return self._running.extract_previews(path)
