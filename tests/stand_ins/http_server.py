"""A real HTTP server on loopback for a test: threads, keep-alive, chunked answers, and connections that break."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit


class Refused(Exception):
    """What the real service would refuse: a status and its words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    """Routes `GET /a/b` to `get_a_b` of the stand-in; whatever is raised there is an answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stand_in: ClassVar[Any]

    def handle(self) -> None:
        self.stand_in.connections += 1
        try:
            super().handle()
        except ConnectionResetError:  # a client that left while its next request was waited for
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer("get")

    def do_POST(self) -> None:
        self._answer("post")

    def log_message(self, *_: object) -> None:
        """Tests say what they need to."""

    def _answer(self, method: str) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        name = "_".join([method, *(part.replace("-", "_") for part in address.path.strip("/").split("/"))])
        act = getattr(self.stand_in, name, None)
        try:
            if act is None:
                raise Refused(404, "404 page not found")
            self.stand_in.seen(method.upper(), self.path, dict(self.headers), body)
            act(self, json.loads(body) if body else None)
        except Refused as exc:
            self.json(self.stand_in.error_body(exc), exc.status)
        except (BrokenPipeError, ConnectionResetError):
            self.stand_in.cut_off.set()
            self.close_connection = True

    def json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.bytes(json.dumps(content).encode(), "application/json", status, headers)

    def bytes(
        self, body: bytes, media_type: str = "text/html", status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def stream(self, pieces: Iterable[bytes], media_type: str) -> None:
        """Each piece a chunk of its own, sent as soon as it is there."""
        self.begin(media_type)
        for piece in pieces:
            self.chunk(piece)
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def begin(self, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, piece: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.flush()

    def drop(self) -> None:
        """Break the connection: the other side sees a reset, or an end in the middle."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


class StandIn:
    """
    Args:
        requests: What came in: method, path, headers (lower case), body.
        connections: How many were opened.
        cut_off: Set when a client went away in the middle of an answer.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.connections = 0
        self.cut_off = threading.Event()
        self.stopping = threading.Event()
        self.url = ""

    def seen(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.requests.append(
            {
                "method": method,
                "path": path,
                "headers": {name.lower(): value for name, value in headers.items()},
                "body": json.loads(body) if body else None,
            }
        )

    def bodies(self, path: str) -> list[Any]:
        return [request["body"] for request in self.requests if request["path"].partition("?")[0] == path]

    def error_body(self, exc: Refused) -> Any:
        return {"error": str(exc)}

    @contextmanager
    def running(self) -> Iterator[Any]:
        handler = type("BoundHandler", (Handler,), {"stand_in": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            self.stopping.set()
            server.shutdown()
            server.server_close()
            thread.join(5)


def refusing_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def silent_server() -> socket.socket:
    """Accepts connections (its backlog does) and never says a word; close it after use."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    return listener
