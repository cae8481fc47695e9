"""Duplicates: found, resolved by keeping one, or ignored; and hiding photos of any kind. Nothing is ever deleted."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from serving.context import ContextDep, IdentityDep, SnapshotDep
from serving.edits.duplicates import DEFAULT_THRESHOLD, Group, decisions, exact_groups, near_groups
from serving.edits.edit import edit
from serving.edits.visibility import MOST_AT_ONCE, existing, hide, ignore, resolve, restore
from serving.errors import answers
from serving.listing.cursor import Sort
from serving.listing.filters import MAX_PHOTOS, LibraryQuery, PageLimit, PageOffset
from serving.listing.paths import library_id_of
from serving.listing.timeline import Conditions, read_chosen
from serving.replica.snapshot import Reader, ReplicaSnapshot
from serving.schemas.photos import Photo
from tasks.errors import NotFound
from tasks.vectors.near_duplicates import MAX_THRESHOLD

router = APIRouter(tags=["duplicates"])

Number = Annotated[int, Field(ge=0, lt=1 << 63)]
_Ids = Annotated[list[Number], Field(min_length=1, max_length=MOST_AT_ONCE, examples=[[18, 19]])]
_Limit = Annotated[int, Query(ge=1, le=500, description="Groups on a page")]
_Offset = Annotated[int, Query(ge=0, le=1 << 40)]
_WithDuplicates = Annotated[
    bool, Query(description="Also groups that were resolved: what is hidden in them counts too")
]


class DuplicateGroup(BaseModel):
    kind: str = Field(description="exact, near, or moment: one camera within two seconds", examples=["near"])
    distance: int = Field(description="Bits of 64 that differ; 0 for the same bytes")
    suggested_keep: int = Field(description="asset_id: most pixels, then most bytes, then seen first")
    wasted_bytes: int = Field(description="Of all but the suggested one")
    content_hashes: list[str]
    photos: list[Photo] = Field(description="The suggested one first")


class DuplicateGroups(BaseModel):
    groups: list[DuplicateGroup] = Field(description="Those that waste most first")
    total_groups: int
    has_more: bool
    next_offset: int | None
    threshold: int = Field(description="That was used: lower than asked where too many pictures are alike")


class Resolution(BaseModel):
    keep: Number = Field(description="asset_id of the copy that stays", examples=[17])
    hide: _Ids = Field(description="asset_ids of the others; they stay on disk and in the catalog")


class Photos(BaseModel):
    asset_ids: _Ids


class Hidden(BaseModel):
    hidden: int = Field(description="Photos that this hid")


class Restored(BaseModel):
    restored: int = Field(description="Photos that this shows again")


class Decision(BaseModel):
    id: int
    content_hashes: list[str]
    decided_by: str | None = None


class Ignored(BaseModel):
    ignored: list[Decision]


@router.get("/duplicates/exact", responses={200: {"model": DuplicateGroups}, **answers(400, 401)})
def read_exact(
    context: ContextDep,
    copy: SnapshotDep,
    who: IdentityDep,
    library: LibraryQuery = None,
    include_duplicates: _WithDuplicates = False,
    limit: _Limit = 50,
    offset: _Offset = 0,
) -> Response:
    """Files with the same bytes in several places."""
    conditions = _conditions(copy, library, include_duplicates)
    ignored = decisions(context.lake)
    with copy.reading() as reader:
        groups, total = exact_groups(reader, conditions, ignored, limit, offset)
        return _answer(reader, groups, "exact", total, limit, offset, 0, who.account_id)


@router.get("/duplicates/perceptual", responses={200: {"model": DuplicateGroups}, **answers(400, 401)})
def read_near(
    context: ContextDep,
    copy: SnapshotDep,
    who: IdentityDep,
    threshold: Annotated[
        int, Query(ge=0, le=MAX_THRESHOLD, description="Bits of 64 that may differ")
    ] = DEFAULT_THRESHOLD,
    library: LibraryQuery = None,
    include_duplicates: _WithDuplicates = False,
    limit: _Limit = 50,
    offset: _Offset = 0,
) -> Response:
    """
    Pictures that look alike: scaled, recompressed, retouched a little, or taken in the same moment.

    A RAW and the JPEG beside it are one shot, not duplicates. Groups of the same bytes only are in /duplicates/exact.
    """
    conditions = _conditions(copy, library, include_duplicates)
    pairs, used = context.near.pairs(threshold)
    ignored = decisions(context.lake)
    with copy.reading() as reader:
        groups = near_groups(reader, pairs, conditions, ignored)
        page = groups[offset : offset + limit]
        return _answer(reader, page, "near", len(groups), limit, offset, used, who.account_id)


@router.post("/duplicates/resolve", responses=answers(400, 401, 403, 404, 409, 503))
def resolve_duplicates(body: Resolution, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Hidden:
    """
    Keep one copy and hide the others in its favour.

    Should the kept file go missing or change, the others are shown again until it is back.
    """
    keep, others = existing(copy, [body.keep])[0], existing(copy, body.hide)
    with edit(context, who, f"kept {keep['path']} of {len(others) + 1} duplicates") as writer:
        resolve(writer, keep, others, who.name)
    return Hidden(hidden=len(others))


@router.post("/duplicates/unresolve", responses=answers(400, 401, 403, 404, 409, 503))
def unresolve_duplicates(body: Photos, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Restored:
    """Show copies again that were hidden in favour of another."""
    return _restore(body, context, copy, who)


@router.post("/duplicates/ignore", status_code=201, responses=answers(400, 401, 403, 404, 409, 503))
def ignore_duplicates(body: Photos, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Decision:
    """Say that these are no duplicates of each other: they are not offered together again."""
    hashes = [row["content_hash"] for row in existing(copy, body.asset_ids) if row["content_hash"]]
    if not hashes:
        raise NotFound("none of these has been read yet")
    with edit(context, who, f"said that {len(hashes)} photos are no duplicates") as writer:
        made = ignore(writer, hashes, who.name)
    return Decision(id=made["decision_id"], content_hashes=made["content_hashes"], decided_by=who.name)


@router.get("/duplicates/ignored", responses=answers(401))
def read_ignored(context: ContextDep, limit: PageLimit = MAX_PHOTOS, offset: PageOffset = 0) -> Ignored:
    """What was said to be no duplicates."""
    rows = context.lake.rows("serving/edits/duplicate_decisions")[offset : offset + limit]
    return Ignored(ignored=[
        Decision(id=row["decision_id"], content_hashes=row["content_hashes"], decided_by=row["decided_by"])
        for row in rows
    ])  # fmt: skip


@router.delete("/duplicates/ignored/{decision_id}", responses=answers(401, 403, 404, 503))
def forget_ignored(
    decision_id: Annotated[int, Path(ge=0, lt=1 << 63)], context: ContextDep, who: IdentityDep
) -> Decision:
    """Offer them as duplicates again."""
    rows = {row["decision_id"]: row for row in context.lake.rows("serving/edits/duplicate_decisions")}
    if decision_id not in rows:
        raise NotFound(f"there is no decision {decision_id}")
    with edit(context, who, "no longer ignores a group of duplicates") as writer:
        writer.delete("duplicate_decision", [{"decision_id": decision_id}])
    return Decision(id=decision_id, content_hashes=rows[decision_id]["content_hashes"])


@router.post("/photos/hide", responses=answers(400, 401, 403, 404, 503))
def hide_photos(body: Photos, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Hidden:
    """Leave photos out of timeline, folders, search, map and memories. GET /photos?hidden=true lists them."""
    assets = existing(copy, body.asset_ids)
    with edit(context, who, f"hid {_named(assets)}") as writer:
        hide(writer, assets, who.name)
    return Hidden(hidden=len(assets))


@router.post("/photos/restore", responses=answers(400, 401, 403, 404, 503))
def restore_photos(body: Photos, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Restored:
    """Show photos again, whyever they were hidden."""
    return _restore(body, context, copy, who)


def _restore(body: Photos, context: ContextDep, copy: ReplicaSnapshot, who: IdentityDep) -> Restored:
    assets = existing(copy, body.asset_ids)
    with edit(context, who, f"shows {_named(assets)} again") as writer:
        return Restored(restored=restore(writer, assets))


def _named(assets: list[dict[str, Any]]) -> str:
    return str(assets[0]["path"]) if len(assets) == 1 else f"{len(assets)} photos"


def _conditions(copy: ReplicaSnapshot, library: str | None, include_duplicates: bool) -> Conditions:
    conditions = Conditions()
    conditions.library(library_id_of(copy, library))
    conditions.visibility(None, include_duplicates)
    return conditions


def _answer(
    reader: Reader, groups: list[Group], kind: str, total: int, limit: int, offset: int, threshold: int, asker: int
) -> Response:  # fmt: skip
    photos = _photos(reader, [asset["asset_id"] for group in groups for asset in group.assets], asker)
    more = offset + limit < total
    content = {
        "groups": [
            {
                "kind": "moment" if group.moment else kind,
                "distance": group.bits,
                "suggested_keep": group.keep,
                "wasted_bytes": group.wasted_bytes,
                "content_hashes": group.content_hashes,
                "photos": [photos[asset["asset_id"]] for asset in group.assets],
            }
            for group in groups
        ],
        "total_groups": total,
        "has_more": more,
        "next_offset": offset + limit if more else None,
        "threshold": threshold,
    }
    return Response(orjson.dumps(content), media_type="application/json")


def _photos(reader: Reader, asset_ids: list[int], asker: int) -> dict[int, Any]:
    if not asset_ids:
        return {}
    photos = read_chosen(reader, asset_ids, Sort("taken_at", True), asker=asker)
    return {photo["asset_id"]: photo for photo in map(orjson.loads, photos)}
