"""The drain of faces against a real service on loopback: every outcome, and what survives what."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments.cli.status import library_status
from flows.engine.context import FlowContext
from flows.engine.triggers import start_drains
from flows.engine.whole_run import scan_and_drain
from flows.face_backlog import face_backlog, face_groups
from flows.full_scan import full_scan
from tasks.errors import TransientError
from tasks.faces.protocol import Box, FaceServiceUnavailable
from tests.apollo_stand_in import Apollo, Mood, apollo, box_of, face, identity, portrait
from tests.tasks.faces.test_regions import mwg


@pytest.fixture
def service(flow_context: FlowContext, monkeypatch: pytest.MonkeyPatch) -> Iterator[Apollo]:
    with apollo() as state:
        monkeypatch.setenv("APOLLO_FACE_API_BASE_URL", state.url)
        monkeypatch.setenv("FACE_DETECT_TIMEOUT_SEC", "60")
        monkeypatch.setattr("flows.engine.drain.RETRY_DELAYS_SECONDS", [0.01])
        yield state


def faces(flow_context: FlowContext) -> list[dict[str, Any]]:
    return flow_context.lake.select(
        "select f.*, f.face_id, p.name from face f left join person p using (person_id) order by face_id"
    )


def scans(flow_context: FlowContext) -> dict[str, str]:
    rows = flow_context.lake.select(
        "select regexp_extract(rel_path, '[^/]*$') as name, status from face_scan join fingerprint using (content_hash)"
        " join asset using (asset_id) where not starts_with(model_version, 'regions-')"
    )
    return {row["name"]: row["status"] for row in rows}


def test_without_an_engine_faces_are_off_and_nobody_complains(flow_context: FlowContext, library: Path) -> None:
    portrait(library / "a.jpg", "red")
    full_scan.fn()
    report = face_backlog.fn()
    assert (report["faces"], report["failed"], scans(flow_context)) == (0, 0, {})
    row = library_status(flow_context.lake, flow_context.settings)[0]["stages"][-1]
    assert (row["stage"], row["engine"], row["backlog"]) == ("faces", "off", 0)


def test_faces_get_boxes_of_the_upright_picture_whatever_its_orientation(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    for orientation in (1, 3, 6, 8):
        portrait(library / f"{orientation}.jpg", "red", "blue", orientation=orientation, seed=orientation)
    portrait(library / "p.png", "red", "blue")
    full_scan.fn()
    assert face_backlog.fn()["faces"] == 5
    by_picture: dict[str, list[tuple[float, ...]]] = {}
    for row in faces(flow_context):
        by_picture.setdefault(row["content_hash"], []).append(tuple(row[k] for k in ("x", "y", "width", "height")))
    assert len(by_picture) == 5
    for boxes in by_picture.values():
        for box, wanted in zip(sorted(boxes), (box_of(0), box_of(1)), strict=True):
            assert box == pytest.approx(wanted, abs=0.02)


def test_raw_and_heic_are_sent_as_upright_jpegs(
    flow_context: FlowContext, library: Path, service: Apollo, media: Path
) -> None:
    for name in ("raw/canon/1Ds_Mark_III.CR2", "orientation/heic_orientation6.heic"):
        shutil.copyfile(media / name, library / Path(name).name)
    full_scan.fn()
    face_backlog.fn()
    assert set(scans(flow_context).values()) <= {"no_faces", "detected"}
    assert sorted(service.names()) == ["1Ds_Mark_III.CR2", "heic_orientation6.heic"]


def test_tick_is_capped_newest_first_and_copies_are_looked_at_once(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_BACKLOG_MAX_PER_TICK", "2")
    for number in range(4):
        path = portrait(library / f"{number}.jpg", "red", seed=number)
        os.utime(path, (1_600_000_000 + number * 1000,) * 2)
    shutil.copy2(library / "3.jpg", library / "copy.jpg")
    full_scan.fn()
    assert face_backlog.fn()["faces"] == 2
    assert len(service.asked) == 2
    assert {"2.jpg"} < set(service.names())
    assert face_backlog.fn()["faces"] == 2
    assert face_backlog.fn()["faces"] == 0
    assert len(service.asked) == 4


def test_excluded_folders_are_not_looked_at(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXCLUDED_DIRS", "/private,screenshots")
    for number, name in enumerate(("private/a.jpg", "x/screenshots/b.jpg", "private2/c.jpg", "d.jpg")):
        portrait(library / name, "red", seed=number)
    full_scan.fn()
    face_backlog.fn()
    assert sorted(service.names()) == ["c.jpg", "d.jpg"]


NAN = base64.b64encode(np.full(512, np.nan, "<f4").tobytes()).decode()
SHORT = base64.b64encode(np.ones(256, "<f4").tobytes()).decode()
GIVEN_UP = {
    "refused": Mood(status=422, body=b'{"detail": "decode_failed"}'),
    "nan in the box": Mood(faces=[face(float("nan"), 0.1, 0.2, 0.2)]),
    "nan in the vector": Mood(faces=[face(0.1, 0.1, 0.2, 0.2, embedding=NAN)]),
    "box outside": Mood(faces=[face(1.5, 0.1, 0.2, 0.2)]),
    "box in pixels": Mood(faces=[face(15, 20, 60, 80)]),
    "negative size": Mood(faces=[face(0.1, 0.1, -0.2, 0.2)]),
    "short vector": Mood(faces=[face(0.1, 0.1, 0.2, 0.2, embedding=SHORT)]),
    "no base64": Mood(faces=[face(0.1, 0.1, 0.2, 0.2, embedding="%%%")]),
    "confidence of 7": Mood(faces=[face(0.1, 0.1, 0.2, 0.2, confidence=7)]),
    "ten thousand faces": Mood(faces=[face(0.1, 0.1, 0.2, 0.2)] * 10_000),
}
LEFT = {
    "cuda_oom": Mood(status=503, body=b'{"detail": "cuda_oom"}'),
    "bad gateway": Mood(status=502, body=b"<html>", content_type="text/html"),
    "timeout": Mood(status=408),
    "too large": Mood(status=413),
    "too many": Mood(status=429),
    "not found": Mood(status=404),
    "redirect": Mood(status=302),
    "hang": Mood(wait_seconds=3),
    "drip": Mood(body=b" " * 100, drip=True),
    "html": Mood(body=b"<!doctype html><p>log in", content_type="text/html"),
    "another's json": Mood(body=b'{"hello": "world"}'),
    "half an answer": Mood(body=b'{"model_version": "x", "faces": [{'),
}


def test_answer_that_makes_no_sense_gives_up_that_picture_and_the_drain_goes_on(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    for number, (name, mood) in enumerate(GIVEN_UP.items()):
        portrait(library / f"{name}.jpg", "red", seed=number)
        service.moods[f"{name}.jpg"] = mood
    portrait(library / "good.jpg", "blue")
    portrait(library / "empty.jpg")
    full_scan.fn()
    report = face_backlog.fn()
    assert (report["faces"], report["failed"], report["left"]) == (2, len(GIVEN_UP), 0)
    given_up = {f"{name}.jpg": "failed" for name in GIVEN_UP}
    assert scans(flow_context) == {**given_up, "good.jpg": "detected", "empty.jpg": "no_faces"}
    messages = {
        row["message"] for row in flow_context.lake.select("select message from face_scan where status = 'failed'")
    }
    assert len(messages) >= 8, "each says what is wrong"
    face_backlog.fn()
    assert len(service.asked) == len(GIVEN_UP) + 2, "what was given up is not asked for again"


@pytest.mark.parametrize("names", [list(LEFT)[:4], list(LEFT)[4:8], list(LEFT)[8:]])
def test_trouble_of_the_service_marks_nothing_and_the_drain_goes_on(
    names: list[str], flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    if {"hang", "drip"} & set(names):
        monkeypatch.setenv("FACE_DETECT_TIMEOUT_SEC", "2")
    for number, name in enumerate(names):
        portrait(library / f"{name}.jpg", "red", seed=number)
        service.moods[f"{name}.jpg"] = LEFT[name]
    portrait(library / "good.jpg", "blue")
    full_scan.fn()
    report = face_backlog.fn()
    assert (report["faces"], report["failed"], report["left"]) == (1, 0, len(names))
    assert scans(flow_context) == {"good.jpg": "detected"}
    service.moods.clear()
    assert face_backlog.fn()["faces"] == len(names), "and they are asked for again"


def test_service_that_is_down_fails_the_run_soon_and_marks_nothing(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        portrait(library / f"{number}.jpg", "red", seed=number)
    full_scan.fn()
    service.moods["*"] = Mood(status=503)
    monkeypatch.setenv("FACE_DETECT_CONCURRENCY", "3")
    with pytest.raises(FaceServiceUnavailable, match="503"):
        face_backlog.fn()
    assert scans(flow_context) == {}
    assert len(service.asked) < 40, "a service that is down is not asked for each picture"
    monkeypatch.setenv("APOLLO_FACE_API_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match="cannot be reached"):
        face_backlog.fn()


def test_newest_pictures_that_the_service_never_takes_keep_no_others_waiting(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_BACKLOG_MAX_PER_TICK", "6")
    monkeypatch.setenv("FACE_DETECT_CONCURRENCY", "2")
    for number in range(40):
        path = portrait(library / f"{number}.jpg", "red", seed=number)
        os.utime(path, (1_600_000_000 + number * 1000,) * 2)
        if number >= 32:
            service.moods[path.name] = Mood(status=413)
    full_scan.fn()
    ticks = 0
    while list(scans(flow_context).values()).count("detected") < 32 and ticks < 12:
        assert face_backlog.fn()["faces"] <= 6
        ticks += 1
    found = {name for name, status in scans(flow_context).items() if status == "detected"}
    assert found == {f"{number}.jpg" for number in range(32)}


def test_scan_by_hand_looks_at_all_of_them(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_BACKLOG_MAX_PER_TICK", "2")
    for number in range(7):
        portrait(library / f"{number}.jpg", "red", seed=number)
    service.moods["3.jpg"] = Mood(status=503)
    assert scan_and_drain(["all"], full=True)["faces"] == 6
    assert set(scans(flow_context)) == {f"{number}.jpg" for number in range(7)} - {"3.jpg"}


def test_box_that_leaves_the_picture_a_little_is_cut(flow_context: FlowContext, library: Path, service: Apollo) -> None:
    portrait(library / "a.jpg")
    service.moods["a.jpg"] = Mood(faces=[face(-0.05, 0.9, 0.3, 0.15)])
    full_scan.fn()
    face_backlog.fn()
    (row,) = faces(flow_context)
    assert (row["x"], row["y"], row["width"], row["height"]) == pytest.approx((0, 0.9, 0.25, 0.1))


def test_concurrency_is_what_the_setting_says(
    flow_context: FlowContext, library: Path, service: Apollo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_DETECT_CONCURRENCY", "3")
    service.moods["*"] = Mood(wait_seconds=0.1)
    for number in range(9):
        portrait(library / f"{number}.jpg", "red", seed=number)
    full_scan.fn()
    face_backlog.fn()
    assert service.most_at_once == 3


def tag(flow_context: FlowContext, name: str, *paths: str) -> None:
    with flow_context.lake.write("tag") as writer:
        tag_id = writer.next_id("tag", "tag_id")
        writer.append("tag", [{"tag_id": tag_id, "name": name}])
        for path in paths:
            writer.execute(
                "insert into photo_tag (content_hash, tag_id) select content_hash, $t from fingerprint"
                " join asset using (asset_id) where rel_path = $p",
                t=tag_id, p=path,
            )  # fmt: skip


def person(flow_context: FlowContext, name: str, *, ignored: bool = False) -> int:
    from tasks.faces.record import new_numbers, person_row

    with flow_context.lake.write("person") as writer:
        number = new_numbers(writer, "person", 1)
        writer.append("person", [person_row(number, name, is_ignored=ignored)])
    return number


def names(flow_context: FlowContext) -> dict[str, list[str | None]]:
    found: dict[str, list[str | None]] = {}
    for row in flow_context.lake.select(
        "select rel_path, p.name from face f join fingerprint using (content_hash) join asset using (asset_id)"
        " left join person p using (person_id) order by rel_path, f.face_id"
    ):
        found.setdefault(row["rel_path"], []).append(row["name"])
    return found


def test_one_persons_tag_names_the_faces_that_are_like_the_ones_known(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    portrait(library / "first.jpg", "red")
    portrait(library / "second.jpg", "red", "blue", seed=2)
    portrait(library / "wrong.jpg", "green", seed=3)
    portrait(library / "untagged.jpg", "red", seed=4)
    full_scan.fn()
    person(flow_context, "Marie Curie")
    tag(flow_context, "marie curie", "first.jpg", "second.jpg", "wrong.jpg")
    tag(flow_context, "physics", "first.jpg", "wrong.jpg")
    service.moods["wrong.jpg"] = Mood(status=503)
    face_backlog.fn()
    assert names(flow_context) == {
        "first.jpg": ["Marie Curie"],
        "second.jpg": ["Marie Curie", None],
        "untagged.jpg": [None],
    }
    service.moods.clear()
    face_backlog.fn()
    assert names(flow_context)["wrong.jpg"] == [None], "a tag alone names nobody whose face is known"


def test_names_in_tags_are_the_same_however_they_are_written(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    portrait(library / "a.jpg", "red")
    portrait(library / "b.jpg", "blue", seed=2)
    portrait(library / "c.jpg", "green", seed=3)
    full_scan.fn()
    person(flow_context, "Anna Groß")
    person(flow_context, "Élodie van  Dijk")
    tag(flow_context, " ANNA   GROSS", "a.jpg")
    tag(flow_context, "élodie van dijk", "b.jpg")
    tag(flow_context, "Anna Gro", "c.jpg")
    face_backlog.fn()
    assert names(flow_context) == {"a.jpg": ["Anna Groß"], "b.jpg": ["Élodie van  Dijk"], "c.jpg": [None]}


def test_two_persons_tags_ignored_persons_and_other_models_name_nobody(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    portrait(library / "two.jpg", "red")
    portrait(library / "ignored.jpg", "blue")
    portrait(library / "old.jpg", "green")
    full_scan.fn()
    for name in ("Ada", "Bob", "Cy"):
        person(flow_context, name)
    person(flow_context, "Nobody", ignored=True)
    tag(flow_context, "Ada", "two.jpg")
    tag(flow_context, "Bob", "two.jpg")
    tag(flow_context, "Nobody", "ignored.jpg")
    tag(flow_context, "Cy", "old.jpg")
    face_backlog.fn()
    assert names(flow_context) == {"two.jpg": [None], "ignored.jpg": [None], "old.jpg": ["Cy"]}
    service.model_version = "buffalo_l-2"
    portrait(library / "new.jpg", "green", seed=9)
    full_scan.fn()
    tag(flow_context, "CY ", "new.jpg")
    service.moods["old.jpg"] = Mood(status=503)
    face_backlog.fn()
    assert names(flow_context)["new.jpg"] == [None], "Cy is known in the old model's vectors only"


def test_keywords_inside_the_file_count_as_tags(flow_context: FlowContext, library: Path, service: Apollo) -> None:
    path = portrait(library / "a.jpg", "red")
    path.with_suffix(".xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>Ada</rdf:li>'
        "</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    full_scan.fn()
    person(flow_context, "Ada")
    face_backlog.fn()
    assert names(flow_context) == {"a.jpg": ["Ada"]}


def regions_packet(*named: tuple[str, Box]) -> bytes:
    return mwg(*named, size=(320, 240)).encode()


def test_names_in_the_files_are_read_without_any_engine(flow_context: FlowContext, library: Path) -> None:
    portrait(library / "a.jpg")
    (library / "a.jpg.xmp").write_bytes(
        regions_packet(("Marie Curie", Box(*box_of(0))), ("Pierre Curie", Box(*box_of(1))))
    )
    full_scan.fn()
    assert face_backlog.fn()["face_regions"] == 1
    assert names(flow_context) == {"a.jpg": ["Marie Curie", "Pierre Curie"]}
    assert {row["source"] for row in faces(flow_context)} == {"region"}
    before = flow_context.lake.snapshot_id()
    face_backlog.fn()
    assert flow_context.lake.snapshot_id() == before, "read once"
    (library / "a.jpg.xmp").write_bytes(regions_packet(("Marie Skłodowska", Box(*box_of(0)))))
    full_scan.fn()
    face_backlog.fn()
    assert names(flow_context) == {"a.jpg": ["Marie Skłodowska"]}, "an edited sidecar is read again"


@pytest.mark.parametrize("name", ["Erna Meier", None])
def test_person_renamed_or_forgotten_stays_so_when_the_file_is_read_again(
    flow_context: FlowContext, library: Path, name: str | None
) -> None:
    portrait(library / "a.jpg", "red")
    regions = regions_packet(("Grandma", Box(*box_of(0))))
    (library / "a.xmp").write_bytes(regions)
    full_scan.fn()
    face_backlog.fn()
    with flow_context.lake.write("ada: edited") as writer:
        if name is None:
            writer.execute("delete from person")
            writer.execute("update face set person_id = null, bound_by = null")
        else:
            writer.execute("update person set name = $name", name=name)
    before = [(row["face_id"], row["name"]) for row in faces(flow_context)]
    assert before == [(1, name)]
    (library / "a.xmp").write_bytes(regions + b"\n")  # as a rating set elsewhere would
    full_scan.fn()
    face_backlog.fn()
    assert [(row["face_id"], row["name"]) for row in faces(flow_context)] == before
    assert [row["name"] for row in flow_context.lake.select("select name from person")] == ([name] if name else [])


def test_detector_gives_its_vector_to_the_face_the_file_names(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    portrait(library / "a.jpg", "red", "blue")
    (library / "a.xmp").write_bytes(regions_packet(("Marie Curie", Box(*box_of(0)).padded(0.1))))
    portrait(library / "b.jpg", "red", seed=4)
    full_scan.fn()
    face_backlog.fn()
    named, found = [row for row in faces(flow_context) if row["content_hash"] == faces(flow_context)[0]["content_hash"]]
    assert (named["source"], named["name"], named["model_version"]) == ("region", "Marie Curie", "buffalo_l-1")
    assert (found["source"], found["name"]) == ("auto", None)
    tag(flow_context, "Marie Curie", "b.jpg")
    face_backlog.fn()
    assert names(flow_context)["b.jpg"] == ["Marie Curie"], "and other photos are compared with it"


def test_new_model_looks_again_and_names_stay(flow_context: FlowContext, library: Path, service: Apollo) -> None:
    portrait(library / "a.jpg", "red", "blue")
    portrait(library / "b.jpg", "green", seed=2)
    full_scan.fn()
    face_backlog.fn()
    before = {row["face_id"]: row["content_hash"] for row in faces(flow_context)}
    ada = person(flow_context, "Ada")
    with flow_context.lake.write("name") as writer:
        writer.execute("update face set person_id = $p, bound_by = 'user' where x < 0.1", p=ada)
    service.model_version = "antelope-2"
    portrait(library / "c.jpg", "red", seed=3)
    full_scan.fn()
    face_backlog.fn()
    face_backlog.fn()
    after = faces(flow_context)
    assert {row["face_id"]: row["content_hash"] for row in after if row["face_id"] in before} == before
    assert {row["model_version"] for row in after} == {"antelope-2"}
    assert sorted(filter(None, names(flow_context)["a.jpg"])) == ["Ada"]
    asked = len(service.asked)
    face_backlog.fn()
    assert len(service.asked) == asked


def test_renamed_folder_keeps_every_name(flow_context: FlowContext, library: Path, service: Apollo) -> None:
    portrait(library / "2019" / "a.jpg", "red")
    portrait(library / "2019" / "b.jpg", "blue", seed=5)
    full_scan.fn()
    face_backlog.fn()
    ada = person(flow_context, "Ada")
    with flow_context.lake.write("name") as writer:
        writer.execute("update face set person_id = $p, bound_by = 'user'", p=ada)
    (library / "2019").rename(library / "holidays")
    full_scan.fn()
    face_backlog.fn()
    assert names(flow_context) == {"holidays/a.jpg": ["Ada"], "holidays/b.jpg": ["Ada"]}
    assert len(service.asked) == 2


def test_new_photos_join_groups_and_rename_none(flow_context: FlowContext, library: Path, service: Apollo) -> None:
    for number in range(3):
        portrait(library / f"red{number}.jpg", "red", seed=number)
    portrait(library / "blue.jpg", "blue")
    full_scan.fn()
    assert face_backlog.fn()["grouped"] == 3
    groups = {row["face_id"]: row["cluster_id"] for row in faces(flow_context)}
    assert sorted(groups.values(), key=str) == [1, 1, 1, None]
    for number in range(3):
        portrait(library / f"new{number}.jpg", "red", "blue", seed=20 + number)
    full_scan.fn()
    face_backlog.fn()
    after = {row["face_id"]: row["cluster_id"] for row in faces(flow_context)}
    assert {number: after[number] for number in groups if groups[number]} == {n: g for n, g in groups.items() if g}
    assert sorted(after.values()) == [1] * 6 + [2] * 4
    face_groups.fn()
    assert {row["face_id"]: row["cluster_id"] for row in faces(flow_context)} == after


def test_faces_of_a_film_come_from_its_clip_once_each(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    from flows.preview_clips import preview_clips
    from tests.tasks.video.films import FFMPEG, film

    if FFMPEG is None:
        pytest.skip("no ffmpeg")
    red = "0xdc1e1e"
    film(
        library / "a.mp4", source=f"color=c=0x808080:s=320x240:r=10:d=6,drawbox=x=20:y=60:w=60:h=80:color={red}:t=fill"
    )
    from tests.pictures import age

    age(library / "a.mp4")
    full_scan.fn()
    assert face_backlog.fn()["faces"] == 0, "it waits for its clip"
    preview_clips.fn()
    assert face_backlog.fn()["faces"] == 1
    (row,) = faces(flow_context)
    assert (row["x"], row["y"], row["width"], row["height"]) == pytest.approx(box_of(0), abs=0.03)
    assert row["at_seconds"] is not None
    assert len(service.asked) > 1


def test_file_that_cannot_be_decoded_is_given_up_without_asking(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    portrait(library / "a.jpg", "red")
    (library / "broken.jpg").write_bytes((library / "a.jpg").read_bytes()[:300])
    full_scan.fn()
    face_backlog.fn()
    assert scans(flow_context) == {"a.jpg": "detected", "broken.jpg": "failed"}
    assert service.names() == ["a.jpg"]


def test_drain_is_started_only_where_a_deployment_runs(
    flow_context: FlowContext, library: Path, service: Apollo
) -> None:
    start_drains(flow_context, {"faces"})  # no deployment here: nothing is started, nothing breaks
    assert service.asked == []


def test_stand_in_tells_people_apart() -> None:
    assert float(identity("red", 1) @ identity("red", 2)) > 0.5
    assert abs(float(identity("red") @ identity("blue"))) < 0.3
