"""
The whole first scan (walk, hash, metadata, thumbnail, rows) against the bare thumbnails of the same files.

    python -m tests.bench.first_scan_bench [--files 160] [--rounds 3]

Target (issue 2): the scan does at least 80 % as many files a second as making the thumbnails alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from deployments.settings import Settings
from flows.house import House
from flows.libraries import register_library
from flows.scanning import scan_library
from sql.lake import Lake
from tests.bench.thumbnails_bench import draw_photo, run_ours

DRAWN = 8  # drawing 12 MP takes a second; the rest are copies that differ in their last bytes


def make_photos(folder: Path, files: int) -> None:
    folder.mkdir()
    yesterday = time.time() - 86_400
    for number in range(files):
        path = folder / f"IMG_{number:05d}.jpg"
        if number < DRAWN:
            draw_photo(path, 4000, 3000, number)
        else:
            shutil.copyfile(folder / f"IMG_{number % DRAWN:05d}.jpg", path)
            with path.open("ab") as file:
                file.write(number.to_bytes(4, "big"))
        os.utime(path, (yesterday, yesterday))


def run_scan(folder: Path, home: Path) -> float:
    """Seconds of a first scan with an empty lake, which is opened and closed outside the clock."""
    settings = Settings(darkroom_home=home, scan_settle_seconds=0, _env_file=None)  # type: ignore[call-arg]
    lake = Lake(settings.catalog_url, settings.data_path)
    lake.migrate()
    house = House(settings, lake)
    name = register_library(lake, folder)
    started = time.perf_counter()
    report = scan_library(house, house.libraries(name)[0], full=True)
    seconds = time.perf_counter() - started
    assert report is not None
    assert report.thumbnails == report.found, report
    lake.close()
    shutil.rmtree(home)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    bare, scan = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "photos")
        make_photos(folder, arguments.files)
        for _ in range(arguments.rounds):
            out = Path(temporary, "out")
            out.mkdir()
            bare.append(arguments.files / run_ours(folder, out, os.cpu_count() or 1))
            shutil.rmtree(out)
            scan.append(arguments.files / run_scan(folder, Path(temporary, "home")))
    ratio = statistics.median(scan) / statistics.median(bare)
    print(f"{arguments.files} JPEGs of 12 MP, medians of {arguments.rounds} rounds")
    print(f"{'bare thumbnails':<30}{statistics.median(bare):8.1f} files/s")
    print(f"{'whole first scan':<30}{statistics.median(scan):8.1f} files/s  {ratio:.2f} x bare (target 0.80)")


if __name__ == "__main__":
    main()
