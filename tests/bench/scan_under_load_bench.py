"""
`darkroom scan` of files that no decoder opens, beside processes that keep every core busy: it must never end early.

    python -m tests.bench.scan_under_load_bench [--files 20000] [--busy 8] [--rounds 10] [--database-url postgresql://…]

Target (issue 11): every round ends with exit code 0. A PostgreSQL that is given must be empty: it is used once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def make_broken_files(folder: Path, files: int) -> None:
    yesterday = time.time() - 86_400
    for number in range(files):
        path = folder / f"{number // 1000:04}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture %d" % number)
        os.utime(path, (yesterday, yesterday))


def scan(library: Path, home: Path, database_url: str) -> tuple[int, float, str]:
    """Exit code, seconds, and what it said on stderr."""
    environment = {**os.environ, "DARKROOM_HOME": str(home), "SCAN_SETTLE_SECONDS": "0"}
    if database_url:
        environment["DATABASE_URL"] = database_url
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "deployments.entry", "scan", str(library)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, time.perf_counter() - started, done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--busy", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--database-url", default="")
    arguments = parser.parse_args()
    rounds = 1 if arguments.database_url else arguments.rounds
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(arguments.busy)]
    failed = 0
    try:
        with tempfile.TemporaryDirectory() as temporary:
            library = Path(temporary, "library")
            make_broken_files(library, arguments.files)
            for number in range(1, rounds + 1):
                code, seconds, said = scan(library, Path(temporary, f"home-{number}"), arguments.database_url)
                failed += code != 0
                tried_again = said.count("tried again in")
                print(f"round {number:>2}: exit code {code}, {seconds:6.1f} s, {tried_again} commits tried again")
                if code:
                    print(said[-2000:])
    finally:
        for process in busy:
            process.kill()
            process.wait()
    print(f"{rounds - failed} of {rounds} scans of {arguments.files:,} files ended well")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
