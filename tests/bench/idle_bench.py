"""
What Darkroom costs while nothing happens: Prefect server, worker, API, and a quick scan a minute.

    python -m tests.bench.idle_bench [--files 200000] [--seconds 240]

Target (issue 2): at most 5 % of one core and 700 MB (PSS) for server, worker and API over 200 k files. CPU is that of
the long-lived processes and of every child they have waited for: each quick scan is in it. Linux only.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from deployments.settings import Settings
from deployments.up.prefect_monitor import PrefectMonitor
from deployments.up.processes import descendants
from tests.bench.made_up_library import make_tree, register_as_read
from tests.bench.measuring import free_port

TICKS = os.sysconf("SC_CLK_TCK")
SETTLE_SECONDS = 75


def cpu_seconds(pid: int) -> float:
    """CPU time of *pid* and of the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def pss_mb(pid: int) -> float:
    """Proportional set size: shared pages are divided among those who share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def total_pss_mb(pids: list[int]) -> float:
    total = 0.0
    for pid in pids:
        try:
            total += pss_mb(pid)
        except OSError:  # a run that has just ended
            continue
    return total


def label(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    for words, name in (
        ("prefect server", "Prefect server"),
        ("serving.app", "API"),
        ("deployments.prefect.worker", "worker"),
    ):
        if words in command:
            return name
    return command[:40]


def wait_until_idle(watch: PrefectMonitor, seconds: float = 300) -> None:
    """Until the first scan is done. Raises TimeoutError."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        try:
            runs = watch.recent_runs()
        except httpx.HTTPError:
            runs = []
        if any(run.name.startswith("full") and not run.live for run in runs):
            return
        time.sleep(1)
    raise TimeoutError(f"no full scan was done in {seconds:.0f} s")


def measure(up: int, seconds: float) -> None:
    """Print what the processes below *up* use over *seconds*."""
    kept = [pid for pid in descendants(up) if "run_client" not in label(pid)]
    before = {pid: cpu_seconds(pid) for pid in [up, *kept]}
    samples = []
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        samples.append(total_pss_mb(descendants(up)))
        time.sleep(2)
    elapsed = time.monotonic() - started
    percent = {pid: 100 * (cpu_seconds(pid) - at) / elapsed for pid, at in before.items()}
    for pid in kept:
        print(f"{label(pid):<28}{percent[pid]:6.2f} % of a core{pss_mb(pid):8.0f} MB")
    total = sum(percent[pid] for pid in kept)
    typical, peak = sorted(samples)[len(samples) // 2], max(samples)
    print(
        f"{'server, worker, API':<28}{total:6.2f} % of a core{typical:8.0f} MB, at most {peak:.0f} MB while a scan runs"
    )
    print(f"{'`darkroom up` itself':<28}{percent[up]:6.2f} % of a core{pss_mb(up):8.0f} MB")
    print(f"over {elapsed:.0f} s; targets: 5 %, 700 MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=240)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root, home = Path(temporary, "library"), Path(temporary, "home")
        make_tree(root, arguments.files)
        register_as_read(home, root)
        port, prefect_port = free_port(), free_port()
        up = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "deployments.cli.app",
                "up",
                "--port",
                str(port),
                "--prefect-port",
                str(prefect_port),
            ],
            env={**os.environ, "DARKROOM_HOME": str(home)},
            stdout=subprocess.DEVNULL,
        )
        try:
            auth = Settings(darkroom_home=home, _env_file=None).prefect_auth  # type: ignore[call-arg]
            watch = PrefectMonitor(f"http://127.0.0.1:{prefect_port}/api", auth)
            wait_until_idle(watch)
            httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
            time.sleep(SETTLE_SECONDS)
            print(f"{arguments.files:,} files, nothing to do, a quick scan a minute")
            measure(up.pid, arguments.seconds)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(15)


if __name__ == "__main__":
    main()
