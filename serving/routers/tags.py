"""Tags: on one photo, on many, and the tags themselves."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
from fastapi import APIRouter, Path, Query

from serving.context import ContextDep, IdentityDep, SnapshotDep
from serving.edits.edit import edit, picture_at, pictures_at
from serving.edits.tags import Tags, checked_name, shown
from serving.errors import answers
from serving.listing.filters import MAX_PHOTOS, LibraryQuery, PageLimit, PageOffset
from serving.listing.paths import find_asset, library_id_of
from serving.listing.timeline import Conditions
from serving.replica.snapshot import ReplicaSnapshot
from serving.schemas.organise import (
    MAX_NUMBER,
    BatchResult,
    CountedTag,
    Merged,
    MergeInto,
    NewTag,
    PhotoRef,
    Tag,
    TagBatch,
    TagOnPhoto,
)
from sql.lake import Row, statement
from tasks.errors import Conflict, InvalidQuery, NotFound
from tasks.faces.tagged import bind_tagged

router = APIRouter(tags=["tags"])

TagId = Annotated[int, Path(ge=0, le=MAX_NUMBER)]
PathQuery = Annotated[str | None, Query(max_length=8192, description="Relative to the library")]


@router.get("/image/tags", responses=answers(400, 401, 404))
def read_tags_of(copy: SnapshotDep, path: PathQuery = None, file_name: PathQuery = None,
                 library: LibraryQuery = None) -> list[Tag]:  # fmt: skip
    """The tags of one photo. Keywords inside the file are no tags: GET /image/metadata has them."""
    place = path if path is not None else file_name
    if not place:
        raise InvalidQuery("say which photo: path, relative to the library")
    asset = find_asset(copy, place, library)
    return [Tag(**row) for row in copy.rows("edits/tags_of", content_hash=asset["content_hash"])]


@router.post("/image/tags", responses=answers(400, 401, 404, 409, 503))
def tag_photo(body: TagOnPhoto, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Tag:
    """
    Give a photo a tag; one of this name is made where there is none. All copies of the picture have it then.

    A person's name is given to the face on it that is like theirs, in the same step.
    """
    asset, name = picture_at(copy, body.place, body.library), checked_name(body.tag_name)
    with edit(context, who, f"tagged {asset['path']} with {name}") as writer:
        tags = Tags(writer, who.name)
        tag, _ = tags.made(name)
        tags.give(tag, _one(asset))
        bind_tagged(writer, context.faces.min_cosine, [tag["name"]])
    return Tag(**shown(tag))


@router.delete("/image/tags", responses=answers(400, 401, 404, 409, 503))
def untag_photo(
    context: ContextDep,
    copy: SnapshotDep,
    who: IdentityDep,
    body: TagOnPhoto | None = None,
    path: PathQuery = None,
    tag_name: Annotated[str | None, Query(max_length=400)] = None,
    library: LibraryQuery = None,
) -> Tag:
    """Take a tag from a photo, named in the body or in the query. 404 when the photo does not have it."""
    asked = PhotoRef(path=path, library=library) if body is None else body
    name = body.tag_name if body else tag_name
    if not name:
        raise InvalidQuery("say which tag: tag_name")
    asset, name = picture_at(copy, asked.place, asked.library), checked_name(name)
    with edit(context, who, f"took the tag {name} from {asset['path']}") as writer:
        tags = Tags(writer, who.name)
        tag = tags.named(name)
        if not tags.take(tag, _one(asset)):
            raise NotFound(f"{asset['path']} has no tag {tag['name']}")
    return Tag(**shown(tag))


@router.post("/image/tags/batch", responses=answers(400, 401, 404, 409, 503))
def tag_photos(body: TagBatch, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> BatchResult:
    """Change the tags of many photos in one step: all of it, or nothing where a photo or tag is not there."""
    if not body.places:
        raise InvalidQuery("say which photos: paths, or file_name")
    if body.tag_ids is None and not body.add and not body.remove:
        raise InvalidQuery("say what to do: tag_ids, add or remove")
    pictures = pictures_at(copy, body.places, body.library)
    added = removed = 0
    with edit(context, who, f"changed the tags of {pictures.num_rows:,} photos") as writer:
        tags = Tags(writer, who.name)
        given = [tags.by_id(number) for number in dict.fromkeys(body.tag_ids or [])]
        if body.tag_ids is not None:
            added, removed = tags.replace(given, pictures)
        new = [tags.made(word)[0] for word in body.add]
        added += sum(tags.give(tag, pictures) for tag in new)
        removed += sum(tags.take(tags.named(word), pictures) for word in body.remove)
        bind_tagged(writer, context.faces.min_cosine, [tag["name"] for tag in (*given, *new)])
    return BatchResult(photos=pictures.num_rows, added=added, removed=removed)


@router.get("/image/tags/all", responses=answers(400, 401))
@router.get("/tags", responses=answers(400, 401))
def read_tags(
    copy: SnapshotDep,
    path: PathQuery = None,
    library: LibraryQuery = None,
    limit: PageLimit = MAX_PHOTOS,
    offset: PageOffset = 0,
) -> list[CountedTag]:
    """All tags by name, with the number of photos that have them; with `path` those that are used below a folder."""
    rows = _counted(copy, path, library_id_of(copy, library))[offset : offset + limit]
    return [CountedTag(count=row.pop("count"), tag=Tag(**row)) for row in rows]


def _counted(copy: ReplicaSnapshot, path: str | None, library_id: int | None) -> list[Row]:
    conditions = Conditions()
    conditions.library(library_id)
    conditions.folder(path, recursive=True)
    rows = copy.select(
        statement("serving/edits/tag_counts").format(conditions=conditions.text), **conditions.parameters
    )
    return [row for row in rows if row["count"] or not path]


@router.post("/tags", status_code=201, responses=answers(400, 401, 409, 503))
def make_tag(body: NewTag, context: ContextDep, who: IdentityDep) -> Tag:
    """Make a tag that no photo has yet. 409 when there is one of this name, in any case."""
    name = checked_name(body.name)
    with edit(context, who, f"made the tag {name}") as writer:
        tag, is_new = Tags(writer, who.name).made(name)
        if not is_new:
            raise Conflict(f"there is a tag called {tag['name']} already, number {tag['tag_id']}")
    return Tag(**shown(tag))


@router.get("/tags/{tag_id:int}", responses=answers(401, 404))
def read_tag(copy: SnapshotDep, tag_id: TagId) -> CountedTag:
    """One tag, and the number of photos that have it."""
    for row in _counted(copy, None, None):
        if row["id"] == tag_id:
            return CountedTag(count=row.pop("count"), tag=Tag(**row))
    raise NotFound(f"there is no tag {tag_id}")


@router.patch("/tags/{tag_id:int}", responses=answers(400, 401, 404, 409, 503))
def rename_tag(tag_id: TagId, body: NewTag, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Tag:
    """Give a tag another name. 409 when another tag has it: merge them then."""
    name = checked_name(body.name)
    with edit(context, who, f"renamed the tag {_name(copy, tag_id)} to {name}") as writer:
        tags = Tags(writer, who.name)
        tag = tags.rename(tags.by_id(tag_id), name)
        bind_tagged(writer, context.faces.min_cosine, [name])
    return Tag(**shown(tag))


@router.delete("/tags/{tag_id:int}", responses=answers(401, 404, 503))
def delete_tag(tag_id: TagId, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Tag:
    """Delete a tag: no photo has it any more. POST /undo brings it back."""
    with edit(context, who, f"deleted the tag {_name(copy, tag_id)}") as writer:
        tags = Tags(writer, who.name)
        tag = tags.by_id(tag_id)
        tags.remove(tag)
    return Tag(**shown(tag))


@router.post("/tags/{tag_id:int}/merge", responses=answers(401, 404, 409, 503))
def merge_tag(tag_id: TagId, body: MergeInto, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Merged:
    """Make one tag of two: photos with this one have `into` from now on, and this one is gone."""
    with edit(context, who, f"merged the tag {_name(copy, tag_id)} into {_name(copy, body.into)}") as writer:
        tags = Tags(writer, who.name)
        into = tags.by_id(body.into)
        moved = tags.merge(tags.by_id(tag_id), into)
        bind_tagged(writer, context.faces.min_cosine, [into["name"]])
    return Merged(tag=Tag(**shown(into)), moved=moved)


def _name(copy: ReplicaSnapshot, tag_id: int) -> str:
    """For the message of a commit. Raises NotFound."""
    found = copy.select("select name from tag where tag_id = $tag_id", tag_id=tag_id)
    if not found:
        raise NotFound(f"there is no tag {tag_id}")
    return str(found[0]["name"])


def _one(asset: Row) -> pa.Table:
    return pa.table({"content_hash": pa.array([asset["content_hash"]], pa.string())})
