"""Where photos were taken: clusters for a map, and the places there are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from serving.context import IdentityDep, SnapshotDep
from serving.errors import answers
from serving.json import json_answer
from serving.listing.filters import Filters
from serving.listing.paths import library_id_of
from serving.replica.snapshot import as_list
from sql.lake import Row, statement

router = APIRouter(tags=["places"])

MAX_ZOOM = 22
MAX_CLUSTERS = 2_000
_CELLS_PER_TILE = 4  # a cell is 64 of the 256 pixels of a map tile


class MapQuery(Filters):
    """Filters, and how fine the clusters are."""

    zoom: int = Field(2, ge=0, le=MAX_ZOOM, description="As of map tiles: the world is 256 * 2^zoom pixels wide")


class Cluster(BaseModel):
    count: int
    latitude: float = Field(description="Mean of its photos, degrees")
    longitude: float
    bbox: str = Field(description="Its photos: GET /photos?bbox=…", examples=["8.4,47,8.6,47.2"])
    place: str | None = Field(
        description="Where its cover was taken; null where it spans countries", examples=["Baar, Switzerland"]
    )
    cover_asset_id: int
    cover_url: str | None


class Clusters(BaseModel):
    clusters: list[Cluster] = Field(description="The fullest first")
    total: int = Field(description="Photos in them")
    truncated: bool = Field(description=f"There are more than {MAX_CLUSTERS}: zoom in, or out")


class CountedPlace(BaseModel):
    country_code: str | None
    country: str | None
    region: str | None
    major_city: str | None = Field(description="The largest city whose area holds the position", examples=["London"])
    city: str | None = Field(description="Nearest town", examples=["Westminster"])
    personal_place: str | None
    count: int


class Places(BaseModel):
    places: list[CountedPlace] = Field(description="With most photos first")


@router.get("/map/clusters", responses={200: {"model": Clusters}, **answers(400, 401)})
def read_clusters(copy: SnapshotDep, who: IdentityDep, asked: Annotated[MapQuery, Query()]) -> Response:
    """Photos with a position, put together for a map. `bbox` with west above east crosses the antimeridian."""
    conditions = asked.conditions(library_id_of(copy, asked.library), who.account_id)
    step = 360 / (_CELLS_PER_TILE << asked.zoom)
    text = statement("serving/listing/map_clusters").format(conditions=conditions.text)
    with copy.reading() as reader:
        rows = reader.rows(text, {**conditions.parameters, "step": step, "row_limit": MAX_CLUSTERS + 1})
        ids = as_list(row["cover_asset_id"] for row in rows)
        covers = {row["asset_id"]: row for row in reader.rows(statement("serving/listing/covers"), {"asset_ids": ids})}
    clusters = [_cluster(row, covers[row["cover_asset_id"]]) for row in rows[:MAX_CLUSTERS]]
    total = sum(cluster["count"] for cluster in clusters)
    return json_answer({"clusters": clusters, "total": total, "truncated": len(rows) > MAX_CLUSTERS})


@router.get("/places", responses={200: {"model": Places}, **answers(400, 401)})
def read_places(copy: SnapshotDep, who: IdentityDep, asked: Annotated[Filters, Query()]) -> Response:
    """The countries, regions, cities and own places of photos, with counts."""
    conditions = asked.conditions(library_id_of(copy, asked.library), who.account_id)
    text = statement("serving/listing/place_counts").format(conditions=conditions.text)
    with copy.reading() as reader:
        return json_answer({"places": reader.rows(text, conditions.parameters)})


def _cluster(row: Row, cover: Row) -> dict[str, Any]:
    words = [] if row["several_countries"] else [cover["town"], cover["country"]]
    return {
        "count": row["count"],
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        "bbox": ",".join(f"{row[side]:.7f}" for side in ("west", "south", "east", "north")),
        "place": ", ".join(word for word in words if word) or None,
        "cover_asset_id": row["cover_asset_id"],
        "cover_url": cover["url"],
    }
