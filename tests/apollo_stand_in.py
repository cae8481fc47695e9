"""
A face service for tests: real HTTP on loopback, as strict as the contract.

It looks at the picture it is sent: a face is a square of one strong colour on a grey ground (see `portrait`), the
colour is the identity, and the embedding follows from it. What else a service can come up with is a `Mood`.
"""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

GREY = (128, 128, 128)
COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220), "yellow": (220, 210, 30)}
_NEAR = 60  # of a colour, after JPEG


@dataclass(frozen=True)
class Mood:
    """How one answer goes wrong: a status, a body sent as it is, a wait, or faces put in place of the real ones."""

    status: int = 200
    body: bytes | None = None
    content_type: str = "application/json"
    wait_seconds: float = 0
    drip: bool = False
    faces: list[dict[str, Any]] | None = None


@dataclass
class Apollo:
    """
    Args:
        moods: By file name of `rel_path`; "*" for every picture.
        asked: (call, meta) of every request.
        complaints: What a client did that the contract does not allow.
    """

    url: str = ""
    model_version: str = "buffalo_l-1"
    moods: dict[str, Mood] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def names(self, call: str = "detect") -> list[str]:
        return [Path(meta["rel_path"]).name for kind, meta in self.asked if kind == call]


@contextmanager
def apollo() -> Iterator[Apollo]:
    state = Apollo()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        assert state.complaints == []


def _handler(state: Apollo) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            with state.lock:
                state.at_once += 1
                state.most_at_once = max(state.most_at_once, state.at_once)
            try:
                self._answer()
            except (BrokenPipeError, ConnectionResetError):
                return  # the client gave up: that is what the tests of hanging are about
            finally:
                with state.lock:
                    state.at_once -= 1

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            call = self.path.rpartition("/")[2]
            if self.path != f"/api/internal/faces/{call}" or call not in {"detect", "embed"}:
                state.complaints.append(f"no such route: {self.path}")
                return self._send(404, b"{}", "application/json")
            try:
                meta, jpeg = _parts(self.headers["Content-Type"], body)
            except ValueError as exc:
                state.complaints.append(str(exc))
                return self._send(400, b"{}", "application/json")
            with state.lock:
                state.asked.append((call, meta))
            mood = state.moods.get(Path(meta["rel_path"]).name) or state.moods.get("*") or Mood()
            time.sleep(mood.wait_seconds)
            if mood.body is not None or mood.status != 200:
                return self._send(mood.status, mood.body or b'{"detail": "mood"}', mood.content_type, drip=mood.drip)
            try:
                picture = Image.open(io.BytesIO(jpeg))
                picture.load()
            except OSError:
                return self._send(422, b'{"detail": "decode_failed"}', "application/json")
            if picture.getexif():
                state.complaints.append("EXIF left the flow_context")
            faces = faces_in(picture.convert("RGB")) if mood.faces is None else mood.faces
            answer = {"model_version": state.model_version, "faces": faces}
            return self._send(200, json.dumps(answer).encode(), "application/json")

        def _send(self, status: int, body: bytes, content_type: str, *, drip: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for at in range(len(body)) if drip else ():
                self.wfile.write(body[at : at + 1])
                self.wfile.flush()
                time.sleep(0.05)
            if not drip:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _parts(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """The two parts the contract knows. Raises ValueError for anything else."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
    if set(parts) != {"file", "meta"}:
        raise ValueError(f"parts {sorted(map(str, parts))} instead of file and meta")
    meta = json.loads(parts["meta"].get_payload(decode=True))
    wanted = {"content_hash": str, "library_id": int, "rel_path": str}
    for name, kind in wanted.items():
        if not isinstance(meta.get(name), kind):
            raise ValueError(f"meta.{name} is {meta.get(name)!r}")
    if unknown := set(meta) - {*wanted, "orientation", "model_version"}:
        raise ValueError(f"meta has {unknown}")
    if parts["file"].get_filename() is None:
        raise ValueError("file has no file name")
    return meta, parts["file"].get_payload(decode=True)


def faces_in(picture: Image.Image) -> list[dict[str, Any]]:
    """One face for each strong colour there is: the box around its pixels."""
    pixels = np.asarray(picture, np.int16)
    faces = []
    for name, colour in COLOURS.items():
        close = (np.abs(pixels - np.array(colour)).max(axis=2) < _NEAR).nonzero()
        if close[0].size < max(16, pixels.shape[0] * pixels.shape[1] // 2000):
            continue
        top, bottom = int(close[0].min()), int(close[0].max()) + 1
        left, right = int(close[1].min()), int(close[1].max()) + 1
        height, width = pixels.shape[:2]
        faces.append(face(left / width, top / height, (right - left) / width, (bottom - top) / height, name))
    return faces


def face(x: float, y: float, w: float, h: float, who: str = "red", confidence: float = 0.9, **changed: Any) -> Any:
    return {
        "bbox": {"x": x, "y": y, "w": w, "h": h},
        "confidence": confidence,
        "embedding": base64.b64encode(identity(who).astype("<f4").tobytes()).decode(),
        **changed,
    }


def identity(who: str, variation: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A unit vector for a name; variations of one name are alike (cosine about 0.8), two names are not."""
    base = np.random.default_rng(list(who.encode())).normal(size=512)
    noise = np.random.default_rng([*who.encode(), variation]).normal(size=512) if variation else np.zeros(512)
    vector = base + 0.7 * noise
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def portrait(path: Path, *people: str, size: tuple[int, int] = (320, 240), orientation: int = 1, seed: int = 0) -> Path:
    """A picture with one coloured square per person, side by side; stored turned, where *orientation* says so."""
    from PIL import ImageDraw

    from tests.pictures import age

    image = Image.new("RGB", size, GREY)
    drawing = ImageDraw.Draw(image)
    for number, who in enumerate(people):
        left = 20 + number * 100
        drawing.rectangle((left, 60, left + 59, 139), fill=COLOURS[who])
    image.putpixel((seed % size[0], size[1] - 1), (seed % 256, 90, 90))
    image.putpixel((size[0] - 1, seed % size[1]), (0, 0, (seed * 7) % 256))
    exif = Image.Exif()
    if orientation != 1:
        back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
        image = image.transpose(back[orientation])
        exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, exif=exif, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return age(path)


def box_of(number: int, size: tuple[int, int] = (320, 240)) -> tuple[float, float, float, float]:
    """Where `portrait` puts its number-th person: x, y, width, height."""
    return (20 + number * 100) / size[0], 60 / size[1], 60 / size[0], 80 / size[1]
