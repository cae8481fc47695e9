"""OpenRouter over real sockets: its stream, its errors, and what must never be sent or said."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tasks.errors import AnswerCutOff, IntegrityError, ModelRefused, ModelUnavailable
from tasks.models.breaker import Breaker
from tasks.models.chat import ChatOptions, Message
from tasks.models.openrouter import OpenRouterChat
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import Drop, Fail, Raw, Say
from tests.stand_ins.openrouter import KEY, FailInside, OpenRouterStandIn
from tests.tasks.models.asking import FIND, HELLO, ask, calls_of, end_of, text_of


@pytest.fixture
def service() -> Iterator[OpenRouterStandIn]:
    with OpenRouterStandIn().running() as stand_in:
        yield stand_in


def chat(url: str, key: str = KEY, **options: Any) -> OpenRouterChat:
    return OpenRouterChat(key, base_url=url, **options)


def test_answer_streams_in_pieces_with_the_default_model(service: OpenRouterStandIn) -> None:
    service.script.append(Say(["Ciao ", "è", " 日本 🐶"]))
    deltas = ask(chat(service.url))
    assert text_of(deltas) == "Ciao è 日本 🐶"
    end = end_of(deltas)
    assert (end.backend, end.model, end.reason) == ("hybrid", "anthropic/claude-sonnet-4", "stop")
    assert (end.prompt_tokens, end.answer_tokens) == (26, 298)


def test_arguments_in_pieces_are_put_together(service: OpenRouterStandIn) -> None:
    service.script += [Say(["Let me look."], calls=[("find_photos", {"q": "è 🐶"}), ("get_place", {})]), Say(["done"])]
    model = chat(service.url)
    calls = calls_of(ask(model, tools=[FIND]))
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [
        ("toolu_0", "find_photos", '{"q": "\\u00e8 \\ud83d\\udc36"}'),
        ("toolu_1", "get_place", "{}"),
    ]
    answers = [Message("tool", "3 photos", call_id=call.call_id, tool_name=call.name) for call in calls]
    assert text_of(ask(model, [*HELLO, Message("assistant", tool_calls=tuple(calls)), *answers])) == "done"


def test_malformed_arguments_reach_the_agent_as_they_are(service: OpenRouterStandIn) -> None:
    service.script.append(Say(calls=[("find_photos", '{"q": "bea')]))
    assert [call.arguments for call in calls_of(ask(chat(service.url), tools=[FIND]))] == ['{"q": "bea']


def test_headers_say_whose_program_it_is(service: OpenRouterStandIn) -> None:
    service.script += [Say(["ok"]), Say(["ok"])]
    ask(chat(service.url, http_referer="https://photos.example", app_title="Darkroom"))
    ask(chat(service.url))
    first, second = (request["headers"] for request in service.requests)
    assert (first["http-referer"], first["x-title"]) == ("https://photos.example", "Darkroom")
    assert "http-referer" not in second and "x-title" not in second


def test_model_outside_the_allowlist_is_refused_before_anything_is_sent(service: OpenRouterStandIn) -> None:
    model = chat(service.url, allowed_models=["openai/gpt-4o-mini"])
    with pytest.raises(ModelRefused, match="not among those"):
        ask(model, options=ChatOptions(model="evil/model"))
    assert not service.requests
    service.script += [Say(["a"]), Say(["b"])]
    assert end_of(ask(model, options=ChatOptions(model="openai/gpt-4o-mini"))).model == "openai/gpt-4o-mini"
    assert end_of(ask(model)).model == "anthropic/claude-sonnet-4"


def test_picker_shows_the_allowlist_and_whether_there_is_a_key(service: OpenRouterStandIn) -> None:
    assert chat(service.url, allowed_models=["openai/gpt-4o-mini"]).picker() == {
        "models": ["openai/gpt-4o-mini"],
        "default_model": "anthropic/claude-sonnet-4",
        "configured": True,
    }
    assert chat(service.url, key="").picker()["configured"] is False


def test_without_a_key_the_hybrid_backend_says_that_it_is_off(service: OpenRouterStandIn) -> None:
    with pytest.raises(ModelRefused, match="set OPENROUTER_API_KEY"):
        ask(chat(service.url, key=""))


def test_bad_model_id_surfaces_as_the_services_own_400(service: OpenRouterStandIn) -> None:
    with pytest.raises(ModelRefused, match="no/such-model is not a valid model ID") as caught:
        ask(chat(service.url), options=ChatOptions(model="no/such-model"))
    assert caught.value.status_code == 400


@pytest.mark.parametrize("status", [402, 403, 404, 429])
def test_4xx_is_passed_on_with_its_message(service: OpenRouterStandIn, status: int) -> None:
    service.script.append(Fail(status, "Insufficient credits. Add more."))
    with pytest.raises(ModelRefused, match="Insufficient credits") as caught:
        ask(chat(service.url))
    assert caught.value.status_code == status


def test_wrong_key_does_not_look_like_a_wrong_token_of_ours(
    service: OpenRouterStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelRefused, match="User not found") as caught:
        ask(chat(service.url, key="sk-or-v1-wrongwrongwrong"))
    assert caught.value.status_code == 400
    assert "wrongwrong" not in caplog.text + str(caught.value)


def test_key_that_the_service_repeats_is_struck_out(service: OpenRouterStandIn) -> None:
    service.script.append(Fail(400, f"bad header Authorization: Bearer {KEY} (and sk-or-v1-anotherkey99)"))
    with pytest.raises(ModelRefused) as caught:
        ask(chat(service.url))
    assert KEY not in str(caught.value) and "anotherkey" not in str(caught.value)


@pytest.mark.parametrize("failure", [Fail(500, "oops"), Fail(503, "no provider"), Fail(408, "timed out")], ids=repr)
def test_service_that_fails_is_unavailable(service: OpenRouterStandIn, failure: Fail) -> None:
    service.script.append(failure)
    with pytest.raises(ModelUnavailable, match=failure.message):
        ask(chat(service.url))


def test_nobody_listening_is_unavailable() -> None:
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        ask(chat(refusing_url()))


@pytest.mark.parametrize(
    "answer",
    [
        Drop(["half "]),
        Drop(["half "], politely=True),
        Raw(b'data: {"choices": [{"delta": {"content": "half"}}]}\n\ndata: {{{\n\n'),
        Raw(b'data: {"choices": [{"delta": {"content": "half"}}]}\n\n'),
        Raw(b"<html>captive portal</html>"),
        Raw(b"data: " + b"x" * (2 << 20)),
        Raw(b""),
        FailInside(["half "], 502, "Provider disconnected"),
    ],
    ids=lambda answer: repr(answer)[:40],
)
def test_answer_that_breaks_off_is_no_answer(service: OpenRouterStandIn, answer: Any) -> None:
    service.script.append(answer)
    with pytest.raises(AnswerCutOff):
        ask(chat(service.url))


def test_deadline_is_for_the_whole_answer(service: OpenRouterStandIn) -> None:
    service.script.append(Say(["tick "] * 50, wait_each_s=0.1))
    with pytest.raises(AnswerCutOff, match="TimeoutError"):
        ask(chat(service.url, total_seconds=0.5))


def test_error_event_before_the_first_word_counts_as_a_status(service: OpenRouterStandIn) -> None:
    service.script.append(FailInside([], 429, "Rate limit exceeded"))
    with pytest.raises(ModelRefused, match="Rate limit") as caught:
        ask(chat(service.url))
    assert caught.value.status_code == 429


def test_odd_but_harmless_events_are_passed_over(service: OpenRouterStandIn) -> None:
    service.script.append(
        Raw(
            b': comment\r\n\r\nevent: x\r\nid: 7\r\ndata: []\r\n\r\ndata: {"choices": null}\r\n\r\n'
            b'data: {"choices": [{"delta": {"content": "ok", "tool_calls": [7, {"function": 3}]}}]}\r\n\r\n'
            b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\r\n\r\ndata: [DONE]\r\n\r\n'
        )
    )
    assert text_of(ask(chat(service.url))) == "ok"


def test_picture_never_leaves_the_house(service: OpenRouterStandIn) -> None:
    with pytest.raises(IntegrityError, match="leave the house"):
        ask(chat(service.url), [Message("user", "what is it?", images=(b"\xff\xd8",))])
    assert not service.requests


def test_service_that_keeps_failing_is_left_alone(service: OpenRouterStandIn) -> None:
    service.script += [Fail(500, "oops")] * 2
    model = chat(service.url, breaker=Breaker(failures_allowed=2))
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            ask(model)
    assert len(service.requests) == 2
