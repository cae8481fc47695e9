"""Pictures the face service never takes: they stop nobody's name, and end as failures that say why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.engine.context import FlowContext
from flows.face_backlog import face_backlog
from flows.full_scan import full_scan
from flows.work.integrity import check_lake, retry_failures
from tasks.faces.batch import MAX_REFUSALS
from tasks.faces.protocol import FaceServiceUnavailable
from tests.apollo_stand_in import Apollo, Mood, apollo, portrait
from tests.flows.test_face_backlog import faces, names, person, scans, tag

PLAIN = "darkroom-plain-picture.jpg"


@pytest.fixture
def service(flow_context: FlowContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[Apollo]:
    with apollo() as state:
        monkeypatch.setenv("APOLLO_FACE_API_BASE_URL", state.url)
        monkeypatch.setenv("FACE_DETECT_TIMEOUT_SEC", "20")
        monkeypatch.setattr("flows.engine.drain.RETRY_DELAYS_SECONDS", [0.01])
        yield state


def ledger(flow_context: FlowContext) -> dict[str, dict[str, Any]]:
    rows = flow_context.lake.select("select * from v_failures where stage = 'faces' order by path")
    return {row["path"]: row for row in rows}


def test_two_pictures_the_service_never_takes_keep_no_name_and_no_group_from_anybody(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    portrait(library / "ada.jpg", "red")
    for number in range(3):
        portrait(library / f"blue{number}.jpg", "blue", seed=10 + number)
    full_scan.fn()
    face_backlog.fn()
    person(flow_context, "Ada")
    tag(flow_context, "Ada", "ada.jpg")
    portrait(library / "bad1.jpg", "red", seed=1)
    portrait(library / "bad2.jpg", "red", seed=2)
    service.moods |= {"bad1.jpg": Mood(status=503, body=b'{"detail": "cuda_oom"}'), "bad2.jpg": Mood(status=413)}
    full_scan.fn()
    asked = len(service.asked)
    report = face_backlog.fn()
    assert (report["faces"], report["failed"], report["left"], report["bound"]) == (0, 0, 2, 1)
    assert names(flow_context)["ada.jpg"] == ["Ada"]
    assert len(service.asked) == asked + 3, "each picture once, and a plain one that tells whether the service is down"
    for _ in range(MAX_REFUSALS - 1):
        face_backlog.fn()
    assert {path: (row["error_class"], row["attempts"]) for path, row in ledger(flow_context).items()} == {
        "bad1.jpg": ("PictureNotTaken", 1), "bad2.jpg": ("PictureNotTaken", 1)
    }  # fmt: skip
    assert "503 cuda_oom" in ledger(flow_context)["bad1.jpg"]["message"]
    assert {name for name, status in scans(flow_context).items() if status == "failed"} == {"bad1.jpg", "bad2.jpg"}
    asked = len(service.asked)
    face_backlog.fn()
    assert len(service.asked) == asked, "they are left in peace"
    check_lake(flow_context)


def test_failure_that_was_the_services_heals_by_itself_after_hours_and_at_once_when_asked(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    for name in ("a.jpg", "b.jpg"):
        portrait(library / name, "red", seed=len(name) + ord(name[0]))
        service.moods[name] = Mood(status=500)
    full_scan.fn()
    for _ in range(MAX_REFUSALS):
        face_backlog.fn()
    assert set(ledger(flow_context)) == {"a.jpg", "b.jpg"}
    assert retry_failures(flow_context, ["a.jpg"]) == 1
    service.moods.clear()
    assert face_backlog.fn()["faces"] == 1
    assert set(ledger(flow_context)) == {"b.jpg"}
    with flow_context.lake.write("three hours later") as writer:
        writer.execute("update failure set failed_at = failed_at - interval 3 hours")
    assert face_backlog.fn()["faces"] == 1
    assert ledger(flow_context) == {}
    assert scans(flow_context) == {"a.jpg": "detected", "b.jpg": "detected"}
    assert flow_context.lake.select("select * from face_refusal") == []


def test_what_the_service_refuses_for_good_is_in_the_ledger_and_retry_asks_again(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    for number, (name, status) in enumerate({"a.jpg": 422, "b.jpg": 400, "c.jpg": 415}.items()):
        portrait(library / name, "red", seed=number)
        service.moods[name] = Mood(status=status, body=b'{"detail": "decode_failed"}')
    full_scan.fn()
    assert face_backlog.fn()["failed"] == 3
    assert {row["error_class"] for row in ledger(flow_context).values()} == {"PictureRefused"}
    assert "422 decode_failed" in ledger(flow_context)["a.jpg"]["message"]
    asked = len(service.asked)
    face_backlog.fn()
    assert len(service.asked) == asked
    retry_failures(flow_context, [], "faces")
    face_backlog.fn()
    assert len(service.asked) == asked + 3
    assert {row["attempts"] for row in ledger(flow_context).values()} == {2}


def test_service_that_is_down_for_all_blames_no_picture_however_often(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    portrait(library / "tagged.jpg", "red")
    full_scan.fn()
    face_backlog.fn()
    person(flow_context, "Ada")
    tag(flow_context, "Ada", "tagged.jpg")
    for number in range(4):
        portrait(library / f"{number}.jpg", "red", seed=number + 1)
    full_scan.fn()
    service.moods["*"] = Mood(status=503)
    for _ in range(MAX_REFUSALS + 1):
        with pytest.raises(FaceServiceUnavailable):
            face_backlog.fn()
    assert names(flow_context)["tagged.jpg"] == ["Ada"], "what can be done without it is done"
    assert ledger(flow_context) == {}
    assert flow_context.lake.select("select * from face_refusal") == []
    service.moods.clear()
    assert face_backlog.fn()["faces"] == 4


def test_service_that_goes_down_in_the_middle_blames_no_picture(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_DETECT_CONCURRENCY", "1")
    for number in range(8):
        portrait(library / f"{number}.jpg", "red", seed=number)
        if number < 6:
            service.moods[f"{number}.jpg"] = Mood(status=502)
    service.moods[PLAIN] = Mood(status=502)
    full_scan.fn()
    for _ in range(MAX_REFUSALS + 1):
        with_some_done = len(scans(flow_context)) < 2
        if with_some_done:
            face_backlog.fn()
        else:
            with pytest.raises(FaceServiceUnavailable):
                face_backlog.fn()
    assert ledger(flow_context) == {}
    assert flow_context.lake.select("select * from face_refusal") == []


def test_many_refused_pictures_in_a_row_do_not_end_the_run_while_the_service_works(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_DETECT_CONCURRENCY", "2")
    for number in range(20):
        portrait(library / f"{number}.jpg", "red", seed=number)
        if number >= 4:
            service.moods[f"{number}.jpg"] = Mood(status=413)
    full_scan.fn()
    assert face_backlog.fn()["faces"] == 4
    assert len(faces(flow_context)) == 4
