"""Listings: filters, orders, pages, folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import CHOSEN


def photos(client: TestClient, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get("/photos", params={"limit": 1000, **parameters})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["photos"])


def paths(client: TestClient, **parameters: Any) -> list[str]:
    return [photo["path"] for photo in photos(client, **parameters)]


def pages(client: TestClient, **parameters: Any) -> Iterator[list[str]]:
    cursor = None
    while True:
        answer = client.get("/photos", params={**parameters, **({"cursor": cursor} if cursor else {})}).json()
        yield [photo["path"] for photo in answer["photos"]]
        cursor = answer["next_cursor"]
        assert answer["has_more"] == (cursor is not None)
        if cursor is None:
            return


def test_every_file_of_the_library_is_listed_once(client: TestClient) -> None:
    assert sorted(paths(client)) == sorted(CHOSEN)


def test_newest_comes_first_and_a_photo_without_date_stands_at_its_files_time(client: TestClient) -> None:
    order = [photo["taken_at"] or photo["modified_at"].rstrip("Z") for photo in photos(client)]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize("sort", ["taken_at", "taken_at_asc", "name", "-name", "size:asc", "modified_desc", "path"])
@pytest.mark.parametrize("limit", [1, 4, 7])
def test_pages_by_cursor_are_the_whole_list_in_the_same_order(client: TestClient, sort: str, limit: int) -> None:
    walked = [path for page in pages(client, sort=sort, limit=limit) for path in page]
    assert walked == paths(client, sort=sort)
    assert len(walked) == len(CHOSEN)


def test_pages_by_offset_meet_the_same_photos(client: TestClient) -> None:
    first = client.get("/photos", params={"limit": 5}).json()
    assert (first["next_offset"], first["has_more"], first["total_count"]) == (5, True, len(CHOSEN))
    second = client.get("/photos", params={"limit": 5, "offset": first["next_offset"]}).json()
    assert [photo["path"] for photo in first["photos"] + second["photos"]] == paths(client)[:10]


def test_names_sort_without_regard_to_case(client: TestClient) -> None:
    names = [path.rpartition("/")[2].lower() for path in paths(client, sort="name")]
    assert names == sorted(names)


def test_a_folder_lists_its_own_photos_and_the_folders_inside_with_counts_and_cover(client: TestClient) -> None:
    answer = client.get("/photos", params={"path": "2012"}).json()
    assert answer["photos"] == []
    folders = {folder["path"]: folder for folder in answer["dirs"]}
    assert {path: folder["count"] for path, folder in folders.items()} == {"2012/macro": 1, "2012/summer": 2}
    cover = client.get(folders["2012/summer"]["cover_url"])
    assert cover.headers["content-type"] == "image/jpeg"
    inside = client.get("/photos", params={"path": "2012/summer/"}).json()
    assert sorted(photo["file_name"] for photo in inside["photos"]) == ["Iceland-P3.jpg", "ladybug.jpg"]
    assert inside["dirs"] == []


def test_recursive_listing_of_a_folder_takes_in_what_is_below(client: TestClient) -> None:
    expected = sorted(path for path in CHOSEN if path.startswith("2012/"))
    assert sorted(paths(client, path="2012", recursive="true")) == expected


def test_counts_of_the_top_folders_sum_up_to_the_library(client: TestClient) -> None:
    answer = client.get("/photos", params={"path": ""}).json()
    assert sum(folder["count"] for folder in answer["dirs"]) == len(CHOSEN)


def test_folder_that_is_not_there_is_404(client: TestClient) -> None:
    assert client.get("/photos", params={"path": "no/such/folder"}).status_code == 404


@pytest.mark.parametrize(
    ("media_type", "expected"), [("video", 2), ("raw", 2), ("raw,video", 4), ("all", len(CHOSEN)), ("image", 20)]
)
def test_media_type_chooses(client: TestClient, media_type: str, expected: int) -> None:
    assert len(paths(client, media_type=media_type)) == expected


def test_camera_and_lens_match_any_part_in_any_case(client: TestClient) -> None:
    found = photos(client, camera="APPLE IPHONE 4")
    assert [photo["path"] for photo in found] == ["phone/iphone/2011/Apple iPhone 4.jpg"]
    with_lens = [photo for photo in photos(client) if photo["lens_model"]]
    assert with_lens
    part = with_lens[0]["lens_model"][2:7].upper()
    assert with_lens[0]["path"] in paths(client, lens=part)
    assert paths(client, camera="no such camera") == []
    assert paths(client, camera="%") == []


def test_dates_include_both_ends(client: TestClient) -> None:
    dated = [photo for photo in photos(client) if photo["taken_at"] and photo["taken_at"].startswith("2012")]
    assert dated
    day = dated[0]["taken_at"][:10]
    expected = {photo["path"] for photo in photos(client) if (photo["taken_at"] or "").startswith(day)}
    assert set(paths(client, date_from=day, date_to=day)) == expected
    exact = dated[0]["taken_at"]
    assert dated[0]["path"] in paths(client, date_from=exact, date_to=exact)


def test_radius_finds_what_is_near_and_nothing_else(client: TestClient) -> None:
    placed = [photo for photo in photos(client) if photo["latitude"] is not None]
    assert placed
    one = placed[0]
    near = paths(client, gps_lat=one["latitude"] + 0.004, gps_lon=one["longitude"], radius_km=1)
    assert one["path"] in near
    far = paths(client, gps_lat=-one["latitude"], gps_lon=one["longitude"], radius_km=1)
    assert one["path"] not in far
    everywhere = paths(client, gps_lat=0, gps_lon=0, radius_km=20040)
    assert len(everywhere) == len(placed)


def test_tag_that_no_photo_has_finds_nothing_and_excludes_nothing(client: TestClient) -> None:
    assert paths(client, tag_ids="1,2") == []
    assert len(paths(client, exclude_tag_ids="1", tag_filter_mode="All")) == len(CHOSEN)


def test_months_add_up_to_the_library_and_each_lists_what_it_counts(client: TestClient) -> None:
    answer = client.get("/photos/months").json()
    assert answer["total_count"] == len(CHOSEN)
    for month in answer["months"]:
        listed = client.get("/photos", params={"month": month["month"], "limit": 1000}).json()
        assert len(listed["photos"]) == listed["total_count"] == month["count"]
    whole = f"{answer['months'][-1]['month']}/{answer['months'][0]['month']}"
    assert len(paths(client, month=whole)) == len(CHOSEN)
    assert [len(page) for page in pages(client, month=whole, limit=8)] == [8, 8, 6]


def test_library_goes_by_number_or_name_and_an_unknown_one_is_400_in_the_image_apis_words(client: TestClient) -> None:
    assert len(paths(client, library="1")) == len(paths(client, library="photos")) == len(CHOSEN)
    for route in ("/photos", "/photos/exif", "/photos/gps-summary", "/photos/months"):
        answer = client.get(route, params={"library": "nowhere"})
        assert answer.status_code == 400
        assert answer.json() == {"error": "invalid library: nowhere"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"sort": "colour"},
        {"media_type": "music"},
        {"date_from": "yesterday"},
        {"date_from": "2013-01-01", "date_to": "2012-01-01"},
        {"gps_lat": "1"},
        {"gps_lat": "100", "gps_lon": "0"},
        {"gps_lat": "nan", "gps_lon": "0"},
        {"tag_ids": "one"},
        {"tag_filter_mode": "none"},
        {"month": "2012-13"},
        {"month": "2013-01/2012-01"},
        {"cursor": "bm8"},
        {"cursor": "W10"},
        {"path": "../.."},
    ],
)
def test_what_cannot_be_understood_is_400_with_a_reason(client: TestClient, parameters: dict[str, str]) -> None:
    answer = client.get("/photos", params=parameters)
    assert answer.status_code == 400
    assert len(answer.json()["detail"]) > 10


def test_cursor_of_another_order_is_refused(client: TestClient) -> None:
    cursor = client.get("/photos", params={"limit": 3}).json()["next_cursor"]
    assert client.get("/photos", params={"limit": 3, "sort": "name", "cursor": cursor}).status_code == 400
    assert client.get("/photos", params={"limit": 3, "offset": 3, "cursor": cursor}).status_code == 400


def test_one_photo_is_found_by_its_number(client: TestClient) -> None:
    one = photos(client)[3]
    assert client.get(f"/photos/{one['asset_id']}").json() == one
    assert client.get("/photos/987654").status_code == 404


def test_exif_listing_has_the_image_apis_fields_and_leaves_out_undated_photos(client: TestClient) -> None:
    answer = client.get("/photos/exif").json()
    assert answer["total"] == len(answer["photos"]) == sum(bool(photo["taken_at"]) for photo in photos(client))
    dates = [photo["date_taken"] for photo in answer["photos"]]
    ladybug = next(photo for photo in answer["photos"] if photo["file_path"] == "2012/summer/ladybug.jpg")
    assert set(ladybug) == {
        "file_path", "library_id", "library_name", "camera_model", "width", "height", "gps_latitude", "gps_longitude",
        "date_taken",
    }  # fmt: skip
    inside = client.get("/photos/exif", params={"date_from": min(dates), "date_to": min(dates)}).json()
    assert inside["total"] >= 1
    assert {photo["date_taken"] for photo in inside["photos"]} == {min(dates)}


def test_exif_dates_are_epoch_seconds_also_with_eight_digits(client: TestClient) -> None:
    everything = client.get("/photos/exif").json()["total"]
    in_1970 = {"date_from": "20120701"}  # and not in July 2012
    assert client.get("/photos/exif", params=in_1970).json()["total"] == everything
    assert client.get("/photos/exif", params={"date_to": "20120701"}).json()["total"] == 0


def test_gps_summary_lists_every_place(client: TestClient) -> None:
    answer = client.get("/photos/gps-summary").json()
    placed = {photo["path"]: photo for photo in photos(client) if photo["latitude"] is not None}
    assert {photo["path"] for photo in answer["photos"]} == set(placed)
    for photo in answer["photos"]:
        assert (photo["lat"], photo["lon"]) == (placed[photo["path"]]["latitude"], placed[photo["path"]]["longitude"])
    in_phone = client.get("/photos/gps-summary", params={"path": "phone", "recursive": "true"}).json()
    assert all(photo["path"].startswith("phone/") for photo in in_phone["photos"])


def test_libraries_are_listed(client: TestClient) -> None:
    (library,) = client.get("/libraries").json()["libraries"]
    assert (library["id"], library["name"], library["excluded_dirs"]) == (1, "photos", [])
