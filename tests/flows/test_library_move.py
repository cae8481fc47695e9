"""A library on a new disk or at a new mount point: told once, and everything known of it stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from flows.admin.libraries import register_library
from flows.admin.library_move import move_library
from flows.engine.context import FlowContext
from flows.full_scan import full_scan
from tasks.errors import Conflict, LibraryLost
from tests.pictures import draw


@pytest.fixture
def scanned(flow_context: FlowContext, library: Path) -> Path:
    for number in range(10):
        draw(library / "2020" / f"{number}.jpg", number)
    full_scan.fn()
    return library


def known(flow_context: FlowContext) -> list[dict[str, object]]:
    return flow_context.lake.select("select asset_id, path, content_hash, missing_since from v_assets order by path")


def test_moved_library_keeps_its_numbers_and_thumbnails(
    flow_context: FlowContext, scanned: Path, tmp_path: Path
) -> None:
    before = known(flow_context)
    thumbnail = flow_context.settings.thumbnails_folder / "2020" / "0.jpg"
    made = thumbnail.stat().st_mtime_ns
    new_root = Path(shutil.move(scanned, tmp_path / "new disk"))
    report = move_library(flow_context, "photos", new_root)
    assert (report.there, report.missing, report.new, report.hashed, report.other_bytes) == (10, 0, 0, 10, 0)
    scan = full_scan.fn()
    assert [scan[name] for name in ("new", "changed", "moved", "missing", "thumbnails")] == [0] * 5
    assert known(flow_context) == before
    assert thumbnail.stat().st_mtime_ns == made
    assert [library.root for library in flow_context.libraries()] == [new_root]


def test_dry_run_says_the_numbers_and_changes_nothing(flow_context: FlowContext, scanned: Path, tmp_path: Path) -> None:
    new_root = Path(shutil.copytree(scanned, tmp_path / "copy"))
    (new_root / "2020" / "0.jpg").unlink()
    draw(new_root / "2020" / "new.jpg", 50)
    report = move_library(flow_context, "1", new_root, dry_run=True)
    assert (report.there, report.missing, report.new) == (9, 1, 1)
    assert flow_context.libraries()[0].root == scanned


def test_another_collection_is_refused_with_the_numbers(
    flow_context: FlowContext, scanned: Path, tmp_path: Path
) -> None:
    for number in range(10):
        draw(tmp_path / "others" / "2020" / f"{number}.jpg", number + 100, size=(33, 44))
    with pytest.raises(Conflict, match=r"not the same collection: 0 files.*10 have another size.*--force"):
        move_library(flow_context, "photos", tmp_path / "others")
    assert flow_context.libraries()[0].root == scanned
    assert move_library(flow_context, "photos", tmp_path / "others", force=True).there == 0
    assert flow_context.libraries()[0].root == tmp_path / "others"


def test_same_names_and_sizes_with_other_bytes_are_another_collection(
    flow_context: FlowContext, scanned: Path, tmp_path: Path
) -> None:
    new_root = Path(shutil.copytree(scanned, tmp_path / "copy"))
    picture = new_root / "2020" / "3.jpg"
    picture.write_bytes(bytes(picture.stat().st_size))
    with pytest.raises(Conflict, match="1 have other bytes"):
        move_library(flow_context, "photos", new_root)


def test_place_of_another_library_or_none_is_refused(flow_context: FlowContext, scanned: Path, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    register_library(flow_context.lake, tmp_path / "second")
    with pytest.raises(Conflict, match="contain each other"):
        move_library(flow_context, "photos", tmp_path / "second")
    with pytest.raises(Conflict, match="already"):
        move_library(flow_context, "photos", scanned)
    with pytest.raises(LibraryLost, match="no folder"):
        move_library(flow_context, "photos", tmp_path / "nowhere")


def test_new_place_of_a_known_library_is_recognised(flow_context: FlowContext, scanned: Path, tmp_path: Path) -> None:
    new_root = Path(shutil.move(scanned, tmp_path / "mounted here now"))
    with pytest.raises(Conflict, match=r"darkroom library move photos '.*mounted here now'"):
        register_library(flow_context.lake, new_root)
    assert len(flow_context.libraries()) == 1
    move_library(flow_context, "photos", new_root)
    assert register_library(flow_context.lake, new_root) == "photos"


def test_copy_of_a_library_that_is_still_there_may_be_a_library_too(
    flow_context: FlowContext, scanned: Path, tmp_path: Path
) -> None:
    assert register_library(flow_context.lake, Path(shutil.copytree(scanned, tmp_path / "copy"))) == "copy"
