"""
Scans of a large library without change, against `find -printf` over the same files.

    python -m tests.bench.scan_bench [--files 200000] [--rounds 5]

Targets (issue 2): quick <= 0.5 x find, full <= 3 x find; 1 M assets: full scan without change under 500 MB.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from deployments.settings import Settings
from flows.house import House
from flows.libraries import register_library
from flows.scanning import ScanReport, find_changes
from sql.lake import Lake

FILES_A_FOLDER = 100
PRETEND_READ = """
insert into fingerprint by name
select asset_id, size_bytes, mtime_ns, md5(asset_id::varchar) || md5(rel_path) as content_hash from asset
"""


def make_tree(root: Path, files: int) -> None:
    """Empty files in folders of a hundred, dated yesterday: a scan never opens them."""
    yesterday = time.time() - 86_400
    for number in range(0, files, FILES_A_FOLDER):
        folder = root / f"{number // 100_000:03d}" / f"{number // FILES_A_FOLDER:06d}"
        folder.mkdir(parents=True)
        for name in range(min(FILES_A_FOLDER, files - number)):
            path = folder / f"IMG_{number + name:07d}.jpg"
            path.touch()
            os.utime(path, (yesterday, yesterday))
        os.utime(folder, (yesterday, yesterday))
    for folder in [root, *root.iterdir()]:
        os.utime(folder, (yesterday, yesterday))


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Scanner:
    """A house over the tree, for scans without ingest."""

    def __init__(self, root: Path, home: Path) -> None:
        settings = Settings(darkroom_home=home, scan_settle_seconds=0, _env_file=None)  # type: ignore[call-arg]
        self.lake = Lake(settings.catalog_url, settings.data_path)
        self.lake.migrate()
        self.house = House(settings, self.lake)
        self.name = register_library(self.lake, root)

    def scan(self, full: bool) -> ScanReport:
        report = ScanReport(self.name, "")
        library = self.house.libraries(self.name)[0]
        find_changes(self.house, library, report, full=full, accept_loss=False)
        return report


def first_scan(root: Path, home: Path) -> tuple[float, int]:
    """Seconds and peak memory (KiB) of the scan that records every file; then all of them count as read."""
    scanner = Scanner(root, home)
    seconds = timed(lambda: scanner.scan(True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with scanner.lake.write() as writer:
        writer.execute(PRETEND_READ)
    assert scanner.scan(True).new == 0
    return seconds, peak


def unchanged_scans(root: Path, home: Path, rounds: int) -> tuple[dict[str, list[float]], int]:
    """Seconds of each round and the peak memory (KiB) of a process that finds nothing changed."""
    scanner = Scanner(root, home)
    find = ["find", str(root), "-type", "f", "-printf", "%P %s %T@\\n"]
    seconds: dict[str, list[float]] = {"find": [], "quick": [], "full": []}
    for _ in range(rounds):
        gc.collect()
        seconds["find"].append(timed(lambda: subprocess.run(find, stdout=subprocess.DEVNULL, check=True)))
        seconds["quick"].append(timed(lambda: scanner.scan(False)))
        seconds["full"].append(timed(lambda: scanner.scan(True)))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def alone(work: Callable[..., Any], *arguments: object) -> Any:
    """*work* in a process of its own, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root, home = Path(temporary, "library"), Path(temporary, "home")
        make_tree(root, arguments.files)
        first, first_peak = alone(first_scan, root, home)
        rounds, peak = alone(unchanged_scans, root, home, arguments.rounds)
    find = statistics.median(rounds["find"])
    print(f"{arguments.files:,} files in folders of {FILES_A_FOLDER}, medians of {arguments.rounds} rounds")
    rate = f"{arguments.files / first:,.0f} files/s"
    print(f"{'walk, compare, record the first time':<40}{first:8.3f} s  {rate}, peak {first_peak / 1024:.0f} MB")
    print(f"{'find -printf':<40}{find:8.3f} s")
    for kind, target in (("quick", 0.5), ("full", 3.0)):
        median = statistics.median(rounds[kind])
        print(f"{kind + ' scan, nothing changed':<40}{median:8.3f} s  {median / find:5.2f} x find (target {target})")
    print(f"peak memory while nothing changed: {peak / 1024:.0f} MB (target 500 MB at 1 M files)")


if __name__ == "__main__":
    main()
