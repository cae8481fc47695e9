"""Conversations and insights to rows: what the API and the flow keep alike, inside one write transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from tasks.agent.loop import Done, default_num_ctx
from tasks.agent.prompts import prompt_version
from tasks.asset import Row, utc_now
from tasks.errors import Conflict
from tasks.models.chat import Finished, Message

PROMPT_VERSION = prompt_version("insight", "insight_title", "photo_chat", "photo_context")


class Rows(Protocol):
    """The lake inside a write transaction (`sql.lake.Writer`)."""

    def run(self, name: str, **parameters: Any) -> list[Row]: ...

    def append(self, table: str, rows: Sequence[Row]) -> None: ...

    def next_id(self, table: str, column: str) -> int: ...


@dataclass(frozen=True, slots=True)
class WrittenInsight:
    """
    What a model wrote about a picture.

    Args:
        transcript: The conversation that led to it, from the first thing the model was told; the answer last.
    """

    content_hash: str
    title: str
    done: Done
    transcript: tuple[Message, ...]


def keep_insight(rows: Rows, written: WrittenInsight, made_by: str, account_id: int | None) -> int:
    """
    A new insight with a conversation of its own; the pictures that the model saw are not kept in it.

    Args:
        made_by: generate, agentic, amend, flow.
    Returns:
        Its number.
    """
    answered_by = written.done.answered_by
    number = start_conversation(
        rows,
        {
            "content_hash": written.content_hash,
            "account_id": account_id,
            "title": written.title,
            "backend": answered_by.backend,
            "model": answered_by.model,
            "num_ctx": default_num_ctx(answered_by.backend),
        },
    )
    append_messages(rows, number, 0, written.transcript, answered_by)
    insight_id = rows.next_id("insight", "insight_id")
    row = {
        "insight_id": insight_id,
        "content_hash": written.content_hash,
        "title": written.title,
        "summary": written.done.text,
        "backend": answered_by.backend,
        "model": answered_by.model,
        "server": answered_by.server,
        "prompt_version": PROMPT_VERSION,
        "made_by": made_by,
        "conversation_id": number,
        "account_id": account_id,
        "generated_at": utc_now(),
    }
    rows.append("insight", [row])
    return insight_id


def start_conversation(rows: Rows, row: Row) -> int:
    """A new one; returns its number."""
    number = rows.next_id("conversation", "conversation_id")
    rows.append("conversation", [{**row, "conversation_id": number, "started_at": utc_now()}])
    return number


def append_messages(
    rows: Rows, conversation_id: int, position: int, messages: Sequence[Message], answered_by: Finished
) -> None:
    """
    Args:
        position: Of the first of them: how many there were when the turn began.
    Raises:
        Conflict: Somebody else's turn ended in between.
    """
    if rows.run("ai/message_count", conversation_id=conversation_id)[0]["messages"] != position:
        raise Conflict("the conversation went on elsewhere; ask again")
    new = [
        {
            "conversation_id": conversation_id,
            "position": position + number,
            "role": message.role,
            "content": message.content,
            "tool_calls": _calls_json(message),
            "call_id": message.call_id or None,
            "tool_name": message.tool_name or None,
            "server": answered_by.server if message.role == "assistant" else None,
            "model": answered_by.model if message.role == "assistant" else None,
            "recorded_at": utc_now(),
        }
        for number, message in enumerate(messages)
    ]
    rows.append("conversation_message", new)


def _calls_json(message: Message) -> str | None:
    if not message.tool_calls:
        return None
    calls = [{"call_id": call.call_id, "name": call.name, "arguments": call.arguments} for call in message.tool_calls]
    return orjson.dumps(calls).decode()
