"""One list of faces for a video: whoever is seen in several frames counts once."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.faces.protocol import Detection, FoundFace, at

SAME_PERSON_COSINE = 0.5  # within one film: same light, same clothes, seconds apart
SAME_PLACE_OVERLAP = 0.5  # for faces without vectors


def faces_of_frames(frames: Sequence[tuple[float, Detection]]) -> Detection:
    """
    Args:
        frames: Seconds into the clip, and what was seen there; at least one.
    Returns:
        The sharpest sight (highest confidence) of each face, with its time.
    """
    version = frames[-1][1].model_version
    sights = [
        at(face, seconds) for seconds, detection in frames if detection.model_version == version
        for face in detection.faces
    ]  # fmt: skip
    kept: list[FoundFace] = []
    for face in sorted(sights, key=lambda sight: -sight.confidence):
        if not any(_same(face, other) for other in kept):
            kept.append(face)
    return Detection(version, tuple(kept))


def _same(face: FoundFace, other: FoundFace) -> bool:
    if face.at_seconds == other.at_seconds:
        return False  # two faces in one frame are two people
    if face.embedding is not None and other.embedding is not None:
        return float(face.embedding @ other.embedding) >= SAME_PERSON_COSINE
    return face.box.overlap(other.box) >= SAME_PLACE_OVERLAP
