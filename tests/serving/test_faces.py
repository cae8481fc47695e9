"""Faces over the API: what is seen, drawn, corrected, deleted and looked for again."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.apollo_stand_in import Mood, box_of, identity, portrait
from tests.serving.conftest import Installation, logged_in
from tests.serving.people import World, people


@pytest.fixture
def world(installation: Installation) -> Iterator[World]:
    with people(installation) as world:
        portrait(world.root / "two.jpg", "red", "blue")
        portrait(world.root / "none.jpg", seed=3)
        portrait(world.root / "red.jpg", "red", seed=4, orientation=6)
        world.look()
        yield world


def bbox(number: int) -> dict[str, float]:
    return dict(zip("xywh", box_of(number), strict=True))


def test_faces_are_listed_from_left_to_right_with_boxes_on_the_upright_picture(world: World) -> None:
    first, second = world.faces("two.jpg")
    assert list(first["bbox"].values()) == pytest.approx(list(box_of(0)), abs=0.02)  # type: ignore[attr-defined]
    assert list(second["bbox"].values()) == pytest.approx(list(box_of(1)), abs=0.02)  # type: ignore[attr-defined]
    assert (first["source"], first["person_id"], first["model_version"]) == ("auto", None, "buffalo_l-1")
    assert 0 <= float(str(first["confidence"])) <= 1
    (sideways,) = world.faces("red.jpg")
    assert list(sideways["bbox"].values()) == pytest.approx(list(box_of(0)), abs=0.02)  # type: ignore[attr-defined]
    assert world.faces("none.jpg") == []
    assert world.client.get("/image/faces", params={"path": "nowhere.jpg"}).status_code == 404
    assert world.client.get("/image/faces", params={"path": "../x.jpg"}).status_code == 400


def test_stats_count_different_pictures(world: World) -> None:
    (world.root / "copy.jpg").write_bytes((world.root / "two.jpg").read_bytes())
    world.look()
    stats = world.client.get("/faces/stats").json()
    assert stats == {
        "total_photos": 3, "scanned": 3, "with_faces": 2, "no_faces": 1, "failed": 0, "faces": 3, "unassigned": 3,
        "persons": 0, "engine": "apollo",
    }  # fmt: skip
    assert world.client.get("/faces/stats", params={"library": "nope"}).status_code == 400
    assert len(world.faces("copy.jpg")) == 2


def test_vectors_are_exported_in_pages(world: World) -> None:
    first = world.client.get("/faces/embeddings", params={"limit": 2}).json()
    rest = world.client.get("/faces/embeddings", params={"limit": 2, "offset": 2}).json()
    assert [row["id"] for row in first + rest] == [1, 2, 3]
    vector = np.frombuffer(base64.b64decode(first[0]["embedding"]), "<f4")
    assert vector.shape == (512,)
    assert float(vector @ identity("red")) == pytest.approx(1, abs=1e-5)
    world.client.patch("/image/faces/1", json={"person_name": "Ada"})
    left = world.client.get("/faces/embeddings", params={"unassigned": True}).json()
    assert [row["id"] for row in left] == [2, 3]
    assert world.client.get("/faces/embeddings", params={"limit": 0}).status_code == 422


def test_crop_is_a_square_of_the_face(world: World) -> None:
    for face in world.faces("two.jpg") + world.faces("red.jpg"):
        answer = world.client.get(str(face["crop_url"]))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        crop = Image.open(io.BytesIO(answer.content))
        assert crop.width == crop.height <= 160
        red, _, blue = crop.getpixel((crop.width // 2, crop.height // 2))  # type: ignore[misc]
        assert abs(red - blue) > 100, "the middle of the crop is the face"
        again = world.client.get(str(face["crop_url"]), headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    assert world.client.get("/faces/99/crop").status_code == 404


def test_drawn_face_is_recognised_with_a_tenth_around_it(world: World) -> None:
    world.service.moods["two.jpg"] = Mood()
    answer = world.client.post("/image/faces", json={"path": "two.jpg", "bbox": bbox(1), "person_name": "Bob"})
    assert answer.status_code == 201, answer.text
    face = answer.json()
    assert (face["source"], face["person_name"], face["bound_by"]) == ("manual", "Bob", "user")
    assert face["model_version"] == "buffalo_l-1"
    assert world.service.asked[-1][0] == "embed"


def test_drawn_box_without_a_face_is_422_unless_forced(world: World) -> None:
    body = {"path": "none.jpg", "bbox": bbox(2)}
    assert world.client.post("/image/faces", json=body).status_code == 422
    forced = world.client.post("/image/faces", json={**body, "force": True})
    assert (forced.status_code, forced.json()["model_version"]) == (201, None)
    world.service.moods["none.jpg"] = Mood(status=422)
    assert world.client.post("/image/faces", json=body).status_code == 422
    world.service.moods["none.jpg"] = Mood(status=503)
    assert world.client.post("/image/faces", json=body).status_code == 503
    assert world.client.post("/image/faces", json={**body, "force": True}).status_code == 503
    for wrong in ({"x": 2, "y": 0, "w": 0.1, "h": 0.1}, {"x": 0.1, "y": 0.1, "w": 0, "h": 0.1}, {"x": 0.1}):
        answer = world.client.post("/image/faces", json={"path": "none.jpg", "bbox": wrong})
        assert answer.status_code in {400, 422}
    world.service.moods.clear()
    unknown = {"path": "none.jpg", "bbox": bbox(0), "person_id": 77, "force": True}
    assert world.client.post("/image/faces", json=unknown).status_code == 404


def test_moved_box_is_recognised_anew_and_keeps_its_vector_where_no_face_is_seen(world: World) -> None:
    before = {row["id"]: row["embedding"] for row in world.client.get("/faces/embeddings").json()}
    first = world.faces("two.jpg")[0]["id"]
    moved = world.client.patch(f"/image/faces/{first}", json={"bbox": bbox(1)}).json()
    assert list(moved["bbox"].values()) == pytest.approx(list(box_of(1)))
    after = {row["id"]: row["embedding"] for row in world.client.get("/faces/embeddings").json()}
    assert after[first] != before[first]
    empty = {"x": 0.8, "y": 0.8, "w": 0.1, "h": 0.1}
    kept = world.client.patch(f"/image/faces/{first}", json={"bbox": empty})
    assert kept.status_code == 200
    assert list(kept.json()["bbox"].values()) == pytest.approx([0.8, 0.8, 0.1, 0.1])
    assert {r["id"]: r["embedding"] for r in world.client.get("/faces/embeddings").json()} == after
    world.service.moods["two.jpg"] = Mood(status=422)
    assert world.client.patch(f"/image/faces/{first}", json={"bbox": bbox(0)}).status_code == 200
    world.service.moods["two.jpg"] = Mood(status=503)
    away = world.client.patch(f"/image/faces/{first}", json={"bbox": empty, "person_name": "Ada"})
    assert away.status_code == 503
    face = next(face for face in world.faces("two.jpg") if face["id"] == first)
    assert list(face["bbox"].values()) == pytest.approx(list(box_of(0)))  # type: ignore[attr-defined]
    assert face["person_name"] is None, "all of it or nothing"
    assert world.client.patch("/image/faces/999", json={"bbox": empty}).status_code == 404
    assert world.client.patch(f"/image/faces/{first}", json={}).status_code == 400


def test_rerun_keeps_what_was_drawn_and_every_name(world: World) -> None:
    drawn = world.client.post("/image/faces", json={"path": "two.jpg", "bbox": bbox(2), "force": True}).json()["id"]
    left = world.faces("two.jpg")[0]["id"]
    world.client.patch(f"/image/faces/{left}", json={"person_name": "Ada"})
    world.service.model_version = "buffalo_l-2"
    faces = world.client.post("/image/faces/rerun", json={"path": "two.jpg"}).json()
    assert {(face["id"], face["source"], face["person_name"]) for face in faces} >= {
        (left, "auto", "Ada"),
        (drawn, "manual", None),
    }
    assert len(faces) == 3
    assert next(face for face in faces if face["id"] == left)["model_version"] == "buffalo_l-2"
    world.service.moods["two.jpg"] = Mood(faces=[])
    faces = world.client.post("/image/faces/rerun", json={"path": "two.jpg"}).json()
    assert [(face["id"], face["person_name"]) for face in faces] == [(left, "Ada"), (drawn, None)]
    world.service.moods["two.jpg"] = Mood(status=429)
    assert world.client.post("/image/faces/rerun", json={"path": "two.jpg"}).status_code == 503


def test_deleted_face_is_gone_and_comes_back_by_undo(world: World) -> None:
    face = world.faces("red.jpg")[0]["id"]
    assert world.client.delete(f"/image/faces/{face}").json() == {"deleted": face}
    assert world.faces("red.jpg") == []
    assert world.client.delete(f"/image/faces/{face}").status_code == 404
    change = world.client.get("/changes").json()["changes"][0]
    undone = world.client.post("/undo", json={"snapshot_id": change["snapshot_id"]})
    assert undone.status_code == 200, undone.text
    assert [one["id"] for one in world.faces("red.jpg")] == [face]
    assert len(world.client.get("/faces/embeddings").json()) == 3


def test_without_an_engine_reading_works_and_drawing_says_503(installation: Installation) -> None:
    from serving.app import create_app

    with TestClient(create_app(installation.settings, installation.lake)) as plain:
        client = logged_in(plain)
        portrait(installation.root / "a.jpg", "red")
        installation.scan()
        plain.app.state.context.replica.refresh()  # type: ignore[attr-defined]
        assert client.get("/image/faces", params={"path": "a.jpg"}).json() == []
        assert client.get("/faces/stats").json()["engine"] == "off"
        body = {"path": "a.jpg", "bbox": bbox(0)}
        assert client.post("/image/faces", json=body).status_code == 503
        assert client.post("/image/faces/rerun", json={"path": "a.jpg"}).status_code == 503
        forced = client.post("/image/faces", json={**body, "force": True, "person_name": "Ada"})
        assert forced.status_code == 201
        assert client.patch(f"/image/faces/{forced.json()['id']}", json={"bbox": bbox(1)}).status_code == 503
