"""
One original, whatever it is, to one derivative: an upright sRGB JPEG without any metadata, and its placeholder.

`render_quick` is for the first scan: only what decodes inside this process, in milliseconds. `render_thumbnail` and
`render_large` go on to exiftool, LibRaw and ffmpeg.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tasks.errors import AssetError, CorruptMedia, MediaTooLarge, ToolMissing, UnsupportedMedia
from tasks.files.media_file import MediaFile
from tasks.images import raw
from tasks.images.decode import Decoded, decode_picture
from tasks.images.jpeg import decode_jpeg
from tasks.images.thumbhash import encode_thumbhash
from tasks.video.frame import extract_frame

LARGE_EDGE_PX = 2048
JPEG_QUALITY = 80
_CODE_VERSION = 1  # raise it when the same settings give other pixels: every thumbnail is then made again
_GOOD_ENOUGH = 0.5  # of the wanted edge: a smaller preview than that is worth developing the sensor's data
_SECOND_OPINION = frozenset({  # formats with variants that Pillow does not know and another decoder may
    "image/heic", "image/heif", "image/avif", "image/jxl", "image/jp2", "image/webp", "image/tiff",
    "image/vnd.adobe.photoshop",
})  # fmt: skip


class Tools(NamedTuple):
    """
    The programs outside this process that may be used; None leaves a layer out.

    Args:
        ffmpeg: Path of the program.
        exiftool: Anything that gives a file's embedded pictures.
    """

    ffmpeg: str | None = None
    exiftool: raw.PreviewTool | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """
    Args:
        jpeg: sRGB, upright, no EXIF, GPS, XMP, ICC or comment.
        width, height: Of the derivative.
        thumbhash: See `tasks.images.thumbhash`.
        layer: Which decoder or embedded preview won: `pillow`, `pillow:mpf`, `heif:thumbnail`, `raw:SubIFD1`,
            `raw:rawpy`, `raw:exiftool`, `raw:rawpy-half`, `ffmpeg`, `video:frame` …
        tool, tool_version: What decoded it.
        source_width, source_height: Upright pixels of the picture; for a RAW, of the preview that was decoded.
        warning: What is wrong with a file that could be shown all the same.
    """

    jpeg: bytes
    width: int
    height: int
    thumbhash: bytes
    layer: str
    tool: str
    tool_version: str
    source_width: int
    source_height: int
    warning: str | None = None


def thumbnail_recipe(long_edge_px: int) -> str:
    """Names everything that decides the pixels; thumbnails of another recipe are backlog."""
    return f"thumb-{long_edge_px}-q{JPEG_QUALITY}-v{_CODE_VERSION}"


LARGE_RECIPE = thumbnail_recipe(LARGE_EDGE_PX)


def render_quick(file: MediaFile, content: bytes | None, long_edge_px: int) -> Rendered | None:
    """
    The thumbnail, if it can be had inside this process and soon.

    Args:
        content: The whole file, where the caller has read it already; None reads `file.path`.
    Returns:
        None: leave it to `render_thumbnail` (videos, image sequences, RAWs without a large enough preview).
    Raises:
        AssetError: The file is bad.
    """
    if file.kind.media_type == "video":
        return None
    if file.kind.media_type == "raw":
        previews = raw.walked_previews(file.path, content)
        enough = [preview for preview in previews if max(preview.width, preview.height) >= long_edge_px]
        decoded = raw.render_preview(file.path, enough, long_edge_px)
        return _encode(decoded) if decoded and decoded.warning is None else None
    try:
        return _encode(_decode_photo(file, content, long_edge_px))
    except (UnsupportedMedia, CorruptMedia, MediaTooLarge):
        if file.kind.mime_type in _SECOND_OPINION and file.size_bytes:
            return None  # for `_last_resort`
        raise


def render_thumbnail(file: MediaFile, content: bytes | None, long_edge_px: int, tools: Tools) -> Rendered:
    """
    Args:
        content: The whole file, where the caller has read it already; None reads `file.path`.
        long_edge_px: Never enlarged to it.
    Raises:
        UnsupportedMedia, CorruptMedia, MediaTooLarge, DecoderTimeout, UnreadableFile: It cannot be shown, and why.
        ToolMissing: Only ffmpeg could, and it is not installed.
    """
    if file.kind.media_type == "video":
        return _encode(_decode_film(file.path, long_edge_px, tools, "video:frame"))
    if file.kind.media_type == "raw":
        return _encode(_decode_raw(file, content, long_edge_px, tools))
    try:
        return _encode(_decode_photo(file, content, long_edge_px))
    except (UnsupportedMedia, CorruptMedia, MediaTooLarge) as exc:
        if file.kind.mime_type not in _SECOND_OPINION or not file.size_bytes:
            raise
        return _encode(_last_resort(file, content, long_edge_px, tools, exc))


def render_large(file: MediaFile, content: bytes | None, tools: Tools, long_edge_px: int = LARGE_EDGE_PX) -> Rendered:
    """The derivative for looking at: as `render_thumbnail`; from the largest preview where none is that large."""
    return render_thumbnail(file, content, long_edge_px, tools)


def _decode_photo(file: MediaFile, content: bytes | None, long_edge_px: int) -> Decoded:
    if file.kind.mime_type == "image/jpeg":
        return decode_jpeg(file.path, content, long_edge_px)
    return decode_picture(file.path, content, long_edge_px)


def _decode_raw(file: MediaFile, content: bytes | None, long_edge_px: int, tools: Tools) -> Decoded:
    """Preview, else the sensor's data, else whatever ffmpeg or Pillow make of it, else the poor preview after all."""
    previews = raw.all_previews(file.path, content, tools.exiftool, long_edge_px)
    best = raw.render_preview(file.path, previews, long_edge_px)
    if best is not None and best.warning is None and max(best.image.size) >= long_edge_px * _GOOD_ENOUGH:
        return best
    try:
        developed = raw.demosaic(file.path, content, long_edge_px)
    except MediaTooLarge:
        if best is None:
            raise
        return best
    except AssetError as exc:
        return best or _undeveloped(file.path, content, long_edge_px, tools, exc)
    return developed if best is None or max(developed.image.size) > max(best.image.size) else best


def _undeveloped(path: Path, content: bytes | None, long_edge_px: int, tools: Tools, why: AssetError) -> Decoded:
    """A RAW without previews that LibRaw cannot develop: ffmpeg, then the bare miniature that some TIFFs begin with."""
    if tools.ffmpeg:
        try:
            return _decode_film(path, long_edge_px, tools, "ffmpeg")
        except AssetError:
            pass  # the last layer follows
    try:
        return decode_picture(path, content, long_edge_px)
    except AssetError:
        raise why from None


def _last_resort(file: MediaFile, content: bytes | None, long_edge_px: int, tools: Tools, why: AssetError) -> Decoded:
    """For a photo that Pillow refused: a TIFF's preview, then ffmpeg; if both fail, Pillow's reason is the better."""
    if file.kind.mime_type == "image/tiff":
        preview = raw.render_preview(file.path, raw.walked_previews(file.path, content), long_edge_px)
        if preview is not None:
            return preview
    if isinstance(why, MediaTooLarge) or not tools.ffmpeg:
        raise why
    try:
        return _decode_film(file.path, long_edge_px, tools, "ffmpeg")
    except AssetError:
        raise why from None


def _decode_film(path: Path, long_edge_px: int, tools: Tools, layer: str) -> Decoded:
    if not tools.ffmpeg:
        raise ToolMissing("ffmpeg is not installed: apt install ffmpeg, or brew install ffmpeg")
    frame = extract_frame(path, long_edge_px, ffmpeg=tools.ffmpeg)
    return Decoded(
        frame.image, frame.source_width, frame.source_height, layer, tool="ffmpeg", tool_version=frame.tool_version
    )


def _encode(decoded: Decoded) -> Rendered:
    image = decoded.image
    image.info = {}  # or Pillow would carry the original's comment over
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0", optimize=False)
    return Rendered(
        jpeg=buffer.getvalue(),
        width=image.width,
        height=image.height,
        thumbhash=encode_thumbhash(image),
        layer=decoded.layer,
        tool=decoded.tool,
        tool_version=decoded.tool_version,
        source_width=decoded.source_width,
        source_height=decoded.source_height,
        warning=decoded.warning,
    )
