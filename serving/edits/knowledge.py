"""Edits of what the agent remembers, inside one write transaction."""

from __future__ import annotations

from typing import Any

from serving.edits.edit import checked_text
from sql.lake import Row, Writer, utc_now
from tasks.errors import Conflict, InvalidQuery, NotFound

MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS = 200, 1_000  # as the agent's own tools


def change_entity(writer: Writer, entity_id: int, changes: dict[str, Any]) -> None:
    """
    Args:
        changes: Of name, kind and description; None leaves one as it is.
    Raises:
        NotFound. InvalidQuery: No name is left. Conflict: Another one of this kind has the name.
    """
    row = entity_row(writer, entity_id)
    if changes.get("name") is not None:
        row["name"] = _words(changes["name"], MAX_NAME_CHARACTERS, "a name")
    if changes.get("description") is not None:
        row["description"] = checked_text(changes["description"], most=MAX_TEXT_CHARACTERS, what="a description")
    row["kind"] = changes.get("kind") or row["kind"]
    same = "select entity_id from entity where lower(name) = lower($name) and kind = $kind and entity_id <> $id"
    taken = writer.execute(same, name=row["name"], kind=row["kind"], id=entity_id)
    if taken:
        raise Conflict(f"number {taken[0]['entity_id']} is called so: POST /knowledge/entities/merge makes them one")
    writer.replace("entity", [row | {"updated_at": utc_now()}])


def delete_entity(writer: Writer, entity_id: int) -> None:
    """With its facts and its links to photos and people. Raises NotFound."""
    entity_row(writer, entity_id)
    for table in ("entity_fact", "entity_photo", "entity"):
        writer.execute(f"delete from {table} where entity_id = $id", id=entity_id)
    writer.execute("update person set entity_id = null where entity_id = $id", id=entity_id)


def merge_entities(writer: Writer, source_id: int, target_id: int) -> None:
    """
    Make one of two: a fact that both have is kept once, as sure as the surer of them.

    Raises:
        NotFound. InvalidQuery: They are the same.
    """
    if source_id == target_id:
        raise InvalidQuery("an entity cannot be merged into itself")
    source, target = entity_row(writer, source_id), entity_row(writer, target_id)
    _merge_facts(writer, source_id, target_id)
    linked = writer.execute("select * from entity_photo where entity_id = $id", id=source_id)
    writer.replace("entity_photo", [row | {"entity_id": target_id} for row in linked])
    writer.execute("delete from entity_photo where entity_id = $id", id=source_id)
    writer.execute("update person set entity_id = $new where entity_id = $id", new=target_id, id=source_id)
    writer.execute("delete from entity where entity_id = $id", id=source_id)
    description = target["description"] or source["description"]
    writer.replace("entity", [target | {"description": description, "updated_at": utc_now()}])


def change_fact(writer: Writer, fact_id: int, changes: dict[str, Any]) -> None:
    """
    Args:
        changes: Of fact and confidence; None leaves one as it is.
    Raises:
        NotFound. InvalidQuery: No words are left. Conflict: The entity has this fact already.
    """
    row = fact_row(writer, fact_id)
    if changes.get("fact") is not None:
        row["fact"] = _words(changes["fact"], MAX_TEXT_CHARACTERS, "a fact")
    if changes.get("confidence") is not None:
        row["confidence"] = changes["confidence"]
    same = "select 1 from entity_fact where entity_id = $entity and lower(fact) = lower($fact) and fact_id <> $id"
    if writer.execute(same, entity=row["entity_id"], fact=row["fact"], id=fact_id):
        raise Conflict("this fact is known already")
    writer.replace("entity_fact", [row | {"source": "user", "updated_at": utc_now()}])


def delete_fact(writer: Writer, fact_id: int) -> None:
    """Raises NotFound."""
    writer.delete("entity_fact", [fact_row(writer, fact_id)])


def entity_row(writer: Writer, entity_id: int) -> Row:
    """Raises NotFound."""
    return _row(writer, "entity", "entity_id", entity_id)


def fact_row(writer: Writer, fact_id: int) -> Row:
    """Raises NotFound."""
    return _row(writer, "entity_fact", "fact_id", fact_id)


def _row(writer: Writer, table: str, key: str, number: int) -> Row:
    rows = writer.execute(f"select * from {table} where {key} = $number", number=number)
    if not rows:
        raise NotFound(f"there is no {table.rpartition('_')[2]} {number}")
    return rows[0]


def _merge_facts(writer: Writer, source_id: int, target_id: int) -> None:
    facts = writer.execute("select * from entity_fact where entity_id in ($a, $b)", a=source_id, b=target_id)
    kept = {row["fact"].lower(): row for row in facts if row["entity_id"] == target_id}
    moved = []
    for row in (row for row in facts if row["entity_id"] == source_id):
        known = kept.get(row["fact"].lower())
        if known is None:
            moved.append(row | {"entity_id": target_id, "updated_at": utc_now()})
        elif known["confidence"] < row["confidence"]:
            moved.append(known | {"confidence": row["confidence"], "updated_at": utc_now()})
    writer.execute("delete from entity_fact where entity_id = $id", id=source_id)
    writer.replace("entity_fact", moved)


def _words(text: str, most: int, what: str) -> str:
    words = checked_text(text, most=most, what=what)
    if not words:
        raise InvalidQuery(f"{what} has at least one character")
    return words
