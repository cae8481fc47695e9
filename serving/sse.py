"""Server-sent events: each as soon as it is there, a sign of life in between, an end when the client leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
import structlog
from starlette.responses import StreamingResponse

from tasks.errors import DarkroomError, RefusedError, TransientError

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
_HEARTBEAT = b": still here\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Named = tuple[str, dict[str, Any]]
_pumps: set[asyncio.Task[None]] = set()  # until they have tidied up: the event loop itself keeps weak references only


def sse_answer(events: AsyncGenerator[Named, None], heartbeat_seconds: float = HEARTBEAT_SECONDS) -> StreamingResponse:
    """*events* as a stream; an error becomes the last of them. When the client leaves, the generator is closed."""
    return StreamingResponse(_lines(events, heartbeat_seconds), media_type="text/event-stream", headers=_HEADERS)


async def _lines(events: AsyncGenerator[Named, None], heartbeat_seconds: float) -> AsyncGenerator[bytes, None]:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=64)
    pump = asyncio.create_task(_pump(events, queue))
    _pumps.add(pump)
    pump.add_done_callback(_pumps.discard)
    try:
        while True:
            try:
                async with asyncio.timeout(heartbeat_seconds):
                    line = await queue.get()
            except TimeoutError:
                yield _HEARTBEAT
                continue
            if line is None:
                return
            yield line
    finally:
        # Not awaited: our own task is being cancelled again and again, and would cancel the pump's tidying up as well.
        pump.cancel()


async def _pump(events: AsyncGenerator[Named, None], queue: asyncio.Queue[bytes | None]) -> None:
    try:
        async with aclosing(events):
            async for name, data in events:
                await queue.put(_line(name, data))
    except DarkroomError as exc:
        await queue.put(_line("error", {"detail": str(exc), "status": status_of(exc)}))
    except Exception as exc:  # the answer has begun: no status can be sent any more
        log.error("stream.failed", error=type(exc).__name__, exc_info=exc)
        detail = "something went wrong here; the server's log has the reason"
        await queue.put(_line("error", {"detail": detail, "status": 500}))
    await queue.put(None)


def status_of(exc: DarkroomError) -> int:
    if isinstance(exc, RefusedError):
        return exc.status_code
    return 503 if isinstance(exc, TransientError) else 500


def _line(name: str, data: dict[str, Any]) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data, default=str) + b"\n\n"
