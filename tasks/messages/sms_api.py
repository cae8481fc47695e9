"""
Messages from the SMS API: a paged JSON list by contact and range of time. The contract is in docs/sms-api.md.

What the service sends is checked to the letter: a summary made of half a conversation, or of somebody else's, would be
believed for years.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, TypeVar

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import MessagesUnavailable

PAGE_MESSAGES = 500
MOST_PAGES = 2_000
MOST_PAGE_BYTES = 32 << 20
MOST_TEXT_CHARACTERS = 10_000  # of a message; the rest says nothing a summary needs
CONNECT_SECONDS, TOTAL_SECONDS = 5.0, 60.0


@dataclass(frozen=True, slots=True)
class TextMessage:
    """
    Args:
        sender: The contact's name, or `me`. sent_at: with its zone.
    """

    message_id: str
    sent_at: datetime
    sender: str
    text: str


class _Wire(BaseModel):
    """Of the right type or refused; fields the contract does not know are passed over."""

    model_config = ConfigDict(strict=True, extra="ignore")


class _Message(_Wire):
    id: Annotated[str, Field(min_length=1, max_length=200)]
    sent_at: AwareDatetime
    sender: Annotated[str, Field(min_length=1, max_length=200)]
    text: str


class _Messages(_Wire):
    messages: list[_Message]
    next: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None


class _Contact(_Wire):
    name: Annotated[str, Field(min_length=1, max_length=200)]


class _Contacts(_Wire):
    contacts: list[_Contact]
    next: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None


Page = TypeVar("Page", _Messages, _Contacts)


class SmsApi:
    """
    Args:
        url: `SMS_API_URL`. token: `SMS_API_TOKEN`, sent as a bearer token; "" sends none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url, self._token = url.rstrip("/"), token

    async def contacts(self) -> list[str]:
        """Raises MessagesUnavailable."""
        names: dict[str, None] = {}
        async for page in self._pages("/contacts", {}, _Contacts):
            names.update(dict.fromkeys(contact.name for contact in page.contacts))
        return list(names)

    async def between(
        self, contact: str, start: datetime, end: datetime, limit: int | None = None
    ) -> list[TextMessage]:
        """
        The messages exchanged with *contact*, oldest first, each once.

        Args:
            start, end: With a zone; start is in, end is not. limit: the first so many.
        Raises:
            MessagesUnavailable
        """
        asked = {"contact": contact, "start": _utc_text(start), "end": _utc_text(end)}
        asked["limit"] = str(min(limit or PAGE_MESSAGES, PAGE_MESSAGES))
        found: dict[str, TextMessage] = {}
        async for page in self._pages("/messages", asked, _Messages):
            for message in page.messages:
                if not start <= message.sent_at < end:
                    raise MessagesUnavailable("the SMS API sends messages from outside the time it was asked for")
                found.setdefault(message.id, _text_message(message))
            if limit is not None and len(found) >= limit:
                break
        ordered = sorted(found.values(), key=lambda message: (message.sent_at, message.message_id))
        return ordered[:limit]

    async def _pages(self, path: str, asked: dict[str, str], kind: type[Page]) -> AsyncIterator[Page]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        timeout = httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS)
        seen: set[str | None] = {None}
        cursor: str | None = None
        async with httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False) as client:
            for _ in range(MOST_PAGES):
                page = _checked(await self._get(client, path, asked, cursor), kind)
                yield page
                cursor = page.next
                if cursor is None:
                    return
                if cursor in seen:
                    raise MessagesUnavailable("the SMS API repeats a page: its `next` leads back")
                seen.add(cursor)
        raise MessagesUnavailable(f"the SMS API has more than {MOST_PAGES:,} pages for one question")

    async def _get(self, client: httpx.AsyncClient, path: str, asked: dict[str, str], cursor: str | None) -> bytes:
        asked = {**asked, "cursor": cursor} if cursor else asked
        try:
            async with client.stream("GET", self._url + path, params=asked) as response:
                body = await _read(response)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise MessagesUnavailable(f"the SMS API cannot be reached ({type(exc).__name__}); see SMS_API_URL") from exc
        if response.status_code in {401, 403}:
            raise MessagesUnavailable(f"the SMS API refuses us ({response.status_code}); see SMS_API_TOKEN")
        if response.status_code != httpx.codes.OK:
            raise MessagesUnavailable(f"the SMS API answers {response.status_code}")
        return body


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_PAGE_BYTES:
            raise MessagesUnavailable(f"the SMS API sends a page of more than {MOST_PAGE_BYTES >> 20} MiB")
    return bytes(body)


def _checked(body: bytes, kind: type[Page]) -> Page:
    try:
        return kind.model_validate_json(body)
    except ValidationError as exc:
        error = exc.errors(include_input=False)[0]  # the input would be somebody's words
        where = ".".join(map(str, error["loc"])) or "the answer"
        raise MessagesUnavailable(f"the SMS API breaks its contract: {where}: {error['msg']}") from None


def _text_message(message: _Message) -> TextMessage:
    return TextMessage(message.id, message.sent_at, message.sender, message.text[:MOST_TEXT_CHARACTERS])


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_bounds(first: date, last: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """From the midnight that begins *first* to the one that ends *last*, in *zone*."""
    return (
        datetime.combine(first, time.min, tzinfo=zone),
        datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone),
    )


def by_day(messages: Iterable[TextMessage], zone: tzinfo) -> dict[date, list[TextMessage]]:
    """The messages of each local day, in their order."""
    days: dict[date, list[TextMessage]] = {}
    for message in messages:
        days.setdefault(message.sent_at.astimezone(zone).date(), []).append(message)
    return days


def input_hash(messages: Iterable[TextMessage]) -> str:
    """Changes when anything a summary is made of does."""
    digest = hashlib.sha256()
    for message in messages:
        for part in (message.message_id, message.sent_at.astimezone(UTC).isoformat(), message.sender, message.text):
            body = part.encode("utf-8", "surrogatepass")
            digest.update(len(body).to_bytes(8, "big") + body)
    return digest.hexdigest()
