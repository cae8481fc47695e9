"""Work that ends when the client leaves: nobody waits for the model any more, so it need not go on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from tasks.errors import RefusedError

Made = TypeVar("Made")


class ClientDisconnected(RefusedError):
    """Nobody reads this answer; the status is nginx's, for the metrics."""

    status_code = 499


async def cancel_on_disconnect(request: Request, work: Coroutine[Any, Any, Made]) -> Made:
    """
    What *work* returns; cancelled as soon as the client hangs up.

    Args:
        request: Its body has been read.
    Raises:
        ClientDisconnected: *work* has ended by then. Whatever *work* raises.
    """
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnected("the client left")
    finally:
        leaving.cancel()
        task.cancel()
        await asyncio.wait({task})


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue  # the rest of a body, where there is one
