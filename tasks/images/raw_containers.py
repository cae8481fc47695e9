"""RAW files that are no TIFF on the outside: Canon CR3 and CRW, Fuji RAF, Minolta MRW, Sigma X3F."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from tasks.images.byte_source import ByteSource
from tasks.images.raw_layout import tiff_layout_at
from tasks.images.raw_parts import RawLayout

_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_PREVIEW_UUID = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")
_TURNED_DEGREES = {0: 1, 90: 6, 180: 3, 270: 8}
_MAX_BOXES = 256


def find_layout(source: ByteSource) -> RawLayout | None:
    """The layout of whatever RAW *source* is; None when its structure is none of those known here."""
    head = source.at(0, 32)
    if head[4:12] == b"ftypcrx ":
        return _cr3(source)
    if head.startswith(b"FUJIFILMCCD-RAW"):
        return _raf(source)
    if head[6:14] == b"HEAPCCDR":
        return _crw(source)
    if head.startswith(b"\0MRM"):
        return _mrw(source)
    if head.startswith(b"FOVb"):
        return _x3f(source)
    return tiff_layout_at(source, 0)


# -- Canon CR3: an ISO base media file ------------------------------------------------------------------------------


class _Box(NamedTuple):
    kind: bytes
    start: int  # of the payload
    end: int


def _boxes(source: ByteSource, start: int, end: int) -> Iterator[_Box]:
    for _ in range(_MAX_BOXES):
        header = source.at(start, 16)
        if len(header) < 8 or start >= end:
            return
        size, kind = struct.unpack_from(">I4s", header)
        skip = 8
        if size == 1 and len(header) == 16:
            size, skip = struct.unpack_from(">Q", header, 8)[0], 16
        size = size or end - start
        if size < skip:
            return
        yield _Box(kind, start + skip, min(start + size, end))
        start += size


def _cr3(source: ByteSource) -> RawLayout:
    layout = RawLayout()
    for box in _boxes(source, 0, source.size):
        if box.kind == b"moov":
            _cr3_movie(source, box, layout)
        elif box.kind == b"uuid" and source.at(box.start, 16) == _PREVIEW_UUID:
            for inner in _boxes(source, box.start + 24, box.end):  # 8 bytes of flags after the name
                _cr3_jpeg_box(source, inner, layout)
    return layout


def _cr3_movie(source: ByteSource, movie: _Box, layout: RawLayout) -> None:
    tracks = 0
    for box in _boxes(source, movie.start, movie.end):
        if box.kind == b"uuid" and source.at(box.start, 16) == _CANON_UUID:
            for inner in _boxes(source, box.start + 16, box.end):
                if inner.kind == b"CMT1":
                    layout.absorb(tiff_layout_at(source, inner.start, "CMT1:"))
                else:
                    _cr3_jpeg_box(source, inner, layout)
        elif box.kind == b"trak":
            tracks += 1
            _cr3_track(source, box, layout, tracks)


def _cr3_jpeg_box(source: ByteSource, box: _Box, layout: RawLayout) -> None:
    """THMB and PRVW: a few numbers, the JPEG's length, the JPEG; the numbers differ between versions."""
    if box.kind in {b"THMB", b"PRVW"}:
        skip = source.at(box.start, 64).find(b"\xff\xd8\xff")
        if skip >= 0:
            layout.add(box.start + skip, box.end - box.start - skip, f"CR3:{box.kind.decode()}")


def _cr3_track(source: ByteSource, track: _Box, layout: RawLayout, number: int) -> None:
    """Track 1 holds one sample, a JPEG of full size; the others hold sensor data, which is no showable JPEG."""
    offset = length = 0
    for box in _descend(source, track, (b"mdia", b"minf", b"stbl")):
        body = source.at(box.start, 24)
        if box.kind == b"stsz" and len(body) >= 16:
            length = int.from_bytes(body[4:8], "big") or int.from_bytes(body[12:16], "big")
        elif box.kind == b"co64" and len(body) >= 16:
            offset = int.from_bytes(body[8:16], "big")
        elif box.kind == b"stco" and len(body) >= 12:
            offset = int.from_bytes(body[8:12], "big")
    if offset and length:
        layout.add(offset, length, f"CR3:track{number}")


def _descend(source: ByteSource, box: _Box, path: tuple[bytes, ...]) -> Iterator[_Box]:
    for inner in _boxes(source, box.start, box.end):
        if not path:
            yield inner
        elif inner.kind == path[0]:
            yield from _descend(source, inner, path[1:])


# -- Fuji RAF and Minolta MRW: a TIFF behind a header of their own --------------------------------------------------


def _raf(source: ByteSource) -> RawLayout:
    layout = RawLayout()
    offset, length = struct.unpack(">II", source.at(84, 8).ljust(8, b"\0"))
    layout.add(offset, length, "RAF:PreviewImage")
    exif_at = source.at(offset, 64).find(b"Exif\0\0")
    if exif_at >= 0:  # the preview is a whole JPEG, and its EXIF is the file's EXIF
        layout.absorb(tiff_layout_at(source, offset + exif_at + 6, "RAF:"))
    return layout


def _mrw(source: ByteSource) -> RawLayout | None:
    end = 8 + int.from_bytes(source.at(4, 4), "big")
    at = 8
    for _ in range(_MAX_BOXES):
        block = source.at(at, 8)
        if len(block) < 8 or at >= end:
            return None
        if block[:4] == b"\0TTW":
            return tiff_layout_at(source, at + 8, "MRW:")
        at += 8 + int.from_bytes(block[4:], "big")
    return None


# -- Canon CRW: a heap whose directory is at its end ----------------------------------------------------------------


def _crw(source: ByteSource) -> RawLayout:
    order = "<" if source.at(0, 2) == b"II" else ">"
    layout = RawLayout()
    start = int(struct.unpack(order + "I", source.at(2, 4))[0])
    _crw_heap(source, order, layout, (start, source.size))
    return layout


def _crw_heap(source: ByteSource, order: str, layout: RawLayout, span: tuple[int, int], depth: int = 0) -> None:
    start, end = span
    tail = source.at(end - 4, 4)
    if len(tail) < 4 or depth > 4:
        return
    table = start + struct.unpack(order + "I", tail)[0]
    count = min(struct.unpack(order + "H", source.at(table, 2).ljust(2, b"\0"))[0], 512)
    entries = source.at(table + 2, count * 10)
    for tag, length, offset in struct.iter_unpack(order + "HII", entries[: len(entries) // 10 * 10]):
        kind, at = tag & 0x3FFF, start + offset
        if tag >> 14 & 1 or at + length > end:
            continue  # a value inside the entry itself, or one outside its heap
        if kind in {0x2007, 0x2008}:
            layout.add(at, length, "CRW:JpgFromRaw" if kind == 0x2007 else "CRW:ThumbnailImage")
        elif kind == 0x1810:
            _crw_image_info(source, order, at, layout)
        elif kind >> 11 in {5, 6}:
            _crw_heap(source, order, layout, (at, at + length), depth + 1)


def _crw_image_info(source: ByteSource, order: str, at: int, layout: RawLayout) -> None:
    info = source.at(at, 16)
    if len(info) == 16:
        layout.width, layout.height, _, degrees = struct.unpack(order + "IIfi", info)
        layout.orientation = _TURNED_DEGREES.get(degrees % 360, 1)


# -- Sigma X3F: a directory of sections, pointed to by the last four bytes ------------------------------------------


def _x3f(source: ByteSource) -> RawLayout:
    layout = RawLayout()
    header = source.at(0, 40)
    if len(header) == 40:
        layout.width, layout.height, degrees = struct.unpack_from("<III", header, 28)
        layout.orientation = _TURNED_DEGREES.get(degrees % 360, 1)
    table = int.from_bytes(source.at(source.size - 4, 4), "little")
    if source.at(table, 4) != b"SECd":
        return layout
    count = min(int.from_bytes(source.at(table + 8, 4), "little"), 64)
    for number in range(count):
        entry = source.at(table + 12 + number * 12, 12)
        if entry[8:] in {b"IMAG", b"IMA2"}:
            offset, length = struct.unpack_from("<II", entry)
            if int.from_bytes(source.at(offset + 12, 4), "little") == 18:  # the code for JPEG
                layout.add(offset + 28, length - 28, f"X3F:{entry[8:].decode()}{number}")
    return layout
