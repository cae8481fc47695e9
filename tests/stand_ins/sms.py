"""The SMS API of docs/sms-api.md: contacts and messages, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.stand_ins.http_server import Handler, Refused, StandIn

TOKEN = "sms-t0ken-of-the-test"


@dataclass
class SmsStandIn(StandIn):
    """
    Args:
        conversations: Contact to messages: (id, ISO time with zone, sender, text).
        page: The most messages in one answer.
        odd: Sent instead of the next answer to /messages, once.
    """

    conversations: dict[str, list[tuple[str, str, str, str]]] = field(default_factory=dict)
    page: int = 3
    odd: Any = None

    def __post_init__(self) -> None:
        super().__init__()

    def add(self, contact: str, sent_at: str, sender: str, text: str) -> None:
        messages = self.conversations.setdefault(contact, [])
        messages.append((f"{contact}-{len(messages)}", sent_at, sender, text))

    def get_contacts(self, handler: Handler, _: Any) -> None:
        self._only_with_token(handler)
        names = sorted(self.conversations)
        start = int(handler.query.get("cursor", 0))
        end = start + self.page
        contacts = [{"name": name, "phone": "+1"} for name in names[start:end]]
        handler.json({"contacts": contacts, "next": str(end) if end < len(names) else None})

    def get_messages(self, handler: Handler, _: Any) -> None:
        self._only_with_token(handler)
        if self.odd is not None:
            odd, self.odd = self.odd, None
            if isinstance(odd, bytes):
                handler.bytes(odd)
            elif isinstance(odd, int):
                raise Refused(odd, "as the test wants it")
            else:
                handler.json(odd)
            return
        query = handler.query
        start, end = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
        if query["contact"] not in self.conversations:
            handler.json({"messages": [], "next": None})
            return
        found = [
            {"id": number, "sent_at": sent_at, "sender": sender, "text": text, "read": True}
            for number, sent_at, sender, text in self.conversations[query["contact"]]
            if start <= datetime.fromisoformat(sent_at) < end
        ]
        found.sort(key=lambda message: datetime.fromisoformat(str(message["sent_at"])))
        first = int(query.get("cursor", 0))
        last = first + min(self.page, int(query.get("limit", 500)))
        handler.json({"messages": found[first:last], "next": str(last) if last < len(found) else None})

    def _only_with_token(self, handler: Handler) -> None:
        if handler.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "who are you?")
