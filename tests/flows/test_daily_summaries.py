"""The flow: only what changed is summarised, by whoever is there, and nothing is lost when a service goes away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from flows.daily_summaries import daily_summaries
from flows.engine.context import FlowContext, open_context
from tasks.errors import MessagesUnavailable
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import CHAT_MODEL, EMBED_MODEL, Fail, OllamaStandIn, Say
from tests.stand_ins.sms import TOKEN, SmsStandIn


@pytest.fixture
def sms(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmsStandIn]:
    stand_in = SmsStandIn()
    for day in (1, 2, 3):
        for hour in (8, 20):
            stand_in.add("Ada", f"2026-05-{day:02}T{hour:02}:00:00+02:00", "Ada", f"On day {day} at {hour} we swam.")
    stand_in.add("Bob", "2026-05-02T23:30:00Z", "me", "Late, but the contract with Meyer is signed.")
    monkeypatch.setattr("flows.engine.task_runs.RETRY_DELAYS_SECONDS", [0.0, 0.0])
    with stand_in.running():
        monkeypatch.setenv("SMS_API_URL", stand_in.url)
        monkeypatch.setenv("SMS_API_TOKEN", TOKEN)
        yield stand_in


@pytest.fixture
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture
def asked(home: Any, sms: SmsStandIn, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A context that summarises Ada and Bob in May, with no model server."""
    for name, value in {
        "SUMMARY_CONTACTS": "Ada, Bob",
        "SUMMARY_FROM": "2026-05-01",
        "SUMMARY_TO": "2026-05-31",
        "SUMMARY_TIME_ZONE": "Europe/Berlin",
        "OLLAMA_PRIMARY_URL": refusing_url(),
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def run_flow(**options: Any) -> dict[str, Any]:
    return daily_summaries.fn(**options)


def summaries(flow_context: FlowContext) -> list[tuple[Any, ...]]:
    rows = flow_context.lake.select("select * from v_daily_summaries order by contact, day")
    return [(row["contact"], row["day"], row["kind"], row["summary"]) for row in rows]


def test_every_contact_and_local_day_gets_a_summary_and_a_vector(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    asked.setenv("OLLAMA_PRIMARY_URL", ollama.url)
    ollama.script += [Say([f"Summary {number}."]) for number in range(4)]
    numbers = run_flow()
    assert numbers == {"contacts": 2, "days": 4, "summarised": 4, "extracted": 0, "embedded": 4}
    assert summaries(flow_context) == [
        ("Ada", date(2026, 5, 1), "model", "Summary 0."),
        ("Ada", date(2026, 5, 2), "model", "Summary 1."),
        ("Ada", date(2026, 5, 3), "model", "Summary 2."),
        ("Bob", date(2026, 5, 3), "model", "Summary 3."),  # 23:30 in London is the next day in Berlin
    ]
    (row,) = flow_context.lake.select("select * from daily_summary where contact = 'Bob'")
    assert (row["model"], row["server"], row["message_count"]) == (CHAT_MODEL, ollama.url, 1)
    assert row["prompt_version"] and row["run_id"]
    vectors = flow_context.lake.select("select embedding_model, len(embedding) as n from summary_embedding")
    assert vectors == [{"embedding_model": "all-MiniLM-L6-v2", "n": 384}] * 4


def test_second_run_asks_no_model_and_writes_nothing(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    asked.setenv("OLLAMA_PRIMARY_URL", ollama.url)
    ollama.script += [Say(["Summary."])] * 4
    run_flow()
    before = flow_context.lake.snapshot_id()
    assert run_flow() == {"contacts": 2, "days": 4, "summarised": 0, "extracted": 0, "embedded": 0}
    assert flow_context.lake.snapshot_id() == before and len(ollama.bodies("/api/chat")) == 4


def test_only_the_day_whose_messages_changed_is_redone_under_its_number(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, sms: SmsStandIn, ollama: OllamaStandIn
) -> None:
    asked.setenv("OLLAMA_PRIMARY_URL", ollama.url)
    ollama.script += [Say([f"Summary {number}."]) for number in range(5)]
    run_flow()
    numbers = {
        row["day"]: row["summary_id"] for row in flow_context.lake.select("from daily_summary where contact = 'Ada'")
    }
    sms.add("Ada", "2026-05-02T21:00:00+02:00", "me", "I found your towel.")
    assert run_flow()["summarised"] == 1
    rows = flow_context.lake.select("from daily_summary where contact = 'Ada' order by day")
    assert [row["summary"] for row in rows] == ["Summary 0.", "Summary 4.", "Summary 2."]
    assert {row["day"]: row["summary_id"] for row in rows} == numbers
    vectors = flow_context.lake.select("select count(*) as n, count(distinct summary_id) as ids from summary_embedding")
    assert vectors == [{"n": 4, "ids": 4}]


def test_without_a_model_days_are_extracted_labelled_and_replaced_when_one_appears(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    assert run_flow()["extracted"] == 4
    assert {row[2] for row in summaries(flow_context)} == {"extractive"}
    assert "we swam" in summaries(flow_context)[0][3]
    (run,) = flow_context.lake.select("select report from v_runs where flow = 'daily-summaries'")
    assert "nothing answers there" in run["report"]
    before = flow_context.lake.snapshot_id()
    assert run_flow()["extracted"] == 0 and flow_context.lake.snapshot_id() == before
    asked.setenv("OLLAMA_PRIMARY_URL", ollama.url)
    ollama.script += [Say(["By a model."])] * 4
    assert run_flow()["summarised"] == 4
    assert {row[2] for row in summaries(flow_context)} == {"model"}


def test_model_that_goes_away_halfway_leaves_no_day_without_a_summary(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    asked.setenv("OLLAMA_PRIMARY_URL", ollama.url)
    ollama.script += [Say(["By a model."]), Fail(500, "out of memory")]
    numbers = run_flow()
    assert (numbers["summarised"], numbers["extracted"]) == (1, 3)


def test_reachable_server_without_the_model_is_said_with_how_to_get_it(
    asked: pytest.MonkeyPatch, flow_context: FlowContext
) -> None:
    with OllamaStandIn(models=[EMBED_MODEL]).running() as ollama:
        asked.setenv("OLLAMA_PRIMARY_URL", ollama.url)
        assert run_flow()["extracted"] == 4
    (run,) = flow_context.lake.select("select report from v_runs where flow = 'daily-summaries'")
    assert f"ollama pull {CHAT_MODEL}" in run["report"]


def test_day_whose_messages_are_gone_is_not_shown_until_they_come_back(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, sms: SmsStandIn
) -> None:
    run_flow()
    messages = sms.conversations["Ada"]
    sms.conversations["Ada"] = [message for message in messages if "-05-02T" not in message[1]]
    numbers = run_flow()
    assert (numbers["gone"], numbers["extracted"], numbers["days"]) == (1, 0, 3)
    (run,) = flow_context.lake.select("select message from v_runs where message like '%gone%'")
    assert run["message"].startswith("2 contacts") and "1 gone" in run["message"]
    assert [day for contact, day, *_ in summaries(flow_context) if contact == "Ada"] == [
        date(2026, 5, 1),
        date(2026, 5, 3),
    ]
    vectors = flow_context.lake.rows("summaries/vectors", embedding_model="all-MiniLM-L6-v2")
    assert len(vectors) == 3 and "gone" not in run_flow()
    sms.conversations["Ada"] = messages
    assert run_flow()["extracted"] == 0, "the same messages: the same summary, shown again"
    assert len(summaries(flow_context)) == 4
    assert len(flow_context.lake.rows("summaries/vectors", embedding_model="all-MiniLM-L6-v2")) == 4


def test_service_that_lost_everything_takes_no_summary_away_for_good(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, sms: SmsStandIn
) -> None:
    run_flow()
    before, kept = summaries(flow_context), dict(sms.conversations)
    sms.conversations.clear()
    assert run_flow()["gone"] == 4 and summaries(flow_context) == []
    sms.conversations.update(kept)
    run_flow()
    assert summaries(flow_context) == before


def test_new_embedding_model_makes_its_own_vectors_beside_the_old_ones(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, ollama: OllamaStandIn
) -> None:
    run_flow()
    asked.setenv("OLLAMA_PRIMARY_URL", ollama.url)
    asked.setenv("OLLAMA_PRIMARY_MODEL", "not:there")
    asked.setenv("EMBEDDING_MODEL", EMBED_MODEL)
    assert run_flow()["embedded"] == 4
    rows = flow_context.lake.select(
        "select embedding_model, count(*) as n, min(len(embedding)) as width "
        "from summary_embedding group by 1 order by 1"
    )
    assert rows == [
        {"embedding_model": "all-MiniLM-L6-v2", "n": 4, "width": 384},
        {"embedding_model": EMBED_MODEL, "n": 4, "width": 768},
    ]


@pytest.mark.parametrize("odd", [500, b"<html>", {"messages": [{"id": "1"}]}], ids=repr)
def test_sms_api_that_stumbles_once_is_asked_again(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, sms: SmsStandIn, odd: Any
) -> None:
    sms.odd = odd
    assert run_flow()["extracted"] == 4


def test_sms_api_that_is_gone_fails_the_run_and_keeps_what_was_made(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, sms: SmsStandIn
) -> None:
    run_flow(contact="Ada")
    asked.setenv("SMS_API_URL", refusing_url())
    with pytest.raises(MessagesUnavailable):
        run_flow()
    assert len(summaries(flow_context)) == 3


def test_star_means_every_contact_the_service_has(asked: pytest.MonkeyPatch, flow_context: FlowContext) -> None:
    asked.setenv("SUMMARY_CONTACTS", "*")
    assert run_flow()["contacts"] == 2


def test_with_nothing_configured_nobody_is_asked(
    asked: pytest.MonkeyPatch, flow_context: FlowContext, sms: SmsStandIn
) -> None:
    asked.delenv("SUMMARY_CONTACTS")
    assert run_flow()["contacts"] == 0
    assert not sms.requests


def test_second_run_beside_the_first_leaves_it_alone(asked: pytest.MonkeyPatch, flow_context: FlowContext) -> None:
    with open_context().lake.exclusive("daily-summaries"):
        assert run_flow() == {"busy": True}


def test_redo_makes_every_day_again(asked: pytest.MonkeyPatch, flow_context: FlowContext) -> None:
    run_flow()
    assert run_flow(redo=True)["extracted"] == 4
    assert len(summaries(flow_context)) == 4


def test_checks_find_nothing_wrong_afterwards(asked: pytest.MonkeyPatch, flow_context: FlowContext) -> None:
    run_flow()
    for name in ("unique_daily_summary", "unique_summary_embedding", "orphan_summary_embedding"):
        assert flow_context.lake.rows(f"checks/{name}") == []
