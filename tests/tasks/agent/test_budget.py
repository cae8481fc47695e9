"""What stays in a full context window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tasks.agent.budget import context_budget, fitted, message_tokens
from tasks.models.chat import Message, ToolCall


def call(number: int, size: int = 400) -> list[Message]:
    made = ToolCall(str(number), "look", "{}")
    return [
        Message("assistant", tool_calls=(made,)),
        Message("tool", f"{number} " + "x" * size, call_id=str(number), tool_name="look"),
    ]


def test_budget_is_the_window_less_what_the_answer_needs() -> None:
    assert [context_budget(size) for size in (32_768, 8_192, 4_096, 2_048, 512)] == [30_720, 6_144, 2_048, 1_024, 256]


def test_what_fits_is_left_alone() -> None:
    messages = [Message("system", "s"), Message("user", "u"), *call(1)]
    assert fitted(messages, 10_000) == (messages, 0)


def test_oldest_tool_pairs_go_first_and_whole() -> None:
    head = [Message("system", "s"), Message("user", "u")]
    kept, left_out = fitted([*head, *call(1), *call(2), *call(3)], 300)
    assert kept == [*head, *call(2), *call(3)] and left_out == 2


def test_tool_pairs_go_before_anything_that_was_said() -> None:
    talk = [Message("user", "first " * 50), Message("assistant", "a " * 100)]
    kept, _ = fitted([*talk, *call(1), Message("assistant", "b"), Message("user", "last")], 200)
    assert [message.content[:5] for message in kept] == ["first", "a a a", "b", "last"]


def test_last_tool_answers_are_shortened_rather_than_lost() -> None:
    kept, left_out = fitted([Message("user", "u"), *call(1, 40_000)], 1_000)
    assert len(kept) == 3 and "cut: it did not fit" in kept[2].content and left_out == 1
    assert sum(map(message_tokens, kept)) <= 1_000


def test_first_and_last_word_of_the_user_stay_whatever_happens() -> None:
    turns = [Message("user" if number % 2 == 0 else "assistant", f"{number} " + "y" * 300) for number in range(41)]
    kept, _ = fitted([Message("system", "s"), *turns], 400)
    assert [message.content.split()[0] for message in kept][:2] == ["s", "0"]
    assert kept[-1].content.startswith("40 ")


@given(
    st.lists(st.tuples(st.sampled_from(["turn", "call"]), st.integers(0, 3_000)), max_size=30),
    st.integers(0, 4_000),
)
def test_no_answer_is_ever_left_without_its_call(parts: list[tuple[str, int]], budget: int) -> None:
    messages = [Message("user", "start")]
    for number, (kind, size) in enumerate(parts):
        messages += call(number, size) if kind == "call" else [Message("assistant", "z" * size)]
    kept, left_out = fitted([*messages, Message("user", "end")], budget)
    open_calls: set[str] = set()
    for message in kept:
        if message.role == "tool":
            assert message.call_id in open_calls
            open_calls.remove(message.call_id)
        open_calls |= {made.call_id for made in message.tool_calls}
    assert not open_calls
    assert (kept[0].content, kept[-1].content) == ("start", "end") and left_out >= 0
