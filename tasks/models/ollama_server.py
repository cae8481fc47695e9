"""
One Ollama server, asked through the official client.

Its answers are taken as plain JSON (`ollama._types` refuses tool arguments that are no object, and drops from the
schemas of tools what it has no field for), every failure is one `ServerFailed`, and each request has a deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import ollama

from tasks.models.breaker import Breaker

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 120.0
_SHOWN_CHARACTERS = 300  # of what a server says about its failure


class ServerFailed(Exception):
    """
    A request came to nothing.

    Args:
        status: The HTTP status where there was one, else 0.
    """

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status

    @property
    def is_refusal(self) -> bool:
        """The server is well and says no: another request may do better, the same one will not."""
        return 400 <= self.status < 500 and self.status not in {408, 429}


class _PlainClient(ollama.AsyncClient):
    """The official client, with answers as they come."""

    async def answer(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self._request(dict, method, path, **request)
        return answer

    async def parts(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        parts = await self._request(dict, "POST", path, json=body, stream=True)
        return cast("AsyncGenerator[dict[str, Any], None]", parts)


@dataclass
class OllamaServer:
    """
    Args:
        url: As `OLLAMA_PRIMARY_URL` has it; a name and password in it go into the request, never into a message.
        model: What this server is asked for where the client names none.
        role: primary or fallback.
    """

    url: str
    model: str
    role: str = "primary"
    connect_seconds: float = CONNECT_SECONDS
    total_seconds: float = TOTAL_SECONDS
    breaker: Breaker = field(default_factory=Breaker)
    _client: tuple[asyncio.AbstractEventLoop, _PlainClient] | None = field(default=None, init=False, repr=False)

    @property
    def name(self) -> str:
        """The URL as it may be shown."""
        scheme, separator, rest = self.url.rpartition("://")
        return f"{scheme}{separator}{rest.rpartition('@')[2]}".rstrip("/")

    async def close(self) -> None:
        if self._client is not None:
            _, client = self._client
            self._client = None
            await client.close()  # type: ignore[no-untyped-call]

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One answer as JSON. Raises ServerFailed."""
        request = {} if body is None else {"json": body}
        answer: dict[str, Any] = await self._in_time(
            self._connected().answer(method, path, **request), self._deadline()
        )
        return answer

    async def stream(
        self, path: str, body: dict[str, Any], *, deadline: float | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """
        The lines of an answer as JSON; closing it closes the connection, which stops the model.

        Args:
            deadline: Of the whole answer, in the time of the event loop; None: `total_seconds` from now.
        Raises:
            ServerFailed
        """
        deadline = deadline or self._deadline()
        parts = await self._in_time(self._connected().parts(path, body), deadline)
        async with aclosing(parts) as open_parts:
            while True:
                try:
                    part = await self._in_time(anext(open_parts), deadline)
                except StopAsyncIteration:
                    return
                yield part

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self.total_seconds

    def _connected(self) -> _PlainClient:
        """The client of this event loop: connections cannot be shared between loops."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._client[0] is not loop:
            self._client = (loop, self._new_client())
        return self._client[1]

    def _new_client(self) -> _PlainClient:
        parts = urlsplit(self.url if "://" in self.url else f"//{self.url}")
        return _PlainClient(
            self.name,
            timeout=httpx.Timeout(self.total_seconds, connect=self.connect_seconds),
            auth=(parts.username, parts.password or "") if parts.username else None,
            follow_redirects=False,
            trust_env=False,  # a model server in the house is not behind the proxy to the outside
        )

    async def _in_time(self, work: Any, deadline: float) -> Any:
        try:
            async with asyncio.timeout_at(deadline):
                return await work
        except (TimeoutError, httpx.TimeoutException) as exc:
            raise ServerFailed(self._slow(exc)) from exc
        except ollama.ResponseError as exc:
            raise ServerFailed(_shortened(exc.error), max(exc.status_code, 0)) from exc
        except (ConnectionError, httpx.TransportError) as exc:
            raise ServerFailed(_unreachable(exc)) from exc
        except (ValueError, TypeError, AttributeError) as exc:  # what the client makes of lines that are no JSON object
            raise ServerFailed("it answers something that is no JSON: is this an Ollama server?") from exc

    def _slow(self, exc: Exception) -> str:
        if isinstance(exc, httpx.ConnectTimeout):
            return f"no connection within {self.connect_seconds:g} s"
        return f"no complete answer within {self.total_seconds:g} s"


def _unreachable(exc: Exception) -> str:
    if isinstance(exc, ConnectionError | httpx.ConnectError):  # the official client translates some of them
        return "nothing answers there"
    return f"the connection broke ({type(exc).__name__})"


def _shortened(text: object) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= _SHOWN_CHARACTERS else f"{words[:_SHOWN_CHARACTERS]}…"
