"""What people changed, and taking it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.auth.accounts import add_user
from sql.lake import utc_now
from tests.serving.conftest import PASSWORD, Installation
from tests.serving.test_favorites import favorites, filled, own, refused

__all__ = ["filled", "own", "refused"]  # fixtures


def changes(client: TestClient, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get("/changes", params=parameters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["changes"])


def undo(client: TestClient, change: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = client.post("/undo", json={"snapshot_id": change["snapshot_id"]})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def tag(client: TestClient, path: str, name: str) -> int:
    return int(client.post("/image/tags", json={"file_name": path, "tag_name": name}).json()["id"])


def tags(client: TestClient) -> dict[str, int]:
    return {row["tag"]["name"]: row["count"] for row in client.get("/tags").json()}


def test_changes_tell_who_did_what_to_which_photos_and_leave_scans_out(own: TestClient, filled: Installation) -> None:
    number = tag(own, "a.jpg", "summer")
    own.put("/image/favorites", json={"path": "b.jpg"})
    liked, tagged = changes(own)
    assert (liked["who"], liked["what"], liked["kinds"]) == ("ada", "likes b.jpg", ["favorite"])
    assert [photo["path"] for photo in liked["photos"]] == ["b.jpg"]
    assert (tagged["what"], tagged["kinds"]) == ("tagged a.jpg with summer", ["photo_tag", "tag"])
    assert [photo["path"] for photo in tagged["photos"]] == ["a.jpg", "copy.jpg"]
    assert tagged["tags"] == [{"id": number, "name": "summer"}]
    assert tagged["time"].startswith(f"{utc_now():%Y-%m-%d}")


def test_since_goes_by_snapshot_or_time(own: TestClient) -> None:
    tag(own, "a.jpg", "one")
    first = own.get("/changes").json()["newest"]
    tag(own, "b.jpg", "two")
    assert [change["what"] for change in changes(own, since=first)] == ["tagged b.jpg with two"]
    assert changes(own, since=own.get("/changes").json()["newest"]) == []
    hour = timedelta(hours=1)
    assert len(changes(own, since=f"{utc_now() - hour:%Y-%m-%dT%H:%M}")) == 2
    assert changes(own, since=f"{utc_now() + hour:%Y-%m-%dT%H:%M:%S}Z") == []
    body = own.get("/changes", params={"limit": 1}).json()
    assert (len(body["changes"]), body["has_more"]) == (1, True)
    for wrong in ("yesterday", "-1", "999999", "9" * 40, "\u0663"):
        assert own.get("/changes", params={"since": wrong}).status_code == 400


def test_each_kind_of_edit_is_undone_and_the_undo_too(own: TestClient) -> None:
    tag(own, "a.jpg", "summer")
    undone = undo(own, changes(own)[0])
    assert tags(own) == {}
    again = undo(own, undone)
    assert tags(own) == {"summer": 2}
    assert again["what"].startswith("undid ")

    own.put("/image/favorites", json={"path": "b.jpg"})
    undo(own, changes(own)[0])
    assert favorites(own) == []

    own.put("/image/rating", json={"path": "a.jpg", "rating": 3})
    own.put("/image/rating", json={"path": "a.jpg", "rating": 5})
    undo(own, changes(own)[0])
    assert own.get("/image/note", params={"path": "a.jpg"}).json()["rating"] == 3


def test_deleted_and_merged_tags_come_back_with_their_photos(own: TestClient) -> None:
    cat, dog = tag(own, "a.jpg", "cat"), tag(own, "b.jpg", "dog")
    own.delete(f"/tags/{cat}")
    undo(own, changes(own)[0])
    assert tags(own) == {"cat": 2, "dog": 1}
    own.post(f"/tags/{cat}/merge", json={"into": dog})
    assert tags(own) == {"dog": 3}
    undo(own, changes(own)[0])
    assert tags(own) == {"cat": 2, "dog": 1}


def test_edit_that_was_edited_again_is_not_undone(own: TestClient) -> None:
    tag(own, "a.jpg", "summer")
    tagged = changes(own)[0]
    own.delete("/image/tags", params={"path": "a.jpg", "tag_name": "summer"})
    later = changes(own)[0]
    said = undo(own, tagged, 409)["detail"]
    assert str(later["snapshot_id"]) in said
    assert tags(own) == {"summer": 0}
    undo(own, later)
    assert tags(own) == {"summer": 2}


def test_undo_never_leaves_tags_without_name_or_two_of_one_name(own: TestClient) -> None:
    own.post("/tags", json={"name": "summer"})
    made = changes(own)[0]
    tag(own, "a.jpg", "summer")
    assert "relies on it" in undo(own, made, 409)["detail"]
    number = own.get("/tags").json()[0]["tag"]["id"]
    own.delete(f"/tags/{number}")
    deleted = changes(own)[0]
    own.post("/tags", json={"name": "SUMMER"})
    undo(own, deleted, 409)
    assert tags(own) == {"SUMMER": 0}


def test_scans_accounts_and_unknown_snapshots_are_refused_in_words(own: TestClient, filled: Installation) -> None:
    own.put("/image/favorites", json={"path": "a.jpg"})
    snapshots = filled.lake.rows("cli/snapshots", row_limit=1000)
    scan = next(row for row in snapshots if row["message"] == "scan")
    assert "no edit" in undo(own, scan, 409)["detail"]
    add_user(filled.lake, "grace", PASSWORD)
    assert "account grace" in undo(own, {"snapshot_id": filled.lake.snapshot_id()}, 409)["detail"]
    with filled.lake.write("grouping faces: what a drain says") as writer:
        writer.append("tag", [{"tag_id": 99, "name": "of no account"}])
    undo(own, {"snapshot_id": filled.lake.snapshot_id()}, 409)
    assert [change["what"] for change in changes(own)] == ["likes a.jpg"]
    undo(own, {"snapshot_id": 99_999}, 404)
    assert own.post("/undo", json={"snapshot_id": -1}).status_code == 422


def test_what_is_expired_is_410_and_maintenance_before_that_changes_nothing(
    own: TestClient, filled: Installation
) -> None:
    tag(own, "a.jpg", "summer")
    tagged = changes(own)[0]
    filled.lake.maintain(30)
    assert changes(own)[0] == tagged
    undo(own, tagged)
    undo(own, changes(own)[0])
    with filled.lake.write() as writer:
        writer.execute(f"call ducklake_expire_snapshots('lake', versions => [{tagged['snapshot_id']}])")
        writer.execute(f"call ducklake_expire_snapshots('lake', versions => {list(range(tagged['snapshot_id']))})")
    undo(own, tagged, 410)
    assert own.get("/changes", params={"since": 1}).status_code == 410
    assert own.get("/changes", params={"since": "2001-01-01"}).status_code == 410
    assert tags(own) == {"summer": 2}
    assert len(changes(own)) == 2


def test_bulk_edit_is_one_change_and_one_undo(own: TestClient) -> None:
    own.post("/image/tags/batch", json={"paths": ["a.jpg", "b.jpg"], "add": ["x", "y"]})
    (batch,) = changes(own)
    assert batch["rows"] == 6
    undo(own, batch)
    assert tags(own) == {}


def test_viewer_neither_reads_who_likes_what_nor_undoes_it(own: TestClient, filled: Installation) -> None:
    tag(own, "a.jpg", "x")
    add_user(filled.lake, "grace", PASSWORD)
    own.get("/healthz")
    token = own.post("/login", json={"username": "grace", "password": PASSWORD}).json()["token"]
    grace = {"Authorization": f"Bearer {token}"}
    assert own.get("/changes", headers=grace).status_code == 403
    tagged = own.get("/changes").json()["changes"][0]
    answer = own.post("/undo", json={"snapshot_id": tagged["snapshot_id"]}, headers=grace)
    assert answer.status_code == 403


@pytest.mark.parametrize("since", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "²"])
def test_times_beyond_the_calendar_are_400(refused: TestClient, since: str) -> None:
    assert refused.get("/changes", params={"since": since}).status_code == 400


@pytest.mark.parametrize("body", [{}, {"snapshot_id": "x"}, {"snapshot_id": None}, {"snapshot_id": 1 << 70}])
def test_undo_of_nonsense_is_422(refused: TestClient, body: dict[str, Any]) -> None:
    assert refused.post("/undo", json=body).status_code == 422


def test_favourites_are_undone_by_those_whose_they_are_alone(own: TestClient, filled: Installation) -> None:
    add_user(filled.lake, "grace", PASSWORD, role="owner")
    own.get("/healthz")
    token = own.post("/login", json={"username": "grace", "password": PASSWORD}).json()["token"]
    grace = {"Authorization": f"Bearer {token}"}
    assert own.put("/image/favorites", json={"path": "a.jpg"}).status_code == 201
    liked = changes(own)[0]
    answer = own.post("/undo", json={"snapshot_id": liked["snapshot_id"]}, headers=grace)
    assert answer.status_code == 409
    assert "ada" in answer.json()["detail"]
    undo(own, liked)


def test_pages_of_changes_end_where_the_limit_says(own: TestClient) -> None:
    for number in range(5):
        tag(own, "a.jpg", f"tag {number}")
    answer = own.get("/changes", params={"limit": 3}).json()
    assert len(answer["changes"]) == 3
    assert answer["has_more"]
    assert len(changes(own, limit=50)) == 5
