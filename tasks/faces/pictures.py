"""What an engine gets to see: one upright JPEG a photo, some frames a video; and the crop of one face."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tasks.errors import CorruptMedia
from tasks.faces.protocol import Box
from tasks.files.media_file import MediaFile
from tasks.images.decode import DECODER_FAULTS
from tasks.images.thumbnail import Tools, render_large
from tasks.video.ffmpeg import last_complaint, run_ffmpeg, safe_input

PICTURE_EDGE_PX = 2048  # detectors look at 640; what is recognisable is so at this size, and 20 MB need not travel
FRAME_EDGE_PX = 1280
FRAMES = 5  # of a preview clip of at most 10 s
FRAME_EVERY_SECONDS = 2.0
FRAMES_TIMEOUT_SECONDS = 60.0
CROP_PX = 160
CROP_PADDING = 0.25
_FRAME_LIMIT_BYTES = 32 << 20


def upright_jpeg(file: MediaFile, tools: Tools) -> bytes:
    """
    A photo or RAW as an engine can take it: JPEG, upright, sRGB, without EXIF (nor place), long edge at most 2048.

    Raises:
        AssetError: It cannot be decoded. ToolMissing.
    """
    return render_large(file, None, tools, PICTURE_EDGE_PX).jpeg


def clip_frames(clip: Path) -> list[tuple[float, bytes]]:
    """
    Frames of a preview clip: seconds from its beginning, and the JPEG.

    Raises:
        CorruptMedia: ffmpeg finds no frame in it. DecoderTimeout, ToolMissing.
    """
    filters = (
        f"fps=1/{FRAME_EVERY_SECONDS:g}:round=up:start_time=0,"
        f"scale=w='min({FRAME_EDGE_PX},iw)':h='min({FRAME_EDGE_PX},ih)':force_original_aspect_ratio=decrease"
    )
    output = ["-map", "0:V:0", "-vf", filters, "-frames:v", str(FRAMES), "-q:v", "3", "-c:v", "mjpeg"]
    result = run_ffmpeg(
        [*safe_input(clip, "-threads", "1", "-an", "-sn", "-dn"), *output, "-f", "image2pipe", "pipe:1"],
        FRAMES_TIMEOUT_SECONDS, path=clip, max_output_bytes=_FRAME_LIMIT_BYTES,
    )  # fmt: skip
    frames = split_jpegs(result.output)
    if not frames:
        raise CorruptMedia(clip, f"no frame can be decoded: {last_complaint(result.log)}")
    return [(number * FRAME_EVERY_SECONDS, frame) for number, frame in enumerate(frames)]


def frame_at(clip: Path, seconds: float) -> bytes:
    """The frame of a clip in which a face was seen. Raises as `clip_frames`."""
    frames = clip_frames(clip)
    return min(frames, key=lambda frame: abs(frame[0] - seconds))[1]


def split_jpegs(stream: bytes) -> list[bytes]:
    """The pictures of an MJPEG stream of ffmpeg's, which has neither thumbnails nor stray markers inside."""
    starts = []
    at = stream.find(b"\xff\xd8\xff")
    while at >= 0:
        starts.append(at)
        at = stream.find(b"\xff\xd9\xff\xd8\xff", at)
        at = at + 2 if at >= 0 else at
    return [stream[start:end] for start, end in zip(starts, [*starts[1:], len(stream)], strict=True)]


def cut(jpeg: bytes, box: Box, path: Path, *, edge_px: int | None = None, square: bool = False) -> bytes:
    """
    The part of an upright JPEG inside *box*, as JPEG.

    Args:
        edge_px: Long edge at most; None as it is.
        square: Widened to a square, for a grid of faces.
    Raises:
        CorruptMedia: It cannot be decoded.
    """
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as opened:
            picture = opened.convert("RGB")
    except DECODER_FAULTS as exc:
        raise CorruptMedia(path, "its picture cannot be decoded") from exc
    part = picture.crop(_pixels(box, picture.size, square=square))
    if edge_px is not None:
        part.thumbnail((edge_px, edge_px), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    part.save(encoded, "JPEG", quality=85)
    return encoded.getvalue()


def _pixels(box: Box, size: tuple[int, int], *, square: bool) -> tuple[int, int, int, int]:
    """At least one pixel, inside the picture."""
    width, height = box.width * size[0], box.height * size[1]
    x, y = (box.x + box.width / 2) * size[0], (box.y + box.height / 2) * size[1]
    if square:
        width = height = min(max(width, height), *size)
        x, y = min(max(x, width / 2), size[0] - width / 2), min(max(y, height / 2), size[1] - height / 2)
    left, top = max(0, min(round(x - width / 2), size[0] - 1)), max(0, min(round(y - height / 2), size[1] - 1))
    right, bottom = min(size[0], round(x + width / 2)), min(size[1], round(y + height / 2))
    return left, top, max(right, left + 1), max(bottom, top + 1)
