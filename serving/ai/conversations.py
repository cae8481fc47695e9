"""Conversations as they are kept: word by word, tool calls included; and as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from sql.lake import Lake, Row, Writer
from tasks.errors import InvalidQuery, NotFound
from tasks.models.chat import Message, ToolCall

SHOWN_RESULT_CHARACTERS = 2_000


def read_messages(lake: Lake, conversation_id: int) -> list[Message]:
    """What a model is told again."""
    return [_message(row) for row in lake.rows("ai/messages", conversation_id=conversation_id)]


def read_conversation(lake: Lake, conversation_id: int, account_id: int | None) -> Row:
    """Raises NotFound: there is none, or it is somebody else's."""
    row = lake.one("ai/conversation", conversation_id=conversation_id)
    if row is None or row["content_hash"] is not None or row["account_id"] != account_id:
        raise NotFound(f"there is no conversation {conversation_id}")
    return row


def rendered(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """
    The conversation as a client shows it: what was said, each answer with the tools it took.

    `first_position` is where the message begins, its tool calls included.
    """
    shown: list[dict[str, Any]] = []
    tools: list[dict[str, Any]] = []
    first: int | None = None
    for row in rows:
        first = row["position"] if first is None else first
        if row["role"] == "assistant" and row["tool_calls"]:
            tools += [_shown_call(call) for call in orjson.loads(row["tool_calls"])]
        elif row["role"] == "tool":
            _note_result(tools, row)
        else:
            message = {"role": row["role"], "content": row["content"], "first_position": first}
            if row["role"] == "assistant":
                message["tools"] = [{key: value for key, value in tool.items() if key != "call_id"} for tool in tools]
                tools = []
            if not shown:
                message["is_initial"] = True
            shown.append(message)
            first = None
    return shown


def history(lake: Lake, conversation: Row) -> dict[str, Any]:
    messages = rendered(lake.rows("ai/messages", conversation_id=conversation["conversation_id"]))
    return {
        "conversation_id": conversation["conversation_id"],
        "messages": [{key: value for key, value in one.items() if key != "first_position"} for one in messages],
        "turn_count": sum(one["role"] == "user" for one in messages),
        "model": conversation["model"],
        "backend": conversation["backend"],
    }


def rewind(lake: Lake, conversation_id: int, index: int) -> None:
    """
    Take back the rendered message *index*, the tool calls before it and all that came after.

    Raises:
        InvalidQuery: It is the first message, which stays, or there is no such message.
    """
    if index <= 0:
        raise InvalidQuery("the first message cannot be taken back")
    with lake.write(f"conversation {conversation_id} taken back to message {index}") as writer:
        messages = rendered(writer.run("ai/messages", conversation_id=conversation_id))
        if index >= len(messages):
            raise InvalidQuery(f"there is no message {index}; there are {len(messages)}")
        writer.execute(
            "delete from conversation_message where conversation_id = $id and position >= $first",
            id=conversation_id, first=messages[index]["first_position"],
        )  # fmt: skip


def delete_conversation(writer: Writer, conversation_id: int) -> None:
    """What was said in it, too. Insights keep the conversations that led to them: not for those."""
    for table in ("conversation_message", "conversation"):
        writer.execute(f"delete from {table} where conversation_id = $id", id=conversation_id)


def _message(row: Row) -> Message:
    calls = tuple(ToolCall(**call) for call in orjson.loads(row["tool_calls"])) if row["tool_calls"] else ()
    return Message(
        row["role"],
        row["content"] or "",
        tool_calls=calls,
        call_id=row["call_id"] or "",
        tool_name=row["tool_name"] or "",
    )


def _shown_call(call: dict[str, str]) -> dict[str, Any]:
    return {"call_id": call["call_id"], "name": call["name"], "arguments": parsed(call["arguments"]), "result": None}


def parsed(arguments: str) -> Any:
    """Arguments as JSON where they are any, else as the model wrote them."""
    try:
        return orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments


def _note_result(tools: list[dict[str, Any]], row: Row) -> None:
    for tool in tools:
        if tool["call_id"] == row["call_id"] and tool["result"] is None:
            tool.update(shown_result(row["content"] or ""))
            return


def shown_result(text: str) -> dict[str, Any]:
    """A tool's answer as clients get it: cut, and said to be, where it is long."""
    if len(text) <= SHOWN_RESULT_CHARACTERS:
        return {"result": text}
    return {"result": text[:SHOWN_RESULT_CHARACTERS], "result_truncated": True}
