"""Which models the Ollama servers have, what each can do, and how far one is that is being pulled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from typing import Any

from tasks.models.loose_json import as_dict, as_list
from tasks.models.ollama_server import OllamaServer, ServerFailed

KEPT_SECONDS = 60.0
MOST_PULLS_KEPT = 50  # of those that ended the oldest are forgotten
_SHOWN_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """
    Args:
        capabilities: Of completion, tools, vision, embedding, thinking, insert.
        context_length: Tokens; None where the server does not say.
    """

    name: str
    digest: str
    size_bytes: int
    family: str
    parameter_size: str
    quantization: str
    capabilities: tuple[str, ...]
    context_length: int | None


@dataclass(slots=True)
class PullState:
    """How far a pull is. state: pulling, done, failed."""

    server: str
    model: str
    state: str = "pulling"
    status: str = ""
    completed_bytes: int = 0
    total_bytes: int = 0


@dataclass(slots=True)
class ServerModels:
    """What one server has. error: why it could not be asked; then the rest is empty."""

    role: str
    server: str
    model: str
    has_model: bool = False
    version: str = ""
    models: list[ModelInfo] = field(default_factory=list)
    pulls: list[PullState] = field(default_factory=list)
    breaker: str = "closed"
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def can(self, capability: str) -> list[str]:
        return [model.name for model in self.models if capability in model.capabilities]


class OllamaModels:
    """
    The listing, kept for a minute per server; what a model can do is kept until its digest changes.

    Args:
        clock: For tests.
    """

    def __init__(
        self, servers: Sequence[OllamaServer], *, kept_seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._servers = tuple(servers)
        self._kept_seconds, self._clock = kept_seconds, clock
        self._listed: dict[str, tuple[float, ServerModels]] = {}
        self._shown: dict[tuple[str, str, str], ModelInfo] = {}
        self._pulls: dict[tuple[str, str], PullState] = {}

    async def listing(self, *, fresh: bool = False) -> list[ServerModels]:
        """One entry per server, in the order they are asked. Never raises for a server that is down."""
        return list(await asyncio.gather(*(self._of(server, fresh) for server in self._servers)))

    async def first_that_can(self, capability: str) -> tuple[OllamaServer, str] | None:
        """A server and a model with the capability; the model it is configured with first."""
        listed = await self.listing()
        for server, found in zip(self._servers, listed, strict=True):
            able = found.can(capability)
            if able:
                preferred = [name for name in able if _same(name, server.model)]
                return server, (preferred or able)[0]
        return None

    async def all_see(self, asked_for: str = "") -> bool:
        """
        Whether whoever answers sees: every model that a server we reach may be asked for (see OllamaChat).

        Args:
            asked_for: By the client; "" for the configured models.
        """
        able: list[bool] = []
        for server, found in zip(self._servers, await self.listing(), strict=True):
            wanted = {asked_for or server.model} | ({server.model} if server.role != "primary" else set())
            there = [model for model in found.models if any(_same(model.name, name) for name in wanted)]
            able += ["vision" in model.capabilities for model in there]
        return bool(able) and all(able)

    async def pull(self, server: OllamaServer, model: str) -> AsyncGenerator[PullState, None]:
        """Have *server* fetch *model*; how far it is, until done or failed. The listing shows it meanwhile."""
        state = self._pulls[server.url, model] = PullState(server.name, model)
        ended = [key for key, pull in self._pulls.items() if pull.state != "pulling"]
        for key in ended[: max(0, len(self._pulls) - MOST_PULLS_KEPT)]:
            del self._pulls[key]
        deadline = asyncio.get_running_loop().time() + 86_400  # a large model over a slow line
        try:
            async with aclosing(server.stream("/api/pull", {"model": model}, deadline=deadline)) as parts:
                async for part in parts:
                    _follow(state, part)
                    yield state
        except ServerFailed as exc:
            state.status = str(exc)
        state.state = "done" if state.status == "success" else "failed"
        self._listed.pop(server.url, None)
        yield state

    async def _of(self, server: OllamaServer, fresh: bool) -> ServerModels:
        kept = self._listed.get(server.url)
        if kept is None or fresh or self._clock() - kept[0] > self._kept_seconds:
            kept = (self._clock(), await self._ask(server))
            self._listed[server.url] = kept
        listed = kept[1]
        listed.breaker = server.breaker.state
        listed.pulls = [state for (url, _), state in self._pulls.items() if url == server.url]
        return listed

    async def _ask(self, server: OllamaServer) -> ServerModels:
        found = ServerModels(server.role, server.name, server.model)
        try:
            version = await server.ask("GET", "/api/version")
            tags = await server.ask("GET", "/api/tags")
            found.models = await self._described(server, tags.get("models"))
        except ServerFailed as exc:
            found.error = str(exc)
            return found
        found.version = str(version.get("version") or "")
        found.has_model = any(_same(model.name, server.model) for model in found.models)
        return found

    async def _described(self, server: OllamaServer, tags: Any) -> list[ModelInfo]:
        turns = asyncio.Semaphore(_SHOWN_AT_ONCE)

        async def described(tag: dict[str, Any]) -> ModelInfo:
            key = (server.url, str(tag.get("model") or tag.get("name")), str(tag.get("digest")))
            if key not in self._shown:
                async with turns:
                    shown = await server.ask("POST", "/api/show", {"model": key[1]})
                self._shown[key] = _model_info(key[1], tag, shown)
            return self._shown[key]

        return list(await asyncio.gather(*(described(tag) for tag in as_list(tags) if isinstance(tag, dict))))


def _follow(state: PullState, part: dict[str, Any]) -> None:
    state.status = str(part.get("status") or state.status)
    for name in ("completed", "total"):
        if isinstance(part.get(name), int):
            setattr(state, f"{name}_bytes", part[name])


def _model_info(name: str, tag: dict[str, Any], shown: dict[str, Any]) -> ModelInfo:
    details, info = as_dict(tag.get("details")), as_dict(shown.get("model_info"))
    lengths = [value for key, value in info.items() if key.endswith(".context_length") and isinstance(value, int)]
    return ModelInfo(
        name=name,
        digest=str(tag.get("digest") or ""),
        size_bytes=int(tag.get("size") or 0),
        family=str(details.get("family") or ""),
        parameter_size=str(details.get("parameter_size") or ""),
        quantization=str(details.get("quantization_level") or ""),
        capabilities=_capabilities(shown, details),
        context_length=lengths[0] if lengths else None,
    )


def _capabilities(shown: dict[str, Any], details: dict[str, Any]) -> tuple[str, ...]:
    """As the server says (since 0.6.4); for older ones from the template and the parts of the model."""
    if isinstance(said := shown.get("capabilities"), list):
        return tuple(str(capability) for capability in said)
    if details.get("family") in {"bert", "nomic-bert"}:
        return ("embedding",)
    found = ["completion"]
    if ".Tools" in str(shown.get("template")):
        found.append("tools")
    if {"clip", "mllama"}.intersection(map(str, as_list(details.get("families")))) or shown.get("projector_info"):
        found.append("vision")
    return tuple(found)


def _same(name: str, wanted: str) -> bool:
    """`llama3.2` means `llama3.2:latest`."""
    return name in {wanted, f"{wanted}:latest"}
