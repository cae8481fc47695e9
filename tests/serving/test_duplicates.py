"""Duplicates found, resolved and ignored; photos hidden and shown again. Nothing on disk is touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from serving.app import create_app
from serving.auth.accounts import add_user
from sql.lake import FOLDER, utc_now
from tests.serving.conftest import PASSWORD, Installation, fill, logged_in, make_installation
from tests.serving.organised import organise

FILES = ["2012/summer/ladybug.jpg", "2015/safari/elephants.jpg", "2018/beach/beach_sand.jpg"]


@pytest.fixture
def installation(media: Path, tmp_path: Path) -> Iterator[Installation]:
    """Three pictures; a copy of the first, and a small and a recompressed version of the second."""
    installation = make_installation(tmp_path)
    fill(installation, media, FILES)
    shutil.copyfile(installation.root / FILES[0], installation.root / "copy of ladybug.jpg")
    with Image.open(installation.root / FILES[1]) as elephants:
        elephants.convert("RGB").save(installation.root / "recompressed.jpg", quality=40)
        elephants.convert("RGB").resize((elephants.width // 2, elephants.height // 2)).save(
            installation.root / "small.png"
        )
    installation.scan()
    organise(installation)
    yield installation
    installation.lake.close()


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)


def groups(client: TestClient, kind: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/duplicates/{kind}", params=parameters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["groups"])


def names(group: dict[str, Any]) -> list[str]:
    return [photo["file_name"] for photo in group["photos"]]


def ids(group: dict[str, Any]) -> list[int]:
    return [photo["asset_id"] for photo in group["photos"]]


def shown(client: TestClient, **parameters: Any) -> set[str]:
    return {photo["file_name"] for photo in client.get("/photos", params={"limit": 100, **parameters}).json()["photos"]}


def post(client: TestClient, path: str, **body: Any) -> dict[str, Any]:
    answer = client.post(path, json=body)
    assert answer.status_code in {200, 201}, answer.text
    return dict(answer.json())


def test_the_same_bytes_in_two_places_are_one_group(client: TestClient) -> None:
    (group,) = groups(client, "exact")
    assert set(names(group)) == {"ladybug.jpg", "copy of ladybug.jpg"}
    assert group["distance"] == 0
    assert group["wasted_bytes"] == group["photos"][0]["size_bytes"]


def test_scaled_and_recompressed_versions_look_alike_and_the_largest_is_to_keep(client: TestClient) -> None:
    (group,) = groups(client, "perceptual", threshold=6)
    assert set(names(group)) == {"elephants.jpg", "recompressed.jpg", "small.png"}
    assert names(group)[-1] != "elephants.jpg" and group["suggested_keep"] == ids(group)[0]
    assert "small.png" in names(group)[1:]


def test_keeping_one_hides_the_others_everywhere_and_deletes_nothing(
    client: TestClient, installation: Installation
) -> None:
    (group,) = groups(client, "exact")
    keep, other = ids(group)
    everything = shown(client)
    assert post(client, "/duplicates/resolve", keep=keep, hide=[other]) == {"hidden": 1}
    hidden = names(group)[1]
    assert shown(client) == everything - {hidden}
    assert shown(client, hidden=True) == {hidden}
    assert shown(client, include_duplicates=True) == everything
    assert client.get("/photos/months").json()["total_count"] == len(everything) - 1
    assert client.get("/search", params={"q": "ladybug"}).json()["total_count"] == 1
    assert client.get("/search", params={"q": "ladybug", "include_duplicates": True}).json()["total_count"] == 2
    assert client.get("/search", params={"q": "ladybug is:hidden"}).json()["total_count"] == 1
    assert client.get(f"/photos/{other}").json()["hidden"] == "duplicate"
    assert groups(client, "exact") == []
    assert len(groups(client, "exact", include_duplicates=True)) == 1
    assert {path.name for path in installation.root.rglob("*") if path.is_file()} == everything
    assert post(client, "/duplicates/unresolve", asset_ids=[other]) == {"restored": 1}
    assert shown(client) == everything


@pytest.mark.parametrize("loss", ["missing", "changed"])
def test_the_hidden_copy_is_shown_while_the_kept_one_is_gone(
    client: TestClient, installation: Installation, loss: str
) -> None:
    (group,) = groups(client, "exact")
    keep, other = ids(group)
    post(client, "/duplicates/resolve", keep=keep, hide=[other])
    with installation.lake.write("lost") as writer:
        if loss == "missing":
            writer.execute("update asset set missing_since = $now where asset_id = $id", now=utc_now(), id=keep)
        else:
            writer.execute("update fingerprint set content_hash = repeat('0', 64) where asset_id = $id", id=keep)
    client.app.state.context.replica.refresh()  # type: ignore[attr-defined]
    assert names(group)[1] in shown(client)
    with installation.lake.write("back") as writer:
        writer.execute("update asset set missing_since = null where asset_id = $id", id=keep)
        hash_ = group["photos"][0]["content_hash"]
        writer.execute("update fingerprint set content_hash = $h where asset_id = $id", id=keep, h=hash_)
    client.app.state.context.replica.refresh()  # type: ignore[attr-defined]
    assert names(group)[1] not in shown(client)


def test_choosing_again_moves_what_was_hidden_to_the_new_choice(client: TestClient, installation: Installation) -> None:
    (group,) = groups(client, "perceptual")
    first, second, third = ids(group)
    post(client, "/duplicates/resolve", keep=first, hide=[second])
    post(client, "/duplicates/resolve", keep=third, hide=[first])
    kept = {row["asset_id"]: row["kept_asset_id"] for row in installation.lake.select("select * from hidden")}
    assert kept == {first: third, second: third}
    post(client, "/duplicates/resolve", keep=first, hide=[third])
    kept = {row["asset_id"]: row["kept_asset_id"] for row in installation.lake.select("select * from hidden")}
    assert kept == {second: first, third: first}
    for check in sorted(path.stem for path in (FOLDER / "checks").glob("unique_*.sql")):
        assert installation.lake.rows(f"checks/{check}") == [], check


def test_a_group_that_is_none_is_not_offered_again(client: TestClient) -> None:
    for kind in ("exact", "perceptual"):
        (group,) = groups(client, kind)
        decision = post(client, "/duplicates/ignore", asset_ids=ids(group))
        assert groups(client, kind) == []
        assert decision["id"] in [one["id"] for one in client.get("/duplicates/ignored").json()["ignored"]]
        assert client.delete(f"/duplicates/ignored/{decision['id']}").status_code == 200
        assert len(groups(client, kind)) == 1
        assert client.delete(f"/duplicates/ignored/{decision['id']}").status_code == 404


def test_any_photo_can_be_hidden_and_shown_again(client: TestClient) -> None:
    photos = client.get("/photos", params={"limit": 100}).json()["photos"]
    chosen = [photo["asset_id"] for photo in photos[:2]]
    assert post(client, "/photos/hide", asset_ids=chosen) == {"hidden": 2}
    assert len(shown(client)) == len(photos) - 2
    assert len(shown(client, include_duplicates=True)) == len(photos) - 2
    assert client.get(f"/photos/{chosen[0]}").json()["hidden"] == "user"
    assert post(client, "/photos/hide", asset_ids=chosen) == {"hidden": 2}
    assert post(client, "/photos/restore", asset_ids=chosen) == {"restored": 2}
    assert post(client, "/photos/restore", asset_ids=chosen) == {"restored": 0}
    assert len(shown(client)) == len(photos)


def test_hiding_can_be_undone_from_the_history(client: TestClient) -> None:
    everything = shown(client)
    (group,) = groups(client, "exact")
    post(client, "/duplicates/resolve", keep=ids(group)[0], hide=ids(group)[1:])
    change = client.get("/changes").json()["changes"][0]
    assert "kept" in change["what"]
    assert client.post("/undo", json={"snapshot_id": change["snapshot_id"]}).status_code == 200
    assert shown(client) == everything


def told(client: TestClient, path: str) -> dict[str, Any]:
    page = client.get("/photos", params={"limit": 100, "include_duplicates": True}).json()
    photo = next(one for one in page["photos"] if one["path"] == path)
    return {"tags": set(photo["tag_ids"]), "favorite": photo["favorite"], "rating": photo["rating"]}


def test_what_was_said_of_the_hidden_ones_is_said_of_the_kept_one(
    client: TestClient, installation: Installation
) -> None:
    (group,) = groups(client, "perceptual")
    keep, second, third = (photo["path"] for photo in group["photos"])
    given = ((keep, "safari"), (second, "safari"), (second, "elephant"), (third, "elephant"), (third, "dust"))
    tags = {client.post("/image/tags", json={"path": path, "tag_name": name}).json()["id"] for path, name in given}
    assert client.put("/image/favorites", json={"path": third}).status_code in {200, 201}
    for path, rating in ((second, 3), (third, 5)):
        assert client.put("/image/rating", json={"path": path, "rating": rating}).status_code == 200
    before = {path: told(client, path) for path in (keep, second, third)}
    post(client, "/duplicates/resolve", keep=ids(group)[0], hide=ids(group)[1:])
    assert told(client, keep) == {"tags": tags, "favorite": True, "rating": 5}
    assert {path: told(client, path) for path in (second, third)} == {path: before[path] for path in (second, third)}
    for table in ("photo_tag", "favorite", "photo_note"):
        assert installation.lake.rows(f"checks/unique_{table}") == []
    change = client.get("/changes").json()["changes"][0]
    assert client.post("/undo", json={"snapshot_id": change["snapshot_id"]}).status_code == 200
    assert {path: told(client, path) for path in (keep, second, third)} == before
    assert client.put("/image/rating", json={"path": keep, "rating": 1}).status_code == 200
    post(client, "/duplicates/resolve", keep=ids(group)[0], hide=ids(group)[1:])
    assert told(client, keep)["rating"] == 1, "its own rating counts"


def test_another_owner_may_undo_a_choice_that_took_favourites_along(
    client: TestClient, installation: Installation
) -> None:
    """What is only about favourites is for those whose they are; this is about photos."""
    (group,) = groups(client, "perceptual")
    keep, second = (photo["path"] for photo in group["photos"][:2])
    assert client.put("/image/favorites", json={"path": second}).status_code in {200, 201}
    before = told(client, keep)
    post(client, "/duplicates/resolve", keep=ids(group)[0], hide=ids(group)[1:])
    assert told(client, keep)["favorite"]
    add_user(installation.lake, "grace", PASSWORD, role="owner")
    client.get("/healthz")
    token = client.post("/login", json={"username": "grace", "password": PASSWORD}).json()["token"]
    change = client.get("/changes").json()["changes"][0]
    undone = client.post(
        "/undo", json={"snapshot_id": change["snapshot_id"]}, headers={"Authorization": f"Bearer {token}"}
    )
    assert undone.status_code == 200, undone.text
    assert told(client, keep) == before


def test_what_makes_no_sense_is_refused(client: TestClient) -> None:
    (group,) = groups(client, "exact")
    keep, other = ids(group)
    for body, status in [
        ({"keep": keep, "hide": [keep]}, 400),
        ({"keep": keep, "hide": [other, keep]}, 400),
        ({"keep": 10_000, "hide": [other]}, 404),
        ({"keep": keep, "hide": [10_000]}, 404),
        ({"keep": keep, "hide": []}, 422),
        ({"keep": -1, "hide": [other]}, 422),
        ({"keep": 1 << 80, "hide": [other]}, 422),
        ({"keep": keep}, 422),
        ({"keep": "x", "hide": "y"}, 422),
    ]:
        assert client.post("/duplicates/resolve", json=body).status_code == status, body
    for path in ("/photos/hide", "/photos/restore", "/duplicates/unresolve", "/duplicates/ignore"):
        assert client.post(path, json={"asset_ids": []}).status_code == 422
        assert client.post(path, json={"asset_ids": [999_999]}).status_code == 404
    for threshold in (-1, 11, "x"):
        assert client.get("/duplicates/perceptual", params={"threshold": threshold}).status_code == 422
    assert client.get("/duplicates/exact", params={"library": "nowhere"}).status_code == 400
    assert client.get("/duplicates/exact", params={"offset": 1 << 39}).json()["groups"] == []


def test_a_raw_and_its_jpeg_are_one_shot(media: Path, tmp_path: Path) -> None:
    installation = make_installation(tmp_path / "pair")
    fill(installation, media, ["raw/canon/1Ds_Mark_III.CR2"])
    installation.scan()
    thumbnail = installation.settings.thumbnails_folder / "raw/canon/1Ds_Mark_III.CR2"
    shutil.copyfile(thumbnail, installation.root / "raw/canon/1Ds_Mark_III.JPG")
    shutil.copyfile(thumbnail, installation.root / "raw/canon/another name.JPG")
    installation.scan()
    organise(installation)
    with TestClient(create_app(installation.settings, installation.lake)) as client:
        logged_in(client)
        found = [set(names(group)) for group in groups(client, "perceptual")]
    assert all(group != {"1Ds_Mark_III.CR2", "1Ds_Mark_III.JPG"} for group in found)
    installation.lake.close()
