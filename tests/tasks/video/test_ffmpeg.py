"""ffmpeg on hostile names and files: it opens what it is told to, ends in time, and takes its children along."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from tasks.errors import AssetError, CorruptMedia, DecoderTimeout, ToolMissing
from tasks.video.ffmpeg import find_ffmpeg, run_ffmpeg, safe_input, safe_output
from tasks.video.frame import extract_frame
from tests.waiting import wait_until

needs_ffmpeg = pytest.mark.skipif(find_ffmpeg() is None, reason="no ffmpeg on PATH")


def _program(folder: Path, body: str) -> str:
    script = folder / "fake-ffmpeg"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return str(script)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    hanging = _program(tmp_path, f"sleep 300 &\necho $! > {tmp_path}/child\nwait")
    started = time.monotonic()
    with pytest.raises(DecoderTimeout):
        run_ffmpeg([], 0.7, path=Path("film.mp4"), ffmpeg=hanging)
    assert time.monotonic() - started < 10
    child = int((tmp_path / "child").read_text())
    wait_until(lambda: not _runs(child))


def test_a_program_that_closes_its_output_and_stays_is_killed_too(tmp_path: Path) -> None:
    lingering = _program(tmp_path, "exec >&- 2>&-\nsleep 300")
    with pytest.raises(DecoderTimeout):
        run_ffmpeg([], 0.7, path=Path("film.mp4"), ffmpeg=lingering)


def test_output_without_end_is_cut_off(tmp_path: Path) -> None:
    babbling = _program(tmp_path, "exec cat /dev/zero")
    with pytest.raises(CorruptMedia, match="more than"):
        run_ffmpeg([], 20, path=Path("film.mp4"), ffmpeg=babbling, max_output_bytes=1_000_000)


def test_a_talkative_program_leaves_only_the_end_of_what_it_said(tmp_path: Path) -> None:
    talking = _program(tmp_path, "seq 1 200000 >&2; echo done >&2; exit 3")
    result = run_ffmpeg([], 20, path=Path("film.mp4"), ffmpeg=talking)
    assert result.returncode == 3
    assert result.log.endswith("done\n")
    assert len(result.log) <= 16 * 1024


def test_a_missing_ffmpeg_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="apt install ffmpeg"):
        run_ffmpeg(["-version"], 5, path=Path("film.mp4"))
    with pytest.raises(ToolMissing):
        run_ffmpeg(["-version"], 5, path=Path("film.mp4"), ffmpeg=str(tmp_path / "nowhere"))


@needs_ffmpeg
@pytest.mark.parametrize(
    "name",
    ["-y.mp4", "http:%2F%2Fhost.mp4", "a:b.mp4", "frame%03d.mp4", "new\nline.mp4", "concat:a|b.mp4", "quote'\".mp4"],
)
def test_names_are_only_names(tmp_path: Path, media: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(media / "video/isom-avc1.mp4", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert extract_frame(Path(name), 200).image.size == (200, 113)
    made = run_ffmpeg(
        [
            *safe_input(Path(name)),
            "-frames:v",
            "1",
            "-c:v",
            "mjpeg",
            "-f",
            "mjpeg",
            safe_output(Path(f"out-{name}.jpg")),
        ],
        20,
        path=Path(name),
    )
    assert made.returncode == 0, made.log
    assert (tmp_path / f"out-{name}.jpg").stat().st_size > 0


@needs_ffmpeg
def test_bytes_that_are_no_unicode_work_as_a_name(tmp_path: Path, media: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9 \xff.mp4")
    shutil.copy(media / "video/isom-avc1.mp4", path)
    assert extract_frame(path, 200).image.size == (200, 113)


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["hls", "concat", "ffconcat", "dash", "sdp", "m3u8-in-mp4"])
def test_a_playlist_in_disguise_opens_nothing(tmp_path: Path, media: Path, kind: str) -> None:
    """Each would show the other file's picture if ffmpeg were left to guess."""
    secret = tmp_path / "secret.mp4"
    shutil.copy(media / "video/isom-avc1.mp4", secret)
    playlist = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n"
    texts = {
        "hls": playlist,
        "m3u8-in-mp4": playlist,
        "concat": f"file '{secret}'\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{secret}'\n",
        "dash": f'<?xml version="1.0"?><MPD><BaseURL>file://{secret}</BaseURL></MPD>',
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    }
    disguised = tmp_path / f"{kind}.mp4"
    disguised.write_text(texts[kind])
    with pytest.raises(AssetError):
        extract_frame(disguised, 200)
