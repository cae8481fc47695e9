"""The parameters that listings share, and the conditions they come to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from serving.photo_query import Conditions

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
    tag_ids: _Word | None = Field(None, description="Comma list. There are no tags yet: asking for one finds nothing")
    exclude_tag_ids: _Word | None = Field(None, description="Comma list")
    tag_filter_mode: _Word | None = Field(None, description="Any or All")

    def conditions(self, library_id: int | None) -> Conditions:
        """Raises InvalidQuery, InvalidPath."""
        recursive = self.path is None if self.recursive is None else self.recursive
        conditions = Conditions()
        conditions.library(library_id)
        conditions.folder(self.path, recursive=recursive)
        conditions.media_type(self.media_type)
        conditions.camera(self.camera)
        conditions.lens(self.lens)
        conditions.dates(self.date_from, self.date_to)
        conditions.month(self.month)
        conditions.near(self.gps_lat, self.gps_lon, self.radius_km)
        conditions.tags(self.tag_ids, self.exclude_tag_ids, self.tag_filter_mode)
        return conditions


class Listing(Filters):
    """Filters, an order, and a page."""

    sort: _Word | None = Field(
        None, description="taken_at, name, path, size or modified, with _asc or _desc", examples=["taken_at_desc"]
    )
    limit: int = Field(100, ge=1, le=MAX_PHOTOS, description="Photos on a page")
    offset: int = Field(0, ge=0, le=1 << 40, description="Photos to pass over; `cursor` is quicker")
    cursor: str | None = Field(None, max_length=20_000, description="next_cursor of the page before")
