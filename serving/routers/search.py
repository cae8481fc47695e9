"""GET /search: one box, or its filters as parameters; and what the box may offer while one types."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from serving.auth.permissions import OWNER
from serving.context import ContextDep, IdentityDep, SnapshotDep
from serving.errors import answers
from serving.json import json_answer
from serving.listing.cursor import parsed_cursor, parsed_sort
from serving.listing.filters import Filters
from serving.listing.paths import library_id_of
from serving.routers.photos import page_answer
from serving.schemas.photos import PhotoPage
from serving.search.query import MAX_CHARACTERS, parsed_filter, parsed_query
from serving.search.searcher import MOST_FOUND
from serving.search.suggest import suggestions
from tasks.errors import InvalidQuery

router = APIRouter(tags=["search"])

_Value = Annotated[str | None, Field(max_length=1000)]
_AS_PARAMETERS = ("camera", "lens", "tag", "keyword", "person", "place", "city", "region", "country", "folder", "ext",
                  "date", "type", "rating", "size", "near")  # fmt: skip


class Search(Filters):
    """The box, the filters of the query language as parameters, and those of GET /photos. All that are given hold."""

    q: str | None = Field(None, description="See docs/search.md", examples=['camera:nikon date:2012..2014 "lady bug"'])
    camera: _Value = Field(None, description="Part of make and model; `a,b` is either, `-a` is not", examples=["nikon"])
    lens: _Value = Field(None, description="Part of the lens' name")
    tag: _Value = Field(None, description="Name of a tag, whole; `*` stands for anything")
    keyword: _Value = Field(None, description="A keyword in the file, whole")
    person: _Value = Field(None, description="Part of a person's name")
    place: _Value = Field(None, description="Part of an own place's name, a city, region or country")
    city: _Value = None
    region: _Value = None
    country: _Value = Field(None, description="Name or two-letter code, whole")
    folder: _Value = Field(None, description="A folder, or several in a row: `2012/summer`; also what is below it")
    ext: _Value = Field(None, description="Ending of the file's name", examples=["nef"])
    date: _Value = Field(None, description="2012, 2012-07, 2012-07-03, 2012..2014, >=2012-07", examples=["2012..2014"])
    type: _Value = Field(None, description="photo, raw, video, image", examples=["video"])
    rating: _Value = Field(None, description="4, >=4, 3..5", examples=[">=4"])
    size: _Value = Field(None, description=">10MB, <500kB, 1MB..5MB", examples=[">10MB"])
    near: _Value = Field(None, description="latitude,longitude,radius", examples=["47.1,8.5,10km"])
    sort: _Value = Field(None, description="taken_at_desc or taken_at_asc")
    limit: int = Field(100, ge=1, le=MOST_FOUND)
    cursor: str | None = Field(None, max_length=20_000, description="next_cursor of the page before")


class Suggested(BaseModel):
    query: str = Field(description="The whole query with this completion", examples=['type:photo camera:"Nikon D90"'])
    text: str = Field(description="What its last part became", examples=['camera:"Nikon D90"'])
    kind: str = Field(description="filter, word, or the filter that it is a value of", examples=["camera"])
    count: int | None = Field(description="About how many photos have it", examples=[211])


class Suggestions(BaseModel):
    suggestions: list[Suggested]


@router.get("/search", responses={200: {"model": PhotoPage}, **answers(400, 401)})
def search(context: ContextDep, copy: SnapshotDep, who: IdentityDep, asked: Annotated[Search, Query()]) -> Response:
    """
    Search photos by words and filters, newest first.

    Words look into names, folders, titles, descriptions, keywords, tags, people and places, an owner's into insights as
    well, in any case and without accents. `total_count` is exact on every page. The language: docs/search.md.
    """
    order = parsed_sort(asked.sort)
    if order.name != "taken_at":
        raise InvalidQuery("a search is sorted by taken_at_desc or taken_at_asc")
    after = parsed_cursor(asked.cursor, order)
    parts = parsed_query(asked.q or "")
    given = {key: getattr(asked, key) for key in _AS_PARAMETERS}
    parts += [parsed_filter(key, text) for key, text in given.items() if text]
    plain = asked.model_copy(update={"camera": None, "lens": None})  # the index answers these
    conditions = plain.conditions(library_id_of(copy, asked.library), who.account_id)
    may_read_insights = who.role == OWNER
    found = context.search.find(copy, parts, conditions, order, asked.limit, after, private=may_read_insights)
    return page_answer(found.page, [], found.total, None)


@router.get("/search/suggest", responses={200: {"model": Suggestions}, **answers(400, 401)})
def suggest(
    context: ContextDep,
    q: Annotated[str, Query(description="What has been typed so far")] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
) -> Response:
    """How the last part of a query may go on: filters, their values, and words, with counts."""
    if len(q) > MAX_CHARACTERS:
        raise InvalidQuery(f"a query has at most {MAX_CHARACTERS} characters, not {len(q)}")
    before, offered = suggestions(context.search.index, q, limit)
    shown = [{"query": before + one.text, "text": one.text, "kind": one.kind, "count": one.count} for one in offered]
    return json_answer({"suggestions": shown})
