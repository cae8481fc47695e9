"""One's own favourites, and the ratings and descriptions that all share."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from serving.auth.tokens import Identity
from serving.context import Context, ContextDep, IdentityDep, SnapshotDep
from serving.edits.edit import checked_text, edit, picture_at
from serving.edits.notes import MAX_DESCRIPTION_CHARACTERS, add_favorite, remove_favorite, set_note
from serving.errors import answers
from serving.listing.filters import LibraryQuery, Listing
from serving.listing.paths import find_asset
from serving.routers.photos import listing
from serving.schemas.organise import DescriptionOf, Favorite, Note, PhotoRef, RatingOf
from serving.schemas.photos import PhotoPage
from sql.lake import Row
from tasks.errors import InvalidQuery, NotFound

router = APIRouter(tags=["favourites and notes"])

PathQuery = Annotated[str | None, Query(max_length=8192, description="Relative to the library")]


@router.get("/image/favorites", responses={200: {"model": PhotoPage}, **answers(400, 401, 404)})
def read_favorites(copy: SnapshotDep, who: IdentityDep, asked: Annotated[Listing, Query()]) -> Response:
    """Your favourites; filters, order and pages as in GET /photos."""
    return listing(copy, asked.model_copy(update={"favorite": True}), who.account_id)


@router.put(
    "/image/favorites",
    responses={200: {"model": Favorite}, 201: {"model": Favorite}, **answers(400, 401, 404, 409, 503)},
)
def like(body: PhotoRef, context: ContextDep, copy: SnapshotDep, who: IdentityDep) -> Response:
    """Make a photo one of your favourites: 201, or 200 when it was one already. Copies of it are, too."""
    asset = picture_at(copy, body.place, body.library)
    with edit(context, who, f"likes {asset['path']}") as writer:
        is_new = add_favorite(writer, asset["content_hash"], who.account_id)
    return JSONResponse(_favorite(asset, True), 201 if is_new else 200)


@router.delete("/image/favorites", responses=answers(400, 401, 404, 409, 503))
def unlike(
    context: ContextDep,
    copy: SnapshotDep,
    who: IdentityDep,
    body: PhotoRef | None = None,
    path: PathQuery = None,
    library: LibraryQuery = None,
) -> Favorite:
    """A photo, named in the query or the body, is no favourite of yours any more."""
    asked = PhotoRef(path=path, library=library) if body is None else body
    asset = picture_at(copy, asked.place, asked.library)
    with edit(context, who, f"no longer likes {asset['path']}") as writer:
        remove_favorite(writer, asset["content_hash"], who.account_id)
    return Favorite(**_favorite(asset, False))


def _favorite(asset: Row, favorite: bool) -> dict[str, Any]:
    return {"path": asset["path"], "library_id": asset["library_id"], "favorite": favorite}


@router.get("/image/note", responses=answers(400, 401, 404, 503))
def read_note(context: ContextDep, copy: SnapshotDep, path: PathQuery = None, library: LibraryQuery = None) -> Note:
    """Rating and description of a photo: what a user set, else what the file says."""
    if not path:
        raise InvalidQuery("say which photo: path, relative to the library")
    return _note(context, find_asset(copy, path, library))


@router.put("/image/rating", responses=answers(400, 401, 404, 409, 503))
def rate(body: RatingOf, context: ContextDep, who: IdentityDep) -> Note:
    """Rate a photo 1 to 5, 0 for no rating; null gives the word back to the file. All copies share it."""
    said = "gave the rating back to the file" if body.rating is None else f"rated {body.rating}"
    return _say(body, context, who, f"{said}:", rating=body.rating)


@router.put("/image/description", responses=answers(400, 401, 404, 409, 503))
def describe(body: DescriptionOf, context: ContextDep, who: IdentityDep) -> Note:
    """Describe a photo in words; null gives the word back to the file. All copies share it."""
    text = body.description
    if text is not None:
        text = checked_text(text, most=MAX_DESCRIPTION_CHARACTERS, what="a description", lines=True)
    return _say(body, context, who, "described", description=text)


def _say(body: PhotoRef, context: Context, who: Identity, said: str, **changes: Any) -> Note:
    asset = picture_at(context.replica.current, body.place, body.library)
    with edit(context, who, f"{said} {asset['path']}") as writer:
        set_note(writer, asset["content_hash"], who.name, **changes)
    return _note(context, asset)


def _note(context: Context, asset: Row) -> Note:
    found = context.lake.one("serving/edits/note", asset_id=asset["asset_id"])
    if found is None:  # gone from the lake since the replica looked
        raise NotFound(f"there is no photo or video at {asset['path']}")
    return Note(path=asset["path"], library_id=asset["library_id"], **found)
