"""A batch of pictures, looked at by an engine, several at a time; and a batch of metadata read for named faces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tasks.asset import Asset, Results, is_unchanged
from tasks.derivative_files import on_disk, preview_clip_file
from tasks.errors import AssetError, ToolMissing
from tasks.faces.film import faces_of_frames
from tasks.faces.pictures import clip_frames, upright_jpeg
from tasks.faces.protocol import About, Detection, FaceEngine, FaceServiceUnavailable
from tasks.faces.record import Looked, ReadRegions
from tasks.faces.regions import read_regions
from tasks.images.thumbnail import Tools
from tasks.programs import find_exiftool
from tasks.thumbnails import SharedExifTool
from tasks.video.ffmpeg import find_ffmpeg


@dataclass(slots=True)
class FaceResults(Results):
    """What a batch comes to; its rows depend on the faces known, so they are made when it is recorded."""

    looks: list[Looked] = field(default_factory=list)
    readings: list[ReadRegions] = field(default_factory=list)


@dataclass(slots=True)
class Patience:
    """How often in a row a service failed; shared by the threads of a batch."""

    limit: int
    failures: int = 0
    why: FaceServiceUnavailable | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_over(self) -> bool:
        return self.failures >= self.limit

    def worked(self) -> None:
        with self._lock:
            self.failures = 0

    def failed(self, why: FaceServiceUnavailable) -> None:
        with self._lock:
            self.failures += 1
            self.why = why


def look_at_batch(batch: Sequence[Asset], engine: FaceEngine, previews: Path, concurrency: int) -> FaceResults:
    """
    Faces of each picture; one the service cannot take now is left for the next run, and the others go on.

    Args:
        previews: `PREVIEW_CLIPS_DIRECTORY`.
        concurrency: Pictures in the engine's hands at a time.
    Raises:
        FaceServiceUnavailable: Nothing could be done, because of the service; nothing is recorded.
    """
    results = FaceResults()
    patience = Patience(limit=max(3, concurrency))
    with SharedExifTool(find_exiftool()) as exiftool:
        tools = Tools(ffmpeg=find_ffmpeg(), exiftool=exiftool if exiftool.executable else None)
        work = _work(engine, previews, tools, patience)
        with ThreadPoolExecutor(max(concurrency, 1), thread_name_prefix="faces") as pool:
            for look in pool.map(work, batch):
                _count(results, look)
    if patience.why is not None and not results.looks:
        raise patience.why
    return results


def read_batch_regions(batch: Sequence[Asset]) -> FaceResults:
    """The named boxes in the metadata of each photo."""
    results = FaceResults()
    for asset in batch:
        try:
            named = read_regions(asset.media_file())
        except AssetError as exc:
            if is_unchanged(asset):
                results.readings.append(ReadRegions(asset.content_hash or "", asset.sidecar_version, (), str(exc)))
            results.left += 1
            continue
        results.readings.append(ReadRegions(asset.content_hash or "", asset.sidecar_version, named))
        results.done += 1
        results.count("regions", len(named))
    return results


def _work(engine: FaceEngine, previews: Path, tools: Tools, patience: Patience) -> Callable[[Asset], Looked | None]:
    def look(asset: Asset) -> Looked | None:
        """None: not now."""
        if patience.is_over:
            return None
        try:
            detection = look_at(asset, engine, previews, tools)
        except FaceServiceUnavailable as exc:
            patience.failed(exc)
            return None
        except ToolMissing:
            return None
        except AssetError as exc:
            patience.worked()
            unchanged = is_unchanged(asset)
            return Looked(asset.content_hash or "", engine.model_version, None, str(exc)) if unchanged else None
        patience.worked()
        return Looked(asset.content_hash or "", detection.model_version, detection)

    return look


def look_at(asset: Asset, engine: FaceEngine, previews: Path, tools: Tools) -> Detection:
    """
    The faces of one photo, or of some frames of a video's preview clip.

    Raises:
        FaceServiceUnavailable. ToolMissing: Also a clip that is to be made again.
        AssetError: It cannot be decoded, or the engine gives it up.
    """
    about = About(asset.content_hash or "", asset.library_id, asset.rel_path)
    if asset.media_type != "video":
        return engine.detect(upright_jpeg(asset.media_file(), tools), about)
    clip = on_disk(previews, preview_clip_file(asset.library_id, asset.rel_path))
    if not clip.is_file():
        raise ToolMissing("the preview clip is not there: `darkroom scan` makes it again")
    frames = clip_frames(clip)
    return faces_of_frames([(seconds, engine.detect(frame, about)) for seconds, frame in frames])


def _count(results: FaceResults, look: Looked | None) -> None:
    if look is None:
        results.left += 1
        return
    results.looks.append(look)
    if look.detection is None:
        results.failed += 1
        return
    results.done += 1
    results.count("faces", len(look.detection.faces))
