"""
Faces without a service: insightface's buffalo_l (or a pack laid out like it) from `FACE_MODEL_PATH`, by onnxruntime.

The two networks are run directly. The `insightface` package would bring OpenCV, scikit-image and onnx (over 200 MB) for
the few steps written out in scrfd.py and align.py, and fetches models from the internet when a folder is not as it
expects; here nothing is ever downloaded.
"""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.errors import ToolMissing
from tasks.faces import scrfd
from tasks.faces.align import FACE_PX, aligned_face, boxed_face
from tasks.faces.engines import model_files, pack_version
from tasks.faces.protocol import (
    MAX_FACES,
    About,
    Box,
    Detection,
    FaceServiceUnavailable,
    FoundFace,
    PictureRefused,
    Vector,
    checked_box,
    unit,
)
from tasks.images.decode import DECODER_FAULTS

INSTALL = "install onnxruntime: pip install 'darkroom[faces]'"


class _Network(NamedTuple):
    session: Any
    input_name: str
    size: tuple[int, int]  # width, height; of a detector with a free size, ours
    outputs: int


class LocalEngine:
    """
    Args:
        folder: Holds the `.onnx` files, or a model pack's folder that does.
        threads: Of one network's run.
    Raises:
        ToolMissing: No onnxruntime, or no usable models there; the message says which.
    """

    name = "local"

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        networks = [_load(path, threads) for path in model_files(folder)]
        detectors = [network for network in networks if _is_detector(network)]
        recognisers = [network for network in networks if _is_recogniser(network)]
        if not detectors or not recognisers:
            raise ToolMissing(f"{folder} holds no SCRFD detector with an ArcFace recogniser: put buffalo_l there")
        self._detector, self._recogniser = detectors[0], recognisers[0]
        self._version = pack_version(folder)
        self._one_at_a_time = threading.Lock()  # the threads of a run share the processors already

    @property
    def model_version(self) -> str:
        return self._version

    def detect(self, jpeg: bytes, about: About) -> Detection:
        picture = _decoded(jpeg, about)
        with self._one_at_a_time:
            return Detection(self._version, tuple(self._faces(picture)))

    def embed(self, jpeg: bytes, about: About) -> Detection:
        return self.detect(jpeg, about)

    def close(self) -> None:
        """Nothing is held that ends with the process."""

    def _faces(self, picture: Image.Image) -> list[FoundFace]:
        pixels, scale = scrfd.network_input(picture, self._detector.size)
        found = scrfd.candidates(_run(self._detector, pixels), self._detector.size, scale)
        faces = []
        for index in scrfd.distinct(found)[:MAX_FACES]:
            left, top, right, bottom = found.corners[index] / np.tile(picture.size, 2)
            box = checked_box(float(left), float(top), float(right - left), float(bottom - top))
            if box is not None:
                marks = None if found.landmarks is None else found.landmarks[index]
                faces.append(FoundFace(box, min(float(found.scores[index]), 1.0), self._vector(picture, box, marks)))
        return faces

    def _vector(self, picture: Image.Image, box: Box, landmarks: NDArray[np.float64] | None) -> Vector | None:
        face = boxed_face(picture, box) if landmarks is None else aligned_face(picture, landmarks)
        pixels = (np.asarray(face, np.float32) - 127.5) / 127.5
        output = _run(self._recogniser, np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]))[0]
        return unit(np.asarray(output, np.float32).reshape(-1))


def _load(path: Path, threads: int) -> _Network:
    try:
        import onnxruntime
    except ImportError as exc:
        raise ToolMissing(f"FACE_MODEL_PATH is set, but faces need more: {INSTALL}") from exc
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's own errors share no base but this one
        raise ToolMissing(f"{path.name} cannot be loaded: {' '.join(str(exc).split())[:200]}") from exc
    first = session.get_inputs()[0]
    shape = [number if isinstance(number, int) and number > 0 else None for number in first.shape]
    height, width = (shape[2], shape[3]) if len(shape) == 4 else (None, None)
    size = (width or scrfd.INPUT_PX, height or scrfd.INPUT_PX)
    return _Network(session, first.name, size, len(session.get_outputs()))


def _is_detector(network: _Network) -> bool:
    return network.outputs in scrfd.LAYOUTS


def _is_recogniser(network: _Network) -> bool:
    """Others in a pack (landmarks, age) have one output as well, and another input."""
    return network.outputs == 1 and network.size == (FACE_PX, FACE_PX)


def _run(network: _Network, pixels: NDArray[np.float32]) -> list[Any]:
    try:
        outputs: list[Any] = network.session.run(None, {network.input_name: pixels})
    except Exception as exc:  # see _load; out of memory is the likely one
        raise FaceServiceUnavailable(f"the face model failed: {' '.join(str(exc).split())[:200]}") from exc
    return outputs


def _decoded(jpeg: bytes, about: About) -> Image.Image:
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            return picture.convert("RGB")
    except DECODER_FAULTS as exc:
        raise PictureRefused(about.rel_path, "it cannot be decoded") from exc
