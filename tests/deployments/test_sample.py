"""The sample library: the same every time, of every kind, and never over a file of somebody's."""

from __future__ import annotations

from pathlib import Path

import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageOps

from deployments.sample.draw import PHOTOS, draw_picture, make_sample_library, turn_away

pillow_heif.register_heif_opener()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    assert make_sample_library(folder) >= PHOTOS + 3
    return folder


def photos(sample: Path) -> list[Path]:
    return [path for path in sample.rglob("sample-*") if path.suffix != ".xmp"]


def test_every_orientation_and_format_is_there_and_comes_out_upright(sample: Path) -> None:
    orientations, formats = set(), set()
    for path in photos(sample):
        with Image.open(path) as image:
            formats.add(image.format)
            orientations.add(image.getexif().get(ExifTags.Base.Orientation))
            upright = ImageOps.exif_transpose(image).convert("RGB").resize((32, 32))
        expected = draw_picture(int(path.stem[-2:])).resize((32, 32))
        worst = max(abs(a - b) for a, b in zip(upright.tobytes(), expected.tobytes(), strict=True))
        assert worst < 40, path
    assert formats == {"JPEG", "PNG", "WEBP", "HEIF"}
    assert orientations == set(range(1, 9))


def test_photos_span_three_years_with_zone_and_position(sample: Path) -> None:
    taken, located = [], 0
    for path in photos(sample):
        with Image.open(path) as image:
            tags = image.getexif()
            details = tags.get_ifd(ExifTags.IFD.Exif)
            taken.append(details[ExifTags.Base.DateTimeOriginal])
            assert details[ExifTags.Base.OffsetTimeOriginal][0] in "+-"
            assert "sample" in tags[ExifTags.Base.Software]
            located += ExifTags.GPS.GPSLatitude in tags.get_ifd(ExifTags.IFD.GPSInfo)
    assert len(set(taken)) == PHOTOS
    assert int(max(taken)[:4]) - int(min(taken)[:4]) == 3
    assert 0 < located < PHOTOS


def test_drawn_again_it_is_the_same_and_writes_nothing(sample: Path, tmp_path: Path) -> None:
    assert make_sample_library(sample) == 0
    make_sample_library(tmp_path)
    for path in photos(sample):
        assert (tmp_path / path.relative_to(sample)).read_bytes() == path.read_bytes(), path


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "README-sample.txt"
    mine.write_text("mine")
    make_sample_library(tmp_path)
    assert mine.read_text() == "mine"
    assert not list(tmp_path.rglob(".darkroom-*"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_away_picture_is_turned_back_by_its_orientation(orientation: int) -> None:
    upright = Image.new("RGB", (3, 2))
    upright.putdata([(number * 40, 0, 0) for number in range(6)])
    stored = turn_away(upright, orientation)
    stored.getexif()[ExifTags.Base.Orientation] = orientation
    assert ImageOps.exif_transpose(stored).tobytes() == upright.tobytes()
