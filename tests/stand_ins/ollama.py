"""
Speaks Ollama's HTTP API as the real server does, and refuses what it would refuse.

A test scripts the answers: each POST /api/chat takes the next one. What is not scripted is an error, not a kindness.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.stand_ins.http_server import Handler, Refused, StandIn
from tests.waiting import DEADLINE_SECONDS

CHAT_MODEL, EMBED_MODEL, VISION_MODEL = "nemotron-3-nano:30b", "nomic-embed-text:v1.5", "llava:7b"
CAPABILITIES = {
    CHAT_MODEL: ["completion", "tools", "thinking"],
    EMBED_MODEL: ["embedding"],
    VISION_MODEL: ["completion", "vision"],
}
CHAT_KEYS = {"model", "messages", "tools", "stream", "options", "format", "keep_alive", "think"}
MESSAGE_KEYS = {"role", "content", "images", "tool_calls", "tool_name", "thinking"}
OPTIONS = {"num_ctx": int, "temperature": (int, float), "num_predict": int}
WIDTH = 768


@dataclass
class Say:
    """Text in pieces, then tool calls `(name, arguments)`, then the end."""

    pieces: Sequence[str] = ()
    calls: Sequence[tuple[str, Any]] = ()
    thinking: str = ""
    wait_first_s: float = 0.0
    wait_each_s: float = 0.0
    wait_for: threading.Event | None = None  # the first word comes when it is set
    reason: str = "stop"


@dataclass
class Fail:
    status: int
    message: str


@dataclass
class Drop:
    """The connection breaks after these pieces: with a reset, or (politely) with an end that comes too early."""

    pieces: Sequence[str] = ()
    politely: bool = False


@dataclass
class Raw:
    """These bytes as the answer, whatever they are."""

    body: bytes


Answer = Say | Fail | Drop | Raw


@dataclass
class _Model:
    name: str
    capabilities: list[str]
    context_length: int = 32_768

    def tag(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        details = {"family": "llama", "families": ["llama"], "parameter_size": "7B", "quantization_level": "Q4_K_M"}
        return {"name": self.name, "model": self.name, "size": 4_000_000_000, "digest": digest, "details": details}


class OllamaStandIn(StandIn):
    def __init__(
        self, script: Sequence[Answer] = (), *, models: Sequence[str] = (CHAT_MODEL, EMBED_MODEL), old: bool = False
    ) -> None:
        super().__init__()
        self.script: deque[Answer] = deque(script)
        self.models = {name: _Model(name, CAPABILITIES.get(name, ["completion", "tools"])) for name in models}
        self.old = old  # a server that does not list capabilities
        self.embed_answer: Answer | None = None
        self.pull_lines: list[dict[str, Any]] = [
            {"status": "pulling manifest"},
            {"status": "pulling aeda25e63ebd", "digest": "sha256:aeda", "total": 2000, "completed": 500},
            {"status": "pulling aeda25e63ebd", "digest": "sha256:aeda", "total": 2000, "completed": 2000},
            {"status": "success"},
        ]

    # -- what is there

    def get_api_version(self, handler: Handler, _: Any) -> None:
        handler.json({"version": "0.12.6"})

    def get_api_tags(self, handler: Handler, _: Any) -> None:
        handler.json({"models": [model.tag() for model in self.models.values()]})

    def post_api_show(self, handler: Handler, body: Any) -> None:
        model = self._model(body, {"model"})
        shown = {"template": "{{ .Tools }}", "model_info": {"llama.context_length": model.context_length}}
        handler.json(shown if self.old else {**shown, "capabilities": model.capabilities})

    def post_api_pull(self, handler: Handler, body: Any) -> None:
        name = body["model"]
        if self.pull_lines[-1].get("status") == "success":
            self.models[name] = _Model(name, CAPABILITIES.get(name, ["completion", "tools"]))
        handler.stream((_line(line) for line in self.pull_lines), "application/x-ndjson")

    # -- embeddings

    def post_api_embed(self, handler: Handler, body: Any) -> None:
        model = self._model(body, {"model", "input", "truncate", "options", "keep_alive"})
        if "embedding" not in model.capabilities:
            raise Refused(400, "this model does not support embeddings")
        if isinstance(self.embed_answer, Fail):
            raise Refused(self.embed_answer.status, self.embed_answer.message)
        if isinstance(self.embed_answer, Raw):
            handler.bytes(self.embed_answer.body, "application/json")
            return
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        handler.json({"model": model.name, "embeddings": [vector_of(text) for text in texts]})

    # -- chat

    def post_api_chat(self, handler: Handler, body: Any) -> None:
        model = self._model(body, CHAT_KEYS)
        _check_chat(body, model)
        if not self.script:
            raise Refused(500, "the script of this stand-in is used up")
        answer = self.script.popleft()
        if isinstance(answer, Fail):
            raise Refused(answer.status, answer.message)
        if isinstance(answer, Raw):
            handler.bytes(answer.body, "application/x-ndjson")
        elif isinstance(answer, Drop):
            handler.begin("application/x-ndjson")
            for piece in answer.pieces:
                handler.chunk(_line(_part(model.name, {"content": piece})))
            if answer.politely:
                handler.wfile.write(b"0\r\n\r\n")
            else:
                handler.drop()
        else:
            handler.stream(self._said(model.name, answer), "application/x-ndjson")

    def _said(self, model: str, answer: Say) -> Iterator[bytes]:
        self.stopping.wait(answer.wait_first_s)
        if answer.wait_for:
            answer.wait_for.wait(DEADLINE_SECONDS)
        if answer.thinking:
            yield _line(_part(model, {"content": "", "thinking": answer.thinking}))
        for piece in answer.pieces:
            yield _line(_part(model, {"content": piece}))
            self.stopping.wait(answer.wait_each_s)
        if answer.calls:
            calls = [{"function": {"name": name, "arguments": arguments}} for name, arguments in answer.calls]
            yield _line(_part(model, {"content": "", "tool_calls": calls}))
        counts = {"prompt_eval_count": 26, "eval_count": 298, "total_duration": 1, "eval_duration": 1}
        end = {**_part(model, {"content": ""}), "done": True, "done_reason": answer.reason, **counts}
        yield _line(end)

    def _model(self, body: Any, known: set[str]) -> _Model:
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            raise Refused(400, "missing request body")
        if unknown := body.keys() - known:
            raise Refused(400, f"unknown fields {sorted(unknown)}")
        name = body["model"] if ":" in body["model"] else f"{body['model']}:latest"
        if name not in self.models:
            raise Refused(404, f"model '{body['model']}' not found")
        return self.models[name]


@dataclass
class _Open:
    """Tool calls of the last assistant message that no tool message has answered."""

    names: list[str] = field(default_factory=list)


def _check_chat(body: dict[str, Any], model: _Model) -> None:
    if body.get("tools") and "tools" not in model.capabilities:
        raise Refused(400, f"registry.ollama.ai/library/{model.name} does not support tools")
    for name, value in body.get("options", {}).items():
        if name not in OPTIONS or not isinstance(value, OPTIONS[name]):
            raise Refused(400, f"invalid option {name}")
    for tool in body.get("tools", []):
        function = tool["function"]
        if tool["type"] != "function" or not function["description"] or function["parameters"]["type"] != "object":
            raise Refused(400, f"invalid tool {tool}")
    unanswered = _Open()
    for message in body["messages"]:
        _check_message(message, model, unanswered)
    if unanswered.names:
        raise Refused(400, f"tool calls without an answer: {unanswered.names}")


def _check_message(message: dict[str, Any], model: _Model, unanswered: _Open) -> None:
    if unknown := message.keys() - MESSAGE_KEYS:
        raise Refused(400, f"unknown fields in message: {sorted(unknown)}")
    if message["role"] not in {"system", "user", "assistant", "tool"} or not isinstance(message["content"], str):
        raise Refused(400, f"invalid message {message}")
    if message["role"] == "tool":
        if message.get("tool_name") not in unanswered.names:
            raise Refused(400, f"an answer to no tool call: {message}")
        unanswered.names.remove(message["tool_name"])
    elif unanswered.names:
        raise Refused(400, f"tool calls without an answer: {unanswered.names}")
    for call in message.get("tool_calls", []):
        if not isinstance(call["function"]["arguments"], dict):
            raise Refused(400, "json: cannot unmarshal string into Go struct field .tool_calls.function.arguments")
        unanswered.names.append(call["function"]["name"])
    if message.get("images"):
        if "vision" not in model.capabilities:
            raise Refused(400, f"model {model.name} does not support images")
        for image in message["images"]:
            if not base64.b64decode(image, validate=True).startswith((b"\xff\xd8", b"\x89PNG")):
                raise Refused(400, "invalid image")


def vector_of(text: str) -> list[float]:
    """The same for the same text, of unit length; says nothing about meaning."""
    seed = hashlib.shake_256(text.encode()).digest(WIDTH)
    raw = [byte - 127.5 for byte in seed]
    length = math.sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]


def _part(model: str, message: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": model,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "message": {"role": "assistant", **message},
        "done": False,
    }


def _line(content: Any) -> bytes:
    return json.dumps(content).encode() + b"\n"
