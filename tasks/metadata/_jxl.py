"""JPEG XL: size and orientation out of the first bits of the codestream, EXIF and XMP out of the container's boxes."""

from __future__ import annotations

from typing import BinaryIO

from tasks.metadata._blocks import Blocks, strip_exif_header
from tasks.metadata._boxes import payload, walk

_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_HEADER_BYTES = 64


class _Bits:
    """Least significant bit first, as ISO/IEC 18181-1 packs them. Zeros behind the end."""

    def __init__(self, raw: bytes) -> None:
        self._value, self._at = int.from_bytes(raw, "little"), 0

    def take(self, count: int) -> int:
        value = (self._value >> self._at) & ((1 << count) - 1)
        self._at += count
        return value


def read_jxl(file: BinaryIO, size_bytes: int) -> Blocks:
    """The blocks of a bare codestream or of a container."""
    blocks = Blocks(turn=1, page_count=1)
    file.seek(0)
    head = file.read(_HEADER_BYTES)
    if head.startswith(b"\xff\x0a"):
        _read_size(head[2:], blocks)
        return blocks
    for box in walk(file, 0, size_bytes):
        if box.kind in {b"jxlc", b"jxlp"} and blocks.width is None:
            stream = payload(file, box, _HEADER_BYTES)[4 if box.kind == b"jxlp" else 0 :]
            _read_size(stream.removeprefix(b"\xff\x0a"), blocks)
        elif box.kind == b"Exif" and blocks.exif is None:
            blocks.exif = strip_exif_header(payload(file, box)[4:])
        elif box.kind == b"xml " and blocks.xmp is None:
            blocks.xmp = payload(file, box)
        elif box.kind == b"brob":
            blocks.trouble("JPEG XL metadata is Brotli-compressed")
    if blocks.width is None:
        blocks.trouble("JPEG XL without a codestream")
    return blocks


def _read_size(stream: bytes, blocks: Blocks) -> None:
    """SizeHeader and the first fields of ImageMetadata. Source: ISO/IEC 18181-1 annex D."""
    bits = _Bits(stream)
    small = bits.take(1)
    height = _read_side(bits, small)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        width = height * across // down
    else:
        width = _read_side(bits, small)
    blocks.width, blocks.height = width, height
    if not bits.take(1) and bits.take(1):  # not all defaults, and the extra fields are there
        blocks.turn = 1 + bits.take(3)


def _read_side(bits: _Bits, small: int) -> int:
    if small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take((9, 13, 18, 30)[bits.take(2)])
