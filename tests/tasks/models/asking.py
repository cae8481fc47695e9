"""Asking a chat model in a test."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from tasks.models.chat import (
    DEFAULTS,
    ChatModel,
    ChatOptions,
    Delta,
    Finished,
    Message,
    TextDelta,
    ToolCall,
    ToolSchema,
)

Answer = TypeVar("Answer")
HELLO = [Message("user", "hello")]
FIND = ToolSchema("find_photos", "Search the library.", {"type": "object", "properties": {"q": {"type": "string"}}})


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(work)


def ask(
    model: ChatModel,
    messages: Sequence[Message] = HELLO,
    tools: Sequence[ToolSchema] = (),
    options: ChatOptions = DEFAULTS,
) -> list[Delta]:
    async def collect() -> list[Delta]:
        return [delta async for delta in model.stream(messages, tools=tools, options=options)]

    return run(collect())


def text_of(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def calls_of(deltas: Sequence[Delta]) -> list[ToolCall]:
    return [delta for delta in deltas if isinstance(delta, ToolCall)]


def end_of(deltas: Sequence[Delta]) -> Finished:
    last = deltas[-1]
    assert isinstance(last, Finished)
    return last
