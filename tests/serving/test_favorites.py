"""Favourites are one's own; ratings and descriptions are everybody's; all hang on the picture."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from serving.auth.accounts import add_user, remove_user
from tests.pictures import draw
from tests.serving.conftest import PASSWORD, Installation, logged_in, prepared_installation


def two_pictures_and_a_copy(installation: Installation) -> None:
    for seed, path in enumerate(["a.jpg", "b.jpg"]):
        draw(installation.root / path, seed, taken=f"2019:07:0{seed + 1} 10:00:00")
    shutil.copy2(installation.root / "a.jpg", installation.root / "copy.jpg")
    installation.scan()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Installation]:
    """Two pictures and a copy of the first."""
    installation = prepared_installation(tmp_path, two_pictures_and_a_copy)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The same for requests that are refused."""
    installation = prepared_installation(tmp_path_factory.mktemp("refused"), two_pictures_and_a_copy)
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)
    installation.lake.close()


@pytest.fixture
def own(filled: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(filled.settings, filled.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)


def favorites(client: TestClient) -> list[str]:
    return sorted(photo["path"] for photo in client.get("/image/favorites").json()["photos"])


def test_favourite_is_201_then_200_and_is_on_every_copy(own: TestClient) -> None:
    assert own.put("/image/favorites", json={"path": "a.jpg"}).status_code == 201
    assert own.put("/image/favorites", json={"file_name": "copy.jpg", "library": 1}).status_code == 200
    assert favorites(own) == ["a.jpg", "copy.jpg"]
    flags = {photo["path"]: photo["favorite"] for photo in own.get("/photos").json()["photos"]}
    assert flags == {"a.jpg": True, "b.jpg": False, "copy.jpg": True}
    chosen = own.get("/photos", params={"favorite": "false"}).json()["photos"]
    assert [photo["path"] for photo in chosen] == ["b.jpg"]
    assert own.delete("/image/favorites", params={"path": "a.jpg"}).json()["favorite"] is False
    assert favorites(own) == []
    assert own.delete("/image/favorites", params={"path": "a.jpg"}).status_code == 200


def test_favourites_are_ones_own_also_for_a_viewer(own: TestClient, filled: Installation) -> None:
    add_user(filled.lake, "grace", PASSWORD)
    own.get("/healthz")  # looks at the lake
    token = own.post("/login", json={"username": "grace", "password": PASSWORD}).json()["token"]
    grace = {"Authorization": f"Bearer {token}"}
    own.put("/image/favorites", json={"path": "a.jpg"})
    assert own.get("/image/favorites", headers=grace).json()["photos"] == []
    assert own.put("/image/favorites", json={"path": "b.jpg"}, headers=grace).status_code == 201
    assert favorites(own) == ["a.jpg", "copy.jpg"]
    listed = own.get("/photos", headers=grace).json()["photos"]
    assert {photo["path"] for photo in listed if photo["favorite"]} == {"b.jpg"}
    remove_user(filled.lake, "grace")
    add_user(filled.lake, "grace", PASSWORD)
    own.get("/healthz")  # looks at the lake
    token = own.post("/login", json={"username": "grace", "password": PASSWORD}).json()["token"]
    assert own.get("/image/favorites", headers={"Authorization": f"Bearer {token}"}).json()["photos"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [({"path": "nowhere.jpg"}, 404), ({"path": "../x.jpg"}, 400), ({}, 400), ({"path": "a.jpg", "library": "no"}, 400)],
)
def test_photo_that_is_not_there_is_no_favourite(refused: TestClient, body: dict[str, str], status: int) -> None:
    assert refused.put("/image/favorites", json=body).status_code == status


def test_rating_and_description_win_over_the_file_until_they_are_given_back(
    own: TestClient, filled: Installation
) -> None:
    draw(filled.root / "c.jpg", 7)
    filled.scan()
    with filled.lake.write("as if a sidecar said so") as writer:
        writer.execute("update metadata set rating = 2, description = 'from the file' where asset_id = 4")
    own.get("/healthz")  # looks at the lake
    note = own.get("/image/note", params={"path": "c.jpg"}).json()
    assert (note["rating"], note["description"], note["rating_is_set"]) == (2, "from the file", False)
    note = own.put("/image/rating", json={"path": "c.jpg", "rating": 5}).json()
    assert (note["rating"], note["rating_is_set"], note["description"]) == (5, True, "from the file")
    own.put("/image/description", json={"path": "c.jpg", "description": "  two\r\nlines "})
    detail = own.get("/image/metadata", params={"path": "c.jpg"}).json()["asset"]
    assert (detail["rating"], detail["description"]) == (5, "two\nlines")
    own.put("/image/rating", json={"path": "c.jpg", "rating": 0})
    assert own.get("/image/note", params={"path": "c.jpg"}).json()["rating"] == 0
    own.put("/image/rating", json={"path": "c.jpg", "rating": None})
    own.put("/image/description", json={"path": "c.jpg", "description": None})
    note = own.get("/image/note", params={"path": "c.jpg"}).json()
    assert (note["rating"], note["description"], note["description_is_set"]) == (2, "from the file", False)
    assert filled.lake.select("select count(*) as n from photo_note") == [{"n": 0}]


def test_ratings_filter_and_no_rating_counts_as_zero(own: TestClient) -> None:
    own.put("/image/rating", json={"path": "a.jpg", "rating": 4})

    def rated(**limits: int) -> list[str]:
        return sorted(photo["path"] for photo in own.get("/photos", params=limits).json()["photos"])

    assert rated(min_rating=4) == rated(min_rating=1) == ["a.jpg", "copy.jpg"]
    assert rated(max_rating=3) == ["b.jpg"]
    assert rated(min_rating=0, max_rating=5) == ["a.jpg", "b.jpg", "copy.jpg"]
    assert own.get("/photos", params={"min_rating": 6}).status_code == 422


@pytest.mark.parametrize("rating", [-1, 6, 2.5, "many", 1e300])
def test_rating_out_of_range_is_refused(refused: TestClient, rating: object) -> None:
    assert refused.put("/image/rating", json={"path": "a.jpg", "rating": rating}).status_code == 422


@pytest.mark.parametrize("text", ["a\x00b", "x" * 10_001, "x" * 30_000])
def test_description_that_cannot_be_is_refused(refused: TestClient, text: str) -> None:
    assert refused.put("/image/description", json={"path": "a.jpg", "description": text}).status_code in {400, 422}
