"""
`darkroom scan` of files that no decoder opens, beside processes that keep every core busy: it must never end early.

    python -m tests.bench.scan_under_load_bench [--files 20000] [--busy 8] [--rounds 10] [--catalog sqlite|postgresql]

Target (issue 11): every round ends with exit code 0 and knows every file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.postgres import new_database, postgres_server


def make_broken_files(folder: Path, files: int) -> None:
    yesterday = time.time() - 86_400
    for number in range(files):
        path = folder / f"{number // 1000:04}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture %d" % number)
        os.utime(path, (yesterday, yesterday))


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def environment(home: Path, database_url: str) -> dict[str, str]:
    found = {**os.environ, "DARKROOM_HOME": str(home), "SCAN_SETTLE_SECONDS": "0"}
    return found | ({"DATABASE_URL": database_url} if database_url else {})


def darkroom(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deployments.cli.entry", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def failures_known(env: dict[str, str]) -> int:
    """How many files the catalog says cannot be shown."""
    done = darkroom("sql", "--json", "select count(distinct asset_id) as files from v_failures", env=env)
    return int(json.loads(done.stdout)[0]["files"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--busy", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--catalog", choices=["sqlite", "postgresql"], default="sqlite")
    arguments = parser.parse_args()
    well = 0
    server = postgres_server() if arguments.catalog == "postgresql" else nullcontext("")
    with tempfile.TemporaryDirectory() as temporary, server as url, busy_loops(arguments.busy):
        library = Path(temporary, "library")
        make_broken_files(library, arguments.files)
        for number in range(1, arguments.rounds + 1):
            database = new_database(url, f"round_{number}") if url else ""
            env = environment(Path(temporary, f"home-{number}"), database)
            started = time.perf_counter()
            done = darkroom("scan", str(library), env=env)
            seconds, again = time.perf_counter() - started, done.stderr.count("tried again in")
            known = failures_known(env)
            print(f"round {number:>2}: exit code {done.returncode}, {seconds:6.1f} s, {again} commits tried again, "
                  f"{known:,} files known", flush=True)  # fmt: skip
            if done.returncode:
                print(done.stderr[-2000:])
            well += done.returncode == 0 and known == arguments.files
    print(f"{well} of {arguments.rounds} scans of {arguments.files:,} files ended well on {arguments.catalog}")
    sys.exit(well < arguments.rounds)


if __name__ == "__main__":
    main()
