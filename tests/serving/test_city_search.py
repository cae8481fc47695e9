"""A city is found by what people call it: whichever quarter the photo is of, and in whichever language they ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from sql.lake import utc_now
from tests.serving.conftest import Installation, logged_in, make_installation
from tests.serving.organised import organise

PLACES = {"westminster": (51.4995, -0.1248), "neuilly": (48.8846, 2.2690), "island": (43.6387, -79.3800),
          "munich": (48.137, 11.575), "oxford": (51.7520, -1.2577), "sea": (-48.88, -123.39)}  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One made-up photo a place."""
    installation: Installation = make_installation(tmp_path_factory.mktemp("cities"))
    with installation.lake.write("made up") as writer:
        for number, (name, (latitude, longitude)) in enumerate(PLACES.items(), 1):
            hash_ = f"{number:064x}"
            version = {"asset_id": number, "size_bytes": 5, "mtime_ns": 10**18 + number}
            kind = {"media_type": "photo", "mime_type": "image/jpeg"}
            rest = {"library_id": 1, "rel_path": f"{name}.jpg", "sidecar": "", "sidecar_version": ""}
            writer.append("asset", [{**version, **kind, **rest, "first_seen_at": utc_now()}])
            writer.append("fingerprint", [{**version, **kind, "content_hash": hash_}])
            position = {"latitude": latitude, "longitude": longitude}
            writer.append("metadata", [{"asset_id": number, "content_hash": hash_, "sidecar_version": "", **position}])
    organise(installation)
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)
    installation.lake.close()


def found(client: TestClient, query: str) -> set[str]:
    answer = client.get("/search", params={"q": query})
    assert answer.status_code == 200, answer.text
    return {photo["file_name"].removesuffix(".jpg") for photo in answer.json()["photos"]}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("place:london", {"westminster"}),
        ("city:London", {"westminster"}),
        ("london", {"westminster"}),
        ("place:londres", {"westminster"}),
        ("Londres", {"westminster"}),
        ("лондон", {"westminster"}),
        ("place:westminster", {"westminster"}),
        ("place:paris", {"neuilly"}),
        ('"neuilly sur seine" paris', {"neuilly"}),
        ("place:パリ", {"neuilly"}),
        ("place:toronto", {"island"}),
        ("münchen", {"munich"}),
        ("place:munchen", {"munich"}),
        ('"monaco di baviera"', {"munich"}),
        ("place:lon*es", {"westminster"}),
        ("place:oxford", {"oxford"}),
        ("-place:london country:gb", {"oxford"}),
        ("place:nowhere", set()),
    ],
)
def test_city_is_found_by_any_of_its_names(client: TestClient, query: str, wanted: set[str]) -> None:
    assert found(client, query) == wanted


def test_number_of_a_city_is_no_word(client: TestClient) -> None:
    assert found(client, "2643743") == set()


def test_place_is_shown_with_its_city_once(client: TestClient) -> None:
    places = {
        row["file_name"]: row["place"] for row in client.get("/photos", params={"recursive": True}).json()["photos"]
    }
    assert places["westminster.jpg"] == "Westminster, London, England, United Kingdom"
    assert places["munich.jpg"].count("Munich") + places["munich.jpg"].count("München") == 1
    assert places["sea.jpg"] is None


def test_places_the_map_and_the_metadata_know_the_city(client: TestClient) -> None:
    cities = {row["city"]: row["major_city"] for row in client.get("/places").json()["places"]}
    assert cities["Westminster"] == "London"
    (cluster,) = client.get("/map/clusters", params={"zoom": 12, "bbox": "-1,51,0,52"}).json()["clusters"]
    assert cluster["place"] == "Westminster, London, United Kingdom"
    asset = client.get("/image/metadata", params={"path": "westminster.jpg"}).json()["asset"]
    assert (asset["city"], asset["major_city"]) == ("Westminster", "London")


def suggested(client: TestClient, query: str) -> list[dict[str, Any]]:
    answer = client.get("/search/suggest", params={"q": query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["suggestions"])


def test_another_name_completes_to_the_one_that_is_shown(client: TestClient) -> None:
    assert "London" in str(suggested(client, "city:londr"))
    assert "London" in str(suggested(client, "place:lond"))
