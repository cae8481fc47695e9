"""Tags: given, taken, renamed, merged, filtered by; they hang on the picture and not on the file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from tests.pictures import draw
from tests.serving.conftest import Installation, logged_in, prepared_installation

PICTURES = ["2019/a.jpg", "2019/b.jpg", "2020/c.jpg", "2020/d.jpg"]


def four_pictures_and_a_copy(installation: Installation) -> None:
    for seed, path in enumerate(PICTURES):
        draw(installation.root / path, seed, taken=f"20{19 + seed // 2}:07:0{seed + 1} 10:00:00")
    shutil.copy2(installation.root / "2019/a.jpg", installation.root / "2020/copy of a.jpg")
    installation.scan()


@contextmanager
def api(folder: Path) -> Iterator[TestClient]:
    """An API over four pictures and a copy of the first; logged in as their owner."""
    installation = prepared_installation(folder, four_pictures_and_a_copy)
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        client.app.state.installation = installation  # type: ignore[attr-defined]
        yield logged_in(client)
    installation.lake.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[TestClient]:
    with api(tmp_path) as client:
        yield client


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The same for names that are refused."""
    with api(tmp_path_factory.mktemp("refused")) as client:
        yield client


def flow_context_of(client: TestClient) -> Installation:
    return client.app.state.installation  # type: ignore[attr-defined, no-any-return]


def give(client: TestClient, path: str, name: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/image/tags", json={"file_name": path, "tag_name": name, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def tags_of(client: TestClient, path: str) -> list[str]:
    return [tag["name"] for tag in client.get("/image/tags", params={"path": path}).json()]


def listed(client: TestClient, **parameters: Any) -> list[str]:
    answer = client.get("/photos", params=parameters)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["total_count"] == len(body["photos"])
    months = client.get("/photos/months", params=parameters).json()
    assert months["total_count"] == len(body["photos"])
    return sorted(photo["path"] for photo in body["photos"])


def counts(client: TestClient, **parameters: Any) -> dict[str, int]:
    return {row["tag"]["name"]: row["count"] for row in client.get("/image/tags/all", params=parameters).json()}


def test_tag_is_on_the_photo_and_on_every_copy_of_it(own: TestClient) -> None:
    tag = give(own, "2019/a.jpg", "summer")
    assert set(tag) == {"id", "name", "created_time"}
    assert tags_of(own, "2019/a.jpg") == tags_of(own, "2020/copy of a.jpg") == ["summer"]
    assert tags_of(own, "2019/b.jpg") == []
    assert counts(own) == {"summer": 2}
    photo = next(photo for photo in own.get("/photos").json()["photos"] if photo["path"] == "2020/copy of a.jpg")
    assert photo["tag_ids"] == [tag["id"]]


def test_name_is_one_tag_in_every_case_and_spelling(own: TestClient) -> None:
    first = give(own, "2019/a.jpg", "Crème Brûlée")
    again = give(own, "2019/b.jpg", "  crème   bru\u0302le\u0301e ")
    assert again == first
    assert own.post("/tags", json={"name": "CRÈME BRÛLÉE"}).status_code == 409
    assert counts(own) == {"Crème Brûlée": 3}


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "bell\x07", "x" * 5000])
def test_name_that_cannot_be_is_refused_with_a_reason(refused: TestClient, name: str) -> None:
    for answer in (
        refused.post("/image/tags", json={"file_name": "2019/a.jpg", "tag_name": name}),
        refused.post("/tags", json={"name": name}),
    ):
        assert answer.status_code in {400, 422}, answer.text
    assert refused.get("/tags").json() == []


def test_any_all_and_exclude_choose_photos_in_every_listing(own: TestClient) -> None:
    sea, sun = (give(own, "2019/b.jpg", name)["id"] for name in ("sea", "sun"))
    give(own, "2020/c.jpg", "sun")
    assert listed(own, tag_ids=f"{sea},{sun}") == ["2019/b.jpg", "2020/c.jpg"]
    assert listed(own, tag_ids=f"{sea},{sun}", tag_filter_mode="All") == ["2019/b.jpg"]
    assert listed(own, tag_ids=f"{sea},{sun}", tag_filter_mode="any") == ["2019/b.jpg", "2020/c.jpg"]
    assert listed(own, tag_ids=sun, exclude_tag_ids=sea) == ["2020/c.jpg"]
    assert listed(own, exclude_tag_ids=sun) == ["2019/a.jpg", "2020/copy of a.jpg", "2020/d.jpg"]
    assert listed(own, tag_ids="999999999999999999") == []
    assert listed(own, tag_ids=sun, path="2020") == ["2020/c.jpg"]
    exif = own.get("/photos/exif", params={"tag_ids": sun}).json()
    assert sorted(photo["file_path"] for photo in exif["photos"]) == ["2019/b.jpg", "2020/c.jpg"]
    assert own.get("/photos/gps-summary", params={"tag_ids": sun}).json()["total"] == 0


def test_tag_is_taken_by_body_or_query_and_404_says_which_is_missing(own: TestClient) -> None:
    give(own, "2019/a.jpg", "one")
    give(own, "2019/a.jpg", "two")
    gone = own.request("DELETE", "/image/tags", json={"file_name": "2020/copy of a.jpg", "tag_name": "ONE"})
    assert (gone.status_code, gone.json()["name"]) == (200, "one")
    assert own.delete("/image/tags", params={"path": "2019/a.jpg", "tag_name": "two"}).status_code == 200
    assert tags_of(own, "2019/a.jpg") == []
    for path, name in (("2019/a.jpg", "one"), ("2019/a.jpg", "no such tag"), ("nowhere.jpg", "one")):
        assert own.delete("/image/tags", params={"path": path, "tag_name": name}).status_code == 404
    assert own.delete("/image/tags", params={"path": "../../etc/passwd", "tag_name": "one"}).status_code == 400


def test_batch_replaces_adds_and_removes_in_one_commit_or_not_at_all(own: TestClient) -> None:
    lake = flow_context_of(own).lake
    red, blue = (own.post("/tags", json={"name": name}).json()["id"] for name in ("red", "blue"))
    before = lake.snapshot_id()
    done = own.post("/image/tags/batch", json={"paths": PICTURES, "tag_ids": [red, red], "add": ["green", blue]})
    assert done.json() == {"photos": 4, "added": 12, "removed": 0}
    assert lake.snapshot_id() == before + 1
    done = own.post("/image/tags/batch", json={"file_name": "2019/a.jpg", "tag_ids": [blue]})
    assert done.json() == {"photos": 1, "added": 0, "removed": 2}
    done = own.post("/image/tags/batch", json={"paths": PICTURES, "remove": ["Green", blue]})
    assert done.json() == {"photos": 4, "added": 0, "removed": 7}
    assert counts(own) == {"red": 3, "blue": 0, "green": 0}
    for wrong in (
        {"paths": [*PICTURES, "nowhere.jpg"], "add": ["x"]},
        {"paths": PICTURES, "tag_ids": [red, 4711]},
        {"paths": PICTURES, "add": ["y"], "remove": ["no such tag"]},
    ):
        assert own.post("/image/tags/batch", json=wrong).status_code == 404
    assert counts(own) == {"red": 3, "blue": 0, "green": 0}
    assert own.post("/image/tags/batch", json={"paths": PICTURES}).status_code == 400
    assert own.post("/image/tags/batch", json={"tag_ids": [red]}).status_code == 400


def test_tag_is_renamed_merged_and_deleted_by_number(own: TestClient) -> None:
    cat, dog = (give(own, "2019/a.jpg", name)["id"] for name in ("cat", "dog"))
    give(own, "2019/b.jpg", "cat")
    assert own.patch(f"/tags/{cat}", json={"name": "DOG"}).status_code == 409
    assert own.patch(f"/tags/{cat}", json={"name": "Cat"}).json()["name"] == "Cat"
    merged = own.post(f"/tags/{cat}/merge", json={"into": dog})
    assert (merged.json()["tag"]["name"], merged.json()["moved"]) == ("dog", 1)
    assert counts(own) == {"dog": 3}
    assert own.get(f"/tags/{dog}").json()["count"] == 3
    assert own.post(f"/tags/{dog}/merge", json={"into": dog}).status_code == 409
    assert own.delete(f"/tags/{dog}").status_code == 200
    assert counts(own) == {}
    assert tags_of(own, "2019/a.jpg") == []
    for missing in (
        own.get(f"/tags/{dog}"),
        own.patch(f"/tags/{dog}", json={"name": "x"}),
        own.delete(f"/tags/{dog}"),
        own.post(f"/tags/{dog}/merge", json={"into": cat}),
    ):
        assert missing.status_code == 404


def test_number_of_a_deleted_tag_is_not_given_to_another(own: TestClient) -> None:
    first = own.post("/tags", json={"name": "first"}).json()["id"]
    own.delete(f"/tags/{first}")
    assert own.post("/tags", json={"name": "second"}).json()["id"] != first


def test_counts_below_a_folder_are_of_what_lies_there(own: TestClient) -> None:
    give(own, "2019/a.jpg", "both")
    give(own, "2019/b.jpg", "old")
    own.post("/tags", json={"name": "unused"})
    assert counts(own) == {"both": 2, "old": 1, "unused": 0}
    assert counts(own, path="2020") == {"both": 1}


def test_photo_that_was_not_read_yet_cannot_be_tagged(own: TestClient) -> None:
    installation = flow_context_of(own)
    with installation.lake.write("a scan has just seen it") as writer:
        writer.append("asset", [{"asset_id": 77, "library_id": 1, "rel_path": "new.jpg", "media_type": "photo",
                                 "size_bytes": 1, "mtime_ns": 1, "sidecar": "", "sidecar_version": ""}])  # fmt: skip
    own.get("/healthz")
    answer = own.post("/image/tags", json={"file_name": "new.jpg", "tag_name": "x"})
    assert answer.status_code == 409
    assert "not been read" in answer.json()["detail"]
    assert own.get("/image/tags", params={"path": "new.jpg"}).json() == []


def test_copy_that_arrives_later_has_the_tags_at_once(own: TestClient) -> None:
    installation = flow_context_of(own)
    tag = give(own, "2020/d.jpg", "travels")
    shutil.copy2(installation.root / "2020/d.jpg", installation.root / "late.jpg")
    installation.scan()
    own.get("/healthz")
    assert listed(own, tag_ids=tag["id"]) == ["2020/d.jpg", "late.jpg"]


def test_tags_are_a_documented_view(own: TestClient) -> None:
    give(own, "2019/a.jpg", "summer")
    rows = flow_context_of(own).lake.select("select tag, path, added_by from v_tags order by path")
    assert [tuple(row.values()) for row in rows] == [
        ("summer", "2019/a.jpg", "ada"),
        ("summer", "2020/copy of a.jpg", "ada"),
    ]
