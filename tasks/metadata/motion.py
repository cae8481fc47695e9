"""
The few seconds of video that phones hide in a photo: where in the file they are.

Google's first kind says in XMP how far from the end (MicroVideoOffset), its second kind lists the file's parts with
their lengths (Container:Directory), in HEIC the video is a box of its own (`mpvd`), and Samsung's older phones append
a trailer with a table of contents (SEFT). Whatever says so, the bytes decide: there has to be an `ftyp` box.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

from tasks.metadata._boxes import walk
from tasks.metadata.fields import whole
from tasks.metadata.xmp import XmpFields

_TRAILER_LIMIT_BYTES = 1 << 20
_SAMSUNG_MOTION = 0x0A30  # MotionPhoto_Data
_LARGEST = 1 << 40


class Motion(NamedTuple):
    """`offset` is None and `size_bytes` 0 when the photo says that it has a video, and it is not there."""

    kind: str
    offset: int | None
    size_bytes: int


def find_motion(file: BinaryIO, size_bytes: int, xmp: XmpFields | None, *, is_heif: bool = False) -> Motion | None:
    """
    The embedded video of a motion photo.

    Args:
        xmp: The photo's packet, where it has one.
        is_heif: Its bytes are ISO boxes, among which `mpvd` is looked for.
    Returns:
        None for a photo that does not claim to be one.
    """
    if is_heif and (found := _in_box(file, size_bytes)):
        return found
    kind, ranges = _claims(size_bytes, xmp) if xmp else (None, [])
    for offset, length in ranges:
        if kind and _is_video(file, offset, length, size_bytes):
            return Motion(kind, offset, length)
    return _in_samsung_trailer(file, size_bytes) or (Motion(kind, None, 0) if kind else None)


def _in_box(file: BinaryIO, size_bytes: int) -> Motion | None:
    for box in walk(file, 0, size_bytes):
        if box.kind == b"mpvd" and box.whole and _is_video(file, box.start, box.end - box.start, size_bytes):
            return Motion("google-motionphoto-heic(mpvd)", box.start, box.end - box.start)
    return None


def _claims(size_bytes: int, xmp: XmpFields) -> tuple[str | None, list[tuple[int, int]]]:
    """What kind the XMP says it is, and the places (offset, length) where the video would then be."""
    lengths = _container_ranges(size_bytes, xmp)
    micro = whole(xmp.values.get("GCamera:MicroVideoOffset"), 1, _LARGEST)
    from_end = [(size_bytes - micro, micro)] if micro else []
    if xmp.values.get("GCamera:MotionPhoto") == "1" or lengths:
        return "google-motionphoto", lengths + from_end
    if xmp.values.get("GCamera:MicroVideo") == "1" or micro:
        return "google-microvideo", from_end
    return None, []


def _container_ranges(size_bytes: int, xmp: XmpFields) -> list[tuple[int, int]]:
    """
    The video item of Container:Directory: the parts behind the primary picture, in order, end where the file ends.

    Source: Android's Motion Photo format 1.0. Padding belongs behind its own part; only the primary's is ever set.
    """
    ranges, end = [], size_bytes
    for item in reversed(xmp.container_items):
        length = whole(item.get("Length"), 0, _LARGEST) or 0
        end -= (whole(item.get("Padding"), 0, _LARGEST) or 0) if item.get("Semantic") != "Primary" else 0
        if item.get("Semantic") == "MotionPhoto" or item.get("Mime", "").startswith("video/"):
            ranges.append((end - length, length))
        end -= length
    return ranges


def _in_samsung_trailer(file: BinaryIO, size_bytes: int) -> Motion | None:
    """A table of contents, its length and 'SEFT' at the very end; each entry says how far before the table it is."""
    file.seek(max(0, size_bytes - 8))
    tail = file.read(8)
    if tail[4:] != b"SEFT":
        return None
    length = int.from_bytes(tail[:4], "little")
    table_at = size_bytes - 8 - length
    if not 12 <= length <= _TRAILER_LIMIT_BYTES or table_at < 0:
        return None
    file.seek(table_at)
    table = file.read(length)
    if table[:4] != b"SEFH":
        return None
    (count,) = struct.unpack_from("<I", table, 8)
    for at in range(12, min(12 + 12 * min(count, 10_000), length - 11), 12):
        kind, distance, size = struct.unpack_from("<xxHII", table, at)
        if kind == _SAMSUNG_MOTION:
            return _samsung_video(file, table_at - distance, size, size_bytes)
    return None


def _samsung_video(file: BinaryIO, at: int, size: int, size_bytes: int) -> Motion | None:
    """Each part repeats its kind, then the length of its name and the name, then comes what it holds."""
    if at < 0:
        return None
    file.seek(at)
    head = file.read(8)
    skip = 8 + int.from_bytes(head[4:8], "little")
    if skip > 256 or not _is_video(file, at + skip, size - skip, size_bytes):
        return None
    return Motion("samsung-motionphoto", at + skip, size - skip)


def _is_video(file: BinaryIO, offset: int, length: int, size_bytes: int) -> bool:
    if offset <= 0 or length < 16 or offset + length > size_bytes:
        return False
    file.seek(offset)
    return file.read(8)[4:] == b"ftyp"
