"""Video drains: every film becomes stream, clip and GIF once; failures are recorded; a moved film keeps them all."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployments.backlogs import backlogs
from deployments.cli.status import library_status
from flows.engine.context import FlowContext
from flows.engine.drain import drain
from flows.engine.progress import FileProgress, SilentProgress
from flows.engine.whole_run import scan_and_drain
from flows.full_scan import full_scan
from flows.gifs import gifs
from flows.hls import hls
from flows.maintenance import maintenance
from flows.metadata import metadata
from flows.preview_clips import preview_clips
from flows.work.integrity import check_lake, retry_failures
from sql.lake import utc_now
from tasks.asset import Asset, Results
from tasks.images.sentinel import sentinel_path
from tasks.video.hls import find_stream
from tests.pictures import age, draw
from tests.tasks.video.films import FFMPEG, film

pytestmark = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg on PATH")
TINY = "testsrc2=s=96x64:r=10:d=1"


def add_film(path: Path, source: str = TINY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return age(film(path, source=source))


def made(flow_context: FlowContext, kind: str) -> dict[str, dict[str, Any]]:
    rows = flow_context.lake.select("select * from v_derivatives where kind = $kind", kind=kind)
    return {row["path"]: row for row in rows}


def failed(flow_context: FlowContext) -> set[tuple[str, str]]:
    return {(row["path"], row["stage"]) for row in flow_context.lake.select("select path, stage from v_failures")}


def playlist(flow_context: FlowContext, path: str) -> Path:
    return flow_context.settings.video_folder / made(flow_context, "hls")[path]["file"]


def test_one_scan_makes_stream_clip_and_gif_of_every_film(flow_context: FlowContext, library: Path) -> None:
    add_film(library / "2020" / "a.mp4")
    shutil.copy(library / "2020" / "a.mp4", library / "copy.mp4")
    age(library / "copy.mp4")
    draw(library / "photo.jpg", 1)
    report = scan_and_drain(["all"], full=True)
    assert (report["preview_clips"], report["gifs"], report["hls"], report["failed"]) == (2, 2, 2, 0)
    streams = made(flow_context, "hls")
    assert set(streams) == {"2020/a.mp4", "copy.mp4"}
    assert streams["2020/a.mp4"]["file"] == streams["copy.mp4"]["file"], "copies share one stream"
    content_hash = streams["copy.mp4"]["content_hash"]
    assert streams["copy.mp4"]["file"] == f"{content_hash[:2]}/{content_hash}/playlist.m3u8"
    found = find_stream(playlist(flow_context, "copy.mp4").parent)
    assert found is not None
    assert (streams["copy.mp4"]["width"], streams["copy.mp4"]["size_bytes"]) == (96, found.size_bytes)
    assert made(flow_context, "preview_clip")["2020/a.mp4"]["file"] == "2020/a.mp4.mp4"
    assert (flow_context.settings.previews_folder / "2020" / "a.mp4.mp4").is_file()
    assert (flow_context.settings.gifs_folder / "2020" / "a.mp4.gif").read_bytes().startswith(b"GIF89a")
    check_lake(flow_context)
    before = flow_context.lake.snapshot_id()
    again = scan_and_drain(["all"], full=True)
    assert (again["preview_clips"], again["gifs"], again["hls"]) == (0, 0, 0)
    assert flow_context.lake.snapshot_id() == before, "nothing to do writes nothing"


def test_bad_film_is_recorded_once_with_its_sentinels_and_tried_again_when_asked(
    flow_context: FlowContext, library: Path
) -> None:
    (library / "bad.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(3000))
    age(library / "bad.mp4")
    scan_and_drain(["all"], full=True)
    assert {("bad.mp4", "hls"), ("bad.mp4", "preview_clip")} <= failed(flow_context)
    assert hls.fn()["failed"] == preview_clips.fn()["failed"] == 0
    content_hash = flow_context.lake.select("select content_hash from v_assets")[0]["content_hash"]
    marks = [
        sentinel_path(flow_context.settings.video_folder / content_hash[:2] / content_hash / "playlist.m3u8"),
        sentinel_path(flow_context.settings.previews_folder / "bad.mp4.mp4"),
    ]
    assert [mark.stat().st_size for mark in marks] == [0, 0]
    marks[0].unlink()
    full_scan.fn()
    assert hls.fn()["failed"] == 1, "a deleted sentinel asks for another try"
    assert retry_failures(flow_context, ["bad.mp4"], "preview_clip") == 1
    assert preview_clips.fn()["failed"] == 1
    add_film(library / "bad.mp4", "testsrc2=s=96x64:r=10:d=2")
    scan_and_drain(["all"], full=True)
    assert failed(flow_context) == set()
    assert find_stream(playlist(flow_context, "bad.mp4").parent) is not None


@pytest.mark.parametrize(("query", "stage"), [("hls", "hls"), ("preview_clips", "preview_clip")])
def test_film_that_could_not_be_read_is_asked_for_again_later(
    flow_context: FlowContext, library: Path, query: str, stage: str
) -> None:
    add_film(library / "a.mp4")
    full_scan()
    asset = flow_context.lake.select("select asset_id, content_hash from v_assets")[0]
    parameters = backlogs(flow_context.lake, flow_context.settings)[query]
    for hours, waiting in ((1, 0), (3, 1)):
        failure = {
            "asset_id": asset["asset_id"], "stage": stage, "file_version": asset["content_hash"],
            "error_class": "UnreadableFile", "tool_version": parameters["tool_version"], "attempts": 1,
            "failed_at": utc_now() - timedelta(hours=hours),
        }  # fmt: skip
        with flow_context.lake.write("as if the disk had refused it") as writer:
            writer.replace("failure", [failure])
        assert flow_context.lake.count(f"backlog/{query}", library="all", row_limit=9, **parameters) == waiting


def test_moved_film_keeps_clip_gif_and_stream(flow_context: FlowContext, library: Path) -> None:
    add_film(library / "inbox" / "a.mp4")
    draw(library / "stays.jpg", 1)
    scan_and_drain(["all"], full=True)
    (library / "2020").mkdir()
    shutil.move(library / "inbox" / "a.mp4", library / "2020" / "b.mp4")
    report = scan_and_drain(["all"], full=True)
    assert (report["moved"], report["preview_clips"], report["gifs"], report["hls"]) == (1, 0, 0, 0)
    assert made(flow_context, "preview_clip")["2020/b.mp4"]["file"] == "2020/b.mp4.mp4"
    assert (flow_context.settings.previews_folder / "2020" / "b.mp4.mp4").is_file()
    assert (flow_context.settings.gifs_folder / "2020" / "b.mp4.gif").is_file()
    assert playlist(flow_context, "2020/b.mp4").is_file()


def test_deleted_stream_clip_and_gif_are_made_again(flow_context: FlowContext, library: Path) -> None:
    add_film(library / "a.mp4")
    scan_and_drain(["all"], full=True)
    shutil.rmtree(playlist(flow_context, "a.mp4").parent)
    (flow_context.settings.previews_folder / "a.mp4.mp4").unlink()
    (flow_context.settings.gifs_folder / "a.mp4.gif").unlink()
    assert maintenance.fn()["derivatives_forgotten"] == 3
    assert (preview_clips.fn()["preview_clips"], gifs.fn()["gifs"], hls.fn()["hls"]) == (1, 1, 1)


def test_other_ladder_makes_the_streams_again(
    flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_film(library / "a.mp4", "testsrc2=s=640x480:r=10:d=1")
    full_scan.fn()
    assert hls.fn()["hls"] == 1
    monkeypatch.setenv("HLS_LADDER", "240,480")
    assert hls.fn()["hls"] == 1
    assert "240p.m3u8" in playlist(flow_context, "a.mp4").read_text()
    assert hls.fn()["hls"] == 0


def test_without_ffmpeg_films_wait_and_nothing_is_blamed(
    flow_context: FlowContext, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_film(library / "a.mp4")
    full_scan.fn()
    (tmp_path / "empty").mkdir()
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path / "empty"))
        assert (hls.fn()["left"], preview_clips.fn()["left"]) == (1, 1)
    assert failed(flow_context) == set()
    assert hls.fn()["hls"] == 1


def test_live_photo_is_one_picture_and_its_video_has_the_clip(
    flow_context: FlowContext, library: Path, media: Path
) -> None:
    for path in (media / "phone/iphone/livephoto").iterdir():
        shutil.copyfile(path, library / path.name)
        age(library / path.name)
    motion = "PXL_20210605_120322123.MP.jpg"
    shutil.copyfile(media / "phone/motion" / motion, library / motion)
    age(library / motion)
    full_scan.fn()
    metadata.fn()
    preview_clips.fn()
    rows = {row["path"]: row for row in flow_context.lake.select("select * from v_assets")}
    still, moving = rows["IMG_3589.HEIC"], rows["IMG_3589.MOV"]
    assert (still["live_video"], still["live_video_of"]) == (moving["asset_id"], None)
    assert (moving["live_video"], moving["live_video_of"]) == (None, still["asset_id"])
    assert (rows[motion]["live_video"], rows[motion]["live_video_of"]) == (None, None)
    clips = made(flow_context, "preview_clip")
    assert {path: clip["layer"] for path, clip in clips.items()} == {
        "IMG_3589.MOV": "clip:libx264", motion: "motion:libx264",
    }  # fmt: skip


def test_two_copies_of_a_live_photo_in_one_folder_are_listed_once_each(
    flow_context: FlowContext, library: Path, media: Path
) -> None:
    for path in (media / "phone/iphone/livephoto").iterdir():
        for name in (path.name, f"copy of {path.name}"):
            shutil.copyfile(path, library / name)
            age(library / name)
    full_scan.fn()
    metadata.fn()
    assert flow_context.lake.select("select count(*) as n, count(distinct asset_id) as ids from v_assets") == [
        {"n": 4, "ids": 4}
    ]


def test_status_counts_videos_by_stage(flow_context: FlowContext, library: Path) -> None:
    add_film(library / "a.mp4")
    full_scan.fn()
    stages = {row["stage"]: row for row in library_status(flow_context.lake, flow_context.settings)[0]["stages"]}
    assert {name: stages[name]["backlog"] for name in ("preview_clip", "gif", "hls")} == {
        "preview_clip": 1, "gif": 0, "hls": 1,
    }  # fmt: skip
    hls.fn()
    stages = {row["stage"]: row for row in library_status(flow_context.lake, flow_context.settings)[0]["stages"]}
    assert (stages["hls"]["backlog"], stages["hls"]["done"]) == (0, 1)


def test_batches_run_several_at_a_time_and_a_long_one_holds_nobody_up(flow_context: FlowContext, library: Path) -> None:
    for number in range(4):
        draw(library / f"{number}.jpg", number)
    full_scan.fn()
    together, most, order = 0, 0, []
    lock, short_ones_done = threading.Lock(), threading.Event()

    def work(batch: Sequence[Asset]) -> Results:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        if batch[0].asset_id == first:
            assert short_ones_done.wait(120)
        with lock:
            together -= 1
            order.append(batch[0].asset_id)
            if len(order) == 3:
                short_ones_done.set()
        return Results(done=1)

    parameters = {"recipe": "x", "tool_version": "x"}
    waiting = flow_context.lake.rows("backlog/thumbnails", library="all", row_limit=9, **parameters)
    first = waiting[0]["asset_id"]
    report = drain(flow_context, "thumbnails", work, batch_files=1, at_once=2, **parameters)
    assert report.done == 4
    assert most == 2
    assert order[-1] == first


def test_progress_of_a_film_is_shown_in_its_seconds() -> None:
    said: list[tuple[Any, ...]] = []

    class Told(SilentProgress):
        def start(self, stage: str, total: int, file: str = "") -> None:
            said.append((stage, total, file))

        def advance(self, files: int, failed: int) -> None:
            said.append((files,))

        def finish(self) -> None:
            said.append(("finished",))

    follow = FileProgress(Told, "hls", "2020/a.mp4")
    for seconds in (0.0, 2.6, 5.1, 10.0):
        follow(seconds, 10.0)
    assert said == [("hls", 10, "2020/a.mp4"), (0,), (3,), (2,), (5,), ("finished",)]


def test_kill_in_the_middle_of_an_encode_leaves_nothing_and_converges(flow_context: FlowContext, library: Path) -> None:
    add_film(library / "a.mp4")
    full_scan.fn()
    content_hash = flow_context.lake.select("select content_hash from v_assets")[0]["content_hash"]
    dead = flow_context.settings.video_folder / content_hash[:2] / ".darkroom-0123456789abcdef"
    dead.mkdir(parents=True)
    (dead / "segment_000.ts").write_bytes(b"half")
    assert hls.fn()["hls"] == 1
    assert not dead.exists()
    assert [path.name for path in playlist(flow_context, "a.mp4").parent.parent.iterdir()] == [content_hash]
