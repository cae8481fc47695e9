"""The SMS API's client, against a real server that does what its contract says, and one that does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasks.errors import MessagesUnavailable
from tasks.messages.sms_api import SmsApi, TextMessage, by_day, days_bounds, input_hash
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.sms import TOKEN, SmsStandIn
from tests.tasks.models.asking import run

BERLIN = ZoneInfo("Europe/Berlin")
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def sms() -> Iterator[SmsStandIn]:
    with SmsStandIn().running() as stand_in:
        yield stand_in


def api(sms: SmsStandIn) -> SmsApi:
    return SmsApi(sms.url, TOKEN)


def message(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "sent_at": "2026-01-03T09:15:00+01:00", "sender": "Ada", "text": "hi", **changes}


def test_pages_are_put_together_oldest_first(sms: SmsStandIn) -> None:
    for number in range(8):
        sms.add("Ada", f"2026-01-{9 - number:02}T10:00:00+01:00", "me" if number % 2 else "Ada", f"text {number} 🐶")
    sms.add("Ada", "2026-02-01T00:00:00+00:00", "Ada", "too late")
    found = run(api(sms).between("Ada", START, END))
    assert [one.text for one in found] == [f"text {number} 🐶" for number in reversed(range(8))]
    assert found[0].sender == "me" and found[0].sent_at.astimezone(UTC).hour == 9
    assert len(sms.requests) == 3


def test_limit_asks_for_no_more_than_it_needs(sms: SmsStandIn) -> None:
    for number in range(9):
        sms.add("Ada", f"2026-01-{number + 1:02}T10:00:00Z", "Ada", str(number))
    assert [one.text for one in run(api(sms).between("Ada", START, END, 2))] == ["0", "1"]
    assert len(sms.requests) == 1


def test_contacts_are_listed_over_pages(sms: SmsStandIn) -> None:
    for name in ("Eve", "Ada", "Bob & Söhne", "Dora"):
        sms.conversations[name] = []
    assert run(api(sms).contacts()) == ["Ada", "Bob & Söhne", "Dora", "Eve"]
    assert run(api(sms).between("Bob & Söhne", START, END)) == []
    assert run(api(sms).between("nobody", START, END)) == []


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>captive portal</html>",
        b"",
        b"[]",
        b'{"messages": null}',
        b'{"messages": [{"id": "1"}]}',
        {"messages": [message(id=1)]},
        {"messages": [message(id="")]},
        {"messages": [message(sent_at="2026-01-03T09:15:00")]},
        {"messages": [message(sent_at=1_767_000_000)]},
        {"messages": [message(sent_at="yesterday")]},
        {"messages": [message(sender=None)]},
        {"messages": [message(text=None)]},
        {"messages": [message(text=["a"])]},
        {"messages": [message(sent_at="2026-03-03T09:15:00Z")]},
        {"messages": [message()], "next": ""},
        {"messages": [message()], "next": 7},
        404,
        429,
        500,
        503,
        302,
    ],
    ids=repr,
)
def test_answer_that_breaks_the_contract_is_no_half_conversation(sms: SmsStandIn, answer: Any) -> None:
    sms.odd = answer
    with pytest.raises(MessagesUnavailable) as caught:
        run(api(sms).between("Ada", START, END))
    assert "hi" not in str(caught.value).split()


def test_cursor_that_leads_back_is_noticed(sms: SmsStandIn) -> None:
    sms.get_messages = lambda handler, _: handler.json({"messages": [], "next": "again"})  # type: ignore[method-assign]
    with pytest.raises(MessagesUnavailable, match="repeats a page"):
        run(api(sms).between("Ada", START, END))


def test_message_that_comes_twice_counts_once(sms: SmsStandIn) -> None:
    sms.odd = {"messages": [message(), message(text="changed")]}
    assert [one.text for one in run(api(sms).between("Ada", START, END))] == ["hi"]


def test_endless_page_is_not_read_to_its_end(sms: SmsStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.messages.sms_api.MOST_PAGE_BYTES", 100_000)
    sms.odd = b" " * 200_000
    with pytest.raises(MessagesUnavailable, match="sends a page of more than"):
        run(api(sms).between("Ada", START, END))


def test_wrong_token_is_told_apart_and_appears_nowhere(sms: SmsStandIn, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(MessagesUnavailable, match="SMS_API_TOKEN") as caught:
        run(SmsApi(sms.url, "wr0ng-t0ken").contacts())
    assert "wr0ng" not in caplog.text + str(caught.value)


def test_nobody_there_is_said_with_the_setting() -> None:
    with pytest.raises(MessagesUnavailable, match="see SMS_API_URL"):
        run(SmsApi(refusing_url()).contacts())


def test_day_ends_at_the_midnight_of_its_zone_also_when_clocks_change() -> None:
    start, end = days_bounds(date(2026, 3, 29), date(2026, 3, 29), BERLIN)
    assert end.astimezone(UTC) - start.astimezone(UTC) == (datetime(1, 1, 1, 23) - datetime(1, 1, 1))
    late = TextMessage("1", datetime(2026, 1, 3, 23, 30, tzinfo=UTC), "Ada", "good night")
    assert list(by_day([late], BERLIN)) == [date(2026, 1, 4)]


def test_hash_changes_with_anything_that_was_said() -> None:
    one = TextMessage("1", START, "Ada", "a")
    others = [
        TextMessage("2", START, "Ada", "a"),
        TextMessage("1", END, "Ada", "a"),
        TextMessage("1", START, "me", "a"),
        TextMessage("1", START, "Ada", "b"),
        TextMessage("1", START, "Adaa", ""),
    ]
    hashes = {input_hash([other]) for other in (one, *others)} | {input_hash([]), input_hash([one, one])}
    assert len(hashes) == 8
    assert input_hash([one]) == input_hash([TextMessage("1", START.astimezone(BERLIN), "Ada", "a")])
