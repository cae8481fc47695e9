"""Streams, preview clips and GIFs of a batch of videos: what is on disk first, then its row, or why there is none."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tasks.asset import Asset, Results, in_threads, is_unchanged, utc_now
from tasks.errors import AssetError, ToolMissing, UnreadableFile, UnsupportedMedia
from tasks.files.derivatives import gif_file, hls_file, on_disk, preview_clip_file
from tasks.files.media_file import MediaFile
from tasks.images.sentinel import clear_mark, mark_unsupported
from tasks.metadata import read_quick
from tasks.programs import program_version
from tasks.video.clip import CLIP_RECIPE, ClipResult, make_preview_clip
from tasks.video.ffmpeg import find_ffmpeg
from tasks.video.frame import extract_frame
from tasks.video.gif import GIF_RECIPE, make_gif
from tasks.video.hls import encode_hls, hls_recipe
from tasks.video.progress import OnProgress

_SHEET_EDGE_PX = 240
GIF_OF_CLIP_RECIPE = f"{GIF_RECIPE} of {CLIP_RECIPE}"

Follow = Callable[[str], OnProgress]  # the path of a video to what is told how far it is


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """
    What making videos playable needs to know besides the files.

    Args:
        video_folder, previews_folder, gifs_folder: Where streams, clips and GIFs go.
        ladder: Heights of renditions, ascending; none for one rendition.
        tools: Versions that failures are recorded with; new ones try again.
        threads: Clips made at a time.
    """

    video_folder: Path
    previews_folder: Path
    gifs_folder: Path
    ladder: tuple[int, ...] = ()
    tools: str = ""
    threads: int = 2

    @property
    def hls_recipe(self) -> str:
        return hls_recipe(self.ladder)


def plan_videos(
    video_folder: Path, previews_folder: Path, gifs_folder: Path, *, ladder: Sequence[int] = (), threads: int = 2
) -> VideoPlan:
    """The plan for the ffmpeg that is installed."""
    ffmpeg = find_ffmpeg()
    tools = f"ffmpeg {program_version(ffmpeg, '-version')}" if ffmpeg else "no ffmpeg"
    return VideoPlan(video_folder, previews_folder, gifs_folder, tuple(sorted(set(ladder))), tools, threads)


def make_streams(batch: Sequence[Asset], plan: VideoPlan, follow: Follow | None = None) -> Results:
    """One stream after the other: an encode takes all the processors there are."""
    results = Results()
    for asset in batch:
        results.merge(make_stream(asset, plan, follow(asset.rel_path) if follow else None))
    return results


def make_clips(batch: Sequence[Asset], plan: VideoPlan) -> Results:
    """One preview clip per video or motion photo, and a picture of each for the contact sheet."""
    return in_threads(partial(make_clip, plan=plan, sheet=True), batch, plan.threads)


def make_gifs(batch: Sequence[Asset], plan: VideoPlan) -> Results:
    """One GIF per preview clip."""
    return in_threads(partial(make_gif_of_clip, plan=plan), batch, plan.threads)


def make_stream(asset: Asset, plan: VideoPlan, on_progress: OnProgress | None = None) -> Results:
    """
    The HLS stream of one video and its row; copies of a video share the files.

    Args:
        on_progress: Told once or twice a second; what it raises ends the encode.
    """
    file = hls_file(asset.content_hash or "")
    playlist = on_disk(plan.video_folder, file)
    results = Results()
    try:
        made = encode_hls(_original(asset), playlist.parent, ladder=plan.ladder, on_progress=on_progress)
    except AssetError as exc:
        return _failed(results, asset, "hls", exc, playlist, f"{plan.hls_recipe} {plan.tools}")
    except ToolMissing:
        results.left += 1
        return results
    return _recorded(results, asset, "hls", plan.hls_recipe, playlist, {
        "file": file, "width": made.width, "height": made.height, "size_bytes": made.size_bytes, "layer": made.layer,
        "warning": made.warning or None, "tool": "ffmpeg", "tool_version": made.tool_version,
    })  # fmt: skip


def make_clip(asset: Asset, plan: VideoPlan, on_progress: OnProgress | None = None, *, sheet: bool = False) -> Results:
    """
    The preview clip of one video, or of the video inside a motion photo, and its row.

    Args:
        sheet: Add a picture of it for the contact sheet.
    """
    file = preview_clip_file(asset.library_id, asset.rel_path)
    target = on_disk(plan.previews_folder, file)
    results = Results()
    try:
        original = _original(asset)
        embedded = None if asset.media_type == "video" else embedded_video(original)
        made = make_preview_clip(original, target, embedded=embedded, on_progress=on_progress)
        results.contact_sheet += [_picture(target)] if sheet else []
    except AssetError as exc:
        return _failed(results, asset, "preview_clip", exc, target, f"{CLIP_RECIPE} {plan.tools}")
    except ToolMissing:
        results.left += 1
        return results
    return _recorded(results, asset, "preview_clip", CLIP_RECIPE, target, _clip_columns(file, made))


def make_gif_of_clip(asset: Asset, plan: VideoPlan) -> Results:
    """The GIF of one asset's preview clip, and its row. A clip that vanished waits until it is made again."""
    file = gif_file(asset.library_id, asset.rel_path)
    target = on_disk(plan.gifs_folder, file)
    clip = on_disk(plan.previews_folder, preview_clip_file(asset.library_id, asset.rel_path))
    results = Results()
    if not clip.is_file():
        results.left += 1
        return results
    try:
        made = make_gif(clip, target)
    except AssetError as exc:
        return _failed(results, asset, "gif", exc, target, f"{GIF_OF_CLIP_RECIPE} {plan.tools}")
    except ToolMissing:
        results.left += 1
        return results
    return _recorded(results, asset, "gif", GIF_OF_CLIP_RECIPE, target, _clip_columns(file, made))


def embedded_video(photo: MediaFile) -> tuple[int, int]:
    """
    Offset and length, bytes, of the video inside a motion photo.

    Raises:
        UnsupportedMedia: There is none.
    """
    metadata = read_quick(photo).metadata
    if metadata is None or metadata.motion_video_offset is None or not metadata.motion_video_bytes:
        raise UnsupportedMedia(photo.path, "there is no video inside this photo")
    return metadata.motion_video_offset, metadata.motion_video_bytes


def _original(asset: Asset) -> MediaFile:
    """
    Raises:
        UnreadableFile: It is gone.
    """
    file = asset.media_file()
    try:
        file.path.stat()
    except OSError as exc:
        raise UnreadableFile(file.path, f"cannot be read: {exc.strerror}") from exc
    return file


def _clip_columns(file: str, made: ClipResult) -> dict[str, object]:
    return {"file": file, "width": made.width, "height": made.height, "size_bytes": made.size_bytes,
            "layer": made.layer, "tool": "ffmpeg", "tool_version": made.tool_version}  # fmt: skip


def _recorded(
    results: Results, asset: Asset, kind: str, recipe: str, path: Path, columns: dict[str, object]
) -> Results:
    clear_mark(path)
    results.add("derivative", {
        "asset_id": asset.asset_id, "content_hash": asset.content_hash or "", "kind": kind, "recipe": recipe,
        **columns, "recorded_at": utc_now(),
    })  # fmt: skip
    results.clear(asset, kind)
    results.done += 1
    return results


def _failed(results: Results, asset: Asset, stage: str, error: AssetError, path: Path, tools: str) -> Results:
    """The sentinel beside the place it would have, and why in the lake; nothing of a file that is gone or changed."""
    if not is_unchanged(asset):
        results.left += 1
        return results
    mark_unsupported(path)
    results.fail(asset, stage, error, tool_version=tools, file_version=asset.content_hash or "")
    return results


def _picture(clip: Path) -> bytes:
    """A frame of the clip itself: the contact sheet shows what was made."""
    encoded = io.BytesIO()
    extract_frame(clip, _SHEET_EDGE_PX).image.save(encoded, "JPEG", quality=70)
    return encoded.getvalue()
