"""The frame that stands for a film."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import CorruptMedia, MediaTooLarge, ToolMissing, UnsupportedMedia
from tasks.images.thumbnail import Tools, render_quick, render_thumbnail
from tasks.video import frame
from tasks.video.ffmpeg import find_ffmpeg
from tasks.video.frame import extract_frame
from tests.tasks.images.picture_files import media_file, opened

FFMPEG = find_ffmpeg()
pytestmark = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg on PATH")


def _film(path: Path, source: str, *options: str) -> Path:
    command = [str(FFMPEG), "-v", "error", "-f", "lavfi", "-i", source, *options, str(path)]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return path


def test_real_films_have_the_upright_size_the_manifest_gives(media: Path) -> None:
    wrong = []
    with (media / "MANIFEST.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["opens"] != "ffmpeg:ok":
                continue
            made = render_thumbnail(media_file(media / row["path"]), None, 480, Tools(FFMPEG))
            longest, largest = max(made.width, made.height), max(int(row["width"]), int(row["height"]))
            if (str(made.source_width), str(made.source_height)) != (row["width"], row["height"]):
                wrong.append((row["path"], made.source_width, made.source_height))
            assert longest == min(480, largest)
            assert made.layer == "video:frame"
    assert wrong == []


def test_a_long_film_is_shown_at_three_seconds_and_a_short_one_at_its_middle(tmp_path: Path) -> None:
    """The grey of each frame tells its time: 20 a second."""
    grey = "color=black:s=64x48:r=10:d={},geq=lum='20+20*T':cb=128:cr=128"
    for seconds, expected in ((6, 3.0), (2, 1.0), (3, 1.5)):
        film = _film(tmp_path / f"{seconds}.mkv", grey.format(seconds), "-c:v", "ffv1", "-color_range", "pc")
        found = extract_frame(film, 480)
        assert abs(found.at_seconds - expected) < 0.11
        level = float(np.asarray(found.image.convert("L")).mean())
        assert abs((level - 20) / 20 - expected) < 0.7  # limited or full range, either way near that second


def test_a_film_of_one_frame_is_shown(tmp_path: Path) -> None:
    film = _film(tmp_path / "one.mp4", "testsrc=s=64x48:r=25:d=0.04", "-c:v", "mpeg4", "-frames:v", "1")
    assert extract_frame(film, 480).image.size == (64, 48)


def test_square_pixels_come_out_of_oblong_ones(tmp_path: Path) -> None:
    film = _film(tmp_path / "dv.mkv", "testsrc=s=720x576:d=1", "-vf", "setsar=64/45", "-c:v", "mpeg4")
    found = extract_frame(film, 480)
    assert (found.source_width, found.source_height) == (1024, 576)
    assert found.image.size == (480, 270)


def test_hdr_is_not_shown_pale(media: Path) -> None:
    """Without tone mapping this film's brightest clouds and darkest roof tiles both come out mid-grey."""
    shown = np.asarray(extract_frame(media / "video/hdr10-av1.mp4", 480).image.convert("L"))
    assert np.percentile(shown, 95) > 170
    assert np.percentile(shown, 2) < 60


def test_sound_alone_is_unsupported_and_cut_films_are_corrupt(media: Path) -> None:
    with pytest.raises(UnsupportedMedia):
        extract_frame(media / "video/video_without_video_stream.mp4", 480)
    for name in ("broken.mp4", "truncated_no_moov.mp4", "quicktime-jpeg_truncated.mov"):
        with pytest.raises(CorruptMedia):
            extract_frame(media / "odd" / name, 480)


def test_a_cover_picture_is_no_film(tmp_path: Path) -> None:
    _film(tmp_path / "cover.jpg", "testsrc=s=64x48:d=1", "-frames:v", "1")
    _film(tmp_path / "song.mp3", "sine=d=1")
    inputs = ["-i", str(tmp_path / "song.mp3"), "-i", str(tmp_path / "cover.jpg"), "-map", "0", "-map", "1"]
    codecs = ["-c:v", "mjpeg", "-c:a", "aac", "-disposition:v:0", "attached_pic"]
    command = [*inputs, *codecs, str(tmp_path / "song.mp4")]
    subprocess.run([str(FFMPEG), "-v", "error", *command], check=True, timeout=60, stdin=subprocess.DEVNULL)
    with pytest.raises(UnsupportedMedia):
        extract_frame(tmp_path / "song.mp4", 480)


def test_a_film_cut_short_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    film = _film(tmp_path / "whole.ts", "testsrc=s=320x240:d=8", "-c:v", "mpeg2video", "-f", "mpegts")
    (tmp_path / "cut.ts").write_bytes(film.read_bytes()[: film.stat().st_size // 5])
    assert extract_frame(tmp_path / "cut.ts", 480).image.size == (320, 240)


def test_frames_beyond_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film = _film(tmp_path / "wide.mp4", "testsrc=s=1280x720:d=1", "-c:v", "mpeg4")
    monkeypatch.setattr(frame, "MAX_FRAME_PIXELS", 100_000)
    with pytest.raises(MediaTooLarge):
        extract_frame(film, 480)


def test_a_film_too_slow_to_decode_is_shown_by_a_key_frame(tmp_path: Path) -> None:
    film = _film(tmp_path / "slow.mp4", "testsrc=s=320x240:d=4", "-c:v", "mpeg4")
    slow = tmp_path / "slow-ffmpeg"
    lines = [
        "#!/bin/sh",
        f'case "$*" in *nokey*) exec "{FFMPEG}" "$@";; *-version*) exec "{FFMPEG}" -version;; esac',
        "sleep 60",
    ]
    slow.write_text("\n".join(lines))
    slow.chmod(0o755)
    original, frame.SLOW_AFTER_SECONDS = frame.SLOW_AFTER_SECONDS, 0.5
    try:
        assert extract_frame(film, 480, ffmpeg=str(slow)).image.size == (320, 240)
    finally:
        frame.SLOW_AFTER_SECONDS = original


def test_quick_leaves_films_to_the_drain_and_the_drain_needs_ffmpeg(media: Path) -> None:
    file = media_file(media / "video/isom-avc1.mp4")
    assert render_quick(file, None, 480) is None
    with pytest.raises(ToolMissing):
        render_thumbnail(file, None, 480, Tools())


def test_a_heic_sequence_is_shown_by_ffmpeg(media: Path) -> None:
    file = media_file(media / "formats/heic/sequence_msf1_anim.heic")
    assert render_quick(file, None, 480) is None
    made = render_thumbnail(file, None, 480, Tools(FFMPEG))
    assert (made.layer, opened(made.jpeg).size) == ("ffmpeg", (176, 128))


def test_a_film_thumbnail_has_no_metadata(tmp_path: Path, media: Path) -> None:
    copy = tmp_path / "gps.mp4"
    shutil.copy(media / "video/synthetic/h264_aac_gps.mp4", copy)
    made = render_thumbnail(media_file(copy), None, 480, Tools(FFMPEG))
    assert set(opened(made.jpeg).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
