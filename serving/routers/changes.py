"""GET /changes and POST /undo: what people changed, and how to take it back."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from serving.context import ContextDep, IdentityDep
from serving.edits.changes import Edit, History, read_history
from serving.edits.undo import undo
from serving.errors import answers
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.organise import Change, Changes, Undone, UndoOf

router = APIRouter(tags=["changes"])


@router.get("/changes", responses=answers(400, 401, 410, 503))
def read_changes(
    context: ContextDep,
    since: Annotated[
        str | None,
        Query(max_length=100, description="A snapshot, or a time (UTC where it names no zone)", examples=["17"]),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Changes:
    """What people changed, newest first: tags, favourites, notes, persons, the names of faces. Scans are left out."""
    history = read_history(context.lake, since, limit)
    copy = context.replica.refresh()
    photos = _photos(copy, history)
    names = {"tag_id": _present_names(copy, "tag"), "person_id": _present_names(copy, "person")}
    for column, known in history.names.items():
        names[column] = {**known, **names[column]}
    return Changes(
        changes=[_change(edit, photos, names) for edit in history.edits],
        newest=history.newest,
        has_more=history.has_more,
    )


@router.post("/undo", responses=answers(401, 403, 404, 409, 410, 503))
def undo_edit(body: UndoOf, context: ContextDep, who: IdentityDep) -> Undone:
    """
    Take back the edit that made a snapshot of GET /changes; an undo can be undone as well.

    409 when what it changed was edited again since, or when it was no edit of a person.
    """
    done = undo(context.lake, body.snapshot_id, who.name)
    context.replica.refresh()
    return Undone(**done)


def _photos(copy: ReplicaSnapshot, history: History) -> dict[str | int, list[dict[str, Any]]]:
    """Where each picture lies now, by content hash and by number."""
    hashes = sorted({str(value) for edit in history.edits for value in edit.listed.get("content_hash", [])})
    numbers = sorted({int(value) for edit in history.edits for value in edit.listed.get("asset_id", [])})
    found: dict[str | int, list[dict[str, Any]]] = {}
    for row in copy.rows("edits/photos_of", hashes=hashes, asset_ids=numbers) if hashes or numbers else []:
        photo = {name: row[name] for name in ("path", "library_id", "asset_id")}
        found.setdefault(row["content_hash"], []).append(photo)
        found[row["asset_id"]] = [photo]
    return found


def _present_names(copy: ReplicaSnapshot, table: str) -> dict[int, str]:
    if not copy.select("select 1 from duckdb_tables() where table_name = $name", name=table):
        return {}
    return {row["id"]: row["name"] for row in copy.select(f"select {table}_id as id, name from {table}")}


def _change(edit: Edit, photos: dict[str | int, list[dict[str, Any]]], names: dict[str, dict[int, str]]) -> Change:
    def named(column: str) -> list[dict[str, Any]]:
        return [{"id": number, "name": names[column].get(int(number))} for number in edit.listed.get(column, [])]

    pictures = [*edit.listed.get("content_hash", []), *edit.listed.get("asset_id", [])]
    return Change(
        snapshot_id=edit.snapshot_id,
        time=edit.written_at,
        who=edit.who,
        what=edit.what,
        kinds=sorted(edit.tables),
        photos=[photo for value in pictures for photo in photos.get(value, [])],
        tags=named("tag_id"),
        persons=named("person_id"),
        rows=edit.rows,
    )
