"""The parameters that listings share, and the conditions they come to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from serving.listing.timeline import Conditions

MAX_PHOTOS = 10_000
_Word = Annotated[str, Field(max_length=1000)]
LibraryQuery = Annotated[str | None, Query(max_length=1000, description="Id or name; absent: all libraries")]


class Filters(BaseModel):
    """Which photos; all that are given must hold."""

    path: str | None = Field(None, description="Folder relative to the library; '' is its root")
    recursive: bool | None = Field(None, description="Also what is below it; the default where no path is given")
    library: _Word | None = Field(None, description="Id or name; absent: all libraries")
    media_type: _Word | None = Field(None, description="photo, raw, video, image (photo and raw) or all; comma list")
    camera: _Word | None = Field(None, description="Part of make and model, any case", examples=["nikon"])
    lens: _Word | None = Field(None, description="Part of the lens' name, any case")
    date_from: _Word | None = Field(None, description="Epoch seconds, or ISO date or time", examples=["2012-07-01"])
    date_to: _Word | None = Field(None, description="Included; a bare date means its whole day")
    month: _Word | None = Field(None, description="A month of the timeline, or first/last", examples=["2012-07"])
    gps_lat: float | None = Field(None, description="Degrees; with gps_lon")
    gps_lon: float | None = Field(None, description="Degrees; with gps_lat")
    radius_km: float | None = Field(None, description="Around gps_lat and gps_lon; default 1")
    bbox: _Word | None = Field(
        None,
        description="west,south,east,north in degrees; west above east crosses 180°",
        examples=["5.9,45.8,10.5,47.8"],
    )
    tag_ids: _Word | None = Field(None, description="Numbers of tags, comma list", examples=["1,4"])
    exclude_tag_ids: _Word | None = Field(None, description="Photos with any of these tags are left out; comma list")
    tag_filter_mode: _Word | None = Field(None, description="Any (the default) or All of tag_ids")
    person_ids: _Word | None = Field(None, description="Numbers of people, comma list", examples=["3"])
    person_filter_mode: _Word | None = Field(None, description="Any (the default) or All of person_ids")
    favorite: bool | None = Field(None, description="Your favourites; false: what is none of them")
    min_rating: int | None = Field(None, ge=-1, le=5, description="Included; without a rating counts as 0")
    max_rating: int | None = Field(None, ge=-1, le=5, description="Included")
    min_size: int | None = Field(None, ge=0, lt=1 << 63, description="Bytes, included")
    max_size: int | None = Field(None, ge=0, lt=1 << 63, description="Bytes, included")
    hidden: bool | None = Field(None, description="true: only what somebody hid, which is left out otherwise")
    broken: bool | None = Field(None, description="true: only files that cannot be shown; false: without them")
    include_duplicates: bool | None = Field(None, description="Also copies hidden in favour of another")

    def conditions(self, library_id: int | None, asker: int | None = None) -> Conditions:
        """
        Args:
            asker: account_id of who asks, for favourites.
        Raises:
            InvalidQuery, InvalidPath.
        """
        recursive = self.path is None if self.recursive is None else self.recursive
        conditions = Conditions(asker=asker)
        conditions.library(library_id)
        conditions.folder(self.path, recursive=recursive)
        conditions.media_type(self.media_type)
        conditions.camera(self.camera)
        conditions.lens(self.lens)
        conditions.dates(self.date_from, self.date_to)
        conditions.month(self.month)
        conditions.near(self.gps_lat, self.gps_lon, self.radius_km)
        conditions.box(self.bbox)
        conditions.tags(self.tag_ids, self.exclude_tag_ids, self.tag_filter_mode)
        conditions.people(self.person_ids, self.person_filter_mode)
        conditions.favorites(self.favorite)
        conditions.ratings(self.min_rating, self.max_rating)
        conditions.size(self.min_size, self.max_size)
        conditions.brokenness(self.broken)
        conditions.visibility(self.hidden, self.include_duplicates)
        return conditions


PageLimit = Annotated[int, Query(ge=1, le=MAX_PHOTOS, description="Rows on a page")]
PageOffset = Annotated[int, Query(ge=0, le=1 << 40, description="Rows to pass over")]


class GpsListing(Filters):
    """Filters, and a page."""

    limit: int = Field(MAX_PHOTOS, ge=1, le=MAX_PHOTOS, description="Photos on a page")
    offset: int = Field(0, ge=0, le=1 << 40, description="Photos to pass over: next_offset of the page before")


class Listing(Filters):
    """Filters, an order, and a page."""

    sort: _Word | None = Field(
        None, description="taken_at, name, path, size or modified, with _asc or _desc", examples=["taken_at_desc"]
    )
    limit: int = Field(100, ge=1, le=MAX_PHOTOS, description="Photos on a page")
    offset: int = Field(0, ge=0, le=1 << 40, description="Photos to pass over; `cursor` is quicker")
    cursor: str | None = Field(None, max_length=20_000, description="next_cursor of the page before")
