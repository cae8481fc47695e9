"""What the agent's tools ask, answered from the replica and the lake."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date

import orjson

from serving.listing.cursor import Sort
from serving.listing.timeline import Conditions
from serving.replica.replica import Replica
from serving.search.query import parsed_query
from serving.search.searcher import Searcher
from sql.lake import Lake, Row, utc_now
from tasks.errors import NotFound

_FOUND_COLUMNS = (
    "asset_id",
    "path",
    "library",
    "media_type",
    "taken_at",
    "camera_model",
    "latitude",
    "longitude",
    "place",
)
_NOT_SHOWN = {"content_hash", "taken_at_utc"}
_PLACE_COLUMNS = ("personal_place", "city", "major_city", "region", "country", "latitude", "longitude")
_FIRST_CONFIDENCE, _CORROBORATED = 0.5, 0.1


class LibraryPhotos:
    """Implements tasks.agent.sources.Photos."""

    def __init__(self, lake: Lake, replica: Replica, searcher: Searcher) -> None:
        self._lake, self._replica, self._searcher = lake, replica, searcher

    async def find(self, query: str, first: date | None, last: date | None, limit: int) -> Sequence[Row]:
        """By the search box's own language. Raises InvalidQuery."""
        return await asyncio.to_thread(self._find, query, first, last, limit)

    def _find(self, query: str, first: date | None, last: date | None, limit: int) -> list[Row]:
        conditions = Conditions()
        conditions.dates(first.isoformat() if first else None, last.isoformat() if last else None)
        newest = Sort("taken_at", descending=True)
        found = self._searcher.find(self._replica.current, parsed_query(query), conditions, newest, limit, None)
        photos = (orjson.loads(photo) for photo in found.page.photos)
        return [{name: photo[name] for name in _FOUND_COLUMNS if photo.get(name) is not None} for photo in photos]

    async def metadata(self, asset_id: int) -> Row | None:
        row = await asyncio.to_thread(self._lake.one, "ai/photo", asset_id=asset_id)
        return {name: value for name, value in row.items() if name not in _NOT_SHOWN} if row else None

    async def faces(self, asset_id: int) -> Sequence[Row]:
        return await asyncio.to_thread(self._lake.rows, "ai/faces_of", asset_id=asset_id)

    async def place(self, asset_id: int) -> Row | None:
        """Where it was taken, in words and degrees; the user's own name for the place first."""
        row = await self.metadata(asset_id)
        if row is None:
            raise NotFound(f"there is no photo {asset_id}")
        place = {name: row[name] for name in _PLACE_COLUMNS if row[name] is not None}
        return place if "latitude" in place else None


class LakeMemory:
    """
    Implements tasks.agent.sources.Memory: the only thing the agent may write.

    Args:
        content_hash: Of the picture that is talked about; facts are kept with it.
    """

    def __init__(self, lake: Lake, content_hash: str | None) -> None:
        self._lake, self._content_hash = lake, content_hash

    async def entities(self, query: str, limit: int) -> Sequence[Row]:
        return await asyncio.to_thread(self._lake.rows, "ai/entities", query=query.strip(), row_limit=limit)

    async def facts(self, entity_id: int | None, asset_id: int | None, limit: int) -> Sequence[Row]:
        content_hash = await asyncio.to_thread(self._hash_of, asset_id)
        return await asyncio.to_thread(
            self._lake.rows, "ai/facts", entity_id=entity_id, content_hash=content_hash, row_limit=limit
        )

    async def store_entity(self, name: str, kind: str, description: str) -> Row:
        return await asyncio.to_thread(self._store_entity, " ".join(name.split()), kind, description)

    async def store_fact(self, entity_id: int, fact: str, asset_id: int | None) -> Row:  # noqa: ARG002
        return await asyncio.to_thread(self._store_fact, entity_id, " ".join(fact.split()))

    def _hash_of(self, asset_id: int | None) -> str | None:
        if asset_id is None:
            return None
        row = self._lake.one("serving/listing/asset_detail", asset_id=asset_id)
        return str(row["content_hash"]) if row else ""

    def _store_entity(self, name: str, kind: str, description: str) -> Row:
        with self._lake.write(f"agent: remembers {kind} {name}") as writer:
            known = writer.execute(
                "select * from entity where lower(name) = lower($name) and kind = $kind", name=name, kind=kind
            )
            row: Row = dict(known[0]) if known else {
                "entity_id": writer.next_id("entity", "entity_id"), "name": name, "kind": kind, "created_at": utc_now(),
            }  # fmt: skip
            row |= {"description": description or row.get("description") or "", "updated_at": utc_now()}
            writer.replace("entity", [row])
            if self._content_hash:
                link = {"entity_id": row["entity_id"], "content_hash": self._content_hash, "linked_at": utc_now()}
                writer.replace("entity_photo", [link])
        return {key: row[key] for key in ("entity_id", "name", "kind", "description")}

    def _store_fact(self, entity_id: int, fact: str) -> Row:
        """A fact that is known already grows surer instead of being kept twice."""
        with self._lake.write(f"agent: remembers a fact about {entity_id}") as writer:
            if not writer.execute("select 1 from entity where entity_id = $id", id=entity_id):
                raise NotFound(f"there is no entity {entity_id}: store_entity first")
            known = writer.execute(
                "select * from entity_fact where entity_id = $id and lower(fact) = lower($fact)",
                id=entity_id,
                fact=fact,
            )  # fmt: skip
            row: Row = dict(known[0]) if known else {
                "fact_id": writer.next_id("entity_fact", "fact_id"), "entity_id": entity_id, "fact": fact,
                "confidence": _FIRST_CONFIDENCE - _CORROBORATED, "content_hash": self._content_hash,
                "source": "agent", "created_at": utc_now(),
            }  # fmt: skip
            row |= {"confidence": min(1.0, row["confidence"] + _CORROBORATED), "updated_at": utc_now()}
            writer.replace("entity_fact", [row])
        return {key: row[key] for key in ("fact_id", "entity_id", "fact", "confidence")}
