"""Ollama over real sockets: streams, tools, the fallback, and everything that can go wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import ExitStack, aclosing
from typing import Any

import pytest

from tasks.errors import AnswerCutOff, ModelRefused, ModelUnavailable
from tasks.models.breaker import Breaker
from tasks.models.chat import ChatOptions, Message, TextDelta, ToolCall, whole_answer
from tasks.models.ollama import OllamaChat
from tasks.models.ollama_server import OllamaServer, ServerFailed
from tests.stand_ins.http_server import refusing_url, silent_server
from tests.stand_ins.ollama import CHAT_MODEL, VISION_MODEL, Drop, Fail, OllamaStandIn, Raw, Say
from tests.tasks.models.asking import FIND, HELLO, ask, calls_of, end_of, run, text_of
from tests.waiting import wait_until


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def two() -> Iterator[tuple[OllamaStandIn, OllamaStandIn]]:
    with ExitStack() as stack:
        primary = stack.enter_context(OllamaStandIn().running())
        fallback = stack.enter_context(OllamaStandIn(models=["llama3.2:3b"]).running())
        yield primary, fallback


def server(url: str, model: str = CHAT_MODEL, **options: Any) -> OllamaServer:
    return OllamaServer(url, model, **options)


def pair(primary: str, fallback: str, **options: Any) -> OllamaChat:
    return OllamaChat([server(primary, **options), server(fallback, "llama3.2:3b", role="fallback", **options)])


def test_answer_streams_in_pieces_and_says_who_gave_it(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["It is ", "a bea", "gle."], thinking="a dog, then"))
    deltas = ask(OllamaChat([server(ollama.url)]), options=ChatOptions(num_ctx=8192, temperature=0.2, max_tokens=99))
    assert [delta.text for delta in deltas if isinstance(delta, TextDelta)] == ["It is ", "a bea", "gle."]
    end = end_of(deltas)
    assert (end.server, end.model, end.backend, end.reason) == (ollama.url, CHAT_MODEL, "local", "stop")
    assert (end.prompt_tokens, end.answer_tokens) == (26, 298)
    (request,) = ollama.bodies("/api/chat")
    assert request["stream"] is True
    assert request["options"] == {"num_ctx": 8192, "temperature": 0.2, "num_predict": 99}


def test_tool_calls_come_with_their_arguments_and_go_back_with_their_answers(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(calls=[("find_photos", {"q": "beach"}), ("find_photos", {"q": "dog"})]), Say(["two"])]
    model = OllamaChat([server(ollama.url)])
    calls = calls_of(ask(model, tools=[FIND]))
    assert [(call.name, call.arguments) for call in calls] == [
        ("find_photos", '{"q":"beach"}'),
        ("find_photos", '{"q":"dog"}'),
    ]
    assert len({call.call_id for call in calls}) == 2
    answers = [Message("tool", "3 photos", call_id=call.call_id, tool_name=call.name) for call in calls]
    assert text_of(ask(model, [*HELLO, Message("assistant", tool_calls=tuple(calls)), *answers])) == "two"
    sent = ollama.bodies("/api/chat")[1]["messages"]
    assert sent[1]["tool_calls"][0] == {"function": {"name": "find_photos", "arguments": {"q": "beach"}}}


def test_schema_of_a_tool_arrives_whole(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["ok"]))
    ask(OllamaChat([server(ollama.url)]), tools=[FIND])
    assert ollama.bodies("/api/chat")[0]["tools"][0]["function"]["parameters"] == FIND.parameters


def test_arguments_that_are_no_object_reach_the_agent_as_they_are(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(calls=[("find_photos", "q=beach"), ("find_photos", [1])]))
    assert [call.arguments for call in calls_of(ask(OllamaChat([server(ollama.url)])))] == ["q=beach", "[1]"]


def test_arguments_once_malformed_are_repeated_as_an_object(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["ok"]))
    call = ToolCall("1", "find_photos", '{"q": "bea')
    told = Message("tool", "not JSON", call_id="1", tool_name="find_photos")
    assert (
        text_of(ask(OllamaChat([server(ollama.url)]), [*HELLO, Message("assistant", tool_calls=(call,)), told])) == "ok"
    )


def test_picture_goes_to_a_model_that_sees() -> None:
    with OllamaStandIn([Say(["a dog"])], models=[VISION_MODEL]).running() as ollama:
        seen = Message("user", "what is it?", images=(b"\xff\xd8\xff\xe0 jpeg",))
        assert text_of(ask(OllamaChat([server(ollama.url, VISION_MODEL)]), [seen])) == "a dog"


def test_fallback_answers_with_its_own_model_when_nothing_listens_at_the_primary(
    two: tuple[OllamaStandIn, OllamaStandIn], caplog: pytest.LogCaptureFixture
) -> None:
    _, fallback = two
    fallback.script.append(Say(["here"]))
    refused = refusing_url()
    with caplog.at_level(logging.INFO):
        end = end_of(ask(pair(refused, fallback.url)))
    assert (end.server, end.model) == (fallback.url, "llama3.2:3b")
    assert f"primary server {refused} did not answer" in caplog.text
    assert f"fallback server {fallback.url} answers with llama3.2:3b" in caplog.text


@pytest.mark.parametrize(
    "failure",
    [
        Fail(500, "llama runner process has terminated"),
        Fail(404, "model not found"),
        Fail(400, "does not support tools"),
        Fail(429, "busy"),
        Raw(b"<html>It works!</html>"),
        Raw(b""),
        Raw(b'"a string"\n'),
        Raw(b'{"error": "out of memory"}\n'),
        Drop(),
        Drop(politely=True),
    ],
    ids=repr,
)
def test_whatever_fails_before_the_first_word_the_fallback_answers(
    two: tuple[OllamaStandIn, OllamaStandIn], failure: Any
) -> None:
    primary, fallback = two
    primary.script.append(failure)
    fallback.script.append(Say(["from the ", "fallback"]))
    deltas = ask(pair(primary.url, fallback.url))
    assert text_of(deltas) == "from the fallback"
    assert end_of(deltas).server == fallback.url


def test_one_connection_serves_one_answer_after_another(ollama: OllamaStandIn) -> None:
    ollama.script += [Say(["One."]), Say(["Two."]), Say(["Three."])]

    async def three_turns() -> list[str]:
        chat = OllamaChat([server(ollama.url)])
        return [text_of([delta async for delta in chat.stream(HELLO)]) for _ in range(3)]

    assert run(three_turns()) == ["One.", "Two.", "Three."]
    assert ollama.connections == 1


def test_slow_first_token_is_waited_for(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["late"], wait_first_s=0.4))
    assert text_of(ask(OllamaChat([server(ollama.url, connect_seconds=0.2)]))) == "late"


def test_primary_that_never_answers_is_given_up_at_the_deadline(two: tuple[OllamaStandIn, OllamaStandIn]) -> None:
    _, fallback = two
    fallback.script.append(Say(["in time"]))
    with silent_server() as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        chat = OllamaChat([server(url, total_seconds=0.3), server(fallback.url, "llama3.2:3b", role="fallback")])
        assert text_of(ask(chat)) == "in time"


def test_deadline_is_for_the_whole_answer_not_for_each_word(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["tick "] * 50, wait_each_s=0.1))
    with pytest.raises(AnswerCutOff, match=r"no complete answer within 0\.5 s"):
        ask(OllamaChat([server(ollama.url, total_seconds=0.5)]))


@pytest.mark.parametrize("politely", [True, False])
def test_connection_lost_in_mid_answer_is_no_answer(two: tuple[OllamaStandIn, OllamaStandIn], politely: bool) -> None:
    primary, fallback = two
    primary.script.append(Drop(["half of an "], politely=politely))
    with pytest.raises(AnswerCutOff, match="stopped in the middle"):
        ask(pair(primary.url, fallback.url))
    assert not fallback.requests, "two halves of two models are no answer"


def test_garbage_in_mid_answer_is_no_answer(ollama: OllamaStandIn) -> None:
    ollama.script.append(Raw(b'{"message": {"content": "half"}, "done": false}\n{{{{\n'))
    with pytest.raises(AnswerCutOff, match="no JSON"):
        ask(OllamaChat([server(ollama.url)]))


def test_with_nobody_there_the_error_says_what_to_start() -> None:
    with pytest.raises(ModelUnavailable, match=r"nothing answers there.*Start Ollama"):
        ask(OllamaChat([server(refusing_url())]))


def test_missing_model_is_named_with_how_to_get_it() -> None:
    with (
        OllamaStandIn(models=[]).running() as empty,
        pytest.raises(ModelUnavailable, match=r"`ollama pull nemotron-3-nano:30b`"),
    ):
        ask(OllamaChat([server(empty.url)]))


def test_model_the_client_names_and_nobody_has_is_the_clients_fault(ollama: OllamaStandIn) -> None:
    with pytest.raises(ModelRefused, match="no model server here has the model 'gpt-9'"):
        ask(OllamaChat([server(ollama.url)]), options=ChatOptions(model="gpt-9"))


def test_model_the_client_names_is_looked_for_on_both_servers(two: tuple[OllamaStandIn, OllamaStandIn]) -> None:
    primary, fallback = two
    fallback.script.append(Say(["ok"]))
    end = end_of(ask(pair(primary.url, fallback.url), options=ChatOptions(model="llama3.2:3b")))
    assert (end.server, end.model) == (fallback.url, "llama3.2:3b")


def test_model_without_tools_is_refused_with_the_servers_words() -> None:
    with (
        OllamaStandIn(models=[VISION_MODEL]).running() as ollama,
        pytest.raises(ModelRefused, match="does not support tools") as caught,
    ):
        ask(OllamaChat([server(ollama.url, VISION_MODEL)]), tools=[FIND])
    assert caught.value.status_code == 400


def test_server_that_keeps_failing_is_left_alone_and_tried_again_later(ollama: OllamaStandIn) -> None:
    now = [0.0]
    breaker = Breaker(failures_allowed=2, open_seconds=30, clock=lambda: now[0])
    chat = OllamaChat([server(ollama.url, breaker=breaker)])
    ollama.script += [Fail(500, "broken"), Fail(500, "broken"), Say(["well again"])]
    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="broken"):
            ask(chat)
    with pytest.raises(ModelUnavailable, match="left alone"):
        ask(chat)
    assert len(ollama.bodies("/api/chat")) == 2 and breaker.state == "open"
    now[0] = 31
    assert text_of(ask(chat)) == "well again"
    assert breaker.state == "closed"


def test_of_an_open_breaker_one_caller_at_a_time_tries() -> None:
    now = [0.0]
    breaker = Breaker(failures_allowed=1, open_seconds=30, clock=lambda: now[0])
    breaker.failed()
    now[0] = 31
    assert [breaker.allows(), breaker.allows()] == [True, False]
    breaker.failed()
    now[0] = 60
    assert not breaker.allows()


def test_refusals_do_not_open_the_breaker(ollama: OllamaStandIn) -> None:
    breaker = Breaker(failures_allowed=2)
    for _ in range(4):
        with pytest.raises(ModelRefused):
            ask(OllamaChat([server(ollama.url, breaker=breaker)]), options=ChatOptions(model="nobody:has"))
    assert breaker.state == "closed"


def test_client_that_leaves_cancels_the_model(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["word "] * 400, wait_each_s=0.02))

    async def leave_after_three() -> None:
        async with aclosing(OllamaChat([server(ollama.url)]).stream(HELLO)) as deltas:
            for _ in range(3):
                await anext(deltas)

    run(leave_after_three())
    assert ollama.cut_off.wait(60), "the server went on talking to nobody"


def test_cancelled_task_cancels_the_model_before_its_first_word(ollama: OllamaStandIn) -> None:
    ollama.script.append(Say(["word "] * 200, wait_first_s=0.5, wait_each_s=0.02))

    async def give_up() -> None:
        task = asyncio.create_task(whole_answer(OllamaChat([server(ollama.url)]), HELLO))
        await asyncio.to_thread(wait_until, lambda: ollama.bodies("/api/chat"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(give_up())
    assert ollama.cut_off.wait(60)


def test_password_in_the_address_is_sent_and_never_shown(
    ollama: OllamaStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    ollama.script += [Say(["ok"]), Fail(500, "broken")]
    chat = OllamaChat([server(ollama.url.replace("://", "://ada:s3cret@"))])
    with caplog.at_level(logging.DEBUG):
        end = end_of(ask(chat))
        with pytest.raises(ModelUnavailable) as caught:
            ask(chat)
    assert ollama.requests[0]["headers"]["authorization"].startswith("Basic ")
    assert "s3cret" not in end.server + str(caught.value) + caplog.text


def test_server_can_be_asked_from_one_event_loop_after_another(ollama: OllamaStandIn) -> None:
    one = server(ollama.url)
    assert [run(one.ask("GET", "/api/version"))["version"] for _ in range(2)] == ["0.12.6", "0.12.6"]


def test_address_of_something_else_is_told_apart() -> None:
    with (
        OllamaStandIn([Raw(b"<html>router login</html>")]).running() as other,
        pytest.raises(ServerFailed, match="is this an Ollama server"),
    ):
        run(server(other.url).ask("POST", "/api/chat", {"model": CHAT_MODEL, "messages": []}))
