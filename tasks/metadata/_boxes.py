"""ISO base media boxes (HEIF, AVIF, MP4, CR3, JXL): found without trusting a single length in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

BOX_LIMIT = 4_096  # of one parent; a hostile file of eight-byte boxes ends here
PAYLOAD_LIMIT_BYTES = 16 << 20


class Box(NamedTuple):
    """`start` and `end` of the payload in the file; `kind` four bytes; `offset` where the box itself begins."""

    kind: bytes
    offset: int
    start: int
    end: int
    whole: bool  # False: its stated length reaches behind the end of its parent


def walk(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets. Ends quietly at the first that makes no sense."""
    at = start
    for _ in range(BOX_LIMIT):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = end - at
        if size < header:
            return
        yield Box(kind, at, at + header, min(at + size, end), at + size <= end)
        at += size


def find(file: BinaryIO, start: int, end: int, *kinds: bytes) -> Box | None:
    """The first box along a path of kinds, e.g. `b"moov", b"mvhd"`."""
    found = next((box for box in walk(file, start, end) if box.kind == kinds[0]), None)
    if found is None or len(kinds) == 1:
        return found
    return find(file, found.start, found.end, *kinds[1:])


def payload(file: BinaryIO, box: Box, limit: int = PAYLOAD_LIMIT_BYTES) -> bytes:
    """What a box holds, at most *limit* bytes of it."""
    file.seek(box.start)
    return file.read(max(0, min(box.end - box.start, limit)))
