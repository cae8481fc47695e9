"""Speaks OpenRouter's chat completions over SSE: with comments, tool arguments in pieces, and errors as events."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.stand_ins.http_server import Handler, Refused, StandIn
from tests.stand_ins.ollama import Drop, Fail, Raw, Say

MODELS = ["anthropic/claude-sonnet-4", "openai/gpt-4o-mini"]
KEY = "sk-or-v1-0123456789abcdef"
KEYS = {"model", "messages", "tools", "stream", "stream_options", "temperature", "max_tokens", "tool_choice"}


@dataclass
class FailInside:
    """An error event after these pieces; the status was 200."""

    pieces: Sequence[str]
    code: int
    message: str


class OpenRouterStandIn(StandIn):
    def __init__(self, script: Sequence[Say | Fail | Drop | Raw | FailInside] = ()) -> None:
        super().__init__()
        self.script: deque[Say | Fail | Drop | Raw | FailInside] = deque(script)
        self.piece_characters = 3  # of a tool call's arguments

    def error_body(self, exc: Refused) -> Any:
        return {"error": {"code": exc.status, "message": str(exc)}}

    def get_models(self, handler: Handler, _: Any) -> None:
        handler.json({"data": [{"id": name} for name in MODELS]})

    def post_chat_completions(self, handler: Handler, body: Any) -> None:
        if handler.headers.get("Authorization") != f"Bearer {KEY}":
            raise Refused(401, "User not found.")
        _check(body)
        if not self.script:
            raise Refused(500, "the script of this stand-in is used up")
        answer = self.script.popleft()
        if isinstance(answer, Fail):
            raise Refused(answer.status, answer.message)
        if isinstance(answer, Raw):
            handler.bytes(answer.body, "text/event-stream")
        elif isinstance(answer, Drop):
            handler.begin("text/event-stream")
            for piece in answer.pieces:
                handler.chunk(_event(body["model"], {"content": piece}))
            if answer.politely:
                handler.wfile.write(b"0\r\n\r\n")
            else:
                handler.drop()
        elif isinstance(answer, FailInside):
            handler.stream(_failing(body["model"], answer), "text/event-stream")
        else:
            handler.stream(self._said(body["model"], answer), "text/event-stream")

    def _said(self, model: str, answer: Say) -> Iterator[bytes]:
        yield b": OPENROUTER PROCESSING\n\n"
        self.stopping.wait(answer.wait_first_s)
        for piece in answer.pieces:
            yield _event(model, {"role": "assistant", "content": piece})
            self.stopping.wait(answer.wait_each_s)
        for number, (name, arguments) in enumerate(answer.calls):
            yield from self._call(model, number, name, arguments)
        reason = "tool_calls" if answer.calls else answer.reason
        yield _event(model, {"content": ""}, reason)
        yield _data({"model": model, "choices": [], "usage": {"prompt_tokens": 26, "completion_tokens": 298}})
        yield b"data: [DONE]\n\n"

    def _call(self, model: str, number: int, name: str, arguments: Any) -> Iterator[bytes]:
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {"index": number, "id": f"toolu_{number}", "type": "function"}
        yield _event(model, {"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]})
        for start in range(0, len(text), self.piece_characters):
            piece = {"index": number, "function": {"arguments": text[start : start + self.piece_characters]}}
            yield _event(model, {"tool_calls": [piece]})


def _check(body: dict[str, Any]) -> None:
    if unknown := body.keys() - KEYS:
        raise Refused(400, f"unknown fields {sorted(unknown)}")
    if body["model"] not in MODELS:
        raise Refused(400, f"{body['model']} is not a valid model ID")
    unanswered: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            if message["tool_call_id"] not in unanswered:
                raise Refused(400, f"an answer to no tool call: {message}")
            unanswered.remove(message["tool_call_id"])
        elif unanswered:
            raise Refused(400, f"tool calls without an answer: {unanswered}")
        unanswered += [call["id"] for call in message.get("tool_calls", [])]
    if unanswered:
        raise Refused(400, f"tool calls without an answer: {unanswered}")


def _failing(model: str, answer: FailInside) -> Iterator[bytes]:
    for piece in answer.pieces:
        yield _event(model, {"content": piece})
    error = {"code": answer.code, "message": answer.message}
    yield _data({"model": model, "error": error, "choices": [{"delta": {}, "finish_reason": "error"}]})


def _event(model: str, delta: dict[str, Any], reason: str | None = None) -> bytes:
    return _data({"id": "gen-1", "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


def _data(content: Any) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()
