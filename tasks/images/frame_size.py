"""Sizes and scales read from the first bytes, for decoders that give no chance to look before they decode."""

from __future__ import annotations

import struct
from typing import IO

_JXL_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


def jxl_size(data: bytes) -> tuple[int, int] | None:
    """
    Width and height of a JPEG XL picture (bare codestream or in its container), before any orientation.

    Returns:
        None when *data* is no JPEG XL, or its codestream does not begin within *data*.
    Source: ISO/IEC 18181-1, SizeHeader.
    """
    codestream = _jxl_codestream(data)
    if codestream is None or len(codestream) < 12:
        return None
    bits = int.from_bytes(codestream[2:12], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    def edge() -> int:
        return take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    height = (take(5) + 1) * 8 if small else edge()
    ratio = take(3)
    if ratio:
        across, down = _JXL_RATIOS[ratio]
        return height * across // down, height
    return ((take(5) + 1) * 8 if small else edge()), height


def _jxl_codestream(data: bytes) -> bytes | None:
    if data[:2] == b"\xff\x0a":
        return data[:64]
    if data[4:12] != b"JXL \r\n\x87\n":
        return None
    at = 0
    while at + 16 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        skip = 8
        if size == 1:
            size, skip = struct.unpack_from(">Q", data, at + 8)[0], 16
        if kind in {b"jxlc", b"jxlp"}:
            start = at + skip + (4 if kind == b"jxlp" else 0)  # the part's number
            return data[start : start + 64]
        if size < skip:
            return None
        at += size
    return None


def jpeg2000_levels(file: IO[bytes] | None) -> int:
    """How many times a JPEG 2000 picture can be halved while it is decoded; 0 when it does not say."""
    if file is None:
        return 0
    before = file.tell()
    file.seek(0)
    head = file.read(64 * 1024)
    file.seek(before)
    start = head.find(b"\xff\x4f\xff\x51")
    coding = head.find(b"\xff\x52", start) if start >= 0 else -1
    return min(head[coding + 9], 32) if 0 <= coding < len(head) - 9 else 0


def nclx_in(head: bytes) -> dict[str, int] | None:
    """The colour code points (ITU-T H.273) of the first `colr` box of type `nclx` in an ISO media file's head."""
    at = head.find(b"colrnclx")
    if at < 0 or len(head) < at + 12:
        return None
    primaries, transfer = struct.unpack_from(">HH", head, at + 8)
    return {"color_primaries": primaries, "transfer_characteristics": transfer}
