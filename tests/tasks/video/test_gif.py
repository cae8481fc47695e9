"""GIFs of clips: three seconds, 320 pixels, two megabytes at most."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from tasks.errors import AssetError
from tasks.video import gif
from tasks.video.gif import make_gif
from tests.tasks.video.films import FFMPEG, H264, film

pytestmark = pytest.mark.skipif(FFMPEG is None, reason="no ffmpeg on PATH")


def frames(path: Path) -> tuple[int, float]:
    """How many, and how many seconds they take."""
    with Image.open(path) as image:
        lengths = [frame.info["duration"] / 1000 for frame in ImageSequence.Iterator(image)]
        assert image.info.get("loop") == 0
    return len(lengths), sum(lengths)


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("testsrc2=s=854x480:r=25:d=10", (320, 180)),
        ("testsrc2=s=270x480:r=25:d=10", (180, 320)),
        ("testsrc2=s=64x48:r=25:d=5", (64, 48)),
    ],
)
def test_gif_is_three_seconds_long_and_320_pixels_at_most(tmp_path: Path, source: str, size: tuple[int, int]) -> None:
    result = make_gif(film(tmp_path / "clip.mp4", source=source), tmp_path / "out.gif")
    assert (result.width, result.height) == size
    count, seconds = frames(result.path)
    assert count == 30
    assert seconds == pytest.approx(3, abs=0.05)
    assert result.size_bytes == result.path.stat().st_size <= 2_000_000


def test_noise_is_made_smaller_until_it_fits(tmp_path: Path) -> None:
    noise = "nullsrc=s=854x480:r=25:d=4,geq=random(1)*255:128:128"
    result = make_gif(film(tmp_path / "clip.mp4", source=noise), tmp_path / "out.gif")
    assert result.size_bytes <= 2_000_000
    assert result.layer != "gif:256"


def test_clip_of_ten_stretches_shows_beginning_middle_and_end(tmp_path: Path) -> None:
    grey = "color=black:s=64x48:r=10:d=10,geq=lum='16+20*floor(T)':cb=128:cr=128"
    result = make_gif(film(tmp_path / "clip.mp4", *H264, source=grey), tmp_path / "out.gif")
    with Image.open(result.path) as image:
        greys = [frame.convert("L").resize((1, 1)).getpixel((0, 0)) for frame in ImageSequence.Iterator(image)]
    assert greys[5] < 20
    assert 80 < greys[15] < 120
    assert greys[25] > 190


@pytest.mark.parametrize("frame_count", [1, 2, 7])
def test_shortest_clips_have_a_gif(tmp_path: Path, frame_count: int) -> None:
    clip = film(tmp_path / "clip.mp4", *H264, "-frames:v", str(frame_count))
    with Image.open(make_gif(clip, tmp_path / "out.gif").path) as image:
        assert image.size == (320, 180)


def test_damaged_clip_is_named_and_leaves_no_gif(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(500))
    with pytest.raises(AssetError):
        make_gif(tmp_path / "clip.mp4", tmp_path / "out.gif")
    assert not (tmp_path / "out.gif").exists()
    assert gif.MAX_BYTES == 2_000_000
