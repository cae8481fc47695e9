"""Faces cut out and turned upright, as ArcFace was trained to see them: 112 x 112, eyes level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.faces.protocol import Box

FACE_PX = 112
# Vision, nose and mouth corners in the 112 px square. Source: ArcFace (Deng et al. 2019), the published alignment.
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)


def aligned_face(picture: Image.Image, landmarks: NDArray[np.float64]) -> Image.Image:
    """
    Args:
        landmarks: Pixels, shape (5, 2): eyes, nose, mouth corners.
    """
    forward = similarity(landmarks, TEMPLATE)
    back = np.linalg.inv(np.vstack([forward, [0.0, 0.0, 1.0]]))
    coefficients = tuple(float(number) for number in back[:2].ravel())
    return picture.transform(
        (FACE_PX, FACE_PX), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=(0, 0, 0)
    )


def boxed_face(picture: Image.Image, box: Box) -> Image.Image:
    """For a detector without landmarks: the square around the box."""
    across, down = picture.size
    side = max(box.width * across, box.height * down)
    left = (box.x + box.width / 2) * across - side / 2
    top = (box.y + box.height / 2) * down - side / 2
    extent = (int(left), int(top), int(left + side) + 1, int(top + side) + 1)
    return picture.crop(extent).resize((FACE_PX, FACE_PX), Image.Resampling.BILINEAR)


def similarity(points: NDArray[np.float64], onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Rotation, one scale and shift that bring *points* closest to *onto*; shape (2, 3).

    Source: Umeyama 1991, least-squares estimation of transformation parameters between two point patterns.
    """
    middle, target = points.mean(axis=0), onto.mean(axis=0)
    centred, wanted = points - middle, onto - target
    left, strengths, right = np.linalg.svd(wanted.T @ centred / len(points))
    mirror = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    rotation = left @ np.diag(mirror) @ right
    spread = centred.var(axis=0).sum()
    scale = float((strengths * mirror).sum() / spread) if spread > 0 else 1.0
    shift = target - scale * rotation @ middle
    return np.column_stack([scale * rotation, shift])
