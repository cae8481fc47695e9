"""
A sample library, drawn by the program: what `make run` shows when nobody has given it photos.

The same pictures every time: fixed numbers, no clock, no chance.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from PIL import ExifTags, Image, ImageColor, ImageDraw, ImageFont, ImageOps

from deployments.sample.video import draw_video

LANDSCAPE = (1600, 1200)
MARK = "Darkroom sample"
README = """Darkroom drew these pictures (`python -m deployments.sample.draw`) so that there is something to look at.
They are samples, not photographs: the cameras, places and times in them are made up. Delete the folder when you like.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """`zone` is the UTC offset its clocks showed, `sky` and `ground` the two colours of its pictures."""

    name: str
    latitude: float
    longitude: float
    altitude_m: int
    zone: str
    sky: str
    ground: str


@dataclass(frozen=True, slots=True)
class Camera:
    make: str
    model: str
    lens: str


PLACES = (
    Place("Lisboa", 38.7139, -9.1394, 42, "+00:00", "#f7b267", "#355070"),
    Place("Tromsø", 69.6492, 18.9553, 12, "+02:00", "#0b3954", "#bfd7ea"),
    Place("Kyoto", 35.0116, 135.7681, 50, "+09:00", "#ffcad4", "#6d6875"),
    Place("Valparaíso", -33.0472, -71.6127, 30, "-04:00", "#ffd166", "#ef476f"),
    Place("Cape Town", -33.9249, 18.4241, 25, "+02:00", "#48cae4", "#283618"),
    Place("Québec", 46.8139, -71.2080, 98, "-04:00", "#e07a5f", "#3d405b"),
    Place("Hallstatt", 47.5622, 13.6493, 511, "+01:00", "#a9def9", "#31572c"),
    Place("Wellington", -41.2866, 174.7756, 20, "+13:00", "#90e0ef", "#386641"),
)
CAMERAS = (
    Camera("Canon", "Canon EOS R6", "RF24-105mm F4 L IS USM"),
    Camera("FUJIFILM", "X-T4", "XF16-55mmF2.8 R LM WR"),
    Camera("Apple", "iPhone 13", "iPhone 13 back dual wide camera 5.1mm f/1.6"),
)
FIRST_DAY = datetime(2022, 3, 5, 9, 12, 30)
PHOTOS = 24
RATING_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmp:Rating="5"><dc:subject><rdf:Bag><rdf:li>sample</rdf:li><rdf:li>favourite</rdf:li></rdf:Bag></dc:subject>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>
"""


def make_sample_library(folder: Path) -> int:
    """
    Draw the sample library into *folder*: photos, a sidecar, a duplicate, and a video where ffmpeg is installed.

    Returns:
        How many files were written; what is there already is left as it is.
    Raises:
        OSError: The folder cannot be written.
    """
    writers: dict[str, Callable[[Path], None]] = {"README-sample.txt": _write_readme}
    for number in range(PHOTOS):
        writers[_name(number)] = lambda path, number=number: _write_photo(path, number)  # type: ignore[misc]
    original = _name(5)
    writers["copies/copy of the same photo.jpg"] = lambda path: _copy(folder / original, path)
    writers[f"{_name(3)}.xmp"] = _write_sidecar
    if ffmpeg := shutil.which("ffmpeg"):
        writers["2024/08 Wellington/harbour.mp4"] = lambda path: draw_video(ffmpeg, path)
    return sum(_write_new(folder / name, write) for name, write in writers.items())


def _write_new(path: Path, write: Callable[[Path], None]) -> bool:
    """Under another name until it is whole; never over a file that is there."""
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".darkroom-sample-{path.name}")
    try:
        write(temporary)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _name(number: int) -> str:
    """`2022/03 Lisboa/sample-00.jpg`; one PNG, one WebP, one HEIC among the JPEGs."""
    taken_at, place = _taken_at(number), _place(number)
    extension = {7: "png", 13: "webp", 19: "heic"}.get(number, "jpg")
    return f"{taken_at:%Y}/{taken_at:%m} {place.name}/sample-{number:02}.{extension}"


def _taken_at(number: int) -> datetime:
    """Spread over three years, at hours between morning and evening."""
    return FIRST_DAY + timedelta(days=number * 46, minutes=(number * 97) % 540, seconds=number * 7)


def _place(number: int) -> Place:
    return PLACES[number % len(PLACES)]


def _write_readme(path: Path) -> None:
    path.write_text(README, encoding="utf-8")


def _write_sidecar(path: Path) -> None:
    path.write_text(RATING_XMP, encoding="utf-8")


def _copy(original: Path, path: Path) -> None:
    path.write_bytes(original.read_bytes())


def _write_photo(path: Path, number: int) -> None:
    if path.suffix == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    # HEIC and its kin turn pictures by a box of their own; only JPEGs get the eight EXIF orientations.
    orientation = number % 8 + 1 if path.suffix == ".jpg" else 1
    picture = turn_away(draw_picture(number), orientation)
    exif = photo_exif(number, orientation)
    picture.save(path, quality=88, exif=exif.tobytes())


def turn_away(upright: Image.Image, orientation: int) -> Image.Image:
    """The pixels as a camera stores them whose EXIF orientation is *orientation* (1 to 8)."""
    inverse = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
    if orientation == 1:
        return upright
    marked = upright.copy()
    marked.getexif()[ExifTags.Base.Orientation] = inverse[orientation]
    return ImageOps.exif_transpose(marked)


def photo_exif(number: int, orientation: int) -> Image.Exif:
    """Camera, time with its zone, settings and position, as a camera writes them."""
    place, camera, taken_at = _place(number), CAMERAS[number % len(CAMERAS)], _taken_at(number)
    text = f"{taken_at:%Y:%m:%d %H:%M:%S}"
    base, tags = ExifTags.Base, Image.Exif()
    tags[base.Make], tags[base.Model] = camera.make, camera.model
    tags[base.Orientation] = orientation
    tags[base.DateTime] = text
    tags[base.Software] = MARK
    tags[base.ImageDescription] = f"{MARK}: {place.name}"
    tags.get_ifd(ExifTags.IFD.Exif).update(
        {
            base.DateTimeOriginal: text,
            base.DateTimeDigitized: text,
            base.OffsetTimeOriginal: place.zone,
            base.OffsetTime: place.zone,
            base.ExposureTime: 1 / (60 << number % 5),
            base.FNumber: (2.8, 4.0, 5.6, 8.0)[number % 4],
            base.ISOSpeedRatings: 100 << number % 4,
            base.FocalLength: float(24 + 9 * (number % 6)),
            base.LensModel: camera.lens,
        }
    )
    if number % 6 != 5:  # every sixth was taken where there was no signal
        tags.get_ifd(ExifTags.IFD.GPSInfo).update(_gps(place, number))
    return tags


def _gps(place: Place, number: int) -> dict[int, object]:
    latitude, longitude = place.latitude + 0.002 * (number % 3), place.longitude + 0.003 * (number % 4)
    return {
        ExifTags.GPS.GPSLatitudeRef: "N" if latitude >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _degrees(latitude),
        ExifTags.GPS.GPSLongitudeRef: "E" if longitude >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _degrees(longitude),
        ExifTags.GPS.GPSAltitudeRef: b"\x00",
        ExifTags.GPS.GPSAltitude: float(place.altitude_m),
    }


def _degrees(value: float) -> tuple[float, float, float]:
    minutes, degrees = math.modf(abs(value))
    seconds, minutes = math.modf(minutes * 60)
    return degrees, minutes, round(seconds * 60, 2)


def draw_picture(number: int) -> Image.Image:
    """A sky, a sun or moon, three ranges of hills, and where it pretends to be. RGB, upright."""
    place = _place(number)
    width, height = LANDSCAPE if number % 5 else (LANDSCAPE[1], LANDSCAPE[0])
    sky, ground = ImageColor.getrgb(place.sky), ImageColor.getrgb(place.ground)
    picture = _gradient((width, height), _mixed(sky, (255, 255, 255), 0.15 * (number % 4)), sky)
    draw = ImageDraw.Draw(picture)
    radius = height // 14 + 12 * (number % 4)
    x, y = width * (2 + number % 7) // 10, height * (2 + number % 3) // 10
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_mixed((255, 250, 230), sky, 0.1))
    for layer in range(3):
        hills = _hills(width, height, number, layer)
        draw.polygon([(0, height), *hills, (width, height)], fill=_mixed(sky, ground, 0.4 + 0.3 * layer))
    _write_caption(draw, (width, height), f"{_plain(place.name)}  ·  {_taken_at(number):%Y}", number, ground)
    return picture


def _gradient(size: tuple[int, int], top: tuple[int, ...], bottom: tuple[int, ...]) -> Image.Image:
    column = Image.new("RGB", (1, 256))
    for row in range(256):
        column.putpixel((0, row), _mixed(top, bottom, row / 255))
    return column.resize(size, Image.Resampling.BICUBIC)


def _mixed(one: Sequence[int], other: Sequence[int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=False))
    return red, green, blue


def _hills(width: int, height: int, number: int, layer: int) -> list[tuple[float, float]]:
    base = height * (0.55 + 0.13 * layer)
    swing, waves, phase = height * 0.07, 1.5 + layer + number % 3, number * 1.7 + layer * 2.3
    return [
        (x, base + swing * math.sin(x / width * math.tau * waves / 2 + phase) * math.cos(x / width * 3 + phase))
        for x in range(0, width + 8, 8)
    ]


def _write_caption(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], text: str, number: int, ground: Sequence[int]
) -> None:
    width, height = size
    large, small = ImageFont.load_default(size=width // 22), ImageFont.load_default(size=width // 55)
    ink = "white" if sum(ground[:3]) < 450 else "#22333b"
    draw.text((width * 0.05, height * 0.86), text, font=large, fill=ink)
    draw.text((width * 0.05, height * 0.94), f"{MARK} {number + 1} of {PHOTOS}", font=small, fill=ink)


def _plain(name: str) -> str:
    """Without accents: the font that comes with Pillow has none."""
    return unicodedata.normalize("NFKD", name.replace("ø", "o")).encode("ascii", "ignore").decode()


if __name__ == "__main__":
    target = Path(sys.argv[1]).expanduser()
    try:
        made = make_sample_library(target)
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(f"the sample library could not be made in {target}: {error}")
    print(f"{made} sample files written to {target}")
