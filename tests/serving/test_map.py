"""Clusters on the map, and the places there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from sql.lake import utc_now
from tests.serving.conftest import Installation, logged_in, make_installation
from tests.serving.organised import organise

PLACES = {"a": (47.0, 8.0), "b": (47.001, 8.001), "east": (-17.0, 179.9), "west": (-17.0, -179.9),
          "line": (-17.0, 180.0), "pole": (90.0, 0.0), "south": (-90.0, -180.0),
          "home": (41.2203, -96.0716)}  # fmt: skip


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One made-up photo a place; one without a position, one with an impossible one."""
    installation = make_installation(tmp_path_factory.mktemp("map"))
    with installation.lake.write("made up") as writer:
        for number, (name, (latitude, longitude)) in enumerate(
            {**PLACES, "nan": (float("nan"), 1.0), "none": (None, None)}.items(), 1
        ):
            hash_ = f"{number:064x}"
            version = {"asset_id": number, "size_bytes": 5, "mtime_ns": 10**18 + number}
            kind = {"media_type": "photo", "mime_type": "image/jpeg"}
            rest = {"library_id": 1, "rel_path": f"{name}.jpg", "sidecar": "", "sidecar_version": ""}
            writer.append("asset", [{**version, **kind, **rest, "first_seen_at": utc_now()}])
            writer.append("fingerprint", [{**version, **kind, "content_hash": hash_}])
            position = {"latitude": latitude, "longitude": longitude}
            writer.append("metadata", [{"asset_id": number, "content_hash": hash_, "sidecar_version": "", **position}])
    organise(installation)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def client(installation: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)


def clusters(client: TestClient, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get("/map/clusters", params=parameters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["clusters"])


def test_every_photo_with_a_position_is_in_one_cluster(client: TestClient) -> None:
    for zoom in (0, 3, 10, 22):
        assert sum(cluster["count"] for cluster in clusters(client, zoom=zoom)) == len(PLACES)


def test_neighbours_part_when_one_zooms_in(client: TestClient) -> None:
    near = {"bbox": "7,46,9,48"}
    assert [cluster["count"] for cluster in clusters(client, zoom=5, **near)] == [2]
    assert [cluster["count"] for cluster in clusters(client, zoom=20, **near)] == [1, 1]


def test_a_box_may_cross_the_antimeridian(client: TestClient) -> None:
    found = client.get("/photos", params={"bbox": "179,-20,-179,-10"}).json()["photos"]
    assert {photo["file_name"] for photo in found} == {"east.jpg", "west.jpg", "line.jpg"}
    assert sum(one["count"] for one in clusters(client, zoom=4, bbox="-180,-20,-179,-10")) == 2  # 180 is -180


def test_a_clusters_box_finds_its_photos(client: TestClient) -> None:
    for cluster in clusters(client, zoom=6):
        west, south, east, north = map(float, cluster["bbox"].split(","))
        sides = max(west - 1e-6, -180), max(south - 1e-6, -90), min(east + 1e-6, 180), min(north + 1e-6, 90)
        box = ",".join(map(str, sides))
        for path in ("/photos", "/search"):
            assert client.get(path, params={"bbox": box}).json()["total_count"] == cluster["count"], (path, cluster)


@pytest.mark.parametrize(
    "bbox", ["x", "1,2,3", "1,2,3,4,5", "nan,0,1,1", "0,5,1,4", "-181,0,0,1", "0,0,0,91", "inf,0,1,1", ",,,"]
)
def test_no_box_is_refused(client: TestClient, bbox: str) -> None:
    assert client.get("/map/clusters", params={"bbox": bbox}).status_code == 400


def test_no_zoom_is_refused(client: TestClient) -> None:
    for zoom in (-1, 23, "x", 1e400):
        assert client.get("/map/clusters", params={"zoom": zoom}).status_code == 422


def test_the_place_is_in_the_photo_and_its_metadata(client: TestClient) -> None:
    (photo,) = client.get("/search", params={"q": "ralston"}).json()["photos"]
    assert photo["place"] == "Ralston, Nebraska, United States"
    asset = client.get("/image/metadata", params={"path": "home.jpg"}).json()["asset"]
    assert (asset["country_code"], asset["region"], asset["city"]) == ("US", "Nebraska", "Ralston")
    assert client.get("/search", params={"q": "place:pole"}).json()["total_count"] == 0


def test_places_are_counted(client: TestClient) -> None:
    places = client.get("/places").json()["places"]
    assert {place["country"] for place in places} >= {"Fiji", "Switzerland", "United States"}
    assert places[0]["count"] == max(place["count"] for place in places)
