"""JPEG: marker segments up to the first scan. Bytes after it, embedded videos included, are not read."""

from __future__ import annotations

import struct
from typing import BinaryIO

from tasks.metadata._blocks import Blocks, strip_exif_header

_EXIF = b"Exif\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_MPF = b"MPF\0"
_SEGMENT_LIMIT = 2_000  # a 300-page ICC profile and a depth map fit; a loop does not
_PADDING_LIMIT_BYTES = 1_024
_WANTED = {0xE1, 0xE2, 0xED}
_FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def read_jpeg(file: BinaryIO, start: int = 0) -> Blocks:
    """
    Walk the segments of the JPEG that begins at *start*.

    Source: ITU-T T.81 annex B; EXIF and XMP ride in APP1, IPTC in APP13, multi-picture (CIPA DC-007) in APP2.
    """
    blocks = Blocks(page_count=1)
    photoshop: list[bytes] = []
    pages, gain_map = 1, False
    file.seek(start + 2)
    for _ in range(_SEGMENT_LIMIT):
        marker, body = _next_segment(file)
        if marker is None:
            blocks.trouble("JPEG ends before its picture begins")
            break
        if marker == 0xDA:
            break
        if marker in _FRAME_HEADERS and len(body) >= 5 and blocks.width is None:
            blocks.height, blocks.width = struct.unpack(">HH", body[1:5])
        elif marker == 0xE1 and body.startswith(_EXIF) and blocks.exif is None:
            blocks.exif = strip_exif_header(body)
        elif marker == 0xE1 and body.startswith(_XMP):
            blocks.xmp = blocks.xmp or body[len(_XMP) :]
            gain_map = gain_map or b'hdrgm:Version="' in body
        elif marker == 0xED and body.startswith(_PHOTOSHOP):
            photoshop.append(body[len(_PHOTOSHOP) :])
        elif marker == 0xE2 and body.startswith(_MPF):
            pages = _picture_count(body[len(_MPF) :])
    blocks.iptc = photoshop_resource(b"".join(photoshop)) if photoshop else None
    blocks.page_count = 1 if gain_map else pages  # an Ultra HDR gain map is no second picture
    if not blocks.width or not blocks.height:
        blocks.width = blocks.height = None
    return blocks


def _next_segment(file: BinaryIO) -> tuple[int | None, bytes]:
    """The next marker and, for the kinds we read, its body. None at the end or where no segment can begin."""
    marker = _next_marker(file)
    if marker is None or marker == 0xD9:
        return None, b""
    if marker in {0x01, 0xDA} or 0xD0 <= marker <= 0xD8:  # no length behind these
        return marker, b""
    length = int.from_bytes(file.read(2), "big") - 2
    if length < 0:
        return None, b""
    if marker in _WANTED or marker in _FRAME_HEADERS:
        return marker, file.read(length)
    file.seek(length, 1)
    return marker, b""


def _next_marker(file: BinaryIO) -> int | None:
    """Some cameras pad between segments, with zeros or with 0xFF; a kilobyte of it is no padding any more."""
    after_ff = False
    for _ in range(_PADDING_LIMIT_BYTES):
        byte = file.read(1)
        if not byte:
            return None
        if after_ff and byte not in {b"\0", b"\xff"}:
            return byte[0]
        after_ff = byte == b"\xff"
    return None


def _picture_count(mpf: bytes) -> int:
    """NumberOfImages of a multi-picture index; 1 when it cannot be read."""
    order = "<" if mpf[:2] == b"II" else ">"
    try:
        (directory,) = struct.unpack_from(order + "4xI", mpf)
        (entries,) = struct.unpack_from(order + "H", mpf, directory)
        for at in range(directory + 2, directory + 2 + 12 * min(entries, 64), 12):
            tag, _, _, value = struct.unpack_from(order + "HHII", mpf, at)
            if tag == 0xB001 and 1 <= value <= 1_000:
                return int(value)
    except struct.error:
        return 1
    return 1


def photoshop_resource(resources: bytes, wanted: int = 0x0404) -> bytes | None:
    """One resource of a Photoshop section ('8BIM', number, name, size, bytes, …); by default the IPTC block."""
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        resource = int.from_bytes(resources[at + 4 : at + 6], "big")
        name = 1 + resources[at + 6]
        body = at + 6 + name + name % 2 + 4
        size = int.from_bytes(resources[body - 4 : body], "big")
        if resource == wanted:
            return resources[body : body + size]
        at = body + size + size % 2
    return None
