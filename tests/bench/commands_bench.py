"""
Commands over a large library in which nothing changed, as a shell sees them, against `find -printf` on the same files.

    python -m tests.bench.commands_bench [--files 200000] [--rounds 5]

Whole processes, one after another in every round, so that a busy machine slows all alike; medians. The first scan of
files that no decoder opens is timed once, with its peak.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench.made_up_library import FILES_A_FOLDER, make_tree, register_as_read
from tests.bench.measuring import Command, median_command, run_command

DARKROOM = (sys.executable, "-m", "deployments.cli.app")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="darkroom-bench-") as temporary:
        root, home = Path(temporary, "library"), Path(temporary, "home")
        make_tree(root, chosen.files)
        register_as_read(home, root)
        print(f"{chosen.files:,} files in folders of {FILES_A_FOLDER}, medians of {chosen.rounds} rounds")
        measure(commands(root, home), chosen.rounds)


def commands(root: Path, home: Path) -> dict[str, Callable[[], Command]]:
    environment = {**os.environ, "DARKROOM_HOME": str(home), "SCAN_SETTLE_SECONDS": "0"}

    def darkroom(*arguments: str) -> Callable[[], Command]:
        return lambda: run_command([*DARKROOM, *arguments], environment)

    find = ["find", str(root), "-type", "f", "-printf", "%P %s %T@\\n"]
    return {
        "find -printf": lambda: run_command(find),
        "python, nothing": lambda: run_command([sys.executable, "-c", "pass"]),
        "darkroom --help": darkroom("--help"),
        "darkroom status": darkroom("status", "--json"),
        "darkroom scan --quick, nothing changed": darkroom("scan", "--quick", "--json", str(root)),
        "darkroom scan --full, nothing changed": darkroom("scan", "--full", "--json", str(root)),
        "darkroom sql, one count": darkroom("sql", "select count(*) from v_assets"),
    }


def measure(work: dict[str, Callable[[], Command]], rounds: int) -> None:
    runs: dict[str, list[Command]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            runs[name].append(run())
    medians = {name: median_command(found) for name, found in runs.items()}
    find = medians["find -printf"].wall_seconds
    print(f"{'':<42}{'wall':>10}{'cpu':>10}{'peak':>10}{'x find':>8}")
    for name, median in medians.items():
        print(
            f"{name:<42}{median.wall_seconds:8.2f} s{median.cpu_seconds:8.2f} s{median.peak_mb:7.0f} MB"
            f"{median.wall_seconds / find:8.2f}"
        )


if __name__ == "__main__":
    main()
