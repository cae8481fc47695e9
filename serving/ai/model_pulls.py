"""Models that our Ollama servers fetch because somebody asked: under way until they are there, or the API stops."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from tasks.errors import Conflict, NotFound
from tasks.models.ollama_models import OllamaModels
from tasks.models.ollama_server import OllamaServer

MOST_AT_ONCE = 4


class ModelPulls:
    """GET /insights/models says how far they are: OllamaModels keeps that."""

    def __init__(self, models: OllamaModels, servers: list[OllamaServer]) -> None:
        self._models, self._servers = models, servers
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    def start(self, model: str, role: str) -> str:
        """
        Begin; one that is under way goes on alone.

        Args:
            role: Of the server: primary or fallback.
        Returns:
            The server's address, without any password.
        Raises:
            NotFound: No server has the role. Conflict: Several are under way.
        """
        server = next((server for server in self._servers if server.role == role), None)
        if server is None:
            raise NotFound(f"there is no {role} server: set OLLAMA_{role.upper()}_URL")
        key = (server.url, model)
        if key not in self._running:
            if len(self._running) >= MOST_AT_ONCE:
                raise Conflict(f"{MOST_AT_ONCE} models are being fetched already; GET /insights/models says how far")
            task = asyncio.create_task(self._pull(server, model))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        return server.name

    async def close(self) -> None:
        """The servers stop fetching; they go on from there when asked again."""
        for task in list(self._running.values()):
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _pull(self, server: OllamaServer, model: str) -> None:
        async with aclosing(self._models.pull(server, model)) as states:
            async for _ in states:
                continue  # the listing shows each
