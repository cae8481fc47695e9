"""The conversations that may be read: those of the configured contacts, and no others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tasks.errors import NotFound
from tasks.messages.sms_api import SmsApi, TextMessage

EVERYBODY = "*"
MOST_CONTACTS = 20  # asked about one moment
_AT_ONCE = 4
_MOST_OF_ONE = 1_000  # messages of a contact around one moment
_CONTACTS_KEPT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class MessageExcerpt:
    """One message and whose conversation it is from."""

    contact: str
    message: TextMessage


@dataclass
class MessageBook:
    """
    Args:
        contacts: `SUMMARY_CONTACTS`; `*` opens every conversation the SMS API has.
    """

    api: SmsApi
    contacts: Sequence[str]
    _listed: tuple[float, list[str]] | None = field(default=None, init=False)

    async def between(self, contact: str, start: datetime, end: datetime, limit: int) -> list[TextMessage]:
        """Raises NotFound: not one of the contacts. MessagesUnavailable."""
        named = {name.casefold(): name for name in self.contacts}
        known = named.get(contact.casefold(), contact if EVERYBODY in self.contacts else None)
        if known is None:
            raise NotFound(f"no conversation with {contact!r} is open here; there are: {', '.join(self.contacts)}")
        return await self.api.between(known, start, end, limit)

    async def around(
        self, moment: datetime, span: timedelta, limit: int, likely: Sequence[str] = ()
    ) -> list[MessageExcerpt]:
        """
        The *limit* messages closest to *moment*, of at most MOST_CONTACTS contacts; oldest first.

        Args:
            moment: With a zone. span: to both sides of it.
            likely: Contacts to ask first, where there are too many to ask all.
        Raises:
            MessagesUnavailable
        """
        names = await self._names()
        wanted = sorted(names, key=lambda name: name not in likely)[:MOST_CONTACTS]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def of(contact: str) -> list[MessageExcerpt]:
            async with turns:
                found = await self.api.between(contact, moment - span, moment + span, _MOST_OF_ONE)
            return [MessageExcerpt(contact, message) for message in found]

        said = [one for part in await asyncio.gather(*map(of, wanted)) for one in part]
        closest = sorted(said, key=lambda one: abs(one.message.sent_at - moment))[:limit]
        return sorted(closest, key=lambda one: (one.message.sent_at, one.contact))

    async def _names(self) -> list[str]:
        """Raises MessagesUnavailable."""
        if EVERYBODY not in self.contacts:
            return list(self.contacts)
        if self._listed is None or time.monotonic() - self._listed[0] > _CONTACTS_KEPT_SECONDS:
            self._listed = (time.monotonic(), await self.api.contacts())
        return self._listed[1]
