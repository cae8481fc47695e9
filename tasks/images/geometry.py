"""Sizes and turns of pictures."""

from __future__ import annotations

from PIL import Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def fit(width: int, height: int, long_edge_px: int) -> tuple[int, int]:
    """The size with this long edge and the same shape; never larger than it was, never less than one pixel."""
    scale = min(1.0, long_edge_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def turn(image: Image.Image, orientation: int | None) -> Image.Image:
    """*image* with EXIF *orientation* (1 to 8) applied to its pixels."""
    method = _TURNS.get(orientation or 1)
    return image if method is None else image.transpose(method)


def upright_size(width: int, height: int, orientation: int | None) -> tuple[int, int]:
    return (height, width) if (orientation or 1) >= 5 else (width, height)
