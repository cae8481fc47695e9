"""
A library of 20,000 photos over 15 years, scanned by the command a user types: what lists, pages and drains meet.

`draw_big_library` draws it, the fixture `big_library` (tests/conftest.py) gives it scanned. Both are kept by recipe in
`.pytest_cache/drawn`, so that a session scans once for all workers, and the next one not at all if no code changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from deployments.settings import Settings
from tests.drawn import CACHE, key_of, only_one
from tests.lakes import name_data_folder

CHECKOUT = Path(__file__).parents[1]
COUNT = 20_000
FIRST, YEARS = datetime(2009, 1, 1, 8), 15
BURST = 20  # photos that show nearly the same
PLACES = [(38.7139, -9.1394), (51.5007, -0.1246), (48.8584, 2.2945), (35.0116, 135.7681), (-33.9249, 18.4241),
          (46.8139, -71.2080), (47.5622, 13.6493), (-41.2866, 174.7756)]  # fmt: skip
CAMERAS = [("Canon", "EOS 80D"), ("NIKON CORPORATION", "NIKON D7100"), ("Apple", "iPhone 11"), ("FUJIFILM", "X-T3")]
RECIPE = 1  # another number draws all anew
_DATE = b"1111:11:11 11:11:11"
_LATITUDE, _LONGITUDE = ((7, 1), (7, 1), (777_771, 1000)), ((9, 1), (9, 1), (999_991, 1000))


@dataclass(frozen=True)
class BigLibrary:
    """
    A scanned home; tests only read it, and take a copy (`copy_home`) to write.

    Args:
        root: The folder of the photos.
        report: What `darkroom scan --json` said.
    """

    home: Path
    root: Path
    report: dict[str, Any]

    def copy_home(self, home: Path) -> Path:
        """The same in another folder: the catalog copied, the files that are never changed in place linked."""
        for path in self.home.iterdir():
            if path.is_dir():
                shutil.copytree(path, home / path.name, copy_function=_copy if path.name == "lake" else _link)
        name_data_folder(home / "lake")
        return home


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # on another disk
        shutil.copy2(source, target)


def _copy(source: str, target: str) -> None:
    (_link if source.endswith(".parquet") else shutil.copy2)(source, target)


def environment_of(home: Path) -> dict[str, str]:
    """For a command on *home*: nothing of the machine's own settings."""
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return {**kept, "DARKROOM_HOME": str(home), "SCAN_SETTLE_SECONDS": "0"}


def scan_by_command(home: Path, *roots: Path) -> dict[str, Any]:
    """`darkroom scan ROOT --json`, in a process of its own."""
    home.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli.app", "scan", *map(str, roots), "--json"],
        env=environment_of(home), cwd=home, capture_output=True, text=True, timeout=3600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def big_library_of(cache: Path = CACHE) -> BigLibrary:
    """The one that is kept, made where it is not there or the code is another."""
    with only_one(cache / "big-library.lock"):
        root, home = cache / "big-library", cache / "big-library-home"
        if _mark(root) != (drawn := key_of(RECIPE, COUNT)):
            shutil.rmtree(root, ignore_errors=True)
            draw_big_library(root)
            _set_mark(root, drawn)
        if _mark(home) != (scanned := key_of(drawn, str(root), _code())):
            shutil.rmtree(home, ignore_errors=True)
            report = scan_by_command(home, root)
            (home / "report.json").write_text(json.dumps(report))
            _set_mark(home, scanned)
        return BigLibrary(home, root, json.loads((home / "report.json").read_text()))


def _mark(folder: Path) -> str:
    """Written last, beside the folder: what was interrupted is made again."""
    mark = folder.with_suffix(".complete")
    return mark.read_text() if mark.exists() and folder.exists() else ""


def _set_mark(folder: Path, key: str) -> None:
    folder.with_suffix(".complete").write_text(key)


def _code() -> str:
    """All that a scan runs."""
    digest = hashlib.sha256((CHECKOUT / "constraints.txt").read_bytes())
    for folder in ("deployments", "flows", "tasks", "sql"):
        for path in sorted((CHECKOUT / folder).rglob("*")):
            if path.suffix in {".py", ".sql"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def draw_big_library(folder: Path, count: int = COUNT) -> None:
    """
    *count* JPEG files of about 2 KB in folders of years and months, dated by their EXIF and their mtime.

    A few pictures are drawn and each file is one of them with a date, a place and a camera of its own, so that no two
    have the same bytes. Three in four have a place. The same files every time.
    """
    step = timedelta(days=365 * YEARS) / count
    for number, template in zip(range(count), _templates(count), strict=True):
        taken = FIRST + number * step
        month = folder / f"{taken:%Y/%m}"
        if number == 0 or not month.exists():
            month.mkdir(parents=True, exist_ok=True)
        path = month / f"IMG_{number:05}.jpg"
        path.write_bytes(_dated(template, taken, number))
        os.utime(path, (taken.timestamp(), taken.timestamp()))


def _templates(count: int) -> Iterator[bytes]:
    """One picture per burst, by each camera in turn."""
    random = np.random.default_rng(RECIPE)
    for burst in range(-(-count // BURST)):
        colours = Image.fromarray(random.integers(0, 256, (3, 4, 3), dtype=np.uint8))
        picture = colours.resize((120, 90), Image.Resampling.BICUBIC)
        make, model = CAMERAS[burst % len(CAMERAS)]
        exif = Image.Exif()
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = make, model
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = _DATE.decode()
        if burst % 4:
            place = exif.get_ifd(ExifTags.IFD.GPSInfo)
            latitude, longitude = _place(burst)
            place[ExifTags.GPS.GPSLatitudeRef] = "N" if latitude > 0 else "S"
            place[ExifTags.GPS.GPSLatitude] = tuple(a / b for a, b in _LATITUDE)
            place[ExifTags.GPS.GPSLongitudeRef] = "E" if longitude > 0 else "W"
            place[ExifTags.GPS.GPSLongitude] = tuple(a / b for a, b in _LONGITUDE)
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=70, exif=exif)
        yield from [file.getvalue()] * min(BURST, count - burst * BURST)


def _dated(template: bytes, taken: datetime, number: int) -> bytes:
    """The template's stand-ins for date and place replaced by bytes of the same length."""
    photo = template.replace(_DATE, f"{taken:%Y:%m:%d %H:%M:%S}".encode())
    for angle, stand_in in zip(_place(number // BURST), (_LATITUDE, _LONGITUDE), strict=True):
        seconds = abs(angle) * 3600 + number % 997 / 10  # at most 3 km further
        real = ((int(seconds // 3600), 1), (int(seconds % 3600 // 60), 1), (int(seconds % 60 * 1000), 1000))
        for order in "<>":
            photo = photo.replace(_rationals(order, stand_in), _rationals(order, real))
    return photo


def _place(burst: int) -> tuple[float, float]:
    return PLACES[burst // len(CAMERAS) % len(PLACES)]


def _rationals(order: str, values: tuple[tuple[int, int], ...]) -> bytes:
    return struct.pack(f"{order}6I", *(number for pair in values for number in pair))
