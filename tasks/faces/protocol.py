"""What a face engine is asked and answers, whichever it is: boxes in the upright picture, one vector a face."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.errors import AssetError, TransientError

EMBEDDING_LENGTH = 512  # ArcFace's, and the Apollo contract's
MAX_FACES = 1_000  # in one picture; a stadium has fewer that are large enough to be recognised
LONGEST_VERSION = 200  # characters of a model's name

Vector = NDArray[np.float32]  # shape (EMBEDDING_LENGTH,), unit length


class FaceServiceUnavailable(TransientError):
    """The engine cannot work now; no picture is to blame, and none is marked."""


class PictureRefused(AssetError):
    """The engine cannot decode this picture, and never will."""


class PictureNotTaken(AssetError):
    """The engine takes others and failed at this one in several runs: tried again after hours (lasting_failure)."""


class UnusableAnswer(AssetError):
    """What the engine says of this picture makes no sense: numbers that are none, boxes that lie elsewhere."""


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, width and height; 0 to 1 of the upright picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return max(self.width, 0.0) * max(self.height, 0.0)

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        across = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        down = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(across, 0.0) * max(down, 0.0)
        whole = self.area + other.area - shared
        return shared / whole if whole > 0 else 0.0

    def contains_centre_of(self, other: Box) -> bool:
        x, y = other.x + other.width / 2, other.y + other.height / 2
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height

    def padded(self, share: float) -> Box:
        """With *share* of its width and height added on each side, inside the picture."""
        across, down = self.width * share, self.height * share
        return Box(self.x - across, self.y - down, self.width + 2 * across, self.height + 2 * down).clipped()

    def clipped(self) -> Box:
        """The part of it inside the picture."""
        left, top = min(max(self.x, 0.0), 1.0), min(max(self.y, 0.0), 1.0)
        right, bottom = min(max(self.x + self.width, 0.0), 1.0), min(max(self.y + self.height, 0.0), 1.0)
        return Box(left, top, right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class FoundFace:
    """
    Args:
        confidence: The detector's, 0 to 1.
        embedding: None where the engine gave no vector.
        at_seconds: Videos: where in the preview clip.
    """

    box: Box
    confidence: float
    embedding: Vector | None
    at_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """The faces of one picture; none is an answer like any other."""

    model_version: str
    faces: tuple[FoundFace, ...]


@dataclass(frozen=True, slots=True)
class About:
    """Which picture it is: for the service's own log and cache."""

    content_hash: str
    library_id: int
    rel_path: str


class FaceEngine(Protocol):
    """
    Finds faces. Threads may share it.

    Attributes:
        name: `apollo` or `local`.
        model_version: What its vectors will be labelled with; None while only an answer can tell.
    Raises, from both methods:
        FaceServiceUnavailable: Try again later. PictureRefused, UnusableAnswer: This picture's own fault.
    """

    name: str

    @property
    def model_version(self) -> str | None: ...

    def detect(self, jpeg: bytes, about: About) -> Detection:
        """All faces of an upright picture."""

    def embed(self, jpeg: bytes, about: About) -> Detection:
        """The faces of a crop that shows one."""

    def close(self) -> None: ...


def checked_box(x: float, y: float, width: float, height: float) -> Box | None:
    """
    The box, cut at the picture's edges (detectors see faces that leave it).

    Returns:
        None when it is no box, or lies outside the picture by more than half.
    """
    if not all(math.isfinite(number) and abs(number) <= 4 for number in (x, y, width, height)):
        return None
    whole = Box(x, y, width, height)
    inside = whole.clipped()
    if width <= 0 or height <= 0 or inside.area < whole.area / 2:
        return None
    return inside


def unit(vector: NDArray[np.float32]) -> Vector | None:
    """*vector* at unit length; None when it has none (zero, NaN, infinite)."""
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not math.isfinite(length) or length < 1e-6:
        return None
    scaled: Vector = (vector / length).astype(np.float32)
    return scaled


def main_face(detection: Detection) -> FoundFace | None:
    """Of a crop's faces the one it was cut for: the largest that has a vector."""
    usable = [face for face in detection.faces if face.embedding is not None]
    return max(usable, key=lambda face: face.box.area, default=None)


def at(face: FoundFace, seconds: float) -> FoundFace:
    return replace(face, at_seconds=seconds)
