"""GET /memories: this day, week or month in all years."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from serving.context import ContextDep, IdentityDep, SnapshotDep
from serving.errors import answers
from serving.listing.filters import LibraryQuery
from serving.listing.memories import MEMORY_YEAR, Span, client_today, outside, taken_on
from serving.listing.paths import library_id_of
from serving.listing.timeline import Conditions
from serving.schemas.organise import Memories
from sql.lake import statement

router = APIRouter(tags=["memories"])

MOST_MINUTES = 15 * 60  # no zone is further from UTC


@router.get("/memories", responses={200: {"model": Memories}, **answers(400, 401)})
def read_memories(
    context: ContextDep,
    copy: SnapshotDep,
    who: IdentityDep,
    path: Annotated[str | None, Query(max_length=8192, description="Only what lies in this folder")] = None,
    recursive: Annotated[bool, Query(description="Also what is below it")] = True,
    span: Annotated[Span, Query(description="week: with three days before and after; month: all of it")] = Span.day,
    timezone_offset_minutes: Annotated[
        int | None,
        Query(
            ge=-MOST_MINUTES, le=MOST_MINUTES, description="The client's clock is this far ahead of UTC", examples=[120]
        ),
    ] = None,
    library: LibraryQuery = None,
    day: Annotated[date | None, Query(alias="date", description="Another day than today")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Photos in all, shared fairly by the years")] = 1000,
) -> Response:
    """
    Photos taken on this day (in this week, month) of any year, newest year first.

    Only those whose capture date is known: the date of a file is none. `EXCLUDED_DIRS` are left out.
    """
    today = day or client_today(timezone_offset_minutes)
    conditions = Conditions(asker=who.account_id)
    conditions.library(library_id_of(copy, library))
    conditions.folder(path, recursive=recursive)
    taken_on(conditions, today, span, _offset(timezone_offset_minutes))
    outside(conditions, context.settings.excluded_dirs)
    text = statement("serving/listing/memories").format(
        conditions=conditions.text, year=MEMORY_YEAR, photo=statement("serving/listing/photo_fields")
    )
    with copy.reading() as reader:
        rows = reader.tuples(text, {**conditions.parameters, "asker": who.account_id, "row_limit": limit})
    years: dict[str, int] = {str(year): photos for year, photos, _ in rows}
    items = ",".join(photo for _, _, photo in rows)
    rest = orjson.dumps({"total": sum(years.values()), "date": today.isoformat(), "years": years}).decode()
    return Response(f'{{"items":[{items}],{rest[1:]}', media_type="application/json")


def _offset(minutes: int | None) -> int:
    if minutes is not None:
        return minutes
    offset = datetime.now().astimezone().utcoffset()
    return int(offset.total_seconds()) // 60 if offset else 0
