"""
SCRFD, the detector of insightface's model packs: what goes into the network, and boxes out of what comes.

Source: Guo et al. 2021, Sample and Computation Redistribution for Efficient Face Detection. The outputs are, for each
stride, scores (n, 1), then for each stride box distances (n, 4), then for each stride landmark offsets (n, 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

INPUT_PX = 640
MIN_SCORE = 0.5
SAME_FACE_OVERLAP = 0.4
# Number of outputs to (strides, anchors at a place).
LAYOUTS = {6: ((8, 16, 32), 2), 9: ((8, 16, 32), 2), 10: ((8, 16, 32, 64, 128), 1), 15: ((8, 16, 32, 64, 128), 1)}

Array = NDArray[np.float32]


class Candidates(NamedTuple):
    """
    Args:
        corners: Pixels of the picture: left, top, right, bottom; shape (n, 4).
        scores: 0 to 1, shape (n,).
        landmarks: Pixels, shape (n, 5, 2); None where the network gives none.
    """

    corners: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64] | None


def network_input(picture: Image.Image, size: tuple[int, int]) -> tuple[Array, float]:
    """
    The picture in the upper left of a black canvas.

    Args:
        size: Width and height of the network's input, pixels.
    Returns:
        Shape (1, 3, height, width), RGB around zero; and the scale that was applied.
    """
    scale = min(size[0] / picture.width, size[1] / picture.height)
    small = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.Resampling.BILINEAR
    )
    canvas = Image.new("RGB", size)
    canvas.paste(small, (0, 0))
    pixels = (np.asarray(canvas, np.float32) - 127.5) / 128.0
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]), scale


def candidates(outputs: Sequence[Any], size: tuple[int, int], scale: float) -> Candidates:
    """Everything above MIN_SCORE, in pixels of the picture, best first."""
    strides, anchors = LAYOUTS[len(outputs)]
    levels = len(strides)
    with_landmarks = len(outputs) == 3 * levels
    corners, scores, landmarks = [], [], []
    for level, stride in enumerate(strides):
        score = _rows(outputs[level], 1)[:, 0]
        keep = np.flatnonzero(score >= MIN_SCORE)
        centres = _centres(size, stride, anchors)[keep]
        scores.append(score[keep].astype(np.float64))
        reach = _rows(outputs[level + levels], 4)[keep] * stride
        corners.append(np.column_stack([centres - reach[:, :2], centres + reach[:, 2:]]))
        if with_landmarks:
            offsets = _rows(outputs[level + 2 * levels], 10)[keep].reshape(-1, 5, 2) * stride
            landmarks.append(centres[:, None, :] + offsets)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return Candidates(
        np.concatenate(corners)[order] / scale,
        np.concatenate(scores)[order],
        np.concatenate(landmarks)[order] / scale if with_landmarks else None,
    )


def distinct(found: Candidates) -> list[int]:
    """Indices of the candidates that are faces of their own: greedy non-maximum suppression, best first."""
    corners = found.corners
    areas = np.prod(np.maximum(corners[:, 2:] - corners[:, :2], 0), axis=1)
    left = np.arange(len(corners))
    kept: list[int] = []
    while left.size:
        best = left[0]
        kept.append(int(best))
        low = np.maximum(corners[best, :2], corners[left, :2])
        high = np.minimum(corners[best, 2:], corners[left, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        union = np.maximum(areas[best] + areas[left] - shared, 1e-9)
        overlap = shared / union
        overlap[0] = 1.0  # itself, also where it has no area
        left = left[overlap <= SAME_FACE_OVERLAP]
    return kept


def _rows(output: Any, width: int) -> NDArray[np.float64]:
    """Networks exported with and without a batch dimension."""
    return np.asarray(output, np.float64).reshape(-1, width)


def _centres(size: tuple[int, int], stride: int, anchors: int) -> NDArray[np.float64]:
    across, down = size[0] // stride, size[1] // stride
    x, y = np.meshgrid(np.arange(across), np.arange(down))
    grid = np.stack([x, y], axis=-1).reshape(-1, 2) * float(stride)
    return np.repeat(grid, anchors, axis=0)
