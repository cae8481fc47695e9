"""Names that files say, and what people made of them: the real scan and drain, edited through the API, undone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from flows.engine.context import FlowContext
from flows.face_backlog import face_backlog
from flows.full_scan import full_scan
from serving.app import create_app
from tasks.faces.protocol import Box
from tests.apollo_stand_in import box_of, portrait
from tests.serving.conftest import logged_in
from tests.tasks.faces.test_regions import mwg


@dataclass
class World:
    flow_context: FlowContext
    root: Path
    client: TestClient

    def look(self) -> None:
        """A scan, and the drain of faces; no engine is set, so only metadata are read."""
        full_scan.fn()
        face_backlog.fn()
        self.client.app.state.context.replica.refresh()  # type: ignore[attr-defined]

    def faces(self, path: str) -> list[dict[str, Any]]:
        answer = self.client.get("/image/faces", params={"path": path})
        assert answer.status_code == 200, answer.text
        return list(answer.json())


@pytest.fixture
def world(flow_context: FlowContext, library: Path) -> Iterator[World]:
    with TestClient(create_app(flow_context.settings, flow_context.lake), raise_server_exceptions=False) as client:
        yield World(flow_context, library, logged_in(client))


def ask(world: World, method: str, address: str, status: int = 200, **body: Any) -> Any:
    answer = world.client.request(method, address, json=None if method == "GET" else body)
    assert answer.status_code == status, answer.text
    return answer.json()


def undo(world: World, what: str) -> None:
    """The newest edit that says so."""
    change = next(one for one in ask(world, "GET", "/changes")["changes"] if what in one["what"])
    ask(world, "POST", "/undo", snapshot_id=change["snapshot_id"])


def regions_beside(world: World, name: str, *named: str) -> None:
    """A photo and, as another program would write it, whose faces are in it."""
    portrait(world.root / name, seed=sum(map(ord, name)))
    boxes = [(one, Box(*box_of(number))) for number, one in enumerate(named)]
    (world.root / f"{name}.xmp").write_text(mwg(*boxes, size=(320, 240)))


def everybody(world: World) -> list[str]:
    return sorted(one["name"] for one in ask(world, "GET", "/persons"))


def test_name_of_somebody_merged_means_the_one_they_were_merged_into(world: World) -> None:
    regions_beside(world, "first.jpg", "Grandma")
    world.look()
    (grandma,) = ask(world, "GET", "/persons")
    erna = ask(world, "POST", "/persons", 201, name="Erna")
    ask(world, "POST", f"/persons/{grandma['id']}/merge", into=erna["id"])
    regions_beside(world, "second.jpg", "GRANDMA", "Erna")
    world.look()
    assert {face["person_name"] for face in world.faces("second.jpg")} == {"Erna"}
    meier = ask(world, "POST", "/persons", 201, name="Erna Meier")
    ask(world, "POST", f"/persons/{erna['id']}/merge", into=meier["id"])
    regions_beside(world, "third.jpg", " grandma", "Erna")
    world.look()
    assert {face["person_name"] for face in world.faces("third.jpg")} == {"Erna Meier"}
    assert everybody(world) == ["Erna Meier"]


def test_name_is_free_again_when_its_merge_is_undone(world: World) -> None:
    regions_beside(world, "first.jpg", "Grandma")
    world.look()
    (grandma,) = ask(world, "GET", "/persons")
    erna = ask(world, "POST", "/persons", 201, name="Erna")
    ask(world, "POST", f"/persons/{grandma['id']}/merge", into=erna["id"])
    regions_beside(world, "second.jpg", "Grandma")
    world.look()
    undo(world, "merged Grandma into")
    assert everybody(world) == ["Erna", "Grandma"]
    assert [face["person_name"] for face in world.faces("first.jpg")] == ["Grandma"]
    regions_beside(world, "third.jpg", "Grandma")
    world.look()
    assert [face["person_id"] for face in world.faces("third.jpg")] == [grandma["id"]]


def test_somebody_renamed_to_a_forgotten_name_gets_what_files_give_that_name(world: World) -> None:
    regions_beside(world, "first.jpg", "Anna")
    world.look()
    (anna,) = ask(world, "GET", "/persons")
    ask(world, "DELETE", f"/persons/{anna['id']}")
    other = ask(world, "POST", "/persons", 201, name="Unknown 3")
    ask(world, "PATCH", f"/persons/{other['id']}", name="Anna")
    assert [face["person_id"] for face in world.faces("first.jpg")] == [other["id"]]


def test_old_name_of_somebody_renamed_still_means_them(world: World) -> None:
    regions_beside(world, "first.jpg", "Grandma")
    world.look()
    (grandma,) = ask(world, "GET", "/persons")
    for name in ("Erna", "Erna Meier", "erna meier"):
        ask(world, "PATCH", f"/persons/{grandma['id']}", name=name)
    regions_beside(world, "second.jpg", "Erna", "Grandma")
    world.look()
    assert [face["person_name"] for face in world.faces("second.jpg")] == ["erna meier"] * 2
    assert everybody(world) == ["erna meier"]
    other = ask(world, "POST", "/persons", 201, name="Grandma")
    regions_beside(world, "third.jpg", "Grandma")
    world.look()
    assert [face["person_id"] for face in world.faces("third.jpg")] == [other["id"]], "the name is somebody else's now"


def test_somebody_deleted_is_not_made_again_until_added_by_hand(world: World) -> None:
    regions_beside(world, "first.jpg", "Passer-by")
    world.look()
    (person,) = ask(world, "GET", "/persons")
    ask(world, "PATCH", f"/persons/{person['id']}", name="That man")
    ask(world, "DELETE", f"/persons/{person['id']}")
    regions_beside(world, "second.jpg", "passer-by", "That  Man")
    world.look()
    assert [face["person_id"] for face in world.faces("second.jpg")] == [None, None]
    assert everybody(world) == []
    back = ask(world, "POST", "/persons", 201, name="Passer-by")
    assert back["face_count"] == 2, "the faces that the files give this name"
    undo(world, "added Passer-by")
    assert everybody(world) == []
    regions_beside(world, "third.jpg", "Passer-by")
    world.look()
    assert [face["person_id"] for face in world.faces("third.jpg")] == [None], "forgotten again"
    assert world.flow_context.lake.rows("checks/unique_person_alias") == []
    assert world.flow_context.lake.rows("checks/orphan_person_alias") == []
