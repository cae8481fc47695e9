"""A turn of the agent against a scripted model: whatever the model does, the turn ends in one clear way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Any

import pytest
from pydantic import Field

from tasks.agent.loop import Done, Event, Limits, Text, ToolEnded, ToolStarted, Truncated, run_turn
from tasks.agent.tools import Arguments, Cited, Tool, Toolbox, ToolResult
from tasks.errors import AnswerCutOff, ModelUnavailable, NotFound
from tasks.models.chat import ChatModel, Message
from tasks.models.ollama import OllamaChat
from tasks.models.ollama_server import OllamaServer
from tasks.models.openrouter import OpenRouterChat
from tests.stand_ins.ollama import CHAT_MODEL, Drop, Fail, OllamaStandIn, Say
from tests.stand_ins.openrouter import KEY, OpenRouterStandIn
from tests.tasks.models.asking import run

QUESTION = [Message("system", "You answer."), Message("user", "How many dogs?")]


class Count(Arguments):
    animal: str = Field(min_length=1)
    limit: int = Field(5, ge=1, le=10)


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


def model_of(stand_in: OllamaStandIn) -> OllamaChat:
    return OllamaChat([OllamaServer(stand_in.url, CHAT_MODEL)])


def toolbox(**options: Any) -> Toolbox:
    async def count(given: Count) -> ToolResult:
        if given.animal == "unicorn":
            raise NotFound("there are no unicorns")
        if given.animal == "bug":
            raise RuntimeError("secret detail")
        if given.animal == "sloth":
            await asyncio.sleep(30)
        return ToolResult(f"3 {given.animal}s", {"count": 3}, (Cited("photo", 7),))

    return Toolbox([Tool("count_animals", "Count them.", Count, count)], **options)


def turn(
    model: ChatModel, box: Toolbox | None = None, *, asked: Sequence[Message] = QUESTION, **limits: Any
) -> list[Event]:
    async def collect() -> list[Event]:
        return [event async for event in run_turn(model, asked, box or toolbox(), limits=Limits(**limits))]

    return run(collect())


def end(events: Sequence[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


def results(events: Sequence[Event]) -> list[str]:
    return [event.result.text for event in events if isinstance(event, ToolEnded)]


def dogs(**arguments: Any) -> tuple[str, Any]:
    return ("count_animals", arguments or {"animal": "dog"})


def test_answer_without_tools_is_passed_on_piece_by_piece(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["Three", " dogs."]))
    events = turn(model_of(ollama))
    assert events[:2] == [Text("Three"), Text(" dogs.")]
    done = end(events)
    assert (done.text, done.iterations, done.capped, done.truncated, done.empty) == (
        "Three dogs.",
        0,
        False,
        False,
        False,
    )
    assert done.messages == (Message("assistant", "Three dogs."),)
    assert done.answered_by.server == ollama.url


def test_tool_is_run_and_its_result_goes_back_to_the_model(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(["Let me count."], calls=[dogs()]), Say(["There are 3."])]
    events = turn(model_of(ollama))
    assert [type(event) for event in events] == [Text, ToolStarted, ToolEnded, Text, Done]
    assert results(events) == ["3 dogs"]
    done = end(events)
    assert done.cited == (Cited("photo", 7),) and done.iterations == 1
    assert [message.role for message in done.messages] == ["assistant", "tool", "assistant"]
    told = ollama.bodies("/api/chat")[1]["messages"]
    assert told[-1] == {"role": "tool", "content": "3 dogs", "tool_name": "count_animals"}


def test_tools_are_offered_with_their_schema(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["ok"]))
    turn(model_of(ollama))
    (tool,) = ollama.bodies("/api/chat")[0]["tools"]
    assert tool["function"]["parameters"] == {
        "type": "object",
        "additionalProperties": False,
        "required": ["animal"],
        "properties": {
            "animal": {"type": "string", "minLength": 1},
            "limit": {"type": "integer", "minimum": 1, "maximum": 10, "default": 5},
        },
    }


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("count_animals", '{"animal": "do'), "they are no JSON"),
        (("count_animals", [1, 2]), "a JSON object is needed"),
        (("count_animals", {}), "animal: Field required"),
        (("count_animals", {"animal": "dog", "limit": 99}), "limit: Input should be less than or equal to 10"),
        (("count_animals", {"animal": "dog", "colour": "red"}), "colour: Extra inputs are not permitted"),
        (("count_animals", {"animal": "x" * 20_000}), "longer than"),
        (("count_animals", {"animal": "unicorn"}), "there are no unicorns"),
        (("count_animals", {"animal": "bug"}), "failed; the server's log has the reason"),
        (("count_animals", {"animal": "sloth"}), "took longer than 0.2 s"),
        (("rm_rf", {"path": "/"}), "there is no tool 'rm_rf'; there are: count_animals"),
        (("", None), "there is no tool 'unnamed'"),
    ],
    ids=str,
)
def test_whatever_is_wrong_with_a_call_the_model_is_told_and_the_turn_goes_on(
    ollama: OllamaStandIn, call: tuple[str, Any], told: str
) -> None:
    ollama.script += [Say(calls=[call]), Say(["I could not count."])]
    # What Ollama itself would refuse to be told again is not what is tested here.
    events = turn(model_of(ollama), toolbox(seconds=0.2))
    (text,) = results(events)
    assert told in text and "secret detail" not in text
    assert end(events).text == "I could not count."


def test_at_the_cap_the_model_must_answer_and_no_tool_is_offered(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(calls=[dogs(animal=f"dog {number}")]) for number in range(3)] + [Say(["About 9."])]
    done = end(turn(model_of(ollama), iterations=3))
    assert (done.text, done.iterations, done.capped) == ("About 9.", 3, True)
    bodies = ollama.bodies("/api/chat")
    assert ["tools" in body for body in bodies] == [True, True, True, False]
    assert "No more tools" in bodies[-1]["messages"][-1]["content"]
    assert all("No more tools" not in message.content for message in done.messages)


def test_model_that_calls_tools_even_then_ends_in_a_clear_answer(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(calls=[dogs()])] * 5
    done = end(turn(model_of(ollama), iterations=1))
    assert done.empty and "gave no answer" in done.text
    assert len(ollama.bodies("/api/chat")) == 3


def test_zero_iterations_means_no_tools_at_all(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["Plainly."]))
    done = end(turn(model_of(ollama), iterations=0))
    assert (done.text, done.capped) == ("Plainly.", False)
    assert "tools" not in ollama.bodies("/api/chat")[0]


def test_model_that_returns_nothing_is_asked_once_more(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(), Say(["Three."])]
    done = end(turn(model_of(ollama)))
    assert (done.text, done.empty) == ("Three.", False)
    assert done.messages == (Message("assistant", "Three."),)


def test_model_that_keeps_returning_nothing_ends_in_a_clear_answer(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(), Say([" \n"])]
    done = end(turn(model_of(ollama)))
    assert done.empty and "gave no answer" in done.text


def test_model_that_floods_is_cut_off_and_hung_up_on(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["blah " * 100] * 400, wait_each_s=0.005))
    events = turn(model_of(ollama), answer_characters=2_000)
    assert Truncated("answer") in events
    done = end(events)
    assert len(done.text) == 2_000 and done.truncated
    assert ollama.cut_off.wait(60)


def test_same_call_again_is_not_run_again(ollama: OllamaStandIn) -> None:
    ollama.script += [
        Say(calls=[("count_animals", {"animal": "dog", "limit": 5})]),
        Say(calls=[("count_animals", {"limit": 5, "animal": "dog"})]),
        Say(["3"]),
    ]
    first, second = results(turn(model_of(ollama)))
    assert first == "3 dogs" and "called this before" in second


def test_hundred_calls_at_once_are_mostly_refused(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(calls=[dogs(animal=f"dog {number}") for number in range(100)]), Say(["many"])]
    texts = results(turn(model_of(ollama), num_ctx=65_536))
    assert len(texts) == 100 and sum("at most 8 calls" in text for text in texts) == 92


def test_long_result_is_cut_for_the_model_and_whole_for_the_client(ollama: OllamaStandIn) -> None:
    async def long(_: Count) -> ToolResult:
        return ToolResult("x" * 50_000, {"all": "x" * 50_000})

    ollama.script += [Say(calls=[dogs()]), Say(["ok"])]
    box = Toolbox([Tool("count_animals", "Count them.", Count, long)], result_characters=1_000)
    (ended,) = [event for event in turn(model_of(ollama), box) if isinstance(event, ToolEnded)]
    assert len(ended.result.text) < 1_100 and len(ended.result.data["all"]) == 50_000


def test_oldest_tool_answers_go_first_when_the_window_is_full(ollama: OllamaStandIn) -> None:
    async def long(given: Count) -> ToolResult:
        return ToolResult(f"{given.animal} " + "word " * 1_000)

    ollama.script += [Say(calls=[dogs(animal=f"dog{number}")]) for number in range(6)] + [Say(["done"])]
    box = Toolbox([Tool("count_animals", "Count them.", Count, long)])
    events = turn(model_of(ollama), box, num_ctx=6_144)
    last = ollama.bodies("/api/chat")[-1]["messages"]
    kept = [message["content"][:4] for message in last if message["role"] == "tool"]
    assert kept[-1] == "dog5" and "dog0" not in kept
    assert [message["content"] for message in last[:2]] == ["You answer.", "How many dogs?"]
    assert any(isinstance(event, Truncated) and event.what == "context" for event in events)
    done = end(events)
    assert done.truncated and sum(message.role == "tool" for message in done.messages) == 6


@pytest.mark.parametrize("failure", [Fail(500, "broken"), Drop(["half "])], ids=repr)
def test_model_that_fails_in_the_second_round_ends_the_turn_with_its_error(ollama: OllamaStandIn, failure: Any) -> None:
    ollama.script += [Say(calls=[dogs()]), failure]
    with pytest.raises((ModelUnavailable, AnswerCutOff)):
        turn(model_of(ollama))


def test_client_that_leaves_stops_the_tool_under_way(ollama: OllamaStandIn) -> None:
    stopped: list[bool] = []
    begun = asyncio.Event()

    async def slow(_: Count) -> ToolResult:
        begun.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            stopped.append(True)
            raise
        return ToolResult("late")

    async def leave() -> None:
        box = Toolbox([Tool("count_animals", "Count them.", Count, slow)])

        async def listen() -> None:
            async with aclosing(run_turn(model_of(ollama), QUESTION, box)) as events:
                async for _ in events:
                    pass

        task = asyncio.create_task(listen())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    ollama.script.append(Say(calls=[dogs()]))
    run(leave())
    assert stopped == [True]


def test_hybrid_backend_runs_the_same_turn() -> None:
    with OpenRouterStandIn(
        [Say(calls=[dogs()]), Say(calls=[dogs(animal="cat")]), Say(["3 and 3"])]
    ).running() as remote:
        done = end(turn(OpenRouterChat(KEY, base_url=remote.url), iterations=2))
        assert done.text == "3 and 3" and done.answered_by.backend == "hybrid"
        bodies = remote.bodies("/chat/completions")
        assert [body.get("tool_choice") for body in bodies] == [None, None, "none"]
        assert all(body["tools"] for body in bodies)
