"""Streams: copied where browsers play the source, encoded where they do not, whole or not there, true to the second."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tasks.errors import AssetError, CorruptMedia, DecoderTimeout, MediaTooLarge, ToolMissing, UnsupportedMedia
from tasks.files.atomic_write import TEMPORARY_PREFIX
from tasks.video import encoders, facts, hls
from tasks.video.encoders import ENCODERS, working_encoders
from tasks.video.facts import read_facts
from tasks.video.hls import encode_hls, find_stream
from tasks.video.staging import remove_stale
from tests.tasks.video.films import (
    FFMPEG,
    H264,
    film,
    frame_colour,
    media_file,
    probed,
    run,
    strict_segments,
    video_stream,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg on PATH")
VIDEO_TYPES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".mts", ".3gp", ".mpg"}


def left_over(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(TEMPORARY_PREFIX)]


def test_every_real_video_becomes_a_stream_a_strict_reader_takes(media: Path, tmp_path: Path) -> None:
    made, refused = {}, set()
    for path in sorted(path for path in media.rglob("*") if path.suffix.lower() in VIDEO_TYPES):
        name = str(path.relative_to(media))
        try:
            made[name] = encode_hls(media_file(path), tmp_path / str(len(made)) / "stream")
        except AssetError:
            refused.add(name)
    assert len(made) > 20
    assert refused == {
        "odd/broken.mp4", "odd/quicktime-jpeg_truncated.mov", "odd/truncated_no_moov.mp4",
        "video/video_without_video_stream.mp4",
    }  # fmt: skip
    for name, result in made.items():
        seconds = sum(length for _, length in strict_segments(result.playlist))
        said = read_facts(media / name)
        assert seconds == pytest.approx(said.duration_s, abs=max(0.35, 0.03 * seconds)), name
        stream = video_stream(result.playlist)
        assert (stream["codec_name"], stream["pix_fmt"][-4:]) == ("h264", "420p"), name
        assert (stream["width"], stream["height"]) == (result.width, result.height)
        assert (result.width > result.height) == (said.shown_width > said.shown_height), name
        plays = said.codec == "h264" and not said.turned and not said.interlaced and said.pixel_format.endswith("420p")
        unfit = name.endswith("sample_sef_slow_motion.mp4")  # ffmpeg's copy of it lacks the parameter sets
        assert result.layer == ("remux" if plays and not unfit else "transcode:libx264"), name
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "codec", "source", "tone", "layer"),
    [
        ("mp4.mp4", (*H264, "-c:a", "aac"), "", "3", "remux"),
        ("silent.mkv", H264, "", "", "remux"),
        ("b-frames.avi", ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3"), "", "", "remux"),
        ("mp3 sound.mp4", (*H264, "-c:a", "libmp3lame"), "", "3", "remux"),
        ("sound goes on.mp4", (*H264, "-c:a", "aac"), "", "7", "remux"),
        (
            "variable.mkv",
            (*H264, "-vf", "select='not(mod(n,5))+lt(t,1)',settb=1/1000", "-vsync", "vfr"),
            "",
            "",
            "remux",
        ),
        ("one frame.mp4", (*H264, "-frames:v", "1"), "", "", "remux"),
        ("one key frame.mp4", (*H264, "-g", "9999"), "testsrc2=s=96x64:r=25:d=40", "", "transcode:libx264"),
        ("10 bit.mp4", ("-c:v", "libx264", "-pix_fmt", "yuv420p10le"), "", "", "transcode:libx264"),
        ("odd size.avi", ("-c:v", "mpeg4"), "testsrc2=s=321x181:r=25:d=3", "", "transcode:libx264"),
        ("hevc.mov", ("-c:v", "libx265", "-x265-params", "log-level=none"), "", "", "transcode:libx264"),
        ("vp8.webm", ("-c:v", "libvpx", "-c:a", "libvorbis"), "", "3", "transcode:libx264"),
        ("theora.ogv", ("-c:v", "libtheora"), "", "", "transcode:libx264"),
        ("wmv.wmv", ("-c:v", "wmv2", "-c:a", "wmav2"), "", "3", "transcode:libx264"),
        ("prores.mov", ("-c:v", "prores_ks", "-c:a", "pcm_s24le"), "", "3", "transcode:libx264"),
        ("raw.avi", ("-c:v", "rawvideo"), "", "", "transcode:libx264"),
        ("mpeg2.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2"), "", "3", "transcode:libx264"),
        ("100 frames.mkv", ("-c:v", "mpeg4"), "testsrc2=s=320x180:r=100:d=3", "", "transcode:libx264"),
    ],
)
def test_every_codec_becomes_a_stream(
    tmp_path: Path, name: str, codec: tuple[str, ...], source: str, tone: str, layer: str
) -> None:
    path = film(tmp_path / name, *codec, **({"source": source} if source else {}), tone=tone)
    result = encode_hls(media_file(path), tmp_path / "out" / "stream")
    assert (result.layer, result.warning) == (layer, "")
    seconds = sum(length for _, length in strict_segments(result.playlist))
    frame = 0.04 if "one frame" in name else None
    assert seconds == pytest.approx(frame or read_facts(path).duration_s, abs=0.15)
    kinds = {stream["codec_type"]: stream for stream in probed(result.playlist)["streams"]}
    assert kinds["video"]["width"] % 2 == kinds["video"]["height"] % 2 == 0
    assert ("audio" in kinds) == bool(tone)
    if tone:
        assert kinds["audio"]["codec_name"] == "aac"


def test_a_remux_keeps_every_packet(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *H264, "-g", "50", source="testsrc2=s=320x180:r=25:d=14")
    result = encode_hls(media_file(path), tmp_path / "out")
    assert [round(seconds, 3) for _, seconds in strict_segments(result.playlist)] == [6.0, 6.0, 2.0]

    def pictures(file: Path) -> str:
        command = [str(FFMPEG), "-v", "error", "-i", str(file), "-map", "0:v", "-f", "framemd5", "-"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
        return "\n".join(line.rpartition(",")[2] for line in lines if not line.startswith("#"))

    assert pictures(path) == pictures(result.playlist)


def test_segments_of_an_encode_begin_every_six_seconds(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", "-c:v", "mpeg4", source="testsrc2=s=320x180:r=30000/1001:d=20")
    lengths = [seconds for _, seconds in strict_segments(encode_hls(media_file(path), tmp_path / "out").playlist)]
    assert lengths[:3] == pytest.approx([6.006, 5.973, 6.006], abs=0.04)
    assert len(lengths) == 4


def test_ladder_is_cut_at_the_same_places_and_none_is_above_the_source(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *H264, "-c:a", "aac", source="testsrc2=s=1280x720:r=25:d=8", tone="8")
    result = encode_hls(media_file(path), tmp_path / "out", ladder=(360, 480, 1080))
    lines = result.playlist.read_text().splitlines()
    assert [line for line in lines if line.endswith(".m3u8")] == ["360p.m3u8", "480p.m3u8", "720p.m3u8"]
    entries = [line for line in lines if line.startswith("#EXT-X-STREAM-INF:")]
    sizes = [re.search(r"RESOLUTION=(\d+)x(\d+)", entry) for entry in entries]
    assert [found.groups() for found in sizes if found] == [("640", "360"), ("854", "480"), ("1280", "720")]
    assert all(re.search(r'CODECS="avc1\.6400[0-9a-f]{2},mp4a\.40\.2"', entry) for entry in entries)
    rates = [int(found[1]) for entry in entries if (found := re.search(r":BANDWIDTH=(\d+)", entry))]
    assert rates == sorted(rates)
    cuts = []
    for height in (360, 480, 720):
        segments = strict_segments(result.playlist.with_name(f"{height}p.m3u8"))
        assert [name for name, _ in segments] == [f"{height}p_segment_000.ts", f"{height}p_segment_001.ts"]
        cuts.append([round(seconds, 2) for _, seconds in segments])
    assert cuts[0] == cuts[1] == cuts[2]
    assert find_stream(result.playlist.parent) == result
    assert (result.width, result.height, result.layer) == (1280, 720, "transcode:libx264")


def test_larger_than_full_hd_is_encoded_smaller_and_copied_as_it_is(tmp_path: Path) -> None:
    large = "testsrc2=s=2160x3840:r=5:d=1"
    encoded = encode_hls(media_file(film(tmp_path / "a.avi", "-c:v", "mpeg4", source=large)), tmp_path / "a")
    assert (encoded.width, encoded.height) == (1080, 1920)
    copied = encode_hls(media_file(film(tmp_path / "b.mp4", source=large)), tmp_path / "b")
    assert (copied.width, copied.height, copied.layer) == (2160, 3840, "remux")
    wanted = encode_hls(media_file(tmp_path / "b.mp4"), tmp_path / "c", ladder=(720,))
    assert (wanted.width, wanted.height, wanted.layer) == (720, 1280, "transcode:libx264")


def test_turned_and_mirrored_films_come_out_upright(tmp_path: Path) -> None:
    film(tmp_path / "lying.mp4", *H264, source="color=red:s=320x180:d=1")
    run("-i", str(tmp_path / "lying.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90", str(tmp_path / "up.mp4"))
    result = encode_hls(media_file(tmp_path / "up.mp4"), tmp_path / "out")
    assert (result.width, result.height, result.layer) == (180, 320, "transcode:libx264")


def test_oblong_pixels_are_made_square(tmp_path: Path) -> None:
    path = film(tmp_path / "dv.mp4", *H264, "-vf", "setsar=64/45", source="testsrc2=s=720x576:r=25:d=1")
    result = encode_hls(media_file(path), tmp_path / "out")
    assert (result.width, result.height) == (1024, 576)
    assert video_stream(result.playlist)["sample_aspect_ratio"] == "1:1"


def test_interlaced_film_comes_out_progressive(media: Path, tmp_path: Path) -> None:
    result = encode_hls(media_file(media / "video/camcorder/Sony ILCE-7M3 (A7M3).mts"), tmp_path / "out")
    command = [str(FFMPEG), "-i", str(result.playlist), "-vf", "idet", "-f", "null", "-"]
    log = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    found = re.search(r"Multi frame detection: TFF: *(\d+) BFF: *(\d+) Progressive: *(\d+)", log)
    assert found
    assert int(found[1]) + int(found[2]) <= int(found[3])


def test_date_and_place_in_camcorder_packets_are_left_behind(tmp_path: Path) -> None:
    """AVCHD writes them into the pictures' own data, which a copy would carry along."""
    path = film(tmp_path / "plain.mp4")
    note = "17ee8c60-f84d-11d9-8cd6-0800200c9a66+MDPM-Berlin"
    noted = tmp_path / "camcorder.mts"
    run("-i", str(path), "-c", "copy", "-bsf:v", f"h264_metadata=sei_user_data={note}", "-f", "mpegts", str(noted))
    assert b"MDPM-Berlin" in noted.read_bytes()
    result = encode_hls(media_file(noted), tmp_path / "out")
    assert result.layer == "remux"
    strict_segments(result.playlist)
    assert not any(b"MDPM" in segment.read_bytes() for segment in result.playlist.parent.glob("*.ts"))


def test_position_and_date_of_a_phone_are_left_behind(media: Path, tmp_path: Path) -> None:
    result = encode_hls(media_file(media / "video/synthetic/h264_aac_gps.mp4"), tmp_path / "out")
    assert result.layer == "remux"
    kept = "".join(str(part) for part in probed(result.playlist.with_name("segment_000.ts"))["format"].values())
    assert "location" not in kept
    assert "creation_time" not in kept


def test_hdr_is_toned_down(tmp_path: Path, media: Path) -> None:
    result = encode_hls(media_file(media / "video/hdr10-av1.mp4"), tmp_path / "hdr")
    stream = video_stream(result.playlist)
    assert (stream["color_transfer"], stream["color_space"], stream["color_range"]) == ("bt709", "bt709", "tv")


@pytest.mark.parametrize(
    "codec",
    [
        ("-c:v", "ffv1", "-pix_fmt", "bgr0"),
        ("-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj422p"),
        ("-c:v", "mpeg4", "-q:v", "2"),
        ("-c:v", "ffv1", "-vf", "scale=out_color_matrix=bt709,format=yuv422p10le", "-colorspace", "bt709"),
        ("-c:v", "ffv1", "-vf", "scale=out_color_matrix=bt2020,format=yuv444p", "-colorspace", "bt2020nc"),
    ],
)
@pytest.mark.parametrize("size", ["64x48", "1280x720"])
def test_colours_stay_whatever_they_are_coded_in(tmp_path: Path, codec: tuple[str, ...], size: str) -> None:
    if size == "1280x720" and codec[1] == "mpeg4":  # large and silent about it means BT.709
        codec = (*codec, "-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709")
    path = film(tmp_path / "red.mkv", *codec, source=f"color=0xC02020:s={size}:d=1:r=5")
    result = encode_hls(media_file(path), tmp_path / "out")
    assert frame_colour(result.playlist) == pytest.approx((0xC0, 0x20, 0x20), abs=9)
    stream = video_stream(result.playlist)
    assert stream["color_range"] == "tv"
    assert stream["color_space"] in {"bt709", "smpte170m"}


def test_the_default_sound_track_is_the_one_that_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    run("-f", "lavfi", "-i", "testsrc2=s=96x64:r=5:d=1", "-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i",
        "sine=d=1", "-map", "0", "-map", "1", "-map", "2", "-disposition:a:0", "0", "-disposition:a:1", "default",
        *H264, "-c:a", "aac", str(path))  # fmt: skip
    audio = read_facts(path).audio
    assert audio is not None
    assert audio.index == 2


def test_a_film_cut_short_plays_as_far_as_it_goes_and_says_so(tmp_path: Path) -> None:
    whole = film(tmp_path / "whole.mp4", *H264, "-movflags", "+faststart", source="testsrc2=s=320x180:r=25:d=20")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = encode_hls(media_file(cut), tmp_path / "out")
    assert 7 < sum(seconds for _, seconds in strict_segments(result.playlist)) < 13
    assert "of the 20.0 s it says it has" in result.warning


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", CorruptMedia),
        (b"#EXTM3U\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n", UnsupportedMedia),
        (b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n", UnsupportedMedia),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", UnsupportedMedia),
        (b"\x00\x00\x00\x18ftypisom" + bytes(4000), CorruptMedia),
        (bytes(range(256)) * 64, CorruptMedia),
    ],
)
def test_what_is_no_video_is_refused_and_leaves_nothing(tmp_path: Path, content: bytes, error: type) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(error):
        encode_hls(media_file(path), tmp_path / "out" / "stream")
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


def test_playlist_hidden_behind_binary_bytes_opens_nothing(tmp_path: Path) -> None:
    secret = film(tmp_path / "secret.ts", *H264, "-f", "mpegts")
    path = tmp_path / "clip.mp4"
    path.write_bytes(f"#EXTM3U\n#EXTINF:9,\n{secret}\n#EXT-X-ENDLIST\n# \xff\x00\n".encode("latin-1"))
    with pytest.raises(AssetError):
        encode_hls(media_file(path), tmp_path / "out" / "stream")


def test_sound_alone_is_no_video(media: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMedia, match="no moving picture"):
        encode_hls(media_file(media / "video/video_without_video_stream.mp4"), tmp_path / "out")


def test_frames_beyond_the_limit_are_refused_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / "wide.mp4")
    monkeypatch.setattr(facts, "MAX_FRAME_PIXELS", 50_000)
    with pytest.raises(MediaTooLarge, match="320 x 180"):
        encode_hls(media_file(path), tmp_path / "out")


def wrapper(folder: Path, on_encode: str) -> str:
    """An ffmpeg that does *on_encode* instead of making a stream."""
    script = folder / "ffmpeg-wrapper"
    script.write_text(f'#!/bin/sh\ncase "$*" in *hls_time*) {on_encode};; esac\nexec "{FFMPEG}" "$@"\n')
    script.chmod(0o755)
    return str(script)


def test_an_encode_that_comes_no_further_is_ended(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    with pytest.raises(DecoderTimeout, match="no further"):
        encode_hls(media_file(path), tmp_path / "out" / "x", ffmpeg=wrapper(tmp_path, "sleep 100"), stall_seconds=1)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_encode_that_writes_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hls, "_AT_LEAST_BYTES", 1_000_000)
    monkeypatch.setattr(hls, "_TIMES_SOURCE", 0)
    monkeypatch.setattr("tasks.video.progress._WEIGH_SECONDS", 0.2)
    path = film(tmp_path / "a.mp4")
    babbling = wrapper(tmp_path, "head -c 3000000 /dev/zero > segment_000.ts; sleep 100")
    with pytest.raises(CorruptMedia, match="far more than it can hold"):
        encode_hls(media_file(path), tmp_path / "out" / "x", ffmpeg=babbling)


def test_a_missing_ffmpeg_is_named_and_blames_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "a.mp4")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing):
        encode_hls(media_file(path), tmp_path / "out" / "x")


def test_hardware_that_does_not_work_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    working_encoders.cache_clear()
    found = working_encoders()
    assert found[-1].name == "libx264"
    broken = encoders.Encoder("libx264rgb", (), "format=yuv420p", lambda crf, rate: ["-no_such_option", "1"])
    monkeypatch.setattr(encoders, "ENCODERS", (broken, ENCODERS[-1]))
    working_encoders.cache_clear()
    assert [encoder.name for encoder in working_encoders()] == ["libx264"]
    working_encoders.cache_clear()


def test_what_the_first_encoder_fails_at_the_second_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = encoders.Encoder("h264_nvenc", (), "format=yuv420p", lambda crf, rate: ["-no_such_option", "1"])
    monkeypatch.setattr(hls, "working_encoders", lambda ffmpeg: (failing, ENCODERS[-1]))
    path = film(tmp_path / "a.avi", "-c:v", "mpeg4")
    assert encode_hls(media_file(path), tmp_path / "out").layer == "transcode:libx264"


def test_finished_stream_is_kept_and_an_incomplete_one_made_again(tmp_path: Path) -> None:
    path, folder = film(tmp_path / "a.mp4"), tmp_path / "out" / "x"
    first = encode_hls(media_file(path), folder)
    made_at = first.playlist.stat().st_mtime_ns
    assert encode_hls(media_file(path), folder) == first
    assert first.playlist.stat().st_mtime_ns == made_at
    (folder / "segment_000.ts").unlink()
    assert find_stream(folder) is None
    again = encode_hls(media_file(path), folder)
    assert again == first
    assert (folder / "segment_000.ts").is_file()


def test_two_at_once_make_it_once(tmp_path: Path) -> None:
    path, results = film(tmp_path / "a.avi", "-c:v", "mpeg4"), []
    threads = [
        threading.Thread(target=lambda: results.append(encode_hls(media_file(path), tmp_path / "out" / "x")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 3
    assert results[0] == results[1] == results[2]
    assert left_over(tmp_path) == []


def test_killed_encode_takes_ffmpeg_along_and_is_done_again_from_a_clean_start(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", "-c:v", "mpeg4", source="testsrc2=s=1280x720:r=25:d=60")
    folder = tmp_path / "out" / "ab" / "x"
    code = (
        "import sys; from pathlib import Path; from tests.tasks.video.films import media_file\n"
        "from tasks.video.hls import encode_hls; encode_hls(media_file(Path(sys.argv[1])), Path(sys.argv[2]))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(path), str(folder)], cwd=Path(__file__).parents[3])
    wait_until(lambda: list((tmp_path / "out").rglob("segment_00*.ts")))
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert left_over(tmp_path)
    assert not folder.exists()
    assert find_stream(folder) is None
    if shutil.which("setpriv"):
        running = lambda: subprocess.run(["pgrep", "-f", str(path)], capture_output=True, check=False).stdout  # noqa: E731
        wait_until(lambda: not running())  # ffmpeg does not outlive the process it worked for
    assert remove_stale(tmp_path / "out") == 1
    assert left_over(tmp_path) == []
    film(path, "-c:v", "mpeg4")
    strict_segments(encode_hls(media_file(path), folder).playlist)


def test_progress_is_told_in_seconds_and_ends_at_the_end(tmp_path: Path) -> None:
    told: list[tuple[float, float]] = []
    path = film(tmp_path / "a.avi", "-c:v", "mpeg4", source="testsrc2=s=640x360:r=25:d=10")
    encode_hls(media_file(path), tmp_path / "out", on_progress=lambda done, whole: told.append((done, whole)))
    assert told[-1] == pytest.approx((10, 10), abs=0.2)
    assert told == sorted(told)


def test_whoever_follows_may_end_the_encode(tmp_path: Path) -> None:
    class Stop(BaseException):
        pass

    def stop(done: float, whole: float) -> None:
        raise Stop

    path = film(tmp_path / "a.avi", "-c:v", "mpeg4")
    with pytest.raises(Stop):
        encode_hls(media_file(path), tmp_path / "out" / "x", on_progress=stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_names_with_percent_signs_and_bytes_work(tmp_path: Path) -> None:
    odd = tmp_path / "100%03d 'é\n"
    odd.mkdir()
    path = film(odd / "a.mp4")
    assert strict_segments(encode_hls(media_file(path), odd / "out").playlist)
