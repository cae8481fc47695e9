"""What the tools of the agent ask. Who runs it (the API, a flow, a test) brings what it has; the rest is no tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from tasks.agent.catalog_sql import CatalogSql
from tasks.messages.sms_api import TextMessage

Row = dict[str, Any]


class Photos(Protocol):
    """The catalog. Rows carry `asset_id`; an unknown photo is None or no rows."""

    async def find(self, query: str, first: date | None, last: date | None, limit: int) -> Sequence[Row]: ...
    async def metadata(self, asset_id: int) -> Row | None: ...
    async def faces(self, asset_id: int) -> Sequence[Row]: ...
    async def place(self, asset_id: int) -> Row | None: ...


class Summaries(Protocol):
    """Daily summaries by meaning. Rows: summary_id, contact, day, summary, score."""

    async def search(
        self, query: str, *, top_k: int, first: date | None, last: date | None, contact: str | None
    ) -> Sequence[Row]: ...


class Messages(Protocol):
    async def between(self, contact: str, start: datetime, end: datetime, limit: int) -> Sequence[TextMessage]: ...


class Memory(Protocol):
    """People, places and things that are remembered, and facts about them. The only place a tool may write to."""

    async def entities(self, query: str, limit: int) -> Sequence[Row]: ...
    async def facts(self, entity_id: int | None, asset_id: int | None, limit: int) -> Sequence[Row]: ...
    async def store_entity(self, name: str, kind: str, description: str) -> Row: ...
    async def store_fact(self, entity_id: int, fact: str, asset_id: int | None) -> Row: ...


class PersonalPlaces(Protocol):
    """Apollo's Places API: Home, Work, Cabin."""

    async def at(self, latitude: float, longitude: float) -> str | None: ...


class Vision(Protocol):
    """A local model that sees. The picture never leaves the house."""

    async def has_vision(self) -> bool: ...
    async def picture(self, asset_id: int) -> bytes: ...
    async def describe(self, asset_id: int, question: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Args: asset_id: the photo that is talked about; None in a chat about the whole library."""

    photos: Photos | None = None
    summaries: Summaries | None = None
    messages: Messages | None = None
    memory: Memory | None = None
    personal_places: PersonalPlaces | None = None
    vision: Vision | None = None
    sql: CatalogSql | None = None
    asset_id: int | None = None
