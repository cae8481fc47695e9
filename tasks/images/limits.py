"""How large a picture may be, asked before a single pixel is decoded: decompression bombs end here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import MediaTooLarge

MAX_PIXELS = 500_000_000  # for what need not be held in memory as a whole: JPEGs scaled while they are decoded
DECODE_BUDGET_BYTES = 384 * 2**20  # what one picture may take on top of the program itself
_SHARED_BYTES = 64 * 2**20  # decodes above this take turns, so that a pool of threads stays within memory too

# Peak bytes per pixel of a whole decode: what the process grew by on pictures of 20 MP. The decoder's own planes, the
# copy handed to Python and Pillow's image live at the same time.
BYTES_PER_PIXEL = {
    "PNG": 4.7, "GIF": 6.0, "BMP": 5.0, "DIB": 5.0, "PSD": 5.0, "TIFF": 8.5, "WEBP": 16.5, "AVIF": 12.0,
    "HEIF": 7.7, "JXL": 11.0, "JPEG2000": 20.0,
}  # fmt: skip
_DEFAULT_BYTES = 16.0
_WITH_ALPHA_BYTES = 9.0  # a premultiplied copy is made before it is scaled
_BY_MODE = {"1": 2.2, "L": 1.5, "I;16": 8.0, "I;16B": 8.0, "F": 9.0, "I": 9.0, "P": 6.0, "LA": _WITH_ALPHA_BYTES}
_DECODED_ROW_BY_ROW = {"PNG", "TIFF", "BMP", "DIB", "PSD", "PPM", "TGA", "PCX", "SGI"}

_one_large_decode = threading.Lock()


def check_pixels(path: Path, width: int, height: int, bytes_per_pixel: float = 0.0) -> float:
    """
    Args:
        bytes_per_pixel: What the decoder holds per pixel of the whole picture; 0 when it holds only rows of it.
    Returns:
        The bytes the decode will take.
    Raises:
        MediaTooLarge: Above what one picture may have.
    """
    pixels = width * height
    needed = pixels * bytes_per_pixel
    if pixels > MAX_PIXELS or needed > DECODE_BUDGET_BYTES:
        raise MediaTooLarge(path, f"{width} x {height} pixels are more than we decode ({needed / 2**20:.0f} MB)")
    return needed


def bytes_per_pixel(image_format: str | None, mode: str) -> float:
    """For a picture that is decoded whole."""
    cost = BYTES_PER_PIXEL.get(image_format or "", _DEFAULT_BYTES)
    if image_format in _DECODED_ROW_BY_ROW:
        cost = _BY_MODE.get(mode, max(cost, _WITH_ALPHA_BYTES) if mode == "RGBA" else cost)
    return cost


@contextmanager
def room_for(needed_bytes: float) -> Iterator[None]:
    """Decodes that need much memory take turns; small ones never wait."""
    if needed_bytes <= _SHARED_BYTES:
        yield
        return
    with _one_large_decode:
        yield
