"""
The picture inside a RAW file: the camera's own JPEG where there is one, else the sensor's data at half size.

Ways to a preview, cheapest first: our walk over the file's structure, LibRaw's idea of the thumbnail, exiftool's (which
knows more maker notes). The largest valid one wins.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

from tasks.errors import AssetError, CorruptMedia, UnsupportedMedia
from tasks.images.byte_source import ByteSource, open_source
from tasks.images.decode import Decoded
from tasks.images.geometry import fit
from tasks.images.jpeg import decode_jpeg
from tasks.images.jpeg_header import JpegHeader, is_whole, read_jpeg_header
from tasks.images.limits import check_pixels, room_for
from tasks.images.raw_containers import find_layout
from tasks.images.raw_parts import RawLayout

_MAX_PREVIEW_BYTES = 64 * 2**20
_RAW_BYTES_PER_PIXEL = 5.0  # sensor data, its half-size picture and the output, per pixel of the sensor
_MIN_BITS_PER_PIXEL = 0.75  # of the sensor; the tightest lossy RAW formats take about 2
_MIN_SPREAD = 1.0  # a picture whose pixels differ less than this is what LibRaw makes of missing sensor data


class PreviewTool(Protocol):
    """What we need of exiftool: every embedded picture of a file, in one call."""

    def extract_previews(self, path: Path) -> list[bytes]: ...


class RawPreview(NamedTuple):
    """
    An embedded JPEG as it is in the file: **with** the metadata the camera put in, so never to be served as it is.

    Args:
        jpeg: All its bytes.
        width, height: As stored, before *orientation* turns them.
        layer: Where it was found, such as `raw:SubIFD1` or `raw:exiftool`.
        orientation: EXIF 1 to 8, to be applied to its pixels.
    """

    jpeg: bytes
    width: int
    height: int
    layer: str
    orientation: int


def extract_raw_preview(
    path: Path, content: bytes | None = None, exiftool: PreviewTool | None = None, *, large_enough_px: int = 0
) -> RawPreview:
    """
    The largest valid embedded JPEG.

    Args:
        content: The whole file, where it has been read already; else only the preview's bytes are read.
        exiftool: Asked when neither our walk nor LibRaw finds a preview of *large_enough_px*; None leaves it out.
        large_enough_px: Long edge; 0 is content with whatever our own walk finds.
    Raises:
        UnsupportedMedia: There is none.
        UnreadableFile.
    """
    previews = all_previews(path, content, exiftool, large_enough_px)
    best = max(previews, key=_area, default=None)
    if best is None:
        raise UnsupportedMedia(path, "no embedded preview")
    return best


def all_previews(
    path: Path, content: bytes | None, exiftool: PreviewTool | None, large_enough_px: int
) -> list[RawPreview]:
    """Every whole showable JPEG, from as few layers as give one of *large_enough_px*."""
    previews = walked_previews(path, content)
    if not _suffices(previews, large_enough_px):
        previews += _libraw_previews(path, content)
    if exiftool is not None and not _suffices(previews, large_enough_px):
        previews += _exiftool_previews(path, exiftool, _orientation_of(path, content))
    return previews


def walked_previews(path: Path, content: bytes | None) -> list[RawPreview]:
    """Those our own walk finds, reading directories and previews only. Raises: UnreadableFile."""
    with open_source(path, content) as source:
        if source.at(0, 3) == b"\xff\xd8\xff":  # a JPEG under the name of a RAW
            return list(_checked(source.at(0, source.size), "raw:file", RawLayout()))
        layout = find_layout(source)
        return list(_read_all(source, layout)) if layout else []


def render_preview(path: Path, previews: list[RawPreview], long_edge_px: int) -> Decoded | None:
    """The smallest preview that is large enough, else the largest; damaged ones are passed over. None: all are."""
    enough = sorted((one for one in previews if max(one.width, one.height) >= long_edge_px), key=_area)
    smaller = sorted((one for one in previews if max(one.width, one.height) < long_edge_px), key=_area, reverse=True)
    damaged: Decoded | None = None
    for preview in [*enough, *smaller]:
        try:
            decoded = decode_jpeg(path, preview.jpeg, long_edge_px, orientation=preview.orientation)
        except AssetError:
            continue
        if decoded.warning is None:
            return replace(decoded, layer=preview.layer)
        damaged = damaged or replace(decoded, layer=preview.layer)
    return damaged


def demosaic(path: Path, content: bytes | None, long_edge_px: int) -> Decoded:
    """
    Develop the sensor's data at half size, with the camera's white balance.

    Raises:
        UnsupportedMedia: LibRaw does not know the camera or its compression.
        CorruptMedia: The sensor's data is missing or damaged.
        MediaTooLarge.
    """
    import rawpy

    size_bytes = len(content) if content is not None else path.stat().st_size
    try:
        raw = rawpy.imread(str(path) if content is None else io.BytesIO(content))
    except rawpy.LibRawFileUnsupportedError as exc:
        raise UnsupportedMedia(path, "LibRaw does not know this RAW format") from exc
    except (rawpy.LibRawError, OSError) as exc:
        raise CorruptMedia(path, f"LibRaw cannot open it: {_said(exc)}") from exc
    with raw:
        width, height = raw.sizes.raw_width, raw.sizes.raw_height
        needed = check_pixels(path, width, height, _RAW_BYTES_PER_PIXEL)
        if size_bytes * 8 < width * height * _MIN_BITS_PER_PIXEL:
            raise CorruptMedia(path, "the sensor's data is missing")
        with room_for(needed):
            pixels = _develop(path, raw)
    if float(pixels[::8, ::8].std()) < _MIN_SPREAD:
        raise CorruptMedia(path, "the sensor's data is missing")
    image = Image.fromarray(pixels)
    small = image.resize(fit(*image.size, long_edge_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Decoded(small, *image.size, "raw:rawpy-half", tool="rawpy", tool_version=version("rawpy"))


def _said(exc: Exception) -> str:
    """LibRaw's words arrive as bytes."""
    word = exc.args[0] if exc.args else ""
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)


def _develop(path: Path, raw: object) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    import rawpy

    assert isinstance(raw, rawpy.RawPy)
    try:
        pixels = raw.postprocess(half_size=True, use_camera_wb=True, output_bps=8)
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError) as exc:
        raise UnsupportedMedia(path, "LibRaw cannot develop this camera's compression") from exc
    except rawpy.LibRawError as exc:
        raise CorruptMedia(path, f"LibRaw cannot develop it: {_said(exc)}") from exc
    return np.asarray(pixels, dtype=np.uint8)


def _read_all(source: ByteSource, layout: RawLayout) -> Iterator[RawPreview]:
    for found in layout.jpegs:
        if found.length <= _MAX_PREVIEW_BYTES and source.at(found.offset, 2) == b"\xff\xd8":
            data = source.at(found.offset, found.length)
            if len(data) == found.length or found.layer.startswith("CR3:"):
                yield from _checked(data, f"raw:{found.layer}", layout)


def _checked(data: bytes, layer: str, layout: RawLayout) -> Iterator[RawPreview]:
    header = read_jpeg_header(data)
    if header is not None and header.showable and is_whole(data, header):
        yield RawPreview(data, header.width, header.height, layer, _how_to_turn(header, layout))


def _how_to_turn(header: JpegHeader, layout: RawLayout) -> int:
    """Its own word first; else the RAW's, unless the preview stands already where the sensor's picture lies."""
    if header.orientation is not None:
        return header.orientation
    stands = header.height > header.width
    sensor_stands = layout.height > layout.width
    if layout.orientation >= 5 and stands != sensor_stands and header.width != header.height:
        return 1
    return layout.orientation


def _libraw_previews(path: Path, content: bytes | None) -> list[RawPreview]:
    """What LibRaw takes for the thumbnail; nothing when it knows none, or only an uncoded bitmap."""
    import rawpy

    try:
        with rawpy.imread(str(path) if content is None else io.BytesIO(content)) as raw:
            thumbnail = raw.extract_thumb()
            flip = {3: 3, 5: 8, 6: 6}.get(raw.sizes.flip, 1)
            layout = RawLayout(orientation=flip, width=raw.sizes.raw_width, height=raw.sizes.raw_height)
    except (rawpy.LibRawError, OSError, ValueError):
        return []
    if thumbnail.format != rawpy.ThumbFormat.JPEG:
        return []
    return list(_checked(bytes(thumbnail.data), "raw:rawpy", layout))


def _exiftool_previews(path: Path, exiftool: PreviewTool, layout: RawLayout) -> list[RawPreview]:
    try:
        found = exiftool.extract_previews(path)
    except AssetError:
        return []  # it could not read the file: one layer less, and the others have their say
    return [preview for data in found for preview in _checked(data, "raw:exiftool", layout)]


def _orientation_of(path: Path, content: bytes | None) -> RawLayout:
    with open_source(path, content) as source:
        return find_layout(source) or RawLayout()


def _suffices(previews: list[RawPreview], large_enough_px: int) -> bool:
    return any(max(preview.width, preview.height) >= large_enough_px for preview in previews)


def _area(preview: RawPreview) -> int:
    return preview.width * preview.height
