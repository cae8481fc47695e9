"""Whose messages may be read, and which are told about a moment: asked of a real SMS API stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tasks.errors import MessagesUnavailable, NotFound
from tasks.messages.book import MOST_CONTACTS, MessageBook
from tasks.messages.sms_api import SmsApi
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.sms import TOKEN, SmsStandIn

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
HALF_A_DAY = timedelta(hours=12)


@pytest.fixture
def sms() -> Iterator[SmsStandIn]:
    stand_in = SmsStandIn()
    for hour in range(24):
        stand_in.add("Ada", f"2025-06-01T{hour:02}:00:00Z", "Ada", f"at {hour}")
    stand_in.add("Bob", "2025-06-01T12:01:00Z", "me", "just after")
    stand_in.add("Bob", "2025-05-30T12:00:00Z", "me", "too early")
    with stand_in.running():
        yield stand_in


def around(sms: SmsStandIn, contacts: list[str], limit: int = 5, likely: tuple[str, ...] = ()) -> list[str]:
    book = MessageBook(SmsApi(sms.url, TOKEN), contacts)
    return [said.message.text for said in asyncio.run(book.around(NOON, HALF_A_DAY, limit, likely))]


def test_closest_messages_of_all_contacts_come_in_the_order_they_were_sent(sms: SmsStandIn) -> None:
    assert around(sms, ["Ada", "Bob"]) == ["at 10", "at 11", "at 12", "just after", "at 13"]
    assert around(sms, ["Bob"]) == ["just after"]


def test_star_asks_everybody_there_is_and_likely_ones_first_where_there_are_too_many(sms: SmsStandIn) -> None:
    for number in range(MOST_CONTACTS):
        sms.add(f"A{number:02}", "2025-06-01T12:00:00Z", "me", "noise")
    assert "just after" not in around(sms, ["*"], limit=500)
    assert "just after" in around(sms, ["*"], limit=500, likely=("Bob",))


def test_conversation_of_nobody_configured_stays_closed(sms: SmsStandIn) -> None:
    book = MessageBook(SmsApi(sms.url, TOKEN), ["Ada"])
    with pytest.raises(NotFound, match="there are: Ada"):
        asyncio.run(book.between("Bob", NOON - HALF_A_DAY, NOON, 10))
    assert len(asyncio.run(book.between("ADA", NOON - HALF_A_DAY, NOON, 3))) == 3
    assert not [request for request in sms.requests if "Bob" in request["path"]]


def test_service_that_is_away_is_said_to_be() -> None:
    book = MessageBook(SmsApi(refusing_url(), TOKEN), ["Ada"])
    with pytest.raises(MessagesUnavailable):
        asyncio.run(book.around(NOON, HALF_A_DAY, 5))
