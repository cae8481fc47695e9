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
from pathlib import Path

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root, home = Path(temporary, "library"), Path(temporary, "home")
        make_tree(root, arguments.files)
        settings = Settings(darkroom_home=home, scan_settle_seconds=0, _env_file=None)  # type: ignore[call-arg]
        lake = Lake(settings.catalog_url, settings.data_path)
        lake.migrate()
        house = House(settings, lake)
        name = register_library(lake, root)

        def scan(full: bool) -> ScanReport:
            report = ScanReport(name, "")
            find_changes(house, house.libraries(name)[0], report, full=full, accept_loss=False)
            return report

        first = timed(lambda: scan(True))
        with lake.write() as writer:
            writer.execute(PRETEND_READ)
        assert scan(True).new == 0
        find = ["find", str(root), "-type", "f", "-printf", "%P %s %T@\\n"]
        rounds: dict[str, list[float]] = {"find": [], "quick": [], "full": []}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(arguments.rounds):
            gc.collect()
            rounds["find"].append(timed(lambda: subprocess.run(find, stdout=subprocess.DEVNULL, check=True)))
            rounds["quick"].append(timed(lambda: scan(False)))
            rounds["full"].append(timed(lambda: scan(True)))
        report(arguments.files, first, rounds, before)
        lake.close()


def report(files: int, first: float, rounds: dict[str, list[float]], before_kb: int) -> None:
    find = statistics.median(rounds["find"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{files:,} files in folders of {FILES_A_FOLDER}, medians of {len(rounds['find'])} rounds")
    print(f"{'walk, compare, record the first time':<40}{first:8.3f} s  {files / first:,.0f} files/s")
    print(f"{'find -printf':<40}{find:8.3f} s")
    for kind, target in (("quick", 0.5), ("full", 3.0)):
        median = statistics.median(rounds[kind])
        print(f"{kind + ' scan, nothing changed':<40}{median:8.3f} s  {median / find:5.2f} x find (target {target})")
    print(f"peak memory of this process: {peak / 1024:.0f} MB ({before_kb / 1024:.0f} MB after the first scan)")


if __name__ == "__main__":
    main()
