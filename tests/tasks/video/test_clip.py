"""Preview clips: ten seconds from all over a film, small, and playable while they load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.batches.video import embedded_video
from tasks.errors import AssetError, CorruptMedia, StorageUnavailable, ToolMissing, UnsupportedMedia
from tasks.files.atomic_write import TEMPORARY_PREFIX
from tasks.files.media_types import identify
from tasks.video.clip import make_preview_clip, segment_starts
from tests.tasks.video.films import FFMPEG, H264, film, frame_colour, media_file, probed, video_stream

pytestmark = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg on PATH")
# The grey of each frame tells its time: 5 a second.
GREY = "color=black:s=160x90:r=10:d={},geq=lum='16+5*T':cb=128:cr=128"


def test_long_film_is_shown_by_ten_seconds_spread_over_it(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", source=GREY.format(40))
    result = make_preview_clip(media_file(path), tmp_path / "a.mp4.mp4")
    assert (result.segments, result.layer) == (10, "clip:libx264")
    assert result.duration_s == pytest.approx(10, abs=0.11)
    for second in range(10):
        source_second = 4 * second + 0.5
        grey = (16 + 5 * source_second - 16) * 255 / 219
        assert frame_colour(result.path, second + 0.5)[0] == pytest.approx(grey, abs=8), f"second {second}"


def test_segments_are_a_tenth_apart_and_short_films_are_taken_whole() -> None:
    assert segment_starts(600) == [0, 60, 120, 180, 240, 300, 360, 420, 480, 540]
    assert segment_starts(7.5) == segment_starts(10) == segment_starts(None) == [0.0]


@pytest.mark.parametrize(
    ("size", "expected"),
    [("1920x1080", (854, 480)), ("1080x1920", (270, 480)), ("320x180", (320, 180)), ("321x241", (320, 240))],
)
def test_clip_has_480_lines_at_most_and_even_sides(tmp_path: Path, size: str, expected: tuple[int, int]) -> None:
    path = film(tmp_path / "a.avi", "-c:v", "mpeg4", source=f"testsrc2=s={size}:r=25:d=1")
    result = make_preview_clip(media_file(path), tmp_path / "out.mp4")
    assert (result.width, result.height) == expected


def test_clip_is_h264_and_aac_and_begins_with_its_index(tmp_path: Path) -> None:
    path = film(
        tmp_path / "a.mkv", "-c:v", "mpeg4", "-c:a", "libvorbis", tone="30", source="testsrc2=s=96x64:r=25:d=30"
    )
    result = make_preview_clip(media_file(path), tmp_path / "out.mp4")
    found = probed(result.path)
    codecs = {stream["codec_type"]: (stream["codec_name"], stream["profile"]) for stream in found["streams"]}
    assert codecs == {"video": ("h264", "High"), "audio": ("aac", "LC")}
    assert all(abs(float(stream["duration"]) - 10) < 0.1 for stream in found["streams"])
    content = result.path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert result.size_bytes == len(content)


def test_clip_says_nothing_of_date_and_place(media: Path, tmp_path: Path) -> None:
    result = make_preview_clip(media_file(media / "video/synthetic/h264_aac_gps.mp4"), tmp_path / "out.mp4")
    assert set(probed(result.path)["format"].get("tags", {})) <= {"major_brand", "minor_version", "compatible_brands"}


@pytest.mark.parametrize(
    ("name", "codec", "source"),
    [
        ("one frame.mp4", (*H264, "-frames:v", "1"), "testsrc2=s=96x64:r=25:d=1"),
        ("slow.mp4", H264, "testsrc2=s=96x64:r=0.5:d=40"),
        ("fast.mp4", H264, "testsrc2=s=96x64:r=240:d=2"),
        ("one key frame.mp4", (*H264, "-g", "9999"), "testsrc2=s=96x64:r=25:d=30"),
        ("raw stream.h264", (*H264, "-f", "h264"), "testsrc2=s=96x64:r=25:d=14"),
        ("tiny.mp4", H264, "testsrc2=s=16x16:r=25:d=2"),
    ],
)
def test_odd_films_have_a_clip_too(tmp_path: Path, name: str, codec: tuple[str, ...], source: str) -> None:
    path = film(tmp_path / name, *codec, source=source)
    result = make_preview_clip(media_file(path), tmp_path / "out.mp4")
    assert 0 < result.duration_s <= 10.1
    assert video_stream(result.path)["codec_name"] == "h264"


def test_film_cut_short_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", *H264, "-movflags", "+faststart", source="testsrc2=s=320x180:r=25:d=30")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    result = make_preview_clip(media_file(path), tmp_path / "out.mp4")
    assert 2 <= result.segments <= 5


def test_motion_photos_are_shown_by_the_video_inside(media: Path, tmp_path: Path) -> None:
    shown = {}
    for path in sorted((media / "phone/motion").iterdir()):
        file = media_file(path)
        kind = identify(path.read_bytes()[:4096], path.name)
        assert kind is not None
        file = type(file)(path, kind, file.size_bytes, file.mtime_ns)
        try:
            clip = make_preview_clip(file, tmp_path / f"{path.name}.mp4", embedded=embedded_video(file))
            shown[path.name] = clip.layer
        except AssetError as exc:
            shown[path.name] = type(exc).__name__
    assert shown == {
        "MVIMG_20180901_102030.jpg": "motion:libx264",
        "PXL_20210605_120322123.MP.jpg": "motion:libx264",
        "sample_MP.heic": "motion:libx264",
        "samsung-one-ui-6.heic": "motion:libx264",
        "pixel-motion-photo-shortened.jpg": "CorruptMedia",
        "pixel-motion-photo-video-removed-shortened.jpg": "UnsupportedMedia",
    }


def test_bad_films_leave_nothing_behind(media: Path, tmp_path: Path) -> None:
    (tmp_path / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n")
    for path, error in (
        (media / "odd/broken.mp4", CorruptMedia),
        (media / "video/video_without_video_stream.mp4", UnsupportedMedia),
        (tmp_path / "playlist.mp4", UnsupportedMedia),
    ):
        with pytest.raises(error):
            make_preview_clip(media_file(path), tmp_path / "out" / "clip.mp4")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_kill_left_is_cleared_away(tmp_path: Path) -> None:
    path, target = film(tmp_path / "a.mp4"), tmp_path / "out" / "clip.mp4"

    class Killed(BaseException):
        pass

    def kill(done: float, whole: float) -> None:
        raise Killed

    with pytest.raises(Killed):
        make_preview_clip(media_file(path), target, on_progress=kill)
    make_preview_clip(media_file(path), target)
    assert [one.name for one in target.parent.iterdir()] == ["clip.mp4"]
    assert not any(one.name.startswith(TEMPORARY_PREFIX) for one in target.parent.iterdir())


def test_missing_ffmpeg_and_unwritable_folder_blame_no_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "a.mp4")
    (tmp_path / "file").write_text("where the folder should be")
    with pytest.raises(StorageUnavailable):
        make_preview_clip(media_file(path), tmp_path / "file" / "clip.mp4")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing):
        make_preview_clip(media_file(path), tmp_path / "clip.mp4")
