"""
Apollo: a face service over HTTP.

Two calls, `POST {base}/api/internal/faces/detect` and `…/embed`: multipart with `file` (a JPEG) and `meta` (JSON); the
answer holds `model_version` and `faces[]`, each with `bbox`, `confidence` and an `embedding` of 512 little-endian
float32 in base64. What each status means is docs/apollo.md's table; what is no answer of an Apollo at all (HTML, a
redirect, 404) is the service's trouble, never the picture's.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np

from tasks.faces.protocol import (
    EMBEDDING_LENGTH,
    LONGEST_VERSION,
    MAX_FACES,
    About,
    Detection,
    FaceServiceUnavailable,
    FoundFace,
    PictureRefused,
    UnusableAnswer,
    checked_box,
    unit,
)

CONNECT_SECONDS = 5.0
ANSWER_LIMIT_BYTES = 64 << 20  # 10,000 faces are 30 MB: enough to say so, too little to fill the memory
PICTURE_AT_FAULT = frozenset({400, 415, 422})


class Apollo:
    """
    Args:
        base_url: Without `/api`; `APOLLO_FACE_API_BASE_URL`, else `APOLLO_API_BASE_URL`.
        timeout_seconds: For one call, from connecting to the answer's last byte.
        connections: Calls at a time.
    """

    name = "apollo"

    def __init__(self, base_url: str, *, timeout_seconds: float = 60, connections: int = 8) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout_seconds = timeout_seconds
        self._model_version: str | None = None
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
            limits=httpx.Limits(max_connections=max(connections, 1) + 4),
            trust_env=False,  # a proxy from the environment is for the internet, not for a service in the house
        )

    @property
    def model_version(self) -> str | None:
        """Of the last answer."""
        return self._model_version

    def detect(self, jpeg: bytes, about: About) -> Detection:
        return self._ask("detect", jpeg, about)

    def embed(self, jpeg: bytes, about: About) -> Detection:
        return self._ask("embed", jpeg, about)

    def close(self) -> None:
        self._client.close()

    def _ask(self, call: str, jpeg: bytes, about: About) -> Detection:
        meta: dict[str, Any] = {
            "content_hash": about.content_hash,
            "library_id": about.library_id,
            "rel_path": about.rel_path,
            "orientation": 1,  # what is sent is upright
        }
        if self._model_version:
            meta["model_version"] = self._model_version
        parts = {
            "file": ("picture.jpg", jpeg, "image/jpeg"),
            "meta": (None, json.dumps(meta), "application/json"),
        }
        status, body = self._post(f"{self.base_url}/api/internal/faces/{call}", parts)
        _refuse(status, body, about)
        detection = read_detection(body, about)
        self._model_version = detection.model_version
        return detection

    def _post(self, url: str, parts: Mapping[str, Any]) -> tuple[int, bytes]:
        """Status and body. httpx times single reads; a server that drips would outlast them, so the clock is ours."""
        deadline = time.monotonic() + self.timeout_seconds
        body = bytearray()
        try:
            with self._client.stream("POST", url, files=parts) as answer:
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > ANSWER_LIMIT_BYTES:
                        raise FaceServiceUnavailable(f"the face service's answer is over {ANSWER_LIMIT_BYTES >> 20} MB")
                    if time.monotonic() > deadline:
                        raise FaceServiceUnavailable(f"the face service took over {self.timeout_seconds:g} s")
                return answer.status_code, bytes(body)
        except httpx.TimeoutException as exc:
            raise FaceServiceUnavailable(f"the face service took over {self.timeout_seconds:g} s") from exc
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise FaceServiceUnavailable(f"the face service cannot be reached: {_said(exc)}") from exc


def read_detection(body: bytes, about: About) -> Detection:
    """
    An answer of status 200.

    Raises:
        FaceServiceUnavailable: It is not JSON of an Apollo's shape: somebody else answered.
        UnusableAnswer: The shape is right and the values are not.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise FaceServiceUnavailable("the face service's answer is no JSON: is the address right?") from exc
    faces = answer.get("faces") if isinstance(answer, dict) else None
    version = answer.get("model_version") if isinstance(answer, dict) else None
    if not isinstance(faces, list) or not isinstance(version, str) or not 0 < len(version) <= LONGEST_VERSION:
        raise FaceServiceUnavailable("the face service's answer has no faces or no model_version")
    if len(faces) > MAX_FACES:
        raise UnusableAnswer(about.rel_path, f"the face service found {len(faces):,} faces, more than {MAX_FACES:,}")
    return Detection(version, tuple(_face(face, about) for face in faces))


def _face(answer: Any, about: About) -> FoundFace:
    if not isinstance(answer, dict):
        raise UnusableAnswer(about.rel_path, "the face service's answer names a face without saying where it is")
    box = checked_box(*_corners(answer.get("bbox"), about))
    if box is None:
        raise UnusableAnswer(about.rel_path, "the face service put a face outside the picture")
    confidence = _number(answer.get("confidence"))
    if confidence is None or not 0 <= confidence <= 1:
        raise UnusableAnswer(about.rel_path, "the face service gave a confidence that is none")
    return FoundFace(box, confidence, _vector(answer.get("embedding"), about))


def _corners(bbox: Any, about: About) -> tuple[float, float, float, float]:
    """Left, top, width, height; an object with x, y, w, h or a list of them."""
    parts: list[Any] = []
    if isinstance(bbox, dict):
        parts = [bbox.get("x"), bbox.get("y"), bbox.get("w", bbox.get("width")), bbox.get("h", bbox.get("height"))]
    elif isinstance(bbox, list):
        parts = bbox
    numbers = [_number(part) for part in parts]
    known = [number for number in numbers if number is not None]
    if len(known) != 4 or len(numbers) != 4:
        raise UnusableAnswer(about.rel_path, "the face service gave a box that is none")
    return known[0], known[1], known[2], known[3]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 else None


def _vector(text: Any, about: About) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    if not isinstance(text, str):
        raise UnusableAnswer(about.rel_path, "the face service gave no embedding")
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise UnusableAnswer(about.rel_path, "the face service's embedding is no base64") from exc
    if len(raw) != 4 * EMBEDDING_LENGTH:
        wanted = f"{4 * EMBEDDING_LENGTH:,} bytes"
        raise UnusableAnswer(about.rel_path, f"the face service's embedding has {len(raw):,} bytes instead of {wanted}")
    vector = unit(np.frombuffer(raw, "<f4").astype(np.float32))
    if vector is None:
        raise UnusableAnswer(about.rel_path, "the face service's embedding is no vector (zero, NaN or infinite)")
    return vector


def _refuse(status: int, body: bytes, about: About) -> None:
    """Raises for every status but 200."""
    if status == httpx.codes.OK:
        return
    why = f"{status}{_detail(body)}"
    if status in PICTURE_AT_FAULT:
        raise PictureRefused(about.rel_path, f"the face service refuses it: {why}")
    raise FaceServiceUnavailable(f"the face service answered {why}")


def _detail(body: bytes) -> str:
    try:
        answer = json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return ""
    found = answer.get("detail") or answer.get("error") if isinstance(answer, dict) else None
    return f" {' '.join(str(found).split())[:200]}" if found else ""


def _said(exc: Exception) -> str:
    return " ".join(str(exc).split())[:200] or type(exc).__name__
