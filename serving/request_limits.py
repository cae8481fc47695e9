"""How large a request's body may be, and how long it may take: it is held in memory before anybody looks at it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.auth.tokens import is_open

UPLOAD = ("POST", "/image")  # goes to disk as it comes, and has a limit of its own (serving/upload/incoming_file.py)
MAX_OPEN_BODY_BYTES = 64 << 10  # to what needs no account: names and passwords
MAX_BODY_BYTES = 8 << 20  # 5,000 long paths
BODY_SECONDS = 30.0  # for all of it
UPLOAD_PAUSE_SECONDS = 60.0  # between two pieces of an upload


class RequestLimits:
    """ASGI middleware: 413 for a body that is too large, 408 for one that does not come."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        announced = _announced_bytes(scope) if scope["type"] == "http" else 0
        if announced == 0:
            await self._app(scope, receive, send)
            return
        body = _Body(receive, _max_bytes(scope))
        if announced is not None and body.is_too_large(announced):
            await JSONResponse({"detail": body.refusal}, 413)(scope, receive, send)
            return
        await self._app(scope, body.receive, send)


@dataclass
class _Body:
    """
    The body of one request, as it comes.

    Args:
        max_bytes: None for an upload: bounded by the time between two pieces only.
    """

    source: Receive
    max_bytes: int | None
    received: int = 0
    complete: bool = False
    deadline: float | None = None

    async def receive(self) -> Message:
        """
        Raises:
            HTTPException: 413 or 408; the app's own handler answers.
        """
        if self.complete:
            return await self.source()  # waits for the client to leave, as long as the answer takes
        try:
            async with asyncio.timeout_at(self._until()):
                message = await self.source()
        except TimeoutError as exc:
            raise HTTPException(408, "the body of the request did not come in time") from exc
        self.received += len(message.get("body", b""))
        if self.is_too_large(self.received):
            raise HTTPException(413, self.refusal)
        self.complete = not message.get("more_body", False)
        return message

    def is_too_large(self, size_bytes: int) -> bool:
        return self.max_bytes is not None and size_bytes > self.max_bytes

    @property
    def refusal(self) -> str:
        return f"the body of this request may have at most {(self.max_bytes or 0) >> 10} KiB"

    def _until(self) -> float:
        now = asyncio.get_running_loop().time()
        if self.max_bytes is None:
            return now + UPLOAD_PAUSE_SECONDS
        self.deadline = self.deadline or now + BODY_SECONDS
        return self.deadline


def _announced_bytes(scope: Scope) -> int | None:
    """0 for a request without a body; None where only its end will say how long it was."""
    length: int | None = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = int(value) if value.isdigit() else None
    return length


def _max_bytes(scope: Scope) -> int | None:
    if (scope["method"], scope["path"]) == UPLOAD:
        return None
    return MAX_OPEN_BODY_BYTES if is_open(scope["path"]) else MAX_BODY_BYTES
