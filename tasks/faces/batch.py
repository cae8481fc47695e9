"""A batch of pictures, looked at by an engine, several at a time; and a batch of metadata read for named faces."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from PIL import Image

from tasks.asset import Asset, Results, is_unchanged, utc_now
from tasks.batches.thumbnails import SharedExifTool
from tasks.errors import AssetError, ToolMissing
from tasks.faces.film import faces_of_frames
from tasks.faces.pictures import clip_frames, upright_jpeg
from tasks.faces.protocol import About, Detection, FaceEngine, FaceServiceUnavailable, PictureNotTaken
from tasks.faces.record import FaceScan, ReadRegions
from tasks.faces.regions import read_regions
from tasks.faces.retry_budget import RetryBudget
from tasks.files.derivatives import on_disk, preview_clip_file
from tasks.images.thumbnail import Tools
from tasks.programs import find_exiftool
from tasks.video.ffmpeg import find_ffmpeg

MAX_REFUSALS = 3  # runs in which the service failed at a picture while it took others: then the picture is to blame


@dataclass(frozen=True, slots=True)
class FaceAsset(Asset):
    """A picture nobody looked at: the columns of `sql/backlog/faces.sql`."""

    refusals: int = 0  # runs in which the service did not take it, though it was working


@dataclass(slots=True)
class FaceResults(Results):
    """What a batch comes to; its rows depend on the faces known, so they are made when it is recorded."""

    looks: list[FaceScan] = field(default_factory=list)
    readings: list[ReadRegions] = field(default_factory=list)


Outcome = FaceScan | AssetError | FaceServiceUnavailable | None  # an AssetError gives the picture up; None: not now


def scan_batch(
    batch: Sequence[Asset], engine: FaceEngine, previews: Path, concurrency: int, tool_version: str
) -> FaceResults:
    """
    Faces of each picture; one the service cannot take now is left for the next run, and the others go on.

    A picture the service fails at is counted only where the service takes a plain one afterwards: then it is not down.
    After MAX_REFUSALS such runs the picture is given up.

    Args:
        batch: FaceAssets.
        previews: `PREVIEW_CLIPS_DIRECTORY`.
        concurrency: Pictures in the engine's hands at a time.
        tool_version: Failures are remembered with it.
    Raises:
        FaceServiceUnavailable: Nothing could be done, because the service is down; nothing is recorded.
    """
    pictures = cast(Sequence[FaceAsset], batch)
    patience = RetryBudget(limit=max(3, concurrency), is_working=lambda: takes_a_plain_picture(engine))
    with SharedExifTool(find_exiftool()) as exiftool:
        tools = Tools(ffmpeg=find_ffmpeg(), exiftool=exiftool if exiftool.executable else None)
        work = _work(engine, previews, tools, patience)
        with ThreadPoolExecutor(max(concurrency, 1), thread_name_prefix="faces") as pool:
            outcomes = list(pool.map(work, pictures))
    results = FaceResults()
    is_counted = patience.why is not None and patience.asked_at_the_end()
    for picture, outcome in zip(pictures, outcomes, strict=True):
        _add(results, picture, outcome, engine.model_version, tool_version, is_counted=is_counted)
    if patience.why is not None and not is_counted and not results.looks:
        raise patience.why
    return results


def takes_a_plain_picture(engine: FaceEngine) -> bool:
    """Whether the engine answers for a small grey picture: if so, what it fails at is the picture's trouble."""
    plain = io.BytesIO()
    Image.new("RGB", (320, 240), (128, 128, 128)).save(plain, "JPEG")
    try:
        engine.detect(plain.getvalue(), About("0" * 64, 0, "darkroom-plain-picture.jpg"))
    except FaceServiceUnavailable:
        return False
    except AssetError:
        return True  # an answer all the same
    return True


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


def _work(engine: FaceEngine, previews: Path, tools: Tools, patience: RetryBudget) -> Callable[[Asset], Outcome]:
    def look(asset: Asset) -> Outcome:
        if patience.is_over:
            return None
        try:
            detection = look_at(asset, engine, previews, tools)
        except FaceServiceUnavailable as exc:
            patience.failed(exc)
            return exc
        except ToolMissing:
            return None
        except AssetError as exc:
            patience.worked()
            return exc if is_unchanged(asset) else None
        patience.worked()
        return FaceScan(asset.content_hash or "", detection.model_version, detection)

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


def _add(
    results: FaceResults, picture: FaceAsset, outcome: Outcome, model_version: str | None, tool_version: str,
    *, is_counted: bool,
) -> None:  # fmt: skip
    """*is_counted*: The service is working, so what it did not take counts against the picture."""
    content_hash = picture.content_hash or ""
    if isinstance(outcome, FaceServiceUnavailable) and is_counted:
        refusals = picture.refusals + 1
        results.add("face_refusal", {"content_hash": content_hash, "refusals": refusals, "reason": str(outcome)[:2000],
                                     "refused_at": utc_now()})  # fmt: skip
        if refusals >= MAX_REFUSALS:
            outcome = PictureNotTaken(
                picture.rel_path,
                f"the face service takes other pictures and failed at this one in {refusals} runs: {outcome}",
            )
    if isinstance(outcome, AssetError):
        results.looks.append(FaceScan(content_hash, model_version, None, str(outcome)))
        results.fail(picture, "faces", outcome, tool_version=tool_version, file_version=content_hash)
    elif isinstance(outcome, FaceScan) and outcome.detection is not None:
        results.looks.append(outcome)
        results.done += 1
        results.count("faces", len(outcome.detection.faces))
    else:
        results.left += 1
