"""`darkroom export-xmp` on a scanned library: sidecars appear, originals stay, the next scan settles."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from flows.admin.xmp_export import export_sidecars
from flows.engine.context import FlowContext
from flows.engine.whole_run import scan_and_drain
from flows.face_backlog import face_backlog
from flows.full_scan import full_scan
from sql.lake import Row, utc_now
from tasks.errors import UnknownLibrary
from tasks.faces.record import face_row, person_row
from tasks.metadata.xmp import parse_xmp
from tests.apollo_stand_in import portrait
from tests.pictures import draw
from tests.tasks.faces.test_picasa import ini
from tests.tasks.faces.test_regions import MARIE
from tests.tasks.test_xmp_sidecar import FOREIGN


def say(
    flow_context: FlowContext,
    path: str,
    *,
    tags: tuple[str, ...] = (),
    rating: int | None = None,
    words: str | None = None,
) -> None:
    """As the API records it."""
    found = flow_context.lake.select("select content_hash from v_assets where path = $path", path=path)[0][
        "content_hash"
    ]
    with flow_context.lake.write("ada: said it") as writer:
        writer.execute("delete from photo_tag where content_hash = $hash", hash=found)
        for name in tags:
            number = writer.next_id("tag", "tag_id")
            writer.append("tag", [{"tag_id": number, "name": name, "created_at": utc_now()}])
            writer.append("photo_tag", [{"content_hash": found, "tag_id": number}])
        writer.execute("delete from photo_note where content_hash = $hash", hash=found)
        if rating is not None or words is not None:
            writer.append("photo_note", [{"content_hash": found, "rating": rating, "description": words}])


def asset(flow_context: FlowContext, path: str) -> Row:
    return flow_context.lake.select("select * from v_assets where path = $path", path=path)[0]


def originals(library: Path) -> dict[str, tuple[str, int]]:
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in library.rglob("*")
        if path.is_file() and path.suffix != ".xmp"
    }


def test_export_is_read_by_the_next_scan_and_the_one_after_has_nothing_to_do(
    flow_context: FlowContext, library: Path
) -> None:
    draw(library / "a.jpg", 1, taken="2020:01:02 03:04:05")
    draw(library / "sub/b.jpg", 2)
    full_scan.fn()
    before = originals(library)
    say(flow_context, "a.jpg", tags=("summer", "日本"), rating=4, words="two\nlines")
    report = export_sidecars(flow_context)
    assert (report.written, report.problems) == ([str(library / "a.jpg.xmp")], [])
    assert originals(library) == before
    say(flow_context, "a.jpg")  # nothing: what the scan finds now comes from the sidecar
    scan_and_drain(["all"], full=True)
    found = asset(flow_context, "a.jpg")
    assert (found["keywords"], found["rating"], found["description"]) == (["summer", "日本"], 4, "two\nlines")
    say(flow_context, "a.jpg", tags=("autumn",), rating=4)
    export_sidecars(flow_context)
    scan_and_drain(["all"], full=True)
    found = asset(flow_context, "a.jpg")
    assert (found["keywords"], found["rating"], found["description"]) == (["autumn"], 4, None)
    again = export_sidecars(flow_context)
    assert (again.written, again.unchanged) == ([], 1)
    read_at = flow_context.lake.select("select max(recorded_at) as at from metadata")
    scan_and_drain(["all"], full=True)
    assert flow_context.lake.select("select max(recorded_at) as at from metadata") == read_at


def test_dry_run_writes_nothing_and_a_folder_mirrors_the_library(
    flow_context: FlowContext, library: Path, tmp_path: Path
) -> None:
    draw(library / "x/100% #1 'a'.jpg", 1)
    full_scan.fn()
    say(flow_context, "x/100% #1 'a'.jpg", tags=("summer",))
    report = export_sidecars(flow_context, dry_run=True)
    assert report.written == [str(library / "x/100% #1 'a'.jpg.xmp")]
    assert not list(library.rglob("*.xmp"))
    export_sidecars(flow_context, "photos", tmp_path / "out")
    assert not list(library.rglob("*.xmp"))
    (made,) = (tmp_path / "out").rglob("*.xmp")
    assert made == tmp_path / "out/photos/x/100% #1 'a'.jpg.xmp"
    assert parse_xmp(made.read_bytes()).keywords == ("summer",)
    with pytest.raises(UnknownLibrary):
        export_sidecars(flow_context, "nowhere")


def test_foreign_sidecar_is_merged_in_place_and_a_shared_one_is_copied(
    flow_context: FlowContext, library: Path
) -> None:
    for name in ("one.jpg", "two.jpg", "two.png"):
        draw(library / name, len(name) + ord(name[-1]))
    for name in ("one.xmp", "two.xmp"):
        (library / name).write_text(FOREIGN)
    full_scan.fn()
    for name in ("one.jpg", "two.jpg"):
        say(flow_context, name, tags=("summer",))
    written = export_sidecars(flow_context).written
    assert sorted(written) == [str(library / "one.xmp"), str(library / "two.jpg.xmp")]
    assert (library / "two.xmp").read_text() == FOREIGN
    for path in written:
        assert parse_xmp(Path(path).read_bytes()).keywords == ("bird", "lake & sea", "summer")
        assert "Exposure2012" in Path(path).read_text()


def test_damaged_sidecar_is_left_alone_and_said_and_the_others_are_written(
    flow_context: FlowContext, library: Path
) -> None:
    draw(library / "bad.jpg", 1)
    draw(library / "good.jpg", 2)
    (library / "bad.jpg.xmp").write_bytes(b"<x:xmpmeta half")
    full_scan.fn()
    for name in ("bad.jpg", "good.jpg"):
        say(flow_context, name, rating=3)
    report = export_sidecars(flow_context)
    assert report.written == [str(library / "good.jpg.xmp")]
    assert len(report.problems) == 1
    assert report.problems[0].startswith("photos/bad.jpg: ")
    assert (library / "bad.jpg.xmp").read_bytes() == b"<x:xmpmeta half"


def test_renamed_folder_keeps_tags_favourites_and_ratings(flow_context: FlowContext, library: Path) -> None:
    for number in range(4):
        draw(library / f"old name/{number}.jpg", number, taken=f"2020:01:0{number + 1} 10:00:00")
    draw(library / "stays.jpg", 9)
    shutil.copy2(library / "old name/0.jpg", library / "copy.jpg")
    full_scan.fn()
    before = {row["path"]: row for row in flow_context.lake.select("select path, asset_id, content_hash from v_assets")}
    say(flow_context, "old name/0.jpg", tags=("summer",), rating=5, words="kept")
    say(flow_context, "old name/1.jpg", tags=("winter",))
    with flow_context.lake.write("ada: likes it") as writer:
        writer.append("account", [{"account_id": 1, "name": "ada", "role": "owner", "created_at": utc_now()}])
        writer.append("favorite", [{"content_hash": before["old name/1.jpg"]["content_hash"], "account_id": 1}])
    (library / "old name").rename(library / "new name")
    full_scan.fn()
    tagged = flow_context.lake.select("select tag, path from v_tags order by all")
    assert [tuple(row.values()) for row in tagged] == [
        ("summer", "copy.jpg"),
        ("summer", "new name/0.jpg"),
        ("winter", "new name/1.jpg"),
    ]
    for path in ("new name/0.jpg", "copy.jpg"):
        assert (asset(flow_context, path)["rating"], asset(flow_context, path)["description"]) == (5, "kept")
    liked = flow_context.lake.select("select account, path, asset_id from v_favorites")
    assert [tuple(row.values()) for row in liked] == [("ada", "new name/1.jpg", before["old name/1.jpg"]["asset_id"])]


def named_boxes(flow_context: FlowContext, path: str) -> list[tuple[str, float, float, float, float]]:
    rows = flow_context.lake.select(
        "select p.name, round(f.x, 3), round(f.y, 3), round(f.width, 3), round(f.height, 3) from face f"
        " join person p using (person_id) join fingerprint using (content_hash) join asset using (asset_id)"
        " where rel_path = $path order by all",
        path=path,
    )
    return [tuple(row.values()) for row in rows]  # type: ignore[misc]


def test_people_are_exported_and_another_home_reads_the_same_faces(flow_context: FlowContext, library: Path) -> None:
    portrait(library / "a.jpg", "red", orientation=6)
    full_scan.fn()
    with flow_context.lake.write("ada: named it") as writer:
        content_hash = writer.execute("select content_hash from fingerprint")[0]["content_hash"]
        writer.append("person", [person_row(1, "Marie Curie"), person_row(2, "Passer-by", is_ignored=True)])
        box = {"x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4}
        other = box | {"x": 0.6}
        writer.append("face", [
            face_row(content_hash, "manual", face_id=1, person_id=1, bound_by="user", **box),
            face_row(content_hash, "manual", face_id=2, person_id=2, bound_by="user", **other),
        ])  # fmt: skip
    before = originals(library)
    assert export_sidecars(flow_context).written == [str(library / "a.jpg.xmp")]
    assert originals(library) == before
    assert b"Passer-by" not in (library / "a.jpg.xmp").read_bytes(), "the ignored are nobody's business"
    with flow_context.lake.write("forgotten") as writer:
        for table in ("face", "person", "face_scan"):
            writer.execute(f"delete from {table}")
    full_scan.fn()
    face_backlog.fn()
    assert named_boxes(flow_context, "a.jpg") == [("Marie Curie", 0.1, 0.2, 0.3, 0.4)]
    assert export_sidecars(flow_context).written == []


def test_picasas_file_is_read_and_read_again_when_it_changes(flow_context: FlowContext, library: Path) -> None:
    portrait(library / "a.jpg")
    portrait(library / "b.jpg", seed=1)
    full_scan.fn()
    face_backlog.fn()
    assert named_boxes(flow_context, "a.jpg") == []
    contacts = "[Contacts2]\nab=Marie;;\ncd=Maria;;\n"
    (library / ".picasa.ini").write_text(ini("a.jpg", ("ab", MARIE), contacts=contacts))
    full_scan.fn()
    face_backlog.fn()
    assert named_boxes(flow_context, "a.jpg") == [("Marie", 0.3, 0.2, 0.12, 0.2)]
    assert named_boxes(flow_context, "b.jpg") == []
    (library / ".picasa.ini").write_text(ini("a.jpg", ("cd", MARIE), contacts=contacts) + "\n")
    os.utime(library, (1_600_000_000, 1_600_000_000))  # one that changed within two seconds is noted by the next scan
    full_scan.fn()
    assert face_backlog.fn()["face_regions"] == 2
    assert [one[0] for one in named_boxes(flow_context, "a.jpg")] == ["Maria"]
    before = flow_context.lake.snapshot_id()
    full_scan.fn()
    face_backlog.fn()
    assert flow_context.lake.snapshot_id() == before, "read once"
    (library / ".picasa.ini").unlink()
    full_scan.fn()
    face_backlog.fn()
    assert named_boxes(flow_context, "a.jpg") == []
