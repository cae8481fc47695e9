"""GET /photos and its relatives: what there is, filtered, sorted and in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Response

from serving.context import IdentityDep, SnapshotDep
from serving.errors import answers
from serving.listing.cursor import parsed_cursor, parsed_sort
from serving.listing.filters import MAX_PHOTOS, Filters, GpsListing, LibraryQuery, Listing, PageLimit, PageOffset
from serving.listing.paths import is_folder, library_id_of
from serving.listing.timeline import Conditions, Page, count, folder_prefix, parsed_months, read_page
from serving.replica.snapshot import Reader, ReplicaSnapshot
from serving.schemas.photos import ExifPhotos, GpsPhotos, Months, Photo, PhotoPage
from sql.lake import statement
from tasks.errors import InvalidQuery, NotFound

router = APIRouter(tags=["photos"])


@router.get("/photos", responses={200: {"model": PhotoPage}, **answers(400, 401, 404)})
def read_photos(copy: SnapshotDep, who: IdentityDep, asked: Annotated[Listing, Query()]) -> Response:
    """
    Photos, newest first, and the folders beside them.

    A photo without a date stands at its file's time if that is a day older than its arrival here, else behind all
    others (`order_at`). Page with `cursor`: a page of a million photos then takes as long
    as one of a hundred.
    """
    return listing(copy, asked, who.account_id)


def listing(copy: ReplicaSnapshot, asked: Listing, asker: int) -> Response:
    """The answer of GET /photos. Raises InvalidQuery, InvalidPath, UnknownLibrary, NotFound."""
    library_id = library_id_of(copy, asked.library)
    order = parsed_sort(asked.sort)
    after = parsed_cursor(asked.cursor, order)
    if after and asked.offset:
        raise InvalidQuery("cursor and offset are two ways of paging; send one of them")
    conditions = asked.conditions(library_id, asker)
    with copy.reading() as reader:
        page = read_page(
            copy,
            reader,
            conditions,
            order,
            limit=asked.limit,
            offset=asked.offset,
            cursor=after,
            library_id=library_id,
        )
        total = None if after else page.total
        if total is None and not after:
            total = _total(copy, reader, conditions, asked, library_id)
        first = not after and not asked.offset and not asked.month
        dirs = _dirs(copy, reader, asked, library_id) if first else []
    next_offset = asked.offset + asked.limit if page.next_cursor and not after else None
    return page_answer(page, dirs, total, next_offset)


def _total(
    copy: ReplicaSnapshot, reader: Reader, conditions: Conditions, asked: Filters, library_id: int | None
) -> int:
    """From the months' counts where only library and month limit it: counting a million rows is for real filters."""
    if conditions.selective:
        return count(reader, conditions)
    first, last = parsed_months(asked.month) if asked.month else ("", "9999-12")
    return sum(
        conditions.counted(row)
        for row in copy.months
        if library_id in (None, row["library_id"]) and first <= row["month"].isoformat()[:7] <= last
    )


def _dirs(copy: ReplicaSnapshot, reader: Reader, asked: Filters, library_id: int | None) -> list[dict[str, Any]]:
    """Raises NotFound: There is no such folder."""
    prefix = folder_prefix(asked.path)
    parameters = {"prefix": prefix, "library_id": library_id}
    dirs = reader.rows(statement("serving/listing/sub_folders"), parameters)
    if not dirs and prefix and not reader.value(statement("serving/listing/folder_exists"), parameters):
        _look_on_disk(copy, prefix.rstrip("/"), library_id)
    return dirs


def _look_on_disk(copy: ReplicaSnapshot, folder: str, library_id: int | None) -> None:
    """A folder without photos is empty, not missing. Raises NotFound."""
    for library in copy.libraries:
        if library_id in (None, library["library_id"]) and is_folder(library, folder):
            return
    raise NotFound(f"there is no folder {folder[:500]}")


def page_answer(page: Page, dirs: Sequence[Any], total: int | None, next_offset: int | None) -> Response:
    """A PhotoPage: the photos are JSON already."""
    rest = {
        "dirs": dirs,
        "total_count": total,
        "has_more": page.next_cursor is not None,
        "next_offset": next_offset,
        "next_cursor": page.next_cursor,
    }
    body = '{"photos":[' + ",".join(page.photos) + "]," + orjson.dumps(rest).decode()[1:]
    return Response(body, media_type="application/json")


@router.get("/photos/months", responses={200: {"model": Months}, **answers(400, 401)})
def read_months(copy: SnapshotDep, who: IdentityDep, asked: Annotated[Filters, Query()]) -> Response:
    """How many photos each month has, newest first: the shape of the whole timeline in one small answer."""
    library_id = library_id_of(copy, asked.library)
    conditions = asked.conditions(library_id, who.account_id)
    counts: dict[str, int] = {}
    for row in _months(copy, conditions, asked, library_id):
        month = row["month"].isoformat()[:7]  # strftime writes the year 1 without noughts
        counts[month] = counts.get(month, 0) + row["photos"]
    months = [{"month": month, "count": photos} for month, photos in counts.items()]
    return _json({"months": months, "total_count": sum(counts.values())})


def _months(
    copy: ReplicaSnapshot, conditions: Conditions, asked: Filters, library_id: int | None
) -> list[dict[str, Any]]:
    if conditions.selective or asked.month:
        return copy.select(
            statement("serving/listing/filtered_months").format(conditions=conditions.text), **conditions.parameters
        )
    rows = [row for row in copy.months if library_id in (None, row["library_id"])]
    return [{**row, "photos": photos} for row in rows if (photos := conditions.counted(row))]


@router.get("/photos/exif", responses={200: {"model": ExifPhotos}, **answers(400, 401)})
def read_exif(
    copy: SnapshotDep,
    date_from: Annotated[int | None, Query(ge=-(1 << 36), le=1 << 36, description="Epoch seconds")] = None,
    date_to: Annotated[int | None, Query(ge=-(1 << 36), le=1 << 36, description="Epoch seconds, included")] = None,
    library: LibraryQuery = None,
    tag_ids: Annotated[str | None, Query(max_length=1000, description="Numbers of tags, comma list")] = None,
    exclude_tag_ids: Annotated[str | None, Query(max_length=1000, description="Comma list")] = None,
    tag_filter_mode: Annotated[str | None, Query(max_length=1000, description="Any (the default) or All")] = None,
    limit: PageLimit = MAX_PHOTOS,
    offset: PageOffset = 0,
) -> Response:
    """Photos taken in a range of time, oldest first, in pages. Those without a date are left out."""
    conditions = Conditions()
    conditions.library(library_id_of(copy, library))
    conditions.tags(tag_ids, exclude_tag_ids, tag_filter_mode)
    conditions.dates(_text(date_from), _text(date_to))
    return _page_of(copy, "serving/listing/exif_page", conditions, limit, offset)


@router.get("/photos/gps-summary", responses={200: {"model": GpsPhotos}, **answers(400, 401)})
def read_gps(copy: SnapshotDep, who: IdentityDep, asked: Annotated[GpsListing, Query()]) -> Response:
    """Where photos were taken, oldest first, in pages; those without a position are left out."""
    conditions = asked.conditions(library_id_of(copy, asked.library), who.account_id)
    return _page_of(copy, "serving/listing/gps_page", conditions, asked.limit, asked.offset)


@router.get("/photos/{asset_id}", responses={200: {"model": Photo}, **answers(401, 404)})
def read_photo(copy: SnapshotDep, who: IdentityDep, asset_id: Annotated[int, Path(ge=0, lt=1 << 63)]) -> Response:
    """One photo by its number, which it keeps when its file moves."""
    conditions = Conditions(with_live_videos=True, hidden="too", asker=who.account_id)
    conditions.add("timeline.asset_id = $asset_id", asset_id=asset_id)
    with copy.reading() as reader:
        page = read_page(copy, reader, conditions, parsed_sort(None), limit=1)
    if not page.photos:
        raise NotFound(f"there is no photo {asset_id}")
    return Response(page.photos[0], media_type="application/json")


def _page_of(copy: ReplicaSnapshot, name: str, conditions: Conditions, limit: int, offset: int) -> Response:
    parameters = {**conditions.parameters, "row_limit": limit, "row_offset": offset}
    with copy.reading() as reader:
        row = reader.rows(statement(name).format(conditions=conditions.text), parameters)[0]
    following = offset + limit if offset + limit < row["total"] else None
    rest = orjson.dumps({"total": row["total"], "has_more": following is not None, "next_offset": following}).decode()
    return Response(f'{{"photos":{row["photos"]},{rest[1:]}', media_type="application/json")


def _text(seconds: int | None) -> str | None:
    """With a decimal point, since eight bare digits would be read as YYYYMMDD."""
    return None if seconds is None else f"{seconds}.0"


def _json(content: Any) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")
