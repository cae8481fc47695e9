"""
Two 64-bit fingerprints of how a picture looks, from its thumbnail: cheap, and upright already.

dHash compares neighbours, pHash the low frequencies of a cosine transform (both after N. Krawetz's descriptions). A
copy that was scaled, recompressed or lightened differs in a few bits; two different pictures differ in about 32.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tasks.errors import CorruptMedia

PHASH_RECIPE = "dhash9x8 phash32 v1"
_SIDE = 32
_LOW = 8  # frequencies kept in each direction
_FLAT = 2.0  # standard deviation of grey, of 255: below it there is nothing to compare
_WEIGHTS = 1 << np.arange(63, -1, -1, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class PerceptualHash:
    """Both None for a picture of one colour: all of those look alike."""

    phash: int | None
    dhash: int | None


def perceptual_hash(jpeg: bytes, name: str = "thumbnail") -> PerceptualHash:
    """
    The fingerprints of a thumbnail.

    Raises:
        CorruptMedia: It cannot be decoded.
    """
    try:
        grey = _grey(jpeg)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise CorruptMedia(name, f"its thumbnail cannot be read: {exc}") from exc
    if np.asarray(grey).std() < _FLAT:
        return PerceptualHash(None, None)
    return PerceptualHash(_phash(_pixels(grey, _SIDE, _SIDE)), _dhash(_pixels(grey, 9, 8)))


def _grey(jpeg: bytes) -> Image.Image:
    with Image.open(io.BytesIO(jpeg)) as image:
        image.draft("L", (2 * _SIDE, 2 * _SIDE))
        return image.convert("L")


def _pixels(grey: Image.Image, width: int, height: int) -> NDArray[np.float64]:
    return np.asarray(grey.resize((width, height), Image.Resampling.BOX), np.float64)


def _dhash(pixels: NDArray[np.float64]) -> int:
    return _number(pixels[:, 1:] > pixels[:, :-1])


def _phash(pixels: NDArray[np.float64]) -> int:
    low = (_COSINES @ pixels @ _COSINES.T).ravel()
    return _number(low > np.median(low[1:]))  # the first is the mean brightness, not structure


def _number(bits: NDArray[Any]) -> int:
    return int((bits.ravel().astype(np.uint64) * _WEIGHTS).sum())


def _cosines() -> NDArray[np.float64]:
    """The lowest rows of a DCT-II matrix, shape (_LOW, _SIDE)."""
    frequency, position = np.ogrid[:_LOW, :_SIDE]
    found: NDArray[np.float64] = np.cos(np.pi * frequency * (2 * position + 1) / (2 * _SIDE))
    return found


_COSINES = _cosines()
