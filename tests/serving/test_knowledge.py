"""/knowledge: what the agent remembers, looked through and put right."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.ai.agent_sources import LakeMemory
from tests.pictures import draw
from tests.serving.conftest import Installation, logged_in


@pytest.fixture
def knowing(installation: Installation, own: TestClient) -> TestClient:
    """A photo, and what the agent learned from it: two entities for the same place, three facts."""
    draw(installation.root / "a.jpg", 1)
    installation.scan()
    (asset,) = installation.lake.select("select content_hash from v_assets")
    memory = LakeMemory(installation.lake, asset["content_hash"])
    memory._store_entity("Cabin", "place", "")
    memory._store_entity("The cabin", "place", "Where we spend the summer.")
    for entity_id, fact in ((1, "It is red."), (2, "it is red."), (2, "It is red. "), (2, "It has a stove.")):
        memory._store_fact(entity_id, " ".join(fact.split()))
    return logged_in(own)


def entity(client: TestClient, number: int) -> Any:
    answer = client.get(f"/knowledge/entities/{number}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_entities_are_listed_with_how_much_is_known(knowing: TestClient) -> None:
    listed = knowing.get("/knowledge/entities").json()
    assert [(row["name"], row["fact_count"], row["photo_count"]) for row in listed["entities"]] == [
        ("The cabin", 2, 1), ("Cabin", 1, 1),
    ]  # fmt: skip
    assert listed["has_more"] is False
    page = knowing.get("/knowledge/entities", params={"limit": 1, "query": "CABIN", "kind": "place"}).json()
    assert len(page["entities"]) == 1 and page["has_more"]
    assert knowing.get("/knowledge/entities", params={"kind": "person"}).json()["entities"] == []
    assert knowing.get("/knowledge/entities", params={"query": "summer"}).json()["entities"][0]["id"] == 2


def test_entity_is_shown_with_its_facts_and_photos(knowing: TestClient) -> None:
    shown = entity(knowing, 2)
    assert {fact["fact"] for fact in shown["facts"]} == {"it is red.", "It has a stove."}
    assert [photo["path"] for photo in shown["photos"]] == ["a.jpg"]
    fact = knowing.get(f"/knowledge/facts/{shown['facts'][0]['id']}").json()
    assert (fact["entity_name"], fact["path"], fact["source"]) == ("The cabin", "a.jpg", "agent")


def test_entity_is_changed_and_two_of_a_kind_cannot_have_one_name(knowing: TestClient) -> None:
    changed = knowing.patch("/knowledge/entities/1", json={"name": "  Boat\nhouse ", "kind": "thing"}).json()
    assert (changed["name"], changed["kind"], changed["description"]) == ("Boat house", "thing", "")
    assert knowing.patch("/knowledge/entities/1", json={"description": "Old."}).json()["name"] == "Boat house"
    taken = knowing.patch("/knowledge/entities/1", json={"name": "THE CABIN", "kind": "place"})
    assert taken.status_code == 409 and "merge" in taken.json()["detail"]
    assert knowing.patch("/knowledge/entities/1", json={"name": "THE CABIN"}).status_code == 200, "of another kind"
    assert knowing.patch("/knowledge/entities/1", json={"name": " "}).status_code == 400
    assert knowing.patch("/knowledge/entities/1", json={"kind": "ghost"}).status_code == 422


def test_merging_keeps_one_of_equal_facts_as_sure_as_the_surer(knowing: TestClient, installation: Installation) -> None:
    with installation.lake.write("person") as writer:
        writer.append("person", [{"person_id": 1, "name": "Ada", "entity_id": 2}])
    merged = knowing.post("/knowledge/entities/merge", json={"source_id": 2, "target_id": 1}).json()
    facts = {fact["fact"]: round(fact["confidence"], 2) for fact in merged["facts"]}
    assert facts == {"It is red.": 0.6, "It has a stove.": 0.5}
    assert (merged["description"], merged["photo_count"]) == ("Where we spend the summer.", 1)
    assert knowing.get("/knowledge/entities/2").status_code == 404
    assert installation.lake.select("select entity_id from person") == [{"entity_id": 1}]
    assert knowing.post("/knowledge/entities/merge", json={"source_id": 1, "target_id": 1}).status_code == 400
    assert knowing.post("/knowledge/entities/merge", json={"source_id": 9, "target_id": 1}).status_code == 404
    for check in ("unique_entity", "unique_entity_fact", "unique_entity_photo"):
        assert installation.lake.rows(f"checks/{check}") == []


def test_forgotten_entity_takes_its_facts_along(knowing: TestClient, installation: Installation) -> None:
    assert knowing.delete("/knowledge/entities/2").json() == {"deleted": 2}
    assert [row["entity_id"] for row in installation.lake.select("select * from entity_fact")] == [1]
    assert [row["entity_id"] for row in installation.lake.select("select * from entity_photo")] == [1]
    assert knowing.delete("/knowledge/entities/2").status_code == 404


def test_fact_is_put_right_by_a_person_and_says_so(knowing: TestClient) -> None:
    changed = knowing.patch("/knowledge/facts/1", json={"fact": "It is  blue.", "confidence": 1}).json()
    assert (changed["fact"], changed["confidence"], changed["source"]) == ("It is blue.", 1, "user")
    (stove,) = [fact for fact in entity(knowing, 2)["facts"] if "stove" in fact["fact"]]
    same = knowing.patch(f"/knowledge/facts/{stove['id']}", json={"fact": "IT IS RED."})
    assert same.status_code == 409
    assert knowing.patch("/knowledge/facts/1", json={"confidence": 2}).status_code == 422
    assert knowing.patch("/knowledge/facts/1", json={"fact": ""}).status_code == 400
    assert knowing.delete("/knowledge/facts/1").json() == {"deleted": 1}
    for method in ("GET", "PATCH", "DELETE"):
        assert knowing.request(method, "/knowledge/facts/1", json={}).status_code == 404


def test_recent_names_what_was_learned_or_changed_last(knowing: TestClient) -> None:
    knowing.patch("/knowledge/facts/1", json={"fact": "It is blue."})
    recent = knowing.get("/knowledge/recent", params={"limit": 2}).json()
    assert [fact["fact"] for fact in recent["facts"]] == ["It is blue.", "It has a stove."]
    assert recent["entities"][0]["name"] == "The cabin"
