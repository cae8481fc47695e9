"""Which container is it, and who reads it; those that are a TIFF, hold one, or are left to Pillow are read here."""

from __future__ import annotations

import io
from typing import BinaryIO

from PIL import Image

from tasks.metadata._blocks import Blocks
from tasks.metadata._boxes import find, payload, walk
from tasks.metadata._heif import read_heif
from tasks.metadata._jpeg import read_jpeg
from tasks.metadata._jxl import read_jxl
from tasks.metadata._others import read_gif, read_png, read_psd, read_webp
from tasks.metadata._tiff import HostileTiff, Tiff
from tasks.metadata.exif import findings_of
from tasks.metadata.fields import Findings, whole

_CANON_CR3 = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")


def read_container(source: BinaryIO, head: bytes, size_bytes: int, found: Findings) -> Blocks | None:
    """
    Blocks by the first bytes, never by the name. None: no format we know.

    Args:
        head: At least 32 bytes, where the file has them.
        found: Takes what a TIFF says: the file is its own EXIF block, so it is decoded where it lies.
    """
    if head.startswith(b"\xff\xd8"):
        return read_jpeg(source)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return read_png(source)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return read_webp(source, size_bytes)
    if head.startswith(b"GIF8"):
        return read_gif(source, size_bytes)
    if head.startswith(b"8BPS"):
        return read_psd(source)
    if head.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL ")):
        return read_jxl(source, size_bytes)
    if head[4:8] == b"ftyp":
        return _read_cr3(source, size_bytes) if head[8:12] == b"crx " else read_heif(source, size_bytes)
    if head.startswith(b"FUJIFILMCCD-RAW"):
        return _read_raf(source)
    if head[:2] in {b"II", b"MM"} and head[2:4] in {b"*\0", b"\0*", b"+\0", b"\0+", b"RO", b"RS", b"OR", b"U\0"}:
        return _read_tiff(source, size_bytes, found)
    return _read_with_pillow(source)


def _read_tiff(source: BinaryIO, size_bytes: int, found: Findings) -> Blocks:
    blocks = Blocks()
    try:
        skeleton = Tiff(source, 0, size_bytes)
    except HostileTiff as exc:
        blocks.trouble(f"TIFF refused: {exc}")
        return blocks
    picture = skeleton.main_picture()
    if picture is not None:
        blocks.width, blocks.height = skeleton.size(picture)
    blocks.page_count = len(skeleton.pages()) or None
    blocks.xmp = skeleton.raw(skeleton.find(0x02BC)) or None
    blocks.iptc = skeleton.raw(skeleton.find(0x83BB)) or None
    if skeleton.big:  # exifread does not know 64-bit offsets
        found.orientation = whole(next(iter(skeleton.values(skeleton.find(0x0112), 1)), None), 1, 8)
        return blocks
    try:
        found.fill_from(findings_of(skeleton, source))
    except ValueError as exc:
        blocks.trouble(f"TIFF tags: {exc}")
    return blocks


def _read_cr3(source: BinaryIO, size_bytes: int) -> Blocks:
    """Canon's CR3 keeps IFD0, Exif and GPS as three TIFF structures in a box of its own."""
    blocks = Blocks(page_count=1)
    movie = find(source, 0, size_bytes, b"moov")
    for box in walk(source, movie.start, movie.end) if movie else ():
        if box.kind == b"uuid" and payload(source, box, 16) == _CANON_CR3:
            parts = {part.kind: part for part in walk(source, box.start + 16, box.end)}
            blocks.exif = payload(source, parts[b"CMT1"]) if b"CMT1" in parts else None
            blocks.more_exif = [payload(source, parts[b"CMT2"])] if b"CMT2" in parts else []
            blocks.width, blocks.height = _first_size(blocks.exif or b"")
    return blocks


def _first_size(tiff_block: bytes) -> tuple[int | None, int | None]:
    try:
        skeleton = Tiff(io.BytesIO(tiff_block), 0, len(tiff_block))
    except HostileTiff:
        return None, None
    return skeleton.size(skeleton.ifds[0]) if skeleton.ifds else (None, None)


def _read_raf(source: BinaryIO) -> Blocks:
    """Fujifilm's RAF keeps its EXIF in the JPEG preview, whose place is at byte 84."""
    source.seek(84)
    start = int.from_bytes(source.read(4), "big")
    blocks = read_jpeg(source, start)
    blocks.width = blocks.height = None  # the preview's, not the picture's
    return blocks


def _read_with_pillow(source: BinaryIO) -> Blocks | None:
    """BMP, JPEG 2000, ICO and whatever else Pillow knows: its size, read from the header only."""
    source.seek(0)
    try:
        image = Image.open(source)
    except (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError):
        return None
    with image:
        return Blocks(width=image.width, height=image.height, page_count=getattr(image, "n_frames", 1) or 1)
