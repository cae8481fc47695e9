"""
uvicorn's HTTP/1.1 protocol with the bounds it leaves to a proxy: nobody holds a connection, or memory, for nothing.

Its own `limit_concurrency` looks at a request only once all of its headers are there, and it has no timeout for those
(uvicorn 0.54). What a body may be is bounded in serving/request_limits.py.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 15.0  # from the first byte of a request, or the connection, to the end of its headers
MAX_HEAD_BYTES = 65_536
LINGER_SECONDS = 5.0  # for the rest of a body that was answered unread: closed at once, the answer would be lost
UNREAD_SECONDS = 300.0  # for a client that takes nothing of its answer; a paused film asks again where it stopped


class BoundedHttpProtocol(HttpToolsProtocol):
    """`limit_concurrency` of the config is one more than the connections that may be open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_open = False
        self._head_bytes = 0
        self._upgraded = False
        self._deadline: asyncio.TimerHandle | None = None
        self._unread_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            self._end(503, "Service Unavailable", "too many connections are open: try again, or raise MAX_CONNECTIONS")
        else:
            self._expect_within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        waiting = self._head_open or self._idle()
        super().data_received(data)
        if self.transport.is_closing() or self._upgraded:
            return
        if waiting:
            self._head_bytes += len(data)
        if self._head_open and self._head_bytes > MAX_HEAD_BYTES:
            self._end(431, "Request Header Fields Too Large", f"headers have at most {MAX_HEAD_BYTES >> 10} KiB")
        elif self._head_open or (self._idle() and self.timeout_keep_alive_task is None):
            self._expect_within(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        self._head_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_open, self._head_bytes = False, 0
        self._expect_nothing()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._idle():
            self._expect_nothing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:
            self._expect_within(LINGER_SECONDS)

    def handle_websocket_upgrade(self) -> None:
        self._upgraded = True  # from here on it is another protocol's
        self._expect_nothing()
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread_deadline = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread_deadline is not None:
            self._unread_deadline.cancel()
            self._unread_deadline = None

    def _idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _expect_within(self, seconds: float) -> None:
        """Bytes that trickle in do not move the deadline."""
        if self._deadline is None:
            self._deadline = self.loop.call_later(seconds, self._too_late)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._head_open:
            self._end(408, "Request Timeout", f"the headers did not come within {HEAD_SECONDS:.0f} s")
        else:
            self.transport.close()

    def _end(self, status: int, phrase: str, detail: str) -> None:
        """Answer in the place of the app, which knows of no request yet, and close."""
        body = f'{{"detail": "{detail}"}}'.encode()
        head = f"HTTP/1.1 {status} {phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"connection: close\r\n\r\n" + body)
        self.transport.close()
