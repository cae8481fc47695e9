"""Chat through Ollama: the primary server, and where it fails the fallback with its own model."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

import orjson

from tasks.errors import AnswerCutOff, DarkroomError, ModelRefused, ModelUnavailable
from tasks.models.chat import DEFAULTS, ChatOptions, Delta, Finished, Message, TextDelta, ToolCall, ToolSchema
from tasks.models.loose_json import as_dict, as_list
from tasks.models.ollama_server import OllamaServer, ServerFailed

log = logging.getLogger(__name__)

_END_SECONDS = 0.5
_REFUSALS = {400, 413, 422}  # what the client can mend; 401 and 403 are the operator's to mend


class OllamaChat:
    """
    A ChatModel over one or two servers.

    Before the first word a failure moves on to the next server; after it the answer is cut off, since two halves of
    two models are no answer.
    """

    backend = "local"

    def __init__(self, servers: Sequence[OllamaServer]) -> None:
        self.servers = tuple(servers)

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSchema] = (),
        options: ChatOptions = DEFAULTS,
    ) -> AsyncGenerator[Delta, None]:
        """See ChatModel. Raises ModelUnavailable, AnswerCutOff, ModelRefused."""
        failures: list[tuple[OllamaServer, str, ServerFailed]] = []
        for server, model in self._candidates(options.model):
            if not server.breaker.allows():
                failures.append((server, model, ServerFailed("left alone for a while after failing several times")))
                continue
            parts = server.stream("/api/chat", _request(model, messages, tools, options))
            try:
                first = await _first(parts)
            except ServerFailed as exc:
                _note_failure(server, model, exc)
                failures.append((server, model, exc))
                continue
            log.info("chat: %s server %s answers with %s", server.role, server.name, model)
            async with aclosing(parts):
                async for delta in self._deltas(server, model, first, parts):
                    yield delta
            return
        raise _nobody_answered(failures, asked_for=options.model)

    def _candidates(self, asked_for: str) -> Iterator[tuple[OllamaServer, str]]:
        """Which server to ask for which model, in order. A model the client names is looked for on each server."""
        for server in self.servers:
            for model in dict.fromkeys([asked_for or server.model, *([server.model] * (server.role != "primary"))]):
                yield server, model

    async def _deltas(
        self, server: OllamaServer, model: str, first: dict[str, Any], parts: AsyncGenerator[dict[str, Any], None]
    ) -> AsyncGenerator[Delta, None]:
        part = first
        while True:
            for delta in _deltas_of(part):
                yield delta
            if part.get("done") is True:
                server.breaker.succeeded()
                await _read_to_the_end(parts)
                yield _finished(server, model, part)
                return
            try:
                part = await anext(parts)
            except StopAsyncIteration:
                failed: Exception = ServerFailed("the connection ended")
            except ServerFailed as exc:
                failed = exc
            else:
                continue
            server.breaker.failed()
            raise AnswerCutOff(f"the model server {server.name} stopped in the middle of its answer: {failed}")


async def _read_to_the_end(parts: AsyncGenerator[dict[str, Any], None]) -> None:
    """What follows the last part is the mark of the end alone; a connection left before it cannot be used again."""
    with suppress(TimeoutError, StopAsyncIteration, ServerFailed):
        async with asyncio.timeout(_END_SECONDS):
            await anext(parts)


async def _first(parts: AsyncGenerator[dict[str, Any], None]) -> dict[str, Any]:
    try:
        return await anext(parts)
    except StopAsyncIteration as exc:
        raise ServerFailed("it answers nothing at all") from exc


def _note_failure(server: OllamaServer, model: str, exc: ServerFailed) -> None:
    log.warning("chat: %s server %s did not answer with %s: %s", server.role, server.name, model, exc)
    if exc.is_refusal:
        server.breaker.succeeded()
    else:
        server.breaker.failed()


def _request(
    model: str, messages: Sequence[Message], tools: Sequence[ToolSchema], options: ChatOptions
) -> dict[str, Any]:
    wanted = {"num_ctx": options.num_ctx, "temperature": options.temperature, "num_predict": options.max_tokens}
    request: dict[str, Any] = {
        "model": model,
        "messages": [_wire_message(message) for message in messages],
        "stream": True,
        "options": {name: value for name, value in wanted.items() if value is not None},
    }
    if tools and not options.must_answer:
        request["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in tools
        ]
    return request


def _wire_message(message: Message) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        wire["images"] = [base64.b64encode(image).decode() for image in message.images]
    if message.tool_calls:
        wire["tool_calls"] = [
            {"function": {"name": call.name, "arguments": _object(call.arguments)}} for call in message.tool_calls
        ]
    if message.tool_name:
        wire["tool_name"] = message.tool_name
    return wire


def _object(arguments: str) -> dict[str, Any]:
    """Ollama takes objects only; what the model once wrote amiss is repeated to it as no arguments."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _deltas_of(part: dict[str, Any]) -> Iterator[Delta]:
    """What a line adds. `thinking` is the model talking to itself: not part of the answer."""
    message = part.get("message")
    if not isinstance(message, dict):
        return
    if isinstance(text := message.get("content"), str) and text:
        yield TextDelta(text)
    for call in as_list(message.get("tool_calls")):
        yield _tool_call(call)


def _tool_call(call: Any) -> ToolCall:
    """However odd: the agent tells the model what is wrong with it."""
    call = as_dict(call)
    function = as_dict(call.get("function"))
    arguments = function.get("arguments", {})
    return ToolCall(
        call_id=str(call.get("id") or f"call_{secrets.token_hex(4)}"),
        name=str(function.get("name") or "unnamed"),
        arguments=arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode(),
    )


def _finished(server: OllamaServer, model: str, part: dict[str, Any]) -> Finished:
    def count(name: str) -> int | None:
        return part[name] if isinstance(part.get(name), int) else None

    return Finished(
        OllamaChat.backend,
        server.name,
        model,
        str(part.get("done_reason") or "stop"),
        count("prompt_eval_count"),
        count("eval_count"),
    )


def _nobody_answered(failures: list[tuple[OllamaServer, str, ServerFailed]], *, asked_for: str) -> DarkroomError:
    refused = [exc for _, _, exc in failures if exc.status in _REFUSALS]
    if refused:
        return ModelRefused(f"the model server refuses: {refused[-1]}", refused[-1].status)
    if asked_for and failures and all(exc.status == 404 for _, _, exc in failures):
        return ModelRefused(f"no model server here has the model {asked_for!r}; GET /insights/models lists them")
    said = "; ".join(dict.fromkeys(_said(*failure) for failure in failures))
    return ModelUnavailable(f"no chat model can be reached ({said}). Start Ollama, then try again")


def _said(server: OllamaServer, model: str, exc: ServerFailed) -> str:
    return f"{server.name}: no model {model}: `ollama pull {model}`" if exc.status == 404 else f"{server.name}: {exc}"
