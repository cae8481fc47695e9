"""
Chat through OpenRouter: the hybrid backend.

Words and tool calls go to the service; pictures never do (a local model describes them), and embeddings stay local.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from tasks.errors import AnswerCutOff, IntegrityError, ModelRefused, ModelUnavailable
from tasks.models.breaker import Breaker
from tasks.models.chat import DEFAULTS, ChatOptions, Delta, Finished, Message, TextDelta, ToolCall, ToolSchema
from tasks.models.loose_json import as_dict, as_list
from tasks.models.sse import EventTooLong, events

log = logging.getLogger(__name__)

BASE_URL = "https://openrouter.ai/api/v1"
DEFAULT_MODEL = "anthropic/claude-sonnet-4"
_SHOWN_CHARACTERS = 300
_KEY_LIKE = re.compile(r"\bsk-[\w-]{6,}|Bearer\s+\S+", re.IGNORECASE)


@dataclass(slots=True)
class _CallPieces:
    """A tool call while its arguments arrive in pieces."""

    call_id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class OpenRouterChat:
    """
    A ChatModel.

    Args:
        allowed_models: Where not empty, a client may name these and the default one only. Capabilities are not
            checked: a model that does not exist or has no tools is refused by the service, and that is passed on.
        http_referer, app_title: How the service lists this program; "" sends neither.
    """

    backend = "hybrid"

    def __init__(
        self,
        api_key: str,
        *,
        default_model: str = DEFAULT_MODEL,
        allowed_models: Sequence[str] = (),
        base_url: str = BASE_URL,
        http_referer: str = "",
        app_title: str = "",
        connect_seconds: float = 5.0,
        total_seconds: float = 120.0,
        breaker: Breaker | None = None,
    ) -> None:
        self._api_key = api_key
        self.default_model = default_model
        self.allowed_models = tuple(allowed_models)
        self.base_url = base_url.rstrip("/")
        self.breaker = breaker or Breaker()
        self._total_seconds = total_seconds
        self._timeout = httpx.Timeout(total_seconds, connect=connect_seconds)
        named = {"HTTP-Referer": http_referer, "X-Title": app_title}
        self._headers = {name: value for name, value in named.items() if value}
        self._client: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None

    @property
    def configured(self) -> bool:
        return bool(self._api_key)

    def picker(self) -> dict[str, Any]:
        """What GET /insights/openrouter/models answers."""
        return {
            "models": list(self.allowed_models),
            "default_model": self.default_model,
            "configured": self.configured,
        }

    async def close(self) -> None:
        if self._client is not None:
            _, client = self._client
            self._client = None
            await client.aclose()

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSchema] = (),
        options: ChatOptions = DEFAULTS,
    ) -> AsyncGenerator[Delta, None]:
        """See ChatModel. Raises ModelUnavailable, AnswerCutOff, ModelRefused."""
        model = self._chosen(options.model)
        if not self.breaker.allows():
            raise ModelUnavailable("OpenRouter failed several times in a row and is left alone for a while")
        deadline = asyncio.get_running_loop().time() + self._total_seconds
        response = await self._opened(_request(model, messages, tools, options), deadline)
        log.info("chat: OpenRouter answers with %s", model)
        async with aclosing(response), aclosing(events(response.aiter_text())) as data:
            async for delta in self._deltas(model, data, deadline):
                yield delta

    def _chosen(self, asked_for: str) -> str:
        if not self.configured:
            raise ModelRefused("the hybrid backend is off: set OPENROUTER_API_KEY")
        if asked_for and self.allowed_models and asked_for not in {*self.allowed_models, self.default_model}:
            raise ModelRefused(f"the model {asked_for!r} is not among those of GET /insights/openrouter/models")
        return asked_for or self.default_model

    async def _opened(self, body: dict[str, Any], deadline: float) -> httpx.Response:
        """The response, its body still to come. Raises ModelUnavailable, ModelRefused."""
        client = self._connected()
        headers = {"Authorization": f"Bearer {self._api_key}", "Accept": "text/event-stream", **self._headers}
        request = client.build_request("POST", f"{self.base_url}/chat/completions", json=body, headers=headers)
        try:
            async with asyncio.timeout_at(deadline):
                response = await client.send(request, stream=True)
                if response.is_error:
                    await response.aread()
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as exc:
            self.breaker.failed()
            raise ModelUnavailable(f"OpenRouter cannot be reached ({type(exc).__name__})") from exc
        if response.is_success:
            return response
        await response.aclose()
        raise self._failure(response.status_code, _said(response.content))

    def _failure(self, status: int, said: str) -> Exception:
        words = _KEY_LIKE.sub("…", said.replace(self._api_key, "…"))[:_SHOWN_CHARACTERS] or f"HTTP {status}"
        if 400 <= status < 500 and status != 408:
            self.breaker.succeeded()
            # 401 would tell our client that *its* token is no good, and log it out.
            return ModelRefused(f"OpenRouter refuses: {words}", 400 if status == 401 else status)
        self.breaker.failed()
        return ModelUnavailable(f"OpenRouter fails: {words}")

    def _connected(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._client[0] is not loop:
            self._client = (loop, httpx.AsyncClient(timeout=self._timeout))
        return self._client[1]

    async def _deltas(
        self, model: str, data: AsyncGenerator[str, None], deadline: float
    ) -> AsyncGenerator[Delta, None]:
        calls: dict[int, _CallPieces] = {}
        finished = Finished(self.backend, self.base_url, model, reason="")
        begun = False
        while (event := await self._next_event(data, deadline)) is not None:
            if "error" in event:
                raise self._failed_inside(event["error"], begun)
            finished = _finished_by(finished, event)
            for delta in _choice(event):
                if text := delta.get("content"):
                    begun = True
                    yield TextDelta(str(text))
                _gather(calls, delta)
        if not finished.reason:
            self.breaker.failed()
            raise AnswerCutOff("OpenRouter stopped in the middle of its answer: the connection ended")
        self.breaker.succeeded()
        for number in sorted(calls):
            pieces = calls[number]
            arguments = "".join(pieces.arguments) or "{}"
            yield ToolCall(pieces.call_id or f"call_{number}", pieces.name or "unnamed", arguments)
        yield finished

    async def _next_event(self, data: AsyncGenerator[str, None], deadline: float) -> dict[str, Any] | None:
        """The next event; None at the end of the answer. Raises AnswerCutOff."""
        try:
            async with asyncio.timeout_at(deadline):
                text = await anext(data, "[DONE]")
        except (TimeoutError, httpx.HTTPError, EventTooLong) as exc:
            self.breaker.failed()
            raise AnswerCutOff(f"OpenRouter stopped in the middle of its answer ({type(exc).__name__})") from exc
        if text.strip() == "[DONE]":
            return None
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError as exc:
            self.breaker.failed()
            raise AnswerCutOff("OpenRouter answers something that is no JSON") from exc
        return event if isinstance(event, dict) else {}

    def _failed_inside(self, error: Any, begun: bool) -> Exception:
        """An error sent as an event, when the status had been 200; before the first word it is as good as a status."""
        error = error if isinstance(error, dict) else {"message": error}
        status = error.get("code") if isinstance(error.get("code"), int) else 502
        failure = self._failure(int(status or 502), str(error.get("message") or ""))
        return AnswerCutOff(f"OpenRouter stopped in the middle of its answer: {failure}") if begun else failure


def _request(
    model: str, messages: Sequence[Message], tools: Sequence[ToolSchema], options: ChatOptions
) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": model,
        "messages": [_wire_message(message) for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if options.temperature is not None:
        request["temperature"] = options.temperature
    if options.max_tokens is not None:
        request["max_tokens"] = options.max_tokens
    if tools:
        request["tools"] = [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)},
            }
            for tool in tools
        ]
        if options.must_answer:  # left out, some services would refuse a history with tool calls in it
            request["tool_choice"] = "none"
    return request


def _wire_message(message: Message) -> dict[str, Any]:
    if message.images:
        raise IntegrityError("a picture was about to leave the house; the hybrid backend gets descriptions only")
    wire: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        wire["tool_call_id"] = message.call_id
    return wire


def _choice(event: dict[str, Any]) -> list[dict[str, Any]]:
    """The delta of the one choice we ask for; none in events that only count tokens."""
    return [as_dict(as_dict(choice).get("delta")) for choice in as_list(event.get("choices"))[:1]]


def _gather(calls: dict[int, _CallPieces], delta: dict[str, Any]) -> None:
    for piece in map(as_dict, as_list(delta.get("tool_calls"))):
        number = piece.get("index") if isinstance(piece.get("index"), int) else len(calls)
        call = calls.setdefault(int(number or 0), _CallPieces())
        function = as_dict(piece.get("function"))
        call.call_id = call.call_id or str(piece.get("id") or "")
        call.name = call.name or str(function.get("name") or "")
        call.arguments.append(str(function.get("arguments") or ""))


def _finished_by(finished: Finished, event: dict[str, Any]) -> Finished:
    first = as_dict((as_list(event.get("choices")) or [None])[0])
    usage = as_dict(event.get("usage"))
    return Finished(
        finished.backend,
        finished.server,
        str(event.get("model") or finished.model),
        str(first.get("finish_reason") or finished.reason),
        usage.get("prompt_tokens", finished.prompt_tokens),
        usage.get("completion_tokens", finished.answer_tokens),
    )


def _said(body: bytes) -> str:
    """The message in an error's body, `{"error": {"code", "message"}}`."""
    try:
        error = orjson.loads(body)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return str(error.get("message") or "") if isinstance(error, dict) else str(error)
