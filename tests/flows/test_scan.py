"""Scans of a library that people work in: files come, go, move, change, and come back."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from flows.admin.libraries import register_library
from flows.engine.context import FlowContext
from flows.full_scan import full_scan
from flows.quick_scan import quick_scan
from tasks.errors import Conflict, IntegrityError, LibraryLost
from tests.pictures import age, draw


def assets(flow_context: FlowContext) -> dict[str, dict[str, Any]]:
    return {row["path"]: row for row in flow_context.lake.select("select * from v_assets")}


def thumbnail(flow_context: FlowContext, path: str) -> Path:
    return flow_context.settings.thumbnails_folder / path


def numbers(report: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero, without what the library holds."""
    kept = ("new", "changed", "moved", "missing", "restored", "failed", "thumbnails")
    return {name: report[name] for name in kept if report[name]}


def test_first_scan_reads_hash_metadata_and_thumbnail_in_one_pass(flow_context: FlowContext, library: Path) -> None:
    draw(library / "2020" / "a.jpg", 1, size=(600, 400), taken="2020:05:06 07:08:09")
    draw(library / "b.png", 2)
    report = full_scan.fn()
    assert numbers(report) == {"new": 2, "thumbnails": 2}
    assert report["found"] == 2
    found = assets(flow_context)["2020/a.jpg"]
    assert (found["width"], found["height"], found["media_type"]) == (600, 400, "photo")
    assert found["taken_at"].isoformat() == "2020-05-06T07:08:09"
    assert len(found["content_hash"]) == 64
    assert found["thumbhash"]
    assert thumbnail(flow_context, "2020/a.jpg").read_bytes().startswith(b"\xff\xd8")


def test_second_scan_of_an_unchanged_library_writes_nothing(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    before = flow_context.lake.snapshot_id()
    assert numbers(full_scan.fn()) == {}
    assert numbers(quick_scan.fn()) == {}
    assert flow_context.lake.snapshot_id() == before


def test_quick_scan_finds_new_files_in_old_and_new_folders(flow_context: FlowContext, library: Path) -> None:
    draw(library / "old" / "a.jpg", 1)
    full_scan.fn()
    draw(library / "old" / "b.jpg", 2)
    draw(library / "new" / "deep" / "c.jpg", 3)
    age(library / "new" / "deep")
    report = quick_scan.fn()
    assert report["new"] == 2
    assert set(assets(flow_context)) == {"old/a.jpg", "old/b.jpg", "new/deep/c.jpg"}


def test_quick_scan_marks_nothing_missing_and_full_scan_does(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    draw(library / "b.jpg", 2)
    full_scan.fn()
    (library / "a.jpg").unlink()
    assert numbers(quick_scan.fn()) == {}
    assert numbers(full_scan.fn()) == {"missing": 1}
    assert assets(flow_context)["a.jpg"]["missing_since"] is not None
    assert thumbnail(flow_context, "a.jpg").exists()


def test_missing_file_comes_back_as_the_same_asset(flow_context: FlowContext, library: Path, tmp_path: Path) -> None:
    draw(library / "a.jpg", 1)
    draw(library / "b.jpg", 2)
    full_scan.fn()
    before = assets(flow_context)["a.jpg"]["asset_id"]
    shutil.move(library / "a.jpg", tmp_path / "kept.jpg")
    full_scan.fn()
    shutil.move(tmp_path / "kept.jpg", library / "a.jpg")
    assert numbers(full_scan.fn()) == {"restored": 1}
    back = assets(flow_context)["a.jpg"]
    assert back["asset_id"] == before
    assert back["missing_since"] is None


@pytest.mark.parametrize("scan", [full_scan, quick_scan])
def test_moved_file_keeps_its_asset_and_its_thumbnail(flow_context: FlowContext, library: Path, scan: Any) -> None:
    draw(library / "inbox" / "a.jpg", 1, taken="2020:05:06 07:08:09")
    draw(library / "inbox" / "b.jpg", 2)
    full_scan.fn()
    before = assets(flow_context)["inbox/a.jpg"]
    made_at = thumbnail(flow_context, "inbox/a.jpg").stat().st_mtime_ns
    (library / "2020").mkdir()
    shutil.move(library / "inbox" / "a.jpg", library / "2020" / "a.jpg")
    assert numbers(scan.fn()) == {"moved": 1}
    after = assets(flow_context)
    assert set(after) == {"2020/a.jpg", "inbox/b.jpg"}
    assert after["2020/a.jpg"]["asset_id"] == before["asset_id"]
    assert after["2020/a.jpg"]["taken_at"] == before["taken_at"]
    assert thumbnail(flow_context, "2020/a.jpg").stat().st_mtime_ns == made_at, "renamed, not made again"
    assert not thumbnail(flow_context, "inbox/a.jpg").exists()


def test_renamed_folder_moves_every_file_in_it(flow_context: FlowContext, library: Path) -> None:
    for number in range(60):
        draw(library / "Holidays" / f"{number}.jpg", number)
    full_scan.fn()
    before = {row["content_hash"]: row["asset_id"] for row in assets(flow_context).values()}
    (library / "Holidays").rename(library / "Holidays 2019")
    assert numbers(full_scan.fn()) == {"moved": 60}
    assert {row["content_hash"]: row["asset_id"] for row in assets(flow_context).values()} == before
    assert all(path.startswith("Holidays 2019/") for path in assets(flow_context))


def test_file_moved_while_its_old_place_was_marked_missing_is_still_the_same(
    flow_context: FlowContext, library: Path
) -> None:
    draw(library / "a.jpg", 1)
    draw(library / "b.jpg", 2)
    full_scan.fn()
    before = assets(flow_context)["a.jpg"]["asset_id"]
    kept = (library / "a.jpg").read_bytes()
    (library / "a.jpg").unlink()
    full_scan.fn()
    (library / "c.jpg").write_bytes(kept)
    age(library / "c.jpg")
    assert numbers(quick_scan.fn()) == {"moved": 1}
    assert assets(flow_context)["c.jpg"]["asset_id"] == before


@pytest.mark.parametrize("scan", [full_scan.fn, quick_scan.fn])
def test_file_moved_to_where_another_is_missing_stays_itself(
    flow_context: FlowContext, library: Path, scan: Any
) -> None:
    draw(library / "a.jpg", 1)
    draw(library / "b.jpg", 2, size=(90, 60))
    os.utime(library / "a.jpg", (1_500_000_000, 1_500_000_000))
    full_scan.fn()
    before = assets(flow_context)
    with flow_context.lake.write("hide") as writer:
        writer.append("hidden", [{"asset_id": before["a.jpg"]["asset_id"], "reason": "user"}])
    shutil.move(library / "a.jpg", library.parent / "kept.jpg")
    full_scan.fn()
    (library / "b.jpg").rename(library / "a.jpg")
    assert numbers(scan()) == {"moved": 1}
    after = assets(flow_context)
    assert list(after) == ["a.jpg"]
    assert after["a.jpg"]["asset_id"] == before["b.jpg"]["asset_id"]
    assert after["a.jpg"]["content_hash"] == before["b.jpg"]["content_hash"]
    assert Image.open(thumbnail(flow_context, "a.jpg")).size == (90, 60)
    assert flow_context.lake.select("select * from hidden") == [], "it was said of the other one"
    shutil.move(library.parent / "kept.jpg", library / "c.jpg")
    assert numbers(full_scan.fn())["new"] == 1
    assert numbers(full_scan.fn()) == {}


def test_file_that_comes_back_where_it_was_with_a_new_time_is_no_move(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    draw(library / "b.jpg", 2)
    full_scan.fn()
    before = assets(flow_context)["a.jpg"]["asset_id"]
    shutil.move(library / "a.jpg", library.parent / "a.jpg")
    full_scan.fn()
    shutil.move(library.parent / "a.jpg", library / "a.jpg")
    os.utime(library / "a.jpg", (1_500_000_000, 1_500_000_000))
    report = full_scan.fn()
    assert (report["restored"], report["moved"], report["new"]) == (1, 0, 0)
    assert assets(flow_context)["a.jpg"]["asset_id"] == before


def test_photo_named_like_the_mark_of_a_damaged_one_keeps_its_thumbnail(
    flow_context: FlowContext, library: Path
) -> None:
    (library / "x.jpg").write_bytes(b"no picture")
    shutil.move(draw(library / "photo.jpg", 1), library / "x.jpg.unsupported")
    draw(library / "folder.jpg.unsupported" / "y.jpg", 2)
    (library / "folder.jpg").write_bytes(b"no picture either")
    age(library / "x.jpg"), age(library / "folder.jpg"), age(library / "x.jpg.unsupported")
    report = full_scan.fn()
    assert (report["thumbnails"], report["failed"]) == (2, 2)
    for damaged in ("x.jpg.unsupported", "folder.jpg.unsupported"):
        assert thumbnail(flow_context, damaged).stat().st_size == 0, "the mark"
    assert thumbnail(flow_context, ".named-unsupported/x.jpg.unsupported").stat().st_size > 0
    assert numbers(full_scan.fn()) == {}


def test_copy_of_a_file_that_is_still_there_is_a_new_asset(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    shutil.copy2(library / "a.jpg", library / "copy.jpg")
    assert numbers(full_scan.fn()) == {"new": 1, "thumbnails": 1}
    both = assets(flow_context)
    assert both["a.jpg"]["content_hash"] == both["copy.jpg"]["content_hash"]
    assert both["a.jpg"]["asset_id"] != both["copy.jpg"]["asset_id"]


def test_file_edited_in_place_is_read_again(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    before = assets(flow_context)["a.jpg"]
    old_picture = thumbnail(flow_context, "a.jpg").read_bytes()
    draw(library / "a.jpg", 7, size=(200, 100))
    assert numbers(full_scan.fn()) == {"changed": 1, "thumbnails": 1}
    after = assets(flow_context)["a.jpg"]
    assert after["asset_id"] == before["asset_id"]
    assert after["content_hash"] != before["content_hash"]
    assert (after["width"], after["height"]) == (200, 100)
    assert thumbnail(flow_context, "a.jpg").read_bytes() != old_picture


def test_touched_file_with_the_same_bytes_keeps_its_thumbnail_row(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    age(library / "a.jpg", seconds=1000)
    full_scan.fn()
    assert len(flow_context.lake.select("from v_derivatives")) == 1
    assert assets(flow_context)["a.jpg"]["thumbhash"]


def test_half_copied_file_is_left_for_the_next_scan(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAN_SETTLE_SECONDS", "2")
    draw(library / "whole.jpg", 1)
    picture = (library / "whole.jpg").read_bytes()
    growing = library / "growing.jpg"
    growing.write_bytes(picture[:100])

    def write_the_rest(seconds: float) -> None:
        growing.write_bytes(picture)

    with monkeypatch.context() as patched:  # between the looks, however busy the machine
        patched.setattr("tasks.files.new_files.time", SimpleNamespace(**{**vars(time), "sleep": write_the_rest}))
        report = full_scan.fn()
    assert report["waiting"] == 1
    assert set(assets(flow_context)) == {"whole.jpg"}
    age(growing)
    assert quick_scan.fn()["new"] == 1, "its folder is listed again though its mtime did not change"


def test_emptied_library_is_not_believed(flow_context: FlowContext, library: Path) -> None:
    for number in range(3):
        draw(library / f"{number}.jpg", number)
    full_scan.fn()
    for path in library.iterdir():
        path.unlink()
    with pytest.raises(LibraryLost, match=r"is empty, but 3 files.*--accept-loss"):
        full_scan.fn()
    assert all(row["missing_since"] is None for row in assets(flow_context).values())
    assert full_scan.fn(accept_loss=True)["missing"] == 3


def test_unmounted_library_is_an_error_and_marks_nothing(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    shutil.move(library, library.with_name("elsewhere"))
    with pytest.raises(LibraryLost, match="cannot be read"):
        full_scan.fn()
    with pytest.raises(LibraryLost, match="cannot be read"):
        quick_scan.fn()
    assert assets(flow_context)["a.jpg"]["missing_since"] is None


def test_another_disk_at_the_same_place_is_not_believed(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    shutil.move(library, library.with_name("elsewhere"))
    draw(library / "other.jpg", 2)
    with pytest.raises(LibraryLost, match="another folder than last time"):
        full_scan.fn()
    assert assets(flow_context)["a.jpg"]["missing_since"] is None


def test_losing_most_of_a_large_library_trips_the_brake_with_the_numbers(
    flow_context: FlowContext, library: Path
) -> None:
    for number in range(120):
        draw(library / f"{number}.jpg", number)
    full_scan.fn()
    for number in range(60):
        (library / f"{number}.jpg").unlink()
    with pytest.raises(LibraryLost, match=r"lost 60 of 120 files \(50 %\)"):
        full_scan.fn()
    assert not any(row["missing_since"] for row in assets(flow_context).values())
    runs = flow_context.lake.select("select state, message from v_runs where state = 'failed'")
    assert "lost 60 of 120" in runs[0]["message"]


def test_folder_that_cannot_be_listed_loses_nothing(flow_context: FlowContext, library: Path, monkeypatch: Any) -> None:
    draw(library / "good" / "a.jpg", 1)
    draw(library / "bad" / "b.jpg", 2)
    full_scan.fn()
    real = os.scandir

    def failing(path: str) -> Any:  # root may list anything, so the disk error is made here
        if str(path).endswith("bad"):
            raise OSError(5, "Input/output error")
        return real(path)

    monkeypatch.setattr(os, "scandir", failing)
    report = full_scan.fn()
    assert report["missing"] == 0
    assert report["unreadable"] == ["bad: Input/output error"]
    assert assets(flow_context)["bad/b.jpg"]["missing_since"] is None


def test_edited_sidecar_has_the_metadata_read_again(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    assert assets(flow_context)["a.jpg"]["has_sidecar"] is False
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{}"/></rdf:RDF></x:xmpmeta>'
    )
    for rating in (3, 5):
        sidecar = library / "a.jpg.xmp"
        sidecar.write_text(packet.format(rating))
        age(sidecar, seconds=86_400 * rating)
        full_scan.fn()
        from flows.metadata import metadata

        metadata.fn()
        found = assets(flow_context)["a.jpg"]
        assert (found["has_sidecar"], found["rating"]) == (True, rating)


def test_one_library_that_is_gone_does_not_stop_the_other(
    flow_context: FlowContext, library: Path, tmp_path: Path
) -> None:
    draw(library / "a.jpg", 1)
    second = tmp_path / "second"
    draw(second / "b.jpg", 2)
    register_library(flow_context.lake, second)
    full_scan.fn()
    shutil.rmtree(library)
    draw(second / "c.jpg", 3)
    with pytest.raises(LibraryLost):
        full_scan.fn()
    assert {row["path"] for row in assets(flow_context).values() if row["library"] == "second"} == {"b.jpg", "c.jpg"}


def test_same_path_in_two_libraries_has_two_thumbnails(
    flow_context: FlowContext, library: Path, tmp_path: Path
) -> None:
    draw(library / "a.jpg", 1)
    draw(tmp_path / "second" / "a.jpg", 2)
    register_library(flow_context.lake, tmp_path / "second")
    full_scan.fn()
    files = [row["file"] for row in flow_context.lake.select("select file from v_derivatives order by file")]
    assert files == [".library-2/a.jpg", "a.jpg"]
    assert thumbnail(flow_context, files[0]).read_bytes() != thumbnail(flow_context, files[1]).read_bytes()


def test_names_of_any_bytes_are_found_again_by_the_next_scan(flow_context: FlowContext, library: Path) -> None:
    names = [
        b"new\nline.jpg", b"quote'\".jpg", "emoji \U0001f40d.jpg".encode(), b"\xff\xfe latin.jpg", b"-rf.jpg",
        b"a" * 251 + b".jpg", "cafe\u0301.jpg".encode(), b"back\\slash.jpg", b"%41 $HOME `id`.jpg", b" .jpg ",
    ]  # fmt: skip
    for number, name in enumerate(names):
        path = library / os.fsdecode(name)
        draw(library / "plain.jpg", number).rename(path)
        age(path)
    report = full_scan.fn()
    assert report["found"] == len(names)
    assert report["failed"] == 0
    assert numbers(full_scan.fn()) == {}
    on_disk = {os.fsencode(path.name) for path in flow_context.settings.thumbnails_folder.iterdir()}
    assert on_disk == set(names)


def test_links_out_of_the_library_pipes_and_system_files_are_skipped_with_a_reason(
    flow_context: FlowContext, library: Path, tmp_path: Path
) -> None:
    draw(tmp_path / "outside.jpg", 1)
    draw(library / "inside.jpg", 2)
    (library / "out.jpg").symlink_to(tmp_path / "outside.jpg")
    (library / "in.jpg").symlink_to("inside.jpg")
    (library / "loop").symlink_to(library)
    os.mkfifo(library / "pipe.jpg")
    (library / "Thumbs.db").write_bytes(b"x")
    (library / ".hidden.jpg").write_bytes(b"x")
    (library / "notes.txt").write_bytes(b"x")
    draw(library / "@eaDir" / "thumb.jpg", 3)
    (library / "a.thm").write_bytes(b"x")
    full_scan.fn()
    assert set(assets(flow_context)) == {"inside.jpg", "in.jpg"}
    skipped = {row["path"]: row["reason"] for row in flow_context.lake.select("from v_skipped")}
    assert skipped == {
        "out.jpg": "symlink", "loop": "symlink", "pipe.jpg": "special", "Thumbs.db": "not_media",
        ".hidden.jpg": "hidden", "notes.txt": "not_media", "a.thm": "sidecar",
    }  # fmt: skip


def test_picture_without_an_extension_is_known_by_its_bytes(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1).rename(library / "no_extension")
    age(library / "no_extension")
    full_scan.fn()
    assert assets(flow_context)["no_extension"]["mime_type"] == "image/jpeg"


def test_excluded_folders_are_not_scanned(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCAN_EXCLUDED_DIRS", "/top/private, cache")
    for path in ("a.jpg", "top/private/b.jpg", "top/c.jpg", "deep/cache/d.jpg", "private/e.jpg"):
        draw(library / path, len(path))
    full_scan.fn()
    assert set(assets(flow_context)) == {"a.jpg", "top/c.jpg", "private/e.jpg"}


def test_two_scans_at_once_do_the_work_once(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    with flow_context.lake.exclusive("scan-1") as alone:
        assert alone
        assert full_scan.fn()["found"] == 0, "another process is at it"
    assert full_scan.fn()["new"] == 1


def test_folder_in_the_place_of_a_photo_and_back_again_stops_nothing(flow_context: FlowContext, library: Path) -> None:
    draw(library / "d" / "a.jpg", 1)
    full_scan.fn()
    (library / "d" / "a.jpg").unlink()
    draw(library / "d" / "a.jpg" / "inside.jpg", 2)
    assert numbers(full_scan.fn()) == {"new": 1, "missing": 1, "thumbnails": 1}
    assert thumbnail(flow_context, "d/a.jpg/inside.jpg").is_file()
    shutil.rmtree(library / "d" / "a.jpg")
    draw(library / "d" / "a.jpg", 3)
    assert full_scan.fn()["failed"] == 0
    assert thumbnail(flow_context, "d/a.jpg").is_file()


@pytest.mark.parametrize("before", ["symlink", "text"])
def test_skipped_file_that_becomes_a_photo_is_an_asset_and_no_longer_skipped(
    flow_context: FlowContext, library: Path, tmp_path: Path, before: str
) -> None:
    draw(tmp_path / "elsewhere.jpg", 1)
    name = "b.jpg" if before == "symlink" else "note"
    if before == "symlink":
        (library / name).symlink_to(tmp_path / "elsewhere.jpg")
    else:
        (library / name).write_text("hello")
    full_scan.fn()
    (library / name).unlink()
    shutil.copy2(tmp_path / "elsewhere.jpg", library / name)
    assert full_scan.fn()["new"] == 1
    assert flow_context.lake.select("from v_skipped") == []


def test_quick_scan_takes_nothing_in_from_another_disk_at_the_same_place(
    flow_context: FlowContext, library: Path
) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    kept = library.with_name("kept")
    shutil.move(library, kept)
    (library / "backup").mkdir(parents=True)
    shutil.copy2(kept / "a.jpg", library / "backup" / "a.jpg")
    report = quick_scan.fn()
    assert numbers(report) == {}
    assert "another folder" in report["unreadable"][0]
    assert set(assets(flow_context)) == {"a.jpg"}


def test_deleted_file_beside_an_unreadable_folder_of_a_similar_name_is_missing(
    flow_context: FlowContext, library: Path, monkeypatch: Any
) -> None:
    draw(library / "locked" / "a.jpg", 1)
    draw(library / "locked2" / "b.jpg", 2)
    draw(library / "c.jpg", 3)
    full_scan.fn()
    (library / "locked2" / "b.jpg").unlink()
    real = os.scandir

    def failing(path: str) -> Any:
        if str(path).endswith("locked"):
            raise OSError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", failing)
    assert full_scan.fn()["missing"] == 1


@pytest.mark.parametrize("where", ["the library itself", "a folder in it", "a folder around it"])
def test_derivatives_never_lie_among_originals(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    draw(library / "a.jpg", 1, size=(900, 600))
    original = (library / "a.jpg").read_bytes()
    folders = {"the library itself": library, "a folder in it": library / "t", "a folder around it": library.parent}
    monkeypatch.setenv("THUMBNAILS", str(folders[where]))
    with pytest.raises(IntegrityError, match="contain each other"):
        full_scan.fn()
    assert (library / "a.jpg").read_bytes() == original


def test_same_folder_by_another_name_is_no_second_library(flow_context: FlowContext, library: Path) -> None:
    library.with_name("link").symlink_to(library)
    with pytest.raises(Conflict, match="by another name"):
        register_library(flow_context.lake, library.with_name("link"))


def test_unchanged_library_with_an_unreadable_file_writes_nothing(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library / "nameless").write_bytes(b"x")
    age(library / "nameless")

    def unreadable(path: Path) -> Any:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr("tasks.files.new_files.open_original", unreadable)
    full_scan.fn()
    before = flow_context.lake.snapshot_id()
    full_scan.fn()
    assert flow_context.lake.snapshot_id() == before
    assert flow_context.lake.select("select reason from v_skipped") == [{"reason": "unreadable"}]
