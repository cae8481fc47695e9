"""What a chat model is to the rest of the program: messages in, a stream of text and tool calls out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """
    A tool the model wants called.

    Args:
        arguments: JSON as the model wrote it: an object when all is well, anything at all when it is not.
    """

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Message:
    """
    One message of a conversation.

    Args:
        images: JPEG or PNG bytes, for models that see; long edge at most 1024 px.
        tool_calls: Of an assistant's message. call_id, tool_name: of a tool's answer.
    """

    role: Role
    content: str = ""
    images: tuple[bytes, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    tool_name: str = ""


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as it is offered to a model; *parameters* is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """
    Args:
        model: Asked for by the client; "" for the configured one.
        num_ctx: Context window to reserve, tokens; None leaves it to the server.
        max_tokens: Where the answer is cut off; None for no limit.
        must_answer: The tools that were offered until now may not be called any more.
    """

    model: str = ""
    num_ctx: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    must_answer: bool = False


DEFAULTS = ChatOptions()


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """
    The last of a stream: who answered, and how it ended.

    Args:
        backend: local or hybrid. server: without any password. reason: stop, length, tool_calls, ...
    """

    backend: str
    server: str
    model: str
    reason: str = "stop"
    prompt_tokens: int | None = None
    answer_tokens: int | None = None


Delta = TextDelta | ToolCall | Finished


class ChatModel(Protocol):
    """
    Streams an answer. Tool calls arrive whole.

    Raises, from the stream:
        ModelUnavailable: No server could be asked; AnswerCutOff: one stopped in mid-answer.
        ModelRefused: The service calls the request wrong: an unknown model, no credit, tools it cannot use.
    """

    backend: str

    def stream(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[ToolSchema] = (),
        options: ChatOptions = DEFAULTS,
    ) -> AsyncGenerator[Delta, None]: ...


async def whole_answer(
    model: ChatModel, messages: Sequence[Message], options: ChatOptions = DEFAULTS
) -> tuple[str, Finished]:
    """The text of an answer, for callers that show no progress. Raises what the stream does."""
    pieces: list[str] = []
    finished = Finished(model.backend, "", options.model)
    async with aclosing(model.stream(messages, options=options)) as deltas:
        async for delta in deltas:
            if isinstance(delta, TextDelta):
                pieces.append(delta.text)
            elif isinstance(delta, Finished):
                finished = delta
    return "".join(pieces), finished
