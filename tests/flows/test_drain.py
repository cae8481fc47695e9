"""Drains: what fails is recorded once, what is transient is tried again, what was asked for is done again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from flows.engine import drain as drain_module
from flows.engine.context import FlowContext
from flows.engine.drain import drain, split
from flows.full_scan import full_scan
from flows.hash_backfill import hash_backfill
from flows.maintenance import maintenance
from flows.metadata import metadata
from flows.scanning.scan_library import ScanReport, find_changes
from flows.thumbnails import thumbnails
from flows.work.integrity import check_lake, retry_failures
from tasks.asset import Asset, Results
from tasks.errors import IntegrityError, StorageUnavailable
from tasks.images.sentinel import sentinel_path
from tasks.video.ffmpeg import find_ffmpeg
from tests.pictures import age, draw


def register_only(flow_context: FlowContext) -> None:
    """Put the files into the lake without reading them, as a scan that was stopped early."""
    for library in flow_context.libraries():
        find_changes(flow_context, library, ScanReport(library.name, ""), full=True, accept_loss=False)


def failures(flow_context: FlowContext) -> list[dict[str, object]]:
    return flow_context.lake.select("select path, stage, error_class, attempts from v_failures order by path, stage")


def test_bad_file_is_recorded_once_and_not_tried_again(flow_context: FlowContext, library: Path) -> None:
    draw(library / "good.jpg", 1)
    (library / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    age(library / "bad.jpg")
    full_scan.fn()
    found = [row for row in failures(flow_context) if row["stage"] == "thumbnail"]
    assert [(row["path"], row["attempts"]) for row in found] == [("bad.jpg", 1)]
    assert sentinel_path(flow_context.settings.thumbnails_folder / "bad.jpg").stat().st_size == 0
    full_scan.fn()
    assert thumbnails.fn()["failed"] == 0
    assert [row["attempts"] for row in failures(flow_context) if row["stage"] == "thumbnail"] == [1]


def test_deleted_sentinel_asks_for_another_try(flow_context: FlowContext, library: Path) -> None:
    (library / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    age(library / "bad.jpg")
    full_scan.fn()
    sentinel = sentinel_path(flow_context.settings.thumbnails_folder / "bad.jpg")
    sentinel.unlink()
    full_scan.fn()
    assert thumbnails.fn()["failed"] == 1
    assert sentinel.exists()


def test_retry_tries_again_and_counts_on(flow_context: FlowContext, library: Path) -> None:
    for name in ("a/bad.jpg", "b/bad.jpg"):
        (library / name).parent.mkdir()
        (library / name).write_bytes(b"\xff\xd8\xff\xe0 no picture " + name.encode())
        age(library / name)
    full_scan.fn()
    assert retry_failures(flow_context, ["a"], "thumbnail") == 1
    full_scan.fn()  # which looks for sentinels that somebody deleted
    assert thumbnails.fn()["failed"] == 1
    attempts = {row["path"]: row["attempts"] for row in failures(flow_context) if row["stage"] == "thumbnail"}
    assert attempts == {"a/bad.jpg": 2, "b/bad.jpg": 1}


def test_repaired_file_leaves_the_failure_ledger(flow_context: FlowContext, library: Path) -> None:
    (library / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    age(library / "a.jpg", seconds=9_000)
    full_scan.fn()
    assert failures(flow_context)
    draw(library / "a.jpg", 1)
    full_scan.fn()
    assert failures(flow_context) == []
    assert not sentinel_path(flow_context.settings.thumbnails_folder / "a.jpg").exists()


def test_deleted_thumbnail_is_made_again_by_maintenance_and_drain(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    made = flow_context.settings.thumbnails_folder / "a.jpg"
    made.unlink()
    assert maintenance.fn()["derivatives_forgotten"] == 1
    assert thumbnails.fn()["thumbnails"] == 1
    assert made.exists()


def test_other_thumbnail_size_makes_all_thumbnails_again(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(library / "a.jpg", 1, size=(800, 600))
    full_scan.fn()
    monkeypatch.setenv("THUMBNAIL_SIZE", "100")
    assert thumbnails.fn()["thumbnails"] == 1
    assert flow_context.lake.select("select width from v_derivatives") == [{"width": 100}]


def test_hash_backfill_stops_at_its_cap_and_failures_do_not_use_it_up(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACE_HASH_BACKFILL_MAX_PER_TICK", "3")
    for number in range(8):
        draw(library / f"{number}.jpg", number)
    register_only(flow_context)
    for number in range(2):  # gone since they were listed
        (library / f"{number}.jpg").unlink()
    report = hash_backfill.fn()
    assert (report["hash"], report["failed"]) == (3, 2)
    assert hash_backfill.fn()["hash"] == 3
    assert hash_backfill.fn()["hash"] == 0


def test_unreadable_file_waits_hours_before_it_is_tried_again(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    register_only(flow_context)
    (library / "a.jpg").unlink()
    hash_backfill.fn()
    assert hash_backfill.fn()["failed"] == 0
    with flow_context.lake.write() as writer:
        writer.execute("update failure set failed_at = failed_at - interval 3 hour")
    assert hash_backfill.fn()["failed"] == 1


def test_transient_error_is_retried_and_recorded_nowhere(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "RETRY_DELAYS_SECONDS", [0.0, 0.0])
    draw(library / "a.jpg", 1)
    register_only(flow_context)
    tries = 0

    def fails_once(batch: Sequence[Asset]) -> Results:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise StorageUnavailable("the disk is full")
        return Results(done=len(batch))

    report = drain(flow_context, "hash", fails_once, tool_version="x")
    assert (tries, report.done) == (2, 1)
    assert failures(flow_context) == []


def test_service_that_stays_away_ends_the_drain_and_blames_no_file(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "RETRY_DELAYS_SECONDS", [0.0, 0.0])
    draw(library / "a.jpg", 1)
    register_only(flow_context)

    def always_fails(batch: Sequence[Asset]) -> Results:
        raise StorageUnavailable("the disk is full")

    with pytest.raises(StorageUnavailable):
        drain(flow_context, "hash", always_fails, tool_version="x")
    assert failures(flow_context) == []
    assert flow_context.lake.count("backlog/hash", library="all", row_limit=9, tool_version="x") == 1


def test_unwritable_thumbnail_folder_stops_the_scan_with_one_clear_line(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "RETRY_DELAYS_SECONDS", [0.0])
    draw(library / "a.jpg", 1)
    flow_context.settings.thumbnails_folder.write_text("a file where the folder should be")
    with pytest.raises(StorageUnavailable, match="thumbnails"):
        full_scan.fn()
    flow_context.settings.thumbnails_folder.unlink()
    assert full_scan.fn()["thumbnails"] == 1, "nothing was lost: the next scan goes on"


def test_first_batch_is_short_and_later_ones_respect_bytes_and_files() -> None:
    def asset(number: int, size: int) -> Asset:
        return Asset(number, 1, "l", "/", "a", "photo", "image/jpeg", size, 0, "", "", None)

    batches = list(split([asset(n, 10) for n in range(100)], batch_files=50, batch_bytes=10_000))
    assert [len(batch) for batch in batches] == [32, 50, 18]
    by_bytes = list(split([asset(n, 60) for n in range(5)], batch_files=50, batch_bytes=100))
    assert [len(batch) for batch in by_bytes] == [1, 1, 1, 1, 1]


def test_every_run_that_did_something_is_a_row(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    full_scan.fn()
    runs = flow_context.lake.select("select flow, state, done, report from v_runs")
    assert [(row["flow"], row["state"], row["done"]) for row in runs] == [("full-scan", "completed", 1)]
    assert json.loads(str(runs[0]["report"]))["new"] == 1


def test_check_finds_a_catalog_that_broke_its_rules(flow_context: FlowContext, library: Path) -> None:
    draw(library / "a.jpg", 1)
    full_scan.fn()
    check_lake(flow_context)
    with flow_context.lake.write() as writer:
        writer.execute("insert into asset select * from asset")
    with pytest.raises(IntegrityError, match="unique_asset"):
        check_lake(flow_context)


def test_maintenance_keeps_every_row(flow_context: FlowContext, library: Path) -> None:
    for number in range(5):
        draw(library / f"{number}.jpg", number)
    full_scan.fn()
    before = flow_context.lake.select("select * from v_assets order by path")
    maintenance.fn()
    assert flow_context.lake.select("select * from v_assets order by path") == before


def film(path: Path) -> Path:
    ffmpeg = find_ffmpeg()
    assert ffmpeg
    source = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=duration=1:size=64x48:rate=5",
        "-metadata",
        "creation_time=2021-05-06T07:08:09Z",
    ]
    subprocess.run([ffmpeg, "-v", "error", *source, str(path)], check=True, timeout=60)
    return age(path)


def test_disk_unmounted_in_the_middle_of_a_drain_blames_no_file(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain_module, "RETRY_DELAYS_SECONDS", [0.0])
    film(library / "a.mp4")
    full_scan.fn()
    library.rename(library.with_name("unmounted"))
    for drain_of in (thumbnails, metadata):
        with pytest.raises(StorageUnavailable, match="is it mounted"):
            drain_of.fn()
    assert failures(flow_context) == []
    library.with_name("unmounted").rename(library)
    assert (metadata.fn()["metadata"], thumbnails.fn()["thumbnails"]) == (1, 1)


def test_file_moved_before_its_drain_is_left_for_the_next_scan(flow_context: FlowContext, library: Path) -> None:
    film(library / "a.mp4")
    full_scan.fn()
    (library / "sub").mkdir()
    (library / "a.mp4").rename(library / "sub" / "a.mp4")
    assert (thumbnails.fn()["left"], metadata.fn()["left"]) == (1, 1)
    assert failures(flow_context) == []
    full_scan.fn()
    assert (metadata.fn()["metadata"], thumbnails.fn()["thumbnails"]) == (1, 1)


def test_metadata_read_without_ffprobe_are_read_again_when_it_appears(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film(library / "a.mp4")
    with monkeypatch.context() as without:
        for module in ("tasks.stages", "tasks.batches.metadata", "tasks.batches.ingest"):
            without.setattr(f"{module}.find_ffprobe", lambda: None)
            without.setattr(f"{module}.find_exiftool", lambda: None)
        full_scan.fn()
        metadata.fn()
        assert metadata.fn()["metadata"] == 0
    assert metadata.fn()["metadata"] == 1
    found = flow_context.lake.select("select video_codec, duration_s from v_assets")[0]
    assert found["video_codec"] == "h264"
    assert metadata.fn()["metadata"] == 0


def test_upload_that_a_kill_cut_off_is_swept_from_the_library(flow_context: FlowContext, library: Path) -> None:
    old, young = library / ".darkroom-0123456789abcdef", library / ".darkroom-fedcba9876543210"
    for path in (old, young):
        path.write_bytes(b"half")
    age(old, seconds=200_000)
    full_scan.fn()
    assert maintenance.fn()["temporary_files_deleted"] == 1
    assert not old.exists()
    assert young.exists()
