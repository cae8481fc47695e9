"""Shapes of what the agent remembers: entities and facts, to be looked through and put right."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from serving.schemas.photos import UtcTime

MAX_NUMBER = (1 << 53) - 1
Kind = Literal["person", "place", "event", "thing"]
Number = Annotated[int, Field(ge=0, le=MAX_NUMBER)]


class Entity(BaseModel):
    id: int
    name: str = Field(examples=["Grandma's cabin"])
    kind: str = Field(description="person, place, event, thing")
    description: str
    fact_count: int
    photo_count: int = Field(description="Pictures it has to do with; copies of one count once")
    created_at: UtcTime
    updated_at: UtcTime


class Fact(BaseModel):
    id: int
    entity_id: int
    entity_name: str
    fact: str = Field(examples=["It lies at the north shore."])
    confidence: float = Field(description="0 to 1; grows by 0.1 each time the agent finds it again")
    source: str = Field(description="agent, or user: put right by a person")
    path: str | None = Field(description="The photo it was learned from")
    library: str | None
    created_at: UtcTime
    updated_at: UtcTime


class EntityInFull(Entity):
    facts: list[Fact]
    photos: list[dict[str, Any]] = Field(description="{asset_id, library, path}; the first 100")


class Entities(BaseModel):
    entities: list[Entity]
    has_more: bool


class Recent(BaseModel):
    entities: list[Entity] = Field(description="Latest changed first")
    facts: list[Fact] = Field(description="Latest changed first")


class EntityChange(BaseModel):
    """What is left out stays."""

    name: str | None = Field(None, max_length=1_000)
    kind: Kind | None = None
    description: str | None = Field(None, max_length=5_000)


class FactChange(BaseModel):
    """What is left out stays; a fact put right by a person says so in `source`."""

    fact: str | None = Field(None, max_length=5_000)
    confidence: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)


class MergeEntities(BaseModel):
    source_id: Number = Field(description="This one goes; its facts and photos are the other's then")
    target_id: Number


class Gone(BaseModel):
    deleted: int
