"""People: named once, found everywhere, merged, split, ignored; and every step can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.apollo_stand_in import portrait
from tests.serving.conftest import Installation
from tests.serving.people import World, people


@pytest.fixture
def world(installation: Installation) -> Iterator[World]:
    with people(installation) as world:
        for number in range(3):
            portrait(world.root / f"red{number}.jpg", "red", seed=number)
        portrait(world.root / "both.jpg", "red", "blue", seed=9)
        portrait(world.root / "blue.jpg", "blue", seed=11)
        world.look()
        yield world


def group(world: World) -> None:
    """What the drain's last step does."""
    from sql.lake import utc_now

    rows = world.installation.lake.select(
        "select face_id, x, region_name, embedding[1] as first from face join face_embedding using (face_id)"
    )
    numbers = {value: index + 1 for index, value in enumerate(sorted({row["first"] for row in rows}))}
    with world.installation.lake.write("groups") as writer:
        columns = {"model_version": "buffalo_l-1", "is_ignored": False, "by_user": False, "created_at": utc_now()}
        writer.replace("face_cluster", [{"cluster_id": number, **columns} for number in numbers.values()])
        writer.replace("face_number", [{"kind": "face_cluster", "last": len(numbers)}])
        faces, clusters = [row["face_id"] for row in rows], [numbers[row["first"]] for row in rows]
        writer.run("faces/join_groups", faces=faces, clusters=clusters)
    world.client.app.state.context.replica.refresh()  # type: ignore[attr-defined]


def ask(world: World, method: str, address: str, status: int = 200, **body: Any) -> Any:
    answer = world.client.request(method, address, json=None if method == "GET" else body)
    assert answer.status_code == status, answer.text
    return answer.json()


def undo_last(world: World) -> None:
    change = world.client.get("/changes").json()["changes"][0]
    ask(world, "POST", "/undo", snapshot_id=change["snapshot_id"])


def test_person_is_made_changed_and_deleted(world: World) -> None:
    made = ask(world, "POST", "/persons", 201, name="  Marie   Curie ", notes="physicist")
    assert (made["name"], made["notes"], made["created_from_tag"]) == ("Marie Curie", "physicist", False)
    ask(world, "POST", "/persons", 409, name="marie CURIE")
    for wrong in ("", " \t", "x" * 300, "a\x00b"):
        ask(world, "POST", "/persons", 400, name=wrong)
    changed = ask(world, "PATCH", f"/persons/{made['id']}", name="Marie Skłodowska", entity_id=7)
    assert (changed["name"], changed["notes"], changed["entity_id"]) == ("Marie Skłodowska", "physicist", 7)
    other = ask(world, "POST", "/persons", 201, name="Pierre")
    ask(world, "PATCH", f"/persons/{other['id']}", 409, name="MARIE SKŁODOWSKA")
    ask(world, "PATCH", f"/persons/{other['id']}", 400)
    assert ask(world, "GET", f"/persons/{made['id']}")["id"] == made["id"]
    ask(world, "DELETE", f"/persons/{made['id']}")
    ask(world, "GET", f"/persons/{made['id']}", 404)
    ask(world, "PATCH", f"/persons/{made['id']}", 404, name="x")
    assert [one["name"] for one in ask(world, "GET", "/persons")] == ["Pierre"]
    undo_last(world)
    assert len(ask(world, "GET", "/persons")) == 2
    again = ask(world, "POST", "/persons", 201, name="Third")
    assert again["id"] not in {made["id"], other["id"]}


def test_ignored_people_are_listed_only_when_asked_for(world: World) -> None:
    person = ask(world, "POST", "/persons", 201, name="Passer-by")
    ask(world, "PATCH", f"/persons/{person['id']}", is_ignored=True)
    assert ask(world, "GET", "/persons") == []
    assert [one["name"] for one in ask(world, "GET", "/persons?include_ignored=true")] == ["Passer-by"]


def test_named_faces_count_filter_and_show_up(world: World) -> None:
    ids = [face["id"] for path in ("red0.jpg", "red1.jpg", "both.jpg") for face in world.faces(path)][:3]
    named = ask(world, "POST", "/faces/assign", face_ids=ids, person_name="Ada")
    ada = named[0]["person_id"]
    (person,) = ask(world, "GET", "/persons")
    assert (person["name"], person["face_count"], person["photo_count"]) == ("Ada", 3, 3)
    assert world.client.get(person["cover_url"]).status_code == 200
    paths = {face["path"] for face in ask(world, "GET", f"/persons/{ada}/faces")}
    assert paths == {"red0.jpg", "red1.jpg", "both.jpg"}
    assert len(ask(world, "GET", f"/persons/{ada}/faces?limit=1&offset=2")) == 1
    photos = world.client.get("/photos", params={"person_ids": str(ada)}).json()
    assert {photo["path"] for photo in photos["photos"]} == paths
    assert photos["total_count"] == 3
    blue = world.faces("both.jpg")[1]["id"]
    bob = ask(world, "PATCH", f"/image/faces/{blue}", person_name="Bob")["person_id"]
    wanted = {"person_ids": f"{ada},{bob}", "person_filter_mode": "All"}
    assert [photo["path"] for photo in world.client.get("/photos", params=wanted).json()["photos"]] == ["both.jpg"]
    assert world.client.get("/photos", params={"person_ids": "x"}).status_code == 400
    assert world.client.get("/photos", params={"person_ids": "1", "person_filter_mode": "x"}).status_code == 400
    ask(world, "POST", "/faces/assign", 404, face_ids=[ids[0], 999], person_id=ada)
    undo_last(world)
    assert ask(world, "GET", f"/persons/{ada}/faces") != []


def test_merge_moves_faces_and_notes_and_can_be_undone(world: World) -> None:
    red, blue = world.faces("red0.jpg")[0]["id"], world.faces("blue.jpg")[0]["id"]
    ada = ask(world, "PATCH", f"/image/faces/{red}", person_name="Ada")["person_id"]
    double = ask(world, "PATCH", f"/image/faces/{blue}", person_name="Ada L.")["person_id"]
    ask(world, "PATCH", f"/persons/{double}", notes="countess")
    merged = ask(world, "POST", f"/persons/{double}/merge", into=ada)
    assert (merged["id"], merged["face_count"], merged["notes"]) == (ada, 2, "countess")
    ask(world, "GET", f"/persons/{double}", 404)
    ask(world, "POST", f"/persons/{ada}/merge", 409, into=ada)
    ask(world, "POST", f"/persons/{ada}/merge", 404, into=999)
    undo_last(world)
    assert ask(world, "GET", f"/persons/{double}")["face_count"] == 1
    assert ask(world, "GET", f"/persons/{ada}")["notes"] is None


def test_split_gives_some_faces_to_somebody_else(world: World) -> None:
    ids = [world.faces(path)[0]["id"] for path in ("red0.jpg", "red1.jpg", "blue.jpg")]
    ada = ask(world, "POST", "/faces/assign", face_ids=ids, person_name="Ada")[0]["person_id"]
    bob = ask(world, "POST", f"/persons/{ada}/split", face_ids=ids[2:], person_name="Bob")
    assert (bob["name"], bob["face_count"]) == ("Bob", 1)
    assert ask(world, "GET", f"/persons/{ada}")["face_count"] == 2
    ask(world, "POST", f"/persons/{ada}/split", 409, face_ids=ids[2:], person_name="Cy")
    ask(world, "POST", f"/persons/{ada}/split", 400, face_ids=ids[:1])


def test_groups_are_named_merged_split_and_ignored(world: World) -> None:
    group(world)
    first, second = ask(world, "GET", "/faces/clusters")
    assert (first["size"], second["size"], first["suggestion"]) == (4, 2, None)
    assert world.client.get(first["crop_url"]).status_code == 200
    faces = ask(world, "GET", f"/faces/clusters/{first['id']}")
    fresh = ask(world, "POST", f"/faces/clusters/{first['id']}/split", 201, face_ids=[faces[0]["id"]])
    assert fresh["size"] == 1
    merged = ask(world, "POST", f"/faces/clusters/{fresh['id']}/merge", into=first["id"])
    assert merged["size"] == 4
    ask(world, "GET", f"/faces/clusters/{fresh['id']}", 404)
    ask(world, "POST", f"/faces/clusters/{first['id']}/merge", 409, into=first["id"])
    ask(world, "PATCH", f"/faces/clusters/{second['id']}", is_ignored=True)
    assert [one["id"] for one in ask(world, "GET", "/faces/clusters")] == [first["id"]]
    ada = ask(world, "POST", f"/faces/clusters/{first['id']}/person", person_name="Ada")
    assert (ada["name"], ada["face_count"]) == ("Ada", 4)
    assert ask(world, "GET", "/faces/clusters") == []
    ask(world, "POST", f"/faces/clusters/{first['id']}/person", 404, person_name="Ada")
    ask(world, "POST", f"/faces/clusters/{second['id']}/person", 400)
    undo_last(world)
    assert [one["size"] for one in ask(world, "GET", "/faces/clusters")] == [4]


def test_suggestions_ask_is_this_and_take_no_for_an_answer(world: World) -> None:
    group(world)
    known = world.faces("red0.jpg")[0]["id"]
    ada = ask(world, "PATCH", f"/image/faces/{known}", person_name="Ada")["person_id"]
    (reds, blues) = ask(world, "GET", "/faces/clusters")
    assert reds["suggestion"] == {"person_id": ada, "person_name": "Ada", "score": pytest.approx(1, abs=1e-3)}
    assert blues["suggestion"] is None
    asked = ask(world, "GET", f"/persons/{ada}/suggestions")
    assert {face["path"] for face in asked} == {"red1.jpg", "red2.jpg", "both.jpg"}
    wrong = next(face["id"] for face in asked if face["path"] == "red1.jpg")
    ask(world, "POST", f"/faces/{wrong}/reject", person_id=ada)
    assert {face["path"] for face in ask(world, "GET", f"/persons/{ada}/suggestions")} == {"red2.jpg", "both.jpg"}
    ask(world, "POST", "/faces/999/reject", 404, person_id=ada)


def test_name_taken_away_is_not_given_again_by_a_tag(world: World) -> None:
    ask(world, "POST", "/image/tags", path="blue.jpg", tag_name="Bob")
    bob = ask(world, "POST", "/persons", 201, name="Bob")
    assert bob["face_count"] == 1
    blue = world.faces("blue.jpg")[0]
    assert (blue["person_name"], blue["bound_by"]) == ("Bob", "auto")
    answer = world.client.patch(f"/image/faces/{blue['id']}", json={"person_id": None})
    assert answer.json()["person_id"] is None
    ask(world, "POST", "/persons/bootstrap", names=["Somebody"])
    assert world.faces("blue.jpg")[0]["person_id"] is None


def test_bootstrap_makes_people_of_tags_once(world: World) -> None:
    for path, tag in (("red0.jpg", "Marie Curie"), ("red1.jpg", "Marie Curie"), ("blue.jpg", "beach"),
                      ("blue.jpg", "Pierre"), ("both.jpg", "Marie Curie"), ("red2.jpg", "Summer 2019")):  # fmt: skip
        ask(world, "POST", "/image/tags", path=path, tag_name=tag)
    found = ask(world, "GET", "/tags/people-bootstrap-candidates")
    assert found[0] == {
        "name": "Marie Curie", "normalized_name": "marie curie", "usage_count": 3, "looks_like_person": True,
        "already_exists": False,
    }  # fmt: skip
    assert [(one["name"], one["looks_like_person"]) for one in found] == [
        ("Marie Curie", True), ("Pierre", True), ("beach", False), ("Summer 2019", False),
    ]  # fmt: skip
    made = ask(world, "POST", "/persons/bootstrap", names=["Marie Curie", "Pierre", "marie curie", ""])
    assert [(one["name"], one["created_from_tag"]) for one in made["created"]] == [
        ("Marie Curie", True), ("Pierre", True),
    ]  # fmt: skip
    assert made["skipped"][0]["reason"] == "already exists"
    assert made["bound"] == 4, "both.jpg has one person's tag: the face like hers is hers, the other is not"
    assert [face["person_name"] for face in world.faces("both.jpg")] == ["Marie Curie", None]
    again = ask(world, "POST", "/persons/bootstrap", names=["Marie Curie"])
    assert (again["created"], again["skipped"]) == ([], [{"name": "Marie Curie", "reason": "already exists"}])
    assert ask(world, "GET", "/tags/people-bootstrap-candidates")[0]["already_exists"]


def test_naming_is_undone_although_the_drain_has_grouped_the_faces_since(world: World) -> None:
    marie = ask(world, "POST", "/persons", 201, name="Marie")
    face = world.faces("red0.jpg")[0]
    ask(world, "PATCH", f"/image/faces/{face['id']}", person_id=marie["id"])
    named = world.client.get("/changes").json()["changes"][0]
    group(world)
    ask(world, "POST", "/undo", snapshot_id=named["snapshot_id"])
    assert world.faces("red0.jpg")[0]["person_id"] is None
    row = world.installation.lake.select("select bound_by, cluster_id from face where face_id = $id", id=face["id"])[0]
    assert row["bound_by"] is None
    assert row["cluster_id"] is not None, "what the drain found out stays"


def test_naming_is_not_undone_when_a_person_has_named_the_face_again(world: World) -> None:
    face = world.faces("red0.jpg")[0]
    ask(world, "PATCH", f"/image/faces/{face['id']}", person_name="Marie")
    named = world.client.get("/changes").json()["changes"][0]
    ask(world, "PATCH", f"/image/faces/{face['id']}", person_name="Irène")
    ask(world, "POST", "/undo", 409, snapshot_id=named["snapshot_id"])
    assert world.faces("red0.jpg")[0]["person_name"] == "Irène"


def test_naming_of_a_face_that_is_gone_is_not_undone_in_silence(world: World) -> None:
    marie = ask(world, "POST", "/persons", 201, name="Marie")
    face = world.faces("red0.jpg")[0]
    ask(world, "PATCH", f"/image/faces/{face['id']}", person_id=marie["id"])
    named = world.client.get("/changes").json()["changes"][0]
    with world.installation.lake.write("faces found anew") as writer:
        writer.execute("delete from face_embedding where face_id = $id", id=face["id"])
        writer.execute("delete from face where face_id = $id", id=face["id"])
    said = ask(world, "POST", "/undo", 409, snapshot_id=named["snapshot_id"])["detail"]
    assert "gone" in said


def test_merge_keeps_what_either_one_was_said_not_to_be(world: World) -> None:
    paths = ("red0.jpg", "red1.jpg", "red2.jpg", "blue.jpg")
    first, second, third, blue = (world.faces(path)[0]["id"] for path in paths)
    ada = ask(world, "PATCH", f"/image/faces/{first}", person_name="Ada")["person_id"]
    countess = ask(world, "PATCH", f"/image/faces/{blue}", person_name="Countess")["person_id"]
    for face, person in ((second, ada), (second, countess), (third, countess), (blue, ada)):
        ask(world, "POST", f"/faces/{face}/reject", person_id=person)
    before = world.installation.lake.select("select * from face_rejection order by all")
    ask(world, "POST", f"/persons/{countess}/merge", into=ada)
    rows = world.installation.lake.select("select face_id, person_id from face_rejection order by all")
    assert [tuple(row.values()) for row in rows] == sorted([(second, ada), (third, ada)])
    assert {face["path"] for face in ask(world, "GET", f"/persons/{ada}/suggestions")} == {"both.jpg"}
    undo_last(world)
    assert world.installation.lake.select("select * from face_rejection order by all") == before


def test_merge_is_undone_although_a_drain_has_taken_one_of_the_faces_away(world: World) -> None:
    red, blue = (world.faces(path)[0]["id"] for path in ("red0.jpg", "blue.jpg"))
    second = world.faces("red1.jpg")[0]["id"]
    ada = ask(world, "PATCH", f"/image/faces/{red}", person_name="Ada")["person_id"]
    double = ask(world, "PATCH", f"/image/faces/{blue}", person_name="Countess")["person_id"]
    ask(world, "PATCH", f"/image/faces/{second}", person_id=double)
    ask(world, "POST", f"/persons/{double}/merge", into=ada)
    merged = world.client.get("/changes").json()["changes"][0]
    with world.installation.lake.write("faces found anew") as writer:
        writer.execute("delete from face_embedding where face_id = $id", id=second)
        writer.execute("delete from face where face_id = $id", id=second)
    ask(world, "POST", "/undo", snapshot_id=merged["snapshot_id"])
    assert ask(world, "GET", f"/persons/{double}")["face_count"] == 1
    assert ask(world, "GET", f"/persons/{ada}")["face_count"] == 1


def test_tagging_a_photo_names_the_face_on_it_at_once(world: World) -> None:
    ask(world, "POST", "/persons", 201, name="Ada")
    ask(world, "POST", "/image/tags", path="red0.jpg", tag_name="ada")
    assert [face["person_name"] for face in world.faces("red0.jpg")] == ["Ada"]
    ask(world, "POST", "/image/tags/batch", paths=["red1.jpg", "both.jpg", "blue.jpg"], add=["Ada"])
    assert [face["person_name"] for face in world.faces("red1.jpg")] == ["Ada"]
    assert sorted(str(face["person_name"]) for face in world.faces("both.jpg")) == ["Ada", "None"]
    assert [face["person_name"] for face in world.faces("blue.jpg")] == [None], "the tag alone names nobody"
    ask(world, "POST", "/image/tags", path="blue.jpg", tag_name="Bob")
    assert [face["person_name"] for face in world.faces("blue.jpg")] == [None], "two people's tags, or nobody's"


def test_naming_one_face_by_hand_names_the_tagged_photos_that_show_the_same_one(world: World) -> None:
    ask(world, "POST", "/image/tags", path="red1.jpg", tag_name="Ada")
    ask(world, "POST", "/image/tags", path="blue.jpg", tag_name="Ada")
    (face,) = world.faces("red0.jpg")
    ask(world, "POST", "/faces/assign", face_ids=[face["id"]], person_name="Ada")
    assert [face["person_name"] for face in world.faces("red1.jpg")] == ["Ada"]
    assert [face["person_name"] for face in world.faces("blue.jpg")] == [None]
