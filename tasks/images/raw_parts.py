"""What the walks over RAW files return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class EmbeddedJpeg(NamedTuple):
    """Where a JPEG is said to lie in the file; nothing is known yet of whether it does."""

    offset: int
    length: int
    layer: str


@dataclass(slots=True)
class RawLayout:
    """
    Args:
        jpegs: In the order they were found; no two at the same offset.
        orientation: EXIF 1 to 8, how the sensor's picture must be turned.
        width, height: Pixels of the largest picture the directories name; 0 when they name none.
    """

    jpegs: list[EmbeddedJpeg] = field(default_factory=list)
    orientation: int = 1
    width: int = 0
    height: int = 0

    def add(self, offset: int, length: int, layer: str) -> None:
        if length > 0 and all(known.offset != offset for known in self.jpegs):
            self.jpegs.append(EmbeddedJpeg(offset, length, layer))

    def absorb(self, other: RawLayout | None) -> None:
        """Take over what another part of the same file says."""
        if other is None:
            return
        for jpeg in other.jpegs:
            self.add(*jpeg)
        if other.orientation != 1:
            self.orientation = other.orientation
        if other.width * other.height > self.width * self.height:
            self.width, self.height = other.width, other.height
