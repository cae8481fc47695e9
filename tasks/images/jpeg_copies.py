"""The smaller copies of itself that a camera puts behind a JPEG (CIPA DC-007, "multi-picture format")."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from tasks.images.byte_source import ByteSource
from tasks.images.jpeg_header import JpegHeader, is_whole, read_jpeg_header
from tasks.images.tiff_walk import Tiff, open_tiff, reader_of

_LARGE_THUMBNAILS = {0x010001, 0x010002}  # VGA and full HD equivalents; not depth, panorama or the other eye
_MP_ENTRIES = 0xB002
_ENTRY_BYTES = 16
_MAX_ENTRIES = 64
_JPEG, _JPEG_SIZE = 0x0201, 0x0202
_SAME_PICTURE = 0.8  # correlation of two tiny grey versions; a gain map or another scene stays far below


def find_smaller_copy(source: ByteSource, header: JpegHeader, long_edge_px: int) -> bytes | None:
    """
    A copy large enough to be worth decoding in the picture's place.

    Args:
        source: The file; *header* is that of its first picture.
    Returns:
        The smallest JPEG in the file's list that is declared a large thumbnail, is whole, has the picture's shape and
        shows what its EXIF thumbnail shows. None without an EXIF thumbnail: then nothing cheap could confirm it. None
        with an ICC profile too, since the copies come without.
    """
    base = header.multi_picture
    if base is None or header.has_profile or max(header.width, header.height) < 2 * long_edge_px:
        return None
    tiff = open_tiff(lambda offset, length: source.at(base + offset, length))
    listed = _listed_thumbnails(tiff) if tiff else []
    witness = _exif_thumbnail(header.exif) if listed else None
    if witness is None:
        return None
    copies = sorted((source.at(base + offset, length) for offset, length in listed), key=len)
    return next((copy for copy in copies if _fits(copy, header, long_edge_px) and _shows(copy, witness)), None)


def _listed_thumbnails(tiff: Tiff) -> list[tuple[int, int]]:
    """(offset from the list's TIFF header, length) of every entry that is called a large thumbnail."""
    directory = tiff.directory(tiff.first_at)
    entry = directory.entries.get(_MP_ENTRIES) if directory else None
    if entry is None:
        return []
    order: Literal["little", "big"] = "little" if tiff.order == "<" else "big"
    table = tiff.read(entry.value_at, min(entry.size_bytes, _ENTRY_BYTES * _MAX_ENTRIES))
    pictures = []
    for at in range(0, len(table) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        attribute = int.from_bytes(table[at : at + 4], order)
        length = int.from_bytes(table[at + 4 : at + 8], order)
        offset = int.from_bytes(table[at + 8 : at + 12], order)
        if attribute & 0xFFFFFF in _LARGE_THUMBNAILS and offset:
            pictures.append((offset, length))
    return pictures


def _fits(copy: bytes, header: JpegHeader, long_edge_px: int) -> bool:
    """Whole, large enough, and of the same shape to a pixel or two: copies padded to another shape have bars."""
    found = read_jpeg_header(copy)
    if found is None or not found.showable or not is_whole(copy, found):
        return False
    same_shape = abs(found.width * header.height - found.height * header.width) <= 2 * max(header.width, header.height)
    return same_shape and max(found.width, found.height) >= long_edge_px


def _exif_thumbnail(exif: bytes) -> bytes | None:
    """The JPEG of IFD1: the one small version that can be decoded for next to nothing."""
    tiff = open_tiff(reader_of(exif))
    if tiff is None:
        return None
    for directory in list(tiff.chain(tiff.first_at, limit=2))[1:]:
        offset = tiff.integer(directory.entries.get(_JPEG))
        length = tiff.integer(directory.entries.get(_JPEG_SIZE))
        if offset and length:
            return tiff.read(offset, length)
    return None


def _shows(copy: bytes, witness: bytes) -> bool:
    """Whether two JPEGs show the same scene, the bars around the smaller one cut off."""
    try:
        with JpegImageFile(io.BytesIO(copy)) as large, JpegImageFile(io.BytesIO(witness)) as small:
            return _alike(_tiny(large, large.width / large.height), _tiny(small, large.width / large.height))
    except (OSError, SyntaxError, ValueError):
        return False


def _tiny(image: JpegImageFile, shape: float) -> NDArray[np.float32]:
    """The middle of *image* that has this width by height, as 16 x 16 grey values."""
    image.draft("L", (32, 32))
    grey = image.convert("L")
    width, height = min(grey.width, round(grey.height * shape)), min(grey.height, round(grey.width / shape))
    left, top = (grey.width - width) // 2, (grey.height - height) // 2
    middle = (left, top, left + max(width, 1), top + max(height, 1))
    return np.asarray(grey.resize((16, 16), Image.Resampling.BOX, box=middle), dtype=np.float32)


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    spread = float(one.std() * other.std())
    if spread < 1.0:  # a blank wall: alike if equally bright
        return bool(abs(one.mean() - other.mean()) < 8 and max(one.std(), other.std()) < 4)
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread >= _SAME_PICTURE
