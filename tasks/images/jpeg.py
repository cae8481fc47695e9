"""JPEGs: scaled while they are decoded, from the camera's own smaller copy where that is enough, truncated or not."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from tasks.errors import CorruptMedia, MediaTooLarge
from tasks.files.media_types import HEAD_BYTES
from tasks.images.byte_source import open_source, read_whole
from tasks.images.decode import DECODER_FAULTS, Decoded, load_pixels, shrink, unopenable
from tasks.images.geometry import fit, upright_size
from tasks.images.jpeg_copies import find_smaller_copy
from tasks.images.jpeg_header import JpegHeader, read_jpeg_header
from tasks.images.limits import check_pixels, room_for
from tasks.images.tiff_walk import exif_orientation

_HEAD_BYTES = 1 << 20  # EXIF, ICC and XMP before the pixels take a few hundred KB at most
_MAX_SCANNED_PIXELS = 4_000_000_000  # cameras and encoders use 10 passes, a 100 MP picture may have 40
_SLIVER = 0.05
_NEVER_DECODED = 128  # what libjpeg paints where the data ended


def decode_jpeg(path: Path, content: bytes | None, long_edge_px: int, *, orientation: int | None = None) -> Decoded:
    """
    Args:
        path: For messages, and read when *content* is None.
        orientation: Turn by this where the JPEG itself does not say which way up it is (previews inside RAWs).
    Raises:
        CorruptMedia, MediaTooLarge, UnsupportedMedia, UnreadableFile.
    """
    with open_source(path, content) as source:
        head = source.at(0, _HEAD_BYTES)
        header = read_jpeg_header(head)
        if header is not None and header.showable:
            copy = find_smaller_copy(source, header, long_edge_px)
            if copy is not None:
                decoded = _decode_main(path, copy, long_edge_px, read_jpeg_header(copy), header.orientation)
                size = upright_size(header.width, header.height, header.orientation)
                return replace(decoded, layer="pillow:mpf", source_width=size[0], source_height=size[1])
        if not head.startswith(b"\xff\xd8"):
            raise unopenable(path, head[:HEAD_BYTES], "not a JPEG")
    return _decode_main(path, content, long_edge_px, header, orientation)


def _decode_main(
    path: Path, content: bytes | None, long_edge_px: int, header: JpegHeader | None, orientation: int | None
) -> Decoded:
    if header is not None:
        _check_work(path, content, header)
    with _open(path, content) as image:
        if image.info.get("exif"):
            orientation = exif_orientation(image.info["exif"]) or orientation
        width, height = upright_size(*image.size, orientation)
        check_pixels(path, width, height)
        image.draft(None, fit(*image.size, long_edge_px))
        warning = None
        with room_for(header.coefficient_bytes if header else 0):
            loaded, warning = _load(path, content, image, long_edge_px)
            small = shrink(path, loaded, long_edge_px, orientation)
    return Decoded(small, width, height, "pillow", warning=warning)


def _check_work(path: Path, content: bytes | None, header: JpegHeader) -> None:
    """Raises: MediaTooLarge, for memory, or for the time that hundreds of passes over the whole picture would take."""
    pixels = header.width * header.height
    check_pixels(path, header.width, header.height, header.coefficient_bytes / (pixels or 1))
    if header.coefficient_bytes:
        data = content if content is not None else read_whole(path)
        if data.count(b"\xff\xda") * pixels > _MAX_SCANNED_PIXELS:
            raise MediaTooLarge(path, "it is coded in more passes than we follow")


def _load(
    path: Path, content: bytes | None, image: JpegImageFile, long_edge_px: int
) -> tuple[JpegImageFile, str | None]:
    """Decode; where the data ends too early, once more with an end marker put there, which libjpeg can live with."""
    try:
        image.load()
    except DECODER_FAULTS as exc:
        ended = (content if content is not None else read_whole(path)) + b"\xff\xd9"
        again = _open(path, ended)
        again.draft(None, fit(*again.size, long_edge_px))
        warning = load_pixels(path, again)
        share = _decoded_share(again)
        if share < _SLIVER:
            raise CorruptMedia(path, f"truncated: next to nothing of it can be decoded ({exc})") from exc
        return again, warning or _truncated(share)
    return image, None


def _truncated(share: float) -> str:
    if share > 0.99:  # a progressive one is there as a whole early on, only less sharp
        return "truncated: the end of its data is missing"
    return f"truncated: only the upper {share:.0%} of it can be decoded"


def _decoded_share(image: Image.Image) -> float:
    """How far down the picture goes before libjpeg's flat grey begins, 0 to 1."""
    pixels = np.asarray(image.convert("L"), dtype=np.int16)
    alive = np.flatnonzero((np.abs(pixels - _NEVER_DECODED) > 2).any(axis=1))
    return float(alive[-1] + 1) / len(pixels) if alive.size else 0.0


def _open(path: Path, content: bytes | None) -> JpegImageFile:
    """Not by `Image.open`: it takes every JPEG with a second picture for an MPO, and trips over broken ones."""
    try:
        return JpegImageFile(path if content is None else io.BytesIO(content))
    except DECODER_FAULTS as exc:
        raise CorruptMedia(path, f"damaged: {exc}") from exc
