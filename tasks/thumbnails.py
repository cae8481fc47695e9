"""The slow half of thumbnails: video frames, RAWs that need exiftool or demosaicing, what was left or is redone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Self

from tasks.asset import Asset, Results, in_threads
from tasks.errors import AssetError, ToolMissing
from tasks.images.thumbnail import Tools, render_thumbnail
from tasks.ingest import IngestPlan, record_thumbnail, record_unsupported
from tasks.metadata.exiftool import ExifTool
from tasks.programs import find_exiftool
from tasks.video.ffmpeg import find_ffmpeg


def make_thumbnails(batch: Sequence[Asset], plan: IngestPlan) -> Results:
    """One thumbnail per file; one that is bad is a failure row, one whose program is not installed waits for it."""
    with SharedExifTool(find_exiftool()) as exiftool:
        tools = Tools(ffmpeg=find_ffmpeg(), exiftool=exiftool if exiftool.executable else None)
        return in_threads(partial(make_thumbnail, plan=plan, tools=tools), batch, plan.threads)


def make_thumbnail(asset: Asset, plan: IngestPlan, tools: Tools) -> Results:
    results = Results()
    content_hash = asset.content_hash or ""
    try:
        rendered = render_thumbnail(asset.media_file(), None, plan.long_edge_px, tools)
    except AssetError as exc:
        record_unsupported(results, asset, content_hash, exc, plan.thumbnails, plan.thumbnail_tools)
        return results
    except ToolMissing:
        results.left += 1
        return results
    record_thumbnail(results, asset, content_hash, rendered, plan.thumbnails, plan.recipe)
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
