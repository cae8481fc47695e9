"""/knowledge: what the agent remembers of people, places, events and things, to be looked through and put right."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query

from serving.context import Context, ContextDep, IdentityDep
from serving.edits.edit import edit
from serving.edits.knowledge import change_entity, change_fact, delete_entity, delete_fact, merge_entities
from serving.errors import answers
from serving.schemas.knowledge import (
    MAX_NUMBER,
    Entities,
    Entity,
    EntityChange,
    EntityInFull,
    Fact,
    FactChange,
    Gone,
    Kind,
    MergeEntities,
    Recent,
)  # fmt: skip
from sql.lake import Row
from tasks.errors import NotFound

router = APIRouter(prefix="/knowledge", tags=["knowledge"])

EntityId = Annotated[int, Path(ge=0, le=MAX_NUMBER)]
FactId = Annotated[int, Path(ge=0, le=MAX_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
MOST_FACTS, MOST_PHOTOS = 1_000, 100


@router.get("/entities", responses=answers(401))
def read_entities(
    context: ContextDep,
    query: Annotated[str, Query(max_length=1_000, description="Part of a name or description")] = "",
    kind: Kind | None = None,
    limit: Limit = 100,
    offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0,
) -> Entities:
    """What is remembered, the latest changed first."""
    rows = _entities(context, query=query.strip(), kind=kind, row_limit=limit + 1, row_offset=offset)
    return Entities(entities=[Entity(**row) for row in rows[:limit]], has_more=len(rows) > limit)


@router.get("/entities/{entity_id}", responses=answers(401, 404))
def read_entity(entity_id: EntityId, context: ContextDep) -> EntityInFull:
    """One of them with its facts and photos."""
    return _entity(context, entity_id)


@router.patch("/entities/{entity_id}", responses=answers(400, 401, 404, 409))
def update_entity(entity_id: EntityId, body: EntityChange, context: ContextDep, who: IdentityDep) -> EntityInFull:
    """Call it, or describe it, otherwise. 409 when another one of its kind has the name: merge them."""
    with edit(context, who, f"changed what is remembered of {entity_id}") as writer:
        change_entity(writer, entity_id, body.model_dump())
    return _entity(context, entity_id)


@router.delete("/entities/{entity_id}", responses=answers(401, 404))
def forget_entity(entity_id: EntityId, context: ContextDep, who: IdentityDep) -> Gone:
    """Forget it with all its facts."""
    with edit(context, who, f"forgot {entity_id}") as writer:
        delete_entity(writer, entity_id)
    return Gone(deleted=entity_id)


@router.post("/entities/merge", responses=answers(400, 401, 404))
def merge(body: MergeEntities, context: ContextDep, who: IdentityDep) -> EntityInFull:
    """Make one of two: facts and photos move, a fact that both have is kept once."""
    with edit(context, who, f"merged what is remembered of {body.source_id} into {body.target_id}") as writer:
        merge_entities(writer, body.source_id, body.target_id)
    return _entity(context, body.target_id)


@router.get("/facts/{fact_id}", responses=answers(401, 404))
def read_fact(fact_id: FactId, context: ContextDep) -> Fact:
    """One fact, what it is about, and the photo it was learned from."""
    return _fact(context, fact_id)


@router.patch("/facts/{fact_id}", responses=answers(400, 401, 404, 409))
def update_fact(fact_id: FactId, body: FactChange, context: ContextDep, who: IdentityDep) -> Fact:
    """Put it right. 409 when the entity has this fact already."""
    with edit(context, who, f"changed fact {fact_id}") as writer:
        change_fact(writer, fact_id, body.model_dump())
    return _fact(context, fact_id)


@router.delete("/facts/{fact_id}", responses=answers(401, 404))
def forget_fact(fact_id: FactId, context: ContextDep, who: IdentityDep) -> Gone:
    """Forget it."""
    with edit(context, who, f"forgot fact {fact_id}") as writer:
        delete_fact(writer, fact_id)
    return Gone(deleted=fact_id)


@router.get("/recent", responses=answers(401))
def read_recent(context: ContextDep, limit: Limit = 50) -> Recent:
    """What was learned or changed last."""
    return Recent(
        entities=[Entity(**row) for row in _entities(context, row_limit=limit)],
        facts=[Fact(**row) for row in _facts(context, row_limit=limit)],
    )


def _entity(context: Context, entity_id: int) -> EntityInFull:
    rows = _entities(context, entity_id=entity_id, row_limit=1)
    if not rows:
        raise NotFound(f"there is no entity {entity_id}")
    facts = [Fact(**row) for row in _facts(context, entity_id=entity_id, row_limit=MOST_FACTS)]
    photos = context.lake.rows("ai/entity_photos", entity_id=entity_id, row_limit=MOST_PHOTOS)
    return EntityInFull(**rows[0], facts=facts, photos=photos)


def _fact(context: Context, fact_id: int) -> Fact:
    rows = _facts(context, fact_id=fact_id, row_limit=1)
    if not rows:
        raise NotFound(f"there is no fact {fact_id}")
    return Fact(**rows[0])


def _entities(context: Context, **given: Any) -> list[Row]:
    parameters = {"entity_id": None, "query": "", "kind": None, "row_offset": 0} | given
    return context.lake.rows("ai/knowledge_entities", **parameters)


def _facts(context: Context, **given: Any) -> list[Row]:
    return context.lake.rows("ai/knowledge_facts", **({"fact_id": None, "entity_id": None} | given))
