"""What fits into a model's context: the oldest tool calls with their answers go first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tasks.models.chat import Message

ANSWER_TOKENS = 2_048  # of num_ctx, kept free for the answer
IMAGE_TOKENS = 1_024
_MESSAGE_TOKENS = 8  # role and separators
_CUT = "\n… (cut: it did not fit)"
_SHORTEST_CHARACTERS = 400  # that a tool's answer is cut down to


def context_budget(num_ctx: int) -> int:
    """Tokens for the conversation: num_ctx - 2048, and half of a window that is not even twice that."""
    return max(num_ctx - ANSWER_TOKENS, num_ctx // 2)


def tokens_of(text: str) -> int:
    """An estimate, since every model counts differently: four bytes of UTF-8 a token."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4


def message_tokens(message: Message) -> int:
    calls = sum(tokens_of(call.name) + tokens_of(call.arguments) + _MESSAGE_TOKENS for call in message.tool_calls)
    return _MESSAGE_TOKENS + tokens_of(message.content) + calls + IMAGE_TOKENS * len(message.images)


def fitted(messages: Sequence[Message], budget: int) -> tuple[list[Message], int]:
    """
    The conversation cut down to *budget* tokens, and how many messages were left out or shortened.

    Left out in this order: tool calls with their answers, the oldest first, but for the last ones; then the tools'
    answers that are left are shortened; then the oldest turns. What the system and the user said first and what the
    user said last stays.
    """
    kept = list(messages)
    while _total(kept) > budget and (pair := _oldest_tool_pair(kept)):
        del kept[pair]
    shortened = 0
    if _total(kept) > budget:
        kept, shortened = _with_shorter_answers(kept, budget)
    while _total(kept) > budget and (turn := _oldest_turn(kept)) is not None:
        del kept[turn]
    return kept, len(messages) - len(kept) + shortened


def _total(messages: Sequence[Message]) -> int:
    return sum(map(message_tokens, messages))


def _oldest_tool_pair(messages: Sequence[Message]) -> slice | None:
    """An assistant's message with tool calls and all their answers; None when only the last such is left."""
    starts = [number for number, message in enumerate(messages) if message.tool_calls]
    if not starts or (len(starts) == 1 and _end_of_answers(messages, starts[0]) == len(messages)):
        return None
    return slice(starts[0], _end_of_answers(messages, starts[0]))


def _end_of_answers(messages: Sequence[Message], start: int) -> int:
    end = start + 1
    while end < len(messages) and messages[end].role == "tool":
        end += 1
    return end


def _with_shorter_answers(messages: Sequence[Message], budget: int) -> tuple[list[Message], int]:
    """Each tool's answer cut by its share of what is too much."""
    answers = sum(tokens_of(message.content) for message in messages if message.role == "tool")
    keep = max(0.0, 1 - (_total(messages) - budget) / answers) if answers else 1.0
    result, shortened = [], 0
    for message in messages:
        allowed = max(_SHORTEST_CHARACTERS, int(len(message.content) * keep) - len(_CUT) - 4)
        if message.role == "tool" and len(message.content) > allowed:
            result.append(replace(message, content=message.content[:allowed] + _CUT))
            shortened += 1
        else:
            result.append(message)
    return result, shortened


def _oldest_turn(messages: Sequence[Message]) -> int | None:
    said = [number for number, message in enumerate(messages) if message.role == "user"]
    protected = {said[0], said[-1]} if said else set()
    for number, message in enumerate(messages):
        plain = message.role in {"user", "assistant"} and not message.tool_calls
        if plain and number not in protected and number < (said[-1] if said else 0):
            return number
    return None
