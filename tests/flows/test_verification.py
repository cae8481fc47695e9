"""Files that were replaced without a new size or time, files that rotted, and what is read again when."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from flows.engine.context import FlowContext
from flows.full_scan import full_scan
from flows.maintenance import maintenance
from flows.quick_scan import quick_scan
from flows.work.integrity import check_lake
from flows.work.verification import verify_oldest
from tests.pictures import age, draw

SMALL_NIGHT = "0.000000001"  # GiB: one file


def bmp(path: Path, shade: int) -> Path:
    """A picture whose size in bytes does not depend on what it shows."""
    from PIL import Image

    Image.new("RGB", (40, 30), (shade, shade, shade)).save(path, "BMP")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def content_hash(flow_context: FlowContext, path: str = "a.bmp") -> str:
    return str(
        flow_context.lake.select("select content_hash from v_assets where path = $path", path=path)[0]["content_hash"]
    )


def rot(flow_context: FlowContext, path: Path, shade: int) -> None:
    """Other bytes with everything else as it was: what was noted of the file is set to what it is now."""
    bmp(path, shade)
    status = path.stat()
    with flow_context.lake.write() as writer:
        writer.execute(
            "update fingerprint set inode = $inode, ctime_ns = $ctime where size_bytes = $size",
            inode=status.st_ino, ctime=status.st_ctime_ns, size=status.st_size,
        )  # fmt: skip


@pytest.mark.parametrize("scan", [full_scan, quick_scan], ids=["full", "quick"])
def test_replacement_with_the_same_size_and_time_is_read(
    flow_context: FlowContext, library: Path, scan: object
) -> None:
    bmp(library / "a.bmp", 10)
    age(library)
    full_scan.fn()
    before = content_hash(flow_context)
    bmp(library / "new", 200).rename(library / "a.bmp")
    report = scan.fn()  # type: ignore[attr-defined]
    assert (report["changed"], report["new"], report["thumbnails"]) == (1, 0, 1)
    assert content_hash(flow_context) != before
    assert full_scan.fn()["changed"] == 0
    check_lake(flow_context)


def test_new_change_time_alone_reads_the_file_once_and_changes_nothing(
    flow_context: FlowContext, library: Path
) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    made = (flow_context.settings.thumbnails_folder / "a.jpg").stat().st_mtime_ns
    (library / "a.jpg").chmod(0o600)
    assert full_scan.fn()["changed"] == 0
    assert (flow_context.settings.thumbnails_folder / "a.jpg").stat().st_mtime_ns == made
    assert flow_context.lake.select("select verified_at is not null as read from fingerprint") == [{"read": True}]
    before = flow_context.lake.snapshot_id()
    full_scan.fn()
    assert flow_context.lake.snapshot_id() == before, "it is not read again and again"


def test_remount_with_new_inodes_reads_no_more_than_a_night_at_a_time(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        draw(library / f"{number}.jpg", number)
    full_scan.fn()
    with flow_context.lake.write() as writer:
        writer.execute("update fingerprint set inode = inode + 1, ctime_ns = ctime_ns + 1")
    monkeypatch.setenv("VERIFY_GIB_PER_NIGHT", SMALL_NIGHT)
    for scans in (1, 2):
        assert full_scan.fn()["changed"] == 0
        read = flow_context.lake.select("select count(*) as n from fingerprint where verified_at is not null")
        assert read == [{"n": scans}]


def test_moved_file_is_not_read_twice(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    shutil.move(library / "a.jpg", library / "b.jpg")
    assert full_scan.fn()["moved"] == 1
    assert flow_context.lake.select("select verified_at from fingerprint") == [{"verified_at": None}]


def test_rotten_file_is_told_from_an_edited_one_and_its_good_hash_kept(
    flow_context: FlowContext, library: Path
) -> None:
    bmp(library / "a.bmp", 10)
    full_scan.fn()
    good = content_hash(flow_context)
    kept = shutil.copy2(library / "a.bmp", library.parent / "backup.bmp")
    rot(flow_context, library / "a.bmp", 200)
    maintenance.fn()
    failures = flow_context.lake.select("select stage, error_class, message from v_failures")
    assert [(row["stage"], row["error_class"]) for row in failures] == [("verify", "DamagedFile")]
    assert good in failures[0]["message"]
    assert "backup" in failures[0]["message"]
    assert content_hash(flow_context) == good
    assert flow_context.lake.rows("cli/library_counts")[0]["damaged"] == 1
    shutil.copy2(kept, library / "restored")
    (library / "restored").rename(library / "a.bmp")
    assert full_scan.fn()["changed"] == 0
    assert flow_context.lake.select("from v_failures") == []
    assert content_hash(flow_context) == good


def test_each_night_reads_on_where_the_last_one_ended(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        draw(library / f"{number}.jpg", number)
    full_scan.fn()
    settings = flow_context.settings.model_copy(update={"verify_gib_per_night": float(SMALL_NIGHT)})
    small = FlowContext(settings, flow_context.lake)
    for _ in range(3):
        assert verify_oldest(small).same == 1
    assert flow_context.lake.select("select count(*) as n from fingerprint where verified_at is not null") == [{"n": 3}]
    off = FlowContext(settings.model_copy(update={"verify_gib_per_night": 0.0}), flow_context.lake)
    assert verify_oldest(off).same == 0


def test_file_that_cannot_be_read_again_is_told(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()

    def failing(path: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("tasks.files.verification.open_original", failing)
    assert verify_oldest(flow_context).unreadable == 1
    failures = flow_context.lake.select("select stage, error_class, message from v_failures")
    assert failures[0]["error_class"] == "UnreadableFile"
    assert "Input/output error" in failures[0]["message"]
