"""One turn of a chat: what the model is told, what the client sees of it, and what is kept at its end."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from serving.ai.agent_sources import LakeMemory, LibraryPhotos
from serving.ai.conversations import parsed, shown_result
from serving.context import Context
from serving.sse import Named
from tasks.agent.library_tools import library_tools
from tasks.agent.loop import Done, Event, Limits, Text, ToolEnded, ToolStarted, Truncated, run_turn
from tasks.agent.sources import Sources, Vision
from tasks.agent.tools import Toolbox
from tasks.models.chat import ChatModel, ChatOptions, Message


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """
    Args:
        messages: All the model is told: system, what was said before, what was said now.
        keep: Called with the end of the turn; what it returns is added to `done`.
    """

    model: ChatModel
    messages: list[Message]
    toolbox: Toolbox
    limits: Limits
    options: ChatOptions
    keep: Callable[[Done], Awaitable[dict[str, Any]]]


def toolbox_of(
    context: Context,
    *,
    may_write: bool,
    asset_id: int | None = None,
    content_hash: str | None = None,
    vision: Vision | None = None,
) -> Toolbox:
    """
    Every tool whose source is there.

    Args:
        may_write: Whether the asker may change what is remembered; without it no tool writes.
        vision: A local model that sees, where the pictures may be looked at.
    """
    ai = context.ai
    sources = Sources(
        photos=LibraryPhotos(context.lake, context.replica, context.search),
        summaries=ai,
        messages=ai.messages,
        memory=LakeMemory(context.lake, content_hash),
        personal_places=ai.personal_places,
        vision=vision,
        sql=ai.sql,
        asset_id=asset_id,
    )
    return Toolbox([tool for tool in library_tools(sources) if may_write or not tool.writes])


async def stream_turn(plan: TurnPlan) -> AsyncGenerator[Named, None]:
    """The turn as named events: text, tool_call, tool_result, truncated, done. Raises what the model does."""
    calls: list[dict[str, Any]] = []
    turn = run_turn(plan.model, plan.messages, plan.toolbox, limits=plan.limits, options=plan.options)
    async with aclosing(turn) as events:
        async for event in events:
            if isinstance(event, Done):
                yield "done", {**_done(event, calls), **await plan.keep(event)}
                return
            named = _named(event)
            if named[0] == "tool_result":
                calls.append(named[1])
            yield named


async def complete_turn(plan: TurnPlan) -> dict[str, Any]:
    """The same without a stream: what `done` says."""
    async with aclosing(stream_turn(plan)) as events:
        async for name, data in events:
            if name == "done":
                return data
    raise AssertionError("a turn ends with done or an error")


def _named(event: Event) -> Named:
    if isinstance(event, Text):
        return "text", {"text": event.text}
    if isinstance(event, ToolStarted):
        return "tool_call", {
            "id": event.call.call_id,
            "name": event.call.name,
            "arguments": parsed(event.call.arguments),
        }
    if isinstance(event, Truncated):
        return "truncated", {"what": event.what, "messages": event.messages}
    assert isinstance(event, ToolEnded)
    shown = {
        "id": event.call.call_id,
        "name": event.call.name,
        "arguments": parsed(event.call.arguments),
        **shown_result(event.result.text),
        "failed": event.result.failed,
    }
    return "tool_result", shown | ({"sql": event.result.statement} if event.result.statement else {})


def _done(done: Done, calls: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "assistant_message": done.text,
        "tool_calls": calls,
        "iterations": done.iterations,
        "capped": done.capped,
        "truncated": done.truncated,
        "empty": done.empty,
        "backend": done.answered_by.backend,
        "model": done.answered_by.model,
        "server": done.answered_by.server,
        "cited": [{"kind": cited.kind, "id": cited.number} for cited in done.cited],
    }
