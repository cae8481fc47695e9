"""
One turn of the agent: ask the model, run the tools it calls, ask again, until it answers.

It always comes to an end: rounds are capped and the last one must answer, repeated calls are not run again, answers and
calls have a greatest length, and an empty answer is asked for once more and then said to be one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import orjson

from tasks.agent.budget import context_budget, fitted, tokens_of
from tasks.agent.prompts import prompt
from tasks.agent.tools import Cited, Toolbox, ToolResult
from tasks.models.chat import DEFAULTS, ChatModel, ChatOptions, Finished, Message, TextDelta, ToolCall

LOCAL_NUM_CTX, HYBRID_NUM_CTX = 8_192, 32_768


@dataclass(frozen=True, slots=True)
class Limits:
    """
    Args:
        iterations: Rounds in which tools may be called; then comes one that must answer.
        num_ctx: The model's context window, tokens.
    """

    iterations: int = 10
    num_ctx: int = LOCAL_NUM_CTX
    answer_characters: int = 40_000
    calls_a_round: int = 8


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolEnded:
    call: ToolCall
    result: ToolResult


@dataclass(frozen=True, slots=True)
class Truncated:
    """Something was left out: `context` (older messages, so many) or `answer` (it was too long)."""

    what: str
    messages: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """
    The end of the turn.

    Args:
        text: The answer. messages: everything to append to the conversation, the answer last.
        iterations: Rounds in which tools were called. capped: the model was made to answer.
        answered_by: The server and model of the last round.
        empty: The model gave no answer; `text` says so.
    """

    text: str
    messages: tuple[Message, ...]
    iterations: int
    capped: bool
    truncated: bool
    empty: bool
    answered_by: Finished
    cited: tuple[Cited, ...] = ()


Event = Text | ToolStarted | ToolEnded | Truncated | Done


@dataclass(slots=True)
class _Round:
    """What the model said in one round."""

    pieces: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    finished: Finished | None = None
    characters: int = 0
    flooded: bool = False

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(slots=True)
class _Turn:
    """What has been said and done so far."""

    model: ChatModel
    toolbox: Toolbox
    limits: Limits
    options: ChatOptions
    before: list[Message]
    new: list[Message] = field(default_factory=list)
    answered: set[tuple[str, str]] = field(default_factory=set)  # calls that gave a result
    cited: dict[Cited, None] = field(default_factory=dict)
    used: int = 0  # rounds in which tools were called
    left_out: int = 0
    truncated: bool = False


def default_num_ctx(backend: str) -> int:
    return HYBRID_NUM_CTX if backend == "hybrid" else LOCAL_NUM_CTX


async def run_turn(
    model: ChatModel,
    conversation: Sequence[Message],
    toolbox: Toolbox,
    *,
    limits: Limits = Limits(),
    options: ChatOptions = DEFAULTS,
) -> AsyncGenerator[Event, None]:
    """
    Answer the last message of *conversation*, which stays as it is: `Done.messages` is what to append.

    Closing the generator (or cancelling its task) cancels the model's work or the tool under way.

    Raises:
        ModelUnavailable, ModelRefused: Of the model; nothing is to be appended then.
    """
    turn = _Turn(model, toolbox, limits, replace(options, num_ctx=limits.num_ctx), list(conversation))
    nudged = False
    while True:
        last = turn.used >= limits.iterations
        said = _Round()
        async with aclosing(_listen(turn, said, must_answer=last or nudged)) as heard:
            async for event in heard:
                yield event
        if said.calls and not last and not nudged:
            turn.used += 1
            async with aclosing(_use_tools(turn, said)) as used:
                async for ended in used:
                    yield ended
            continue
        if said.text.strip() or nudged:
            yield _done(turn, said, capped=last)
            return
        nudged = True
        turn.new.append(Message("system", prompt("empty_answer")))


async def _listen(turn: _Turn, said: _Round, *, must_answer: bool) -> AsyncGenerator[Text | Truncated, None]:
    """One answer of the model, passed on while it comes."""
    schemas = turn.toolbox.schemas()
    messages = [*turn.before, *turn.new]
    if must_answer:
        messages.append(Message("system", prompt("forced_answer")))
    offered = sum(tokens_of(schema.description) + tokens_of(repr(schema.parameters)) for schema in schemas)
    fitting, left_out = fitted(messages, context_budget(turn.limits.num_ctx) - offered)
    if left_out > turn.left_out:
        turn.left_out, turn.truncated = left_out, True
        yield Truncated("context", left_out)
    options = replace(turn.options, must_answer=must_answer)
    async with aclosing(turn.model.stream(fitting, tools=schemas, options=options)) as deltas:
        async for delta in deltas:
            if isinstance(delta, ToolCall):
                said.calls.append(delta)
            elif isinstance(delta, Finished):
                said.finished = delta
            elif text := _room_for(delta, said, turn.limits.answer_characters):
                said.pieces.append(text)
                yield Text(text)
            if said.flooded:
                break
    if said.flooded:
        turn.truncated = True
        yield Truncated("answer")


def _room_for(delta: TextDelta, said: _Round, most: int) -> str:
    text = delta.text[: most - said.characters]
    said.characters += len(text)
    said.flooded = len(text) < len(delta.text)
    return text


async def _use_tools(turn: _Turn, said: _Round) -> AsyncGenerator[ToolStarted | ToolEnded, None]:
    """Run what was called, one after the other, and note calls and answers."""
    turn.new.append(Message("assistant", said.text, tool_calls=tuple(said.calls)))
    for number, call in enumerate(said.calls):
        yield ToolStarted(call)
        result = await _result_of(turn, call, number)
        turn.cited.update(dict.fromkeys(result.cited))
        turn.new.append(Message("tool", result.text, call_id=call.call_id, tool_name=call.name))
        yield ToolEnded(call, result)


async def _result_of(turn: _Turn, call: ToolCall, number: int) -> ToolResult:
    if number >= turn.limits.calls_a_round:
        return ToolResult(f"Error: at most {turn.limits.calls_a_round} calls at a time", failed=True)
    key = (call.name, _canonical(call.arguments))
    if key in turn.answered:
        return ToolResult("Error: you called this before with the same arguments; its answer is above", failed=True)
    result = await turn.toolbox.use(call)
    if not result.failed:
        turn.answered.add(key)
    return result


def _canonical(arguments: str) -> str:
    try:
        return orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONDecodeError:
        return arguments


def _done(turn: _Turn, said: _Round, *, capped: bool) -> Done:
    empty = not said.text.strip()
    text = prompt("no_answer") if empty else said.text
    kept = [message for message in turn.new if message.role != "system"]  # our nudges are no part of what was said
    return Done(
        text=text,
        messages=(*kept, Message("assistant", text)),
        iterations=turn.used,
        capped=capped and turn.limits.iterations > 0,
        truncated=turn.truncated,
        empty=empty,
        answered_by=said.finished or Finished(turn.model.backend, "", turn.options.model, "cut"),
        cited=tuple(turn.cited),
    )
