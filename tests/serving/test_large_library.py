"""Listings of 20,000 photos: every month, filter, order and page against plain Python over the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.app import create_app
from tests.serving.conftest import Installation, logged_in, make_installation
from tests.serving.drawn_library import PHOTOS, Drawn, draw, store

PAGES = 6  # of one walk: the size of its pages follows
MONTHS = [f"{year}-{month:02}" for year in range(2007, 2024) for month in range(1, 13)] + ["0001-01", "1970-01"]
SORTS = {
    "taken_at": lambda one: one.order_at,
    "name": lambda one: one.name.lower(),
    "path": lambda one: one.path,
    "size": lambda one: one.size_bytes,
    "modified": lambda one: one.modified_at,
}

SORTED = ["taken_at_desc", "taken_at_asc"] * 3 + [f"{name}_{way}" for name in SORTS for way in ("asc", "desc")]


@dataclass
class Large:
    client: TestClient
    drawn: list[Drawn]
    installation: Installation


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    installation = make_installation(tmp_path_factory.mktemp("large"))
    drawn = draw()
    store(installation, drawn)
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield Large(logged_in(client), drawn, installation)
    installation.lake.close()


def expected(drawn: list[Drawn], asked: dict[str, Any]) -> list[int]:
    """What a listing should hold, in order: the documented rules in plain Python."""
    kept = [one for one in drawn if _fits(one, asked)]
    name, _, direction = str(asked.get("sort", "taken_at_desc")).rpartition("_")
    ordered = sorted(kept, key=lambda one: (SORTS[name](one), one.asset_id), reverse=direction == "desc")
    return [one.asset_id for one in ordered]


def _fits(one: Drawn, asked: dict[str, Any]) -> bool:
    tests = {
        "month": lambda value: value[:7] <= one.order_at.isoformat()[:7] <= value[-7:],
        "library": lambda value: {"photos": 1, "second": 2}[value] == one.library_id,
        "media_type": lambda value: one.media_type in {"image": {"photo", "raw"}}.get(value, {value}),
        "camera": lambda value: value in " ".join(filter(None, one.camera)).lower(),
        "date_from": lambda value: one.taken_at is not None and one.taken_at >= datetime.fromisoformat(value),
        "min_rating": lambda value: (one.rating or 0) >= value,
        "max_size": lambda value: one.size_bytes <= value,
        "favorite": lambda value: one.favorite == value,
        "tag_ids": lambda value: bool({int(word) for word in value.split(",")} & one.tags),
        "exclude_tag_ids": lambda value: not {int(word) for word in value.split(",")} & one.tags,
        "path": lambda value: one.path.startswith(f"{value}/") and "/" not in one.path[len(value) + 1 :],
        "broken": lambda value: one.broken == value,
    }
    hidden = one.hidden is not None if asked.get("hidden") else one.hidden is None
    if asked.get("include_duplicates") and not asked.get("hidden"):
        hidden = one.hidden in {None, "duplicate"}
    return hidden and all(tests[name](value) for name, value in asked.items() if name in tests and value is not None)


def read(client: TestClient, asked: dict[str, Any]) -> dict[str, Any]:
    answer = client.get("/photos", params={name: _text(value) for name, value in asked.items() if value is not None})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def numbers(page: dict[str, Any]) -> list[int]:
    return [photo["asset_id"] for photo in page["photos"]]


def walked(client: TestClient, asked: dict[str, Any], *, by: str) -> list[int]:
    """All pages, one after the other."""
    page = read(client, asked)
    found, steps = numbers(page), 1
    while page["has_more"]:
        place = {"cursor": page["next_cursor"]} if by == "cursor" else {"offset": page["next_offset"]}
        page = read(client, {**asked, **place})
        assert page["photos"] or by == "offset", "a page that was promised is empty"
        found += numbers(page)
        steps += 1
        assert steps <= PAGES + 2, "the pages do not end"
    assert page["next_cursor"] is None
    return found


def sometimes(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), st.none(), strategy)


one_month = st.sampled_from(MONTHS)
asked_listings = st.fixed_dictionaries(
    {"sort": st.sampled_from(SORTED)},
    optional={
        "month": st.one_of(one_month, one_month, st.tuples(one_month, one_month).map(sorted).map("/".join)),
        "library": sometimes(st.sampled_from(["photos", "second"])),
        "media_type": sometimes(st.sampled_from(["photo", "raw", "video", "image"])),
        "camera": sometimes(st.sampled_from(["nikon", "e", "apple iphone"])),
        "date_from": sometimes(st.sampled_from(["2015-03-01", "2019-12-31"])),
        "min_rating": sometimes(st.sampled_from([0, 1, 5])),
        "max_size": sometimes(st.sampled_from([5_000, 1_000_000])),
        "favorite": sometimes(st.booleans()),
        "tag_ids": sometimes(st.sampled_from(["1", "2,3"])),
        "exclude_tag_ids": sometimes(st.sampled_from(["1", "2,3"])),
        "path": sometimes(st.sampled_from(["2012/summer", "2012", "Ärger %41 & co"])),
        "broken": sometimes(st.booleans()),
        "hidden": sometimes(st.booleans()),
        "include_duplicates": sometimes(st.booleans()),
    },
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=asked_listings, by=st.sampled_from(["cursor", "offset"]), few=st.booleans())
def test_any_listing_is_what_plain_python_says_through_all_its_pages(
    large: Large, asked: dict[str, Any], by: str, few: bool
) -> None:
    wanted = expected(large.drawn, asked)
    limit = max(1, -(-len(wanted) // PAGES)) if few or len(wanted) > 10_000 else 10_000
    first = read(large.client, {**asked, "limit": limit})
    assert first["total_count"] == len(wanted)
    assert first["has_more"] == (len(wanted) > limit)
    assert numbers(first) == wanted[:limit]
    if len(wanted) < 6_000:
        assert walked(large.client, {**asked, "limit": limit}, by=by) == wanted
    months = large.client.get(
        "/photos/months", params={k: _text(v) for k, v in asked.items() if k != "sort" and v is not None}
    ).json()
    by_number = {one.asset_id: one.order_at.isoformat()[:7] for one in large.drawn}
    counted = Counter(by_number[number] for number in wanted)
    assert months["months"] == [{"month": m, "count": counted[m]} for m in sorted(counted, reverse=True)]
    assert months["total_count"] == len(wanted)


@pytest.mark.parametrize("sort", ["taken_at_desc", "taken_at_asc", "name_asc", "size_desc"])
def test_the_pages_of_the_whole_library_hold_each_photo_once(large: Large, sort: str) -> None:
    wanted = expected(large.drawn, {"sort": sort})
    assert walked(large.client, {"sort": sort, "limit": 4_000}, by="cursor") == wanted


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_every_month_holds_the_photos_it_counts(large: Large, direction: str) -> None:
    wanted = expected(large.drawn, {"sort": f"taken_at_{direction}"})
    by_number = {one.asset_id: one.order_at.isoformat()[:7] for one in large.drawn}
    inside: dict[str, list[int]] = {}
    for number in wanted:
        inside.setdefault(by_number[number], []).append(number)
    months = large.client.get("/photos/months").json()["months"]
    assert sum(month["count"] for month in months) == len(wanted)
    for month in months:
        page = read(large.client, {"month": month["month"], "limit": 5, "sort": f"taken_at_{direction}"})
        assert (numbers(page), page["total_count"]) == (inside[month["month"]][:5], month["count"])


def test_the_size_is_that_of_the_drawn_library(large: Large) -> None:
    assert len(large.drawn) == PHOTOS
    assert read(large.client, {"limit": 1})["total_count"] == sum(one.hidden is None for one in large.drawn)


def _list_routes(client: TestClient) -> list[tuple[str, list[str]]]:
    """GET routes without a number in their address, and their query parameters."""
    paths = client.get("/openapi.json").json()["paths"]
    return [
        (path, [one["name"] for one in item["get"].get("parameters", []) if one["in"] == "query"])
        for path, item in paths.items()
        if "get" in item and "{" not in path
    ]


def test_no_answer_grows_with_the_library_beyond_12_mb(large: Large) -> None:
    asked = {"path": large.drawn[0].path, "q": "zoo", "conversation_id": "0"}
    for path, names in _list_routes(large.client):
        given = {name: asked[name] for name in names if name in asked and (name != "path" or path.startswith("/image"))}
        largest = {**given, **({"limit": "10000"} if path.startswith("/photos") else {})}
        answer = large.client.get(path, params=largest)
        assert answer.status_code < 500 or path.startswith("/summaries"), (path, answer.text)
        assert len(answer.content) < 12_000_000, (path, len(answer.content))


@pytest.mark.parametrize("path", ["/photos/gps-summary", "/photos/exif"])
def test_positions_and_dates_come_in_pages_that_hold_each_once(large: Large, path: str) -> None:
    kept = [one for one in large.drawn if one.hidden is None]
    if path == "/photos/exif":
        kept = [one for one in kept if one.taken_at]
        key = "file_path"
    else:
        kept = [one for one in kept if one.position]
        key = "path"
    found: list[str] = []
    offset: int | None = 0
    while offset is not None:
        answer = large.client.get(path, params={"limit": 3_000, "offset": offset}).json()
        assert answer["total"] == len(kept)
        found += [photo[key] for photo in answer["photos"]]
        offset = answer["next_offset"]
        assert answer["has_more"] == (offset is not None)
    assert sorted(found) == sorted(one.path for one in kept)
    assert len(large.client.get(path).json()["photos"]) == min(len(kept), 10_000)
