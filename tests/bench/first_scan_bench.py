"""
The whole first `darkroom scan`, from the shell, against the bare thumbnails of the same files and against sharp.

    python -m tests.bench.first_scan_bench [--files 400] [--rounds 3]

Half of the JPEGs have 12 MP, half 24. The bare loop renders and writes thumbnails in threads of this process, with the
fsync that a scan does too; sharp (npm) writes without one. The scan also starts Python, opens an empty lake, hashes,
reads metadata, names places, compares pictures and commits rows.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasks.files.atomic_write import atomic_write
from tasks.files.media_file import MediaFile
from tasks.files.media_types import MediaKind
from tasks.images.thumbnail import Tools, render_thumbnail
from tests.bench.measuring import Command, median_command, row, run_command
from tests.bench.thumbnails_bench import LONG_EDGE_PX, SIZES, draw_photo, install_sharp, run_sharp

DRAWN = 8  # drawing 24 MP takes two seconds; the rest are copies that differ in their last bytes


def make_photos(folder: Path, files: int) -> None:
    folder.mkdir()
    yesterday = time.time() - 86_400
    for number in range(files):
        path = folder / f"IMG_{number:05d}.jpg"
        if number < DRAWN:
            draw_photo(path, *list(SIZES.values())[number % 2], number)
        else:
            shutil.copyfile(folder / f"IMG_{number % DRAWN:05d}.jpg", path)
            with path.open("ab") as file:
                file.write(number.to_bytes(4, "big"))
        os.utime(path, (yesterday, yesterday))


def run_bare(folder: Path, out: Path) -> float:
    """Seconds in which the thumbnails of all files are rendered and safely on disk."""

    def one(path: Path) -> None:
        status = path.stat()
        file = MediaFile(path, MediaKind("photo", "image/jpeg"), status.st_size, status.st_mtime_ns)
        atomic_write(out / path.name, render_thumbnail(file, path.read_bytes(), LONG_EDGE_PX, Tools()).jpeg)

    started = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, sorted(folder.iterdir())))
    return time.perf_counter() - started


def run_scan(folder: Path, home: Path) -> Command:
    environment = {**os.environ, "DARKROOM_HOME": str(home), "SCAN_SETTLE_SECONDS": "0"}
    return run_command([sys.executable, "-m", "deployments.cli.app", "scan", "--json", str(folder)], environment)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as temporary:
        work = Path(temporary)
        folder, out, home = work / "photos", work / "out", work / "home"
        make_photos(folder, chosen.files)
        has_sharp = install_sharp(work)
        bare: list[float] = []
        sharp: list[float] = []
        scans: list[Command] = []
        for _ in range(chosen.rounds):
            for used in (out, home):
                shutil.rmtree(used, ignore_errors=True)
                used.mkdir()
            bare.append(run_bare(folder, out))
            if has_sharp:
                sharp.append(run_sharp(work, folder, out, os.cpu_count() or 1))
            scans.append(run_scan(folder, home))
    scan = median_command(scans)
    print(f"{chosen.files} JPEGs of 12 and 24 MP, medians of {chosen.rounds} rounds")
    row("bare thumbnails, with fsync", f"{statistics.median(bare):.1f} s")
    if sharp:
        row("sharp, without fsync", f"{statistics.median(sharp):.1f} s")
    row("darkroom scan, the whole command", f"{scan.wall_seconds:.1f} s", f"peak {scan.peak_mb:.0f} MB")
    row("bare / scan", f"{_ratio(bare, scans):.2f}", "goal 0.85")
    if sharp:
        row("sharp / scan", f"{_ratio(sharp, scans):.2f}", "goal 1.1")


def _ratio(others: list[float], scans: list[Command]) -> float:
    """The median of the ratios round by round: a machine that grows slower slows both."""
    return statistics.median(other / scan.wall_seconds for other, scan in zip(others, scans, strict=True))


if __name__ == "__main__":
    main()
