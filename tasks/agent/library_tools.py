"""The tools of the library: each is there when what it asks is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from pydantic import Field

from tasks.agent.sources import Memory, Messages, PersonalPlaces, Photos, Row, Sources, Summaries, Vision
from tasks.agent.sql_tool import sql_tool
from tasks.agent.tools import Arguments, Cited, Tool, ToolResult
from tasks.errors import InvalidQuery, NotFound

MOST_MESSAGE_DAYS = 31


class SearchSummaries(Arguments):
    query: str = Field(min_length=1, description="What to look for, in words: it is found by meaning")
    first_day: date | None = Field(None, description="Only days from this one on, YYYY-MM-DD")
    last_day: date | None = Field(None, description="Only days up to this one, YYYY-MM-DD")
    contact: str | None = Field(None, description="Only conversations with this contact")
    limit: int = Field(5, ge=1, le=20)


class GetMessages(Arguments):
    contact: str = Field(min_length=1, description="Whose conversation")
    start: datetime = Field(description="ISO 8601, with a zone; without one it is UTC")
    end: datetime = Field(description=f"The same; at most {MOST_MESSAGE_DAYS} days after start")
    limit: int = Field(100, ge=1, le=300)


class FindPhotos(Arguments):
    query: str = Field("", description="Words of the library's search: places, people, tags, cameras, file names")
    first_day: date | None = Field(None, description="Taken on this day or later, YYYY-MM-DD")
    last_day: date | None = Field(None, description="Taken on this day or earlier, YYYY-MM-DD")
    limit: int = Field(20, ge=1, le=100)


class OnePhoto(Arguments):
    asset_id: int | None = Field(None, description="Number of the photo; left out: the one that is talked about")


class DescribePhoto(OnePhoto):
    question: str = Field("What is in this picture?", description="What to look at")


class PlaceAt(Arguments):
    latitude: float = Field(ge=-90, le=90, allow_inf_nan=False)
    longitude: float = Field(ge=-180, le=180, allow_inf_nan=False)


class RecallEntities(Arguments):
    query: str = Field("", description="Part of a name or description; empty for the best known")
    limit: int = Field(10, ge=1, le=50)


class RecallFacts(Arguments):
    entity_id: int | None = Field(None, description="Facts about this entity")
    asset_id: int | None = Field(None, description="Facts learned from this photo")
    limit: int = Field(20, ge=1, le=100)


class StoreEntity(Arguments):
    name: str = Field(min_length=1, max_length=200)
    kind: str = Field(pattern="^(person|place|event|thing)$", description="person, place, event or thing")
    description: str = Field("", max_length=1_000)


class StoreFact(Arguments):
    entity_id: int = Field(description="From recall_entities or store_entity")
    fact: str = Field(min_length=1, max_length=1_000, description="One sentence that stays true")


def library_tools(sources: Sources) -> list[Tool[Any]]:
    """Every tool whose source is there."""
    tools: list[Tool[Any]] = []
    for source, make in (
        (sources.summaries, _summary_tools),
        (sources.messages, _message_tools),
        (sources.photos, _photo_tools),
        (sources.personal_places, _place_tools),
        (sources.vision, _eye_tools),
        (sources.memory, _memory_tools),
    ):
        if source is not None:
            build: Callable[[Any, int | None], list[Tool[Any]]] = make
            tools += build(source, sources.asset_id)
    return [*tools, sql_tool(sources.sql)] if sources.sql else tools


def _summary_tools(summaries: Summaries, _: int | None) -> list[Tool[Any]]:
    async def search(given: SearchSummaries) -> ToolResult:
        rows = await summaries.search(
            given.query, top_k=given.limit, first=given.first_day, last=given.last_day, contact=given.contact
        )
        return _listed(rows, "no summary of a day matches", cited=("summary", "summary_id"))

    about = "Search the summaries of daily conversations by meaning: what happened, who said what, plans, trips, moods."
    return [Tool("search_summaries", about, SearchSummaries, search)]


def _message_tools(messages: Messages, _: int | None) -> list[Tool[Any]]:
    async def get(given: GetMessages) -> ToolResult:
        start, end = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (given.start, given.end))
        if end - start > timedelta(days=MOST_MESSAGE_DAYS):
            raise InvalidQuery(f"at most {MOST_MESSAGE_DAYS} days at a time; search_summaries looks further")
        found = await messages.between(given.contact, start, end, given.limit)
        rows = [
            {"sent_at": message.sent_at.isoformat(timespec="minutes"), "from": message.sender, "text": message.text}
            for message in found
        ]
        return _listed(rows, "no message in that time")

    return [Tool("get_messages", "Read the messages exchanged with a contact in a range of time.", GetMessages, get)]


def _photo_tools(photos: Photos, current: int | None) -> list[Tool[Any]]:
    async def find(given: FindPhotos) -> ToolResult:
        rows = await photos.find(given.query, given.first_day, given.last_day, given.limit)
        return _listed(rows, "no photo matches", cited=("photo", "asset_id"))

    async def metadata(given: OnePhoto) -> ToolResult:
        return _one(await photos.metadata(_chosen(given, current)), _chosen(given, current))

    async def faces(given: OnePhoto) -> ToolResult:
        return _listed(await photos.faces(_chosen(given, current)), "no face is known in it")

    async def place(given: OnePhoto) -> ToolResult:
        row = await photos.place(_chosen(given, current))
        return _listed([row] if row else [], "no place is known for it")

    return [
        Tool("find_photos", "Search the photos and videos of the library.", FindPhotos, find),
        Tool("get_photo_metadata", "When, where and with what a photo was taken, its tags.", OnePhoto, metadata),
        Tool("get_faces", "Who is in a photo.", OnePhoto, faces),
        Tool("get_place", "The place a photo was taken at.", OnePhoto, place),
    ]


def _place_tools(places: PersonalPlaces, _: int | None) -> list[Tool[Any]]:
    async def at(given: PlaceAt) -> ToolResult:
        name = await places.at(given.latitude, given.longitude)
        return ToolResult(name or "no personal place is there", {"place": name})

    about = "What the user calls a place (Home, Work, Cabin) at a position."
    return [Tool("get_personal_place_at", about, PlaceAt, at)]


def _eye_tools(vision: Vision, current: int | None) -> list[Tool[Any]]:
    async def describe(given: DescribePhoto) -> ToolResult:
        number = _chosen(given, current)
        text = await vision.describe(number, given.question)
        return ToolResult(text, {"description": text}, (Cited("photo", number),))

    return [Tool("describe_photo", "Have a local model look at a photo and describe it.", DescribePhoto, describe)]


def _memory_tools(memory: Memory, current: int | None) -> list[Tool[Any]]:
    async def entities(given: RecallEntities) -> ToolResult:
        return _listed(await memory.entities(given.query, given.limit), "nothing is remembered under that name")

    async def facts(given: RecallFacts) -> ToolResult:
        about = current if given.entity_id is None and given.asset_id is None else given.asset_id
        return _listed(await memory.facts(given.entity_id, about, given.limit), "no fact is remembered")

    async def store_entity(given: StoreEntity) -> ToolResult:
        return _listed([await memory.store_entity(given.name, given.kind, given.description)], "")

    async def store_fact(given: StoreFact) -> ToolResult:
        return _listed([await memory.store_fact(given.entity_id, given.fact, current)], "")

    return [
        Tool("recall_entities", "People, places, events and things remembered.", RecallEntities, entities),
        Tool("recall_facts", "Facts remembered about an entity, or learned from a photo.", RecallFacts, facts),
        Tool("store_entity", "Remember a person, place, event or thing.", StoreEntity, store_entity, writes=True),
        Tool("store_fact", "Remember a fact about an entity.", StoreFact, store_fact, writes=True),
    ]


def _chosen(given: OnePhoto, current: int | None) -> int:
    number = given.asset_id if given.asset_id is not None else current
    if number is None:
        raise InvalidQuery("say which photo: asset_id is needed here")
    return number


def _one(row: Row | None, asset_id: int) -> ToolResult:
    if row is None:
        raise NotFound(f"there is no photo {asset_id}")
    known = {name: value for name, value in row.items() if value not in (None, "", [])}
    return ToolResult(_json(known), known, (Cited("photo", asset_id),))


def _listed(rows: Sequence[Row], nothing: str, *, cited: tuple[str, str] | None = None) -> ToolResult:
    """One line of JSON a row: models read it well, and a line of somebody's words cannot pass for another row."""
    if not rows:
        return ToolResult(nothing[:1].upper() + nothing[1:] + ".", [])
    numbers = tuple(Cited(cited[0], int(row[cited[1]])) for row in rows) if cited else ()
    return ToolResult("\n".join(map(_json, rows)), list(rows), numbers)


def _json(row: Row) -> str:
    return orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
