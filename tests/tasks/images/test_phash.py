"""Perceptual hashes: the same picture in other clothes is near, another picture is far."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from tasks.errors import CorruptMedia
from tasks.images.phash import PerceptualHash, perceptual_hash


def thumbnail(image: Image.Image, quality: int = 85, size: int = 480) -> bytes:
    small = image.convert("RGB")
    small.thumbnail((size, size))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def apart(one: PerceptualHash, other: PerceptualHash) -> tuple[int, int]:
    assert one.phash is not None and one.dhash is not None and other.phash is not None and other.dhash is not None
    return (one.phash ^ other.phash).bit_count(), (one.dhash ^ other.dhash).bit_count()


@pytest.fixture(scope="module")
def picture(media: Path) -> Image.Image:
    return Image.open(media / "2012/summer/ladybug.jpg")


def test_scaled_recompressed_and_lightened_copies_are_near(picture: Image.Image) -> None:
    original = perceptual_hash(thumbnail(picture))
    for copy in (
        thumbnail(picture, quality=30),
        thumbnail(picture.resize((picture.width // 3, picture.height // 3))),
        thumbnail(ImageEnhance.Brightness(picture.convert("RGB")).enhance(1.15)),
        thumbnail(picture.convert("L")),
    ):
        bits, more_bits = apart(original, perceptual_hash(copy))
        assert bits <= 4
        assert more_bits <= 8


def test_another_picture_is_far(picture: Image.Image, media: Path) -> None:
    other = Image.open(media / "2015/safari/elephants.jpg")
    bits, _ = apart(perceptual_hash(thumbnail(picture)), perceptual_hash(thumbnail(other)))
    assert bits > 16


def test_a_picture_of_one_colour_has_no_hash() -> None:
    assert perceptual_hash(thumbnail(Image.new("RGB", (300, 200), "white"))) == PerceptualHash(None, None)


@pytest.mark.parametrize("damaged", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\x00" * 50])
def test_a_damaged_thumbnail_is_said_to_be_corrupt(damaged: bytes) -> None:
    with pytest.raises(CorruptMedia):
        perceptual_hash(damaged)


def test_hashes_are_64_bits(picture: Image.Image) -> None:
    found = perceptual_hash(thumbnail(picture))
    assert found.phash is not None and 0 < found.phash < 1 << 64
    assert found.dhash is not None and 0 < found.dhash < 1 << 64
