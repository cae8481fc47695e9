"""Ctrl-C and SIGTERM, at any moment of any command: one line, nothing left running, nothing broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.admin.libraries import register_library
from flows.engine.context import open_context
from flows.work.integrity import check_lake
from tests.pictures import draw

COMMAND = [sys.executable, "-m", "deployments.cli.entry"]
MESSAGE = "darkroom: stopped; what was done is kept, the next run goes on from there\n"
CODE = {signal.SIGINT: 130, signal.SIGTERM: 143}


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(env or {})},
    )  # fmt: skip


def wait_until(seen: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "it was never seen"
        time.sleep(0.01)


def children_of(number: int) -> set[int]:
    found = Path(f"/proc/{number}/task").glob("*/children")
    return {int(child) for path in found for child in path.read_text().split()}


def is_gone(number: int) -> bool:
    """Ended, or ended and not yet collected by whoever adopted it."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough for a scan to take a while: 60 photos, a video, and 400 files that no decoder opens."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(60):
        draw(folder / f"{number}.jpg", number, size=(1600, 1200))
    for number in range(400):
        (folder / f"broken {number}.jpg").write_bytes(b"no picture %d" % number)
    made = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=duration=20:size=1280x720:rate=30"]
    subprocess.run([*made, "-c:v", "mpeg4", str(folder / "film.avi")], check=True)
    return folder


def maps(scan: subprocess.Popen[str]) -> str:
    return Path(f"/proc/{scan.pid}/maps").read_text()


MOMENTS: dict[str, Callable[[subprocess.Popen[str], Path], bool]] = {
    "modules are imported": lambda scan, home: "/duckdb" in maps(scan),
    "the lake is made": lambda scan, home: bool(list(home.rglob("catalog.sqlite"))),
    "thumbnails are made": lambda scan, home: len(list((home / "thumbnails").glob("*.jpg"))) > 10,
    "a film is encoded": lambda scan, home: any(is_named(child, "ffmpeg") for child in children_of(scan.pid)),
}


def is_named(number: int, name: str) -> bool:
    try:
        return name in Path(f"/proc/{number}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", CODE, ids=lambda number: number.name)
def test_scan_stops_with_one_line_at_any_moment(home: Path, photos: Path, moment: str, number: signal.Signals) -> None:
    scan = start("scan", str(photos))
    wait_until(lambda: MOMENTS[moment](scan, home) or scan.poll() is not None)
    children = children_of(scan.pid)
    scan.send_signal(number)
    out, err = scan.communicate(timeout=60)
    assert (scan.returncode, out, err) == (CODE[number], "", MESSAGE)
    wait_until(lambda: all(is_gone(child) for child in children))
    check_lake(open_context())


def test_scan_that_was_stopped_again_and_again_comes_to_the_same(home: Path, photos: Path, tmp_path: Path) -> None:
    stopped = 0
    for seconds in (0.5, 1.0, 2.0, 3.0):
        scan = start("scan", str(photos), "--json")
        try:
            scan.wait(seconds + 2)
        except subprocess.TimeoutExpired:
            scan.send_signal(signal.SIGINT)
        scan.communicate(timeout=60)
        stopped += scan.returncode == 130
    assert stopped, "at least one was still at work"
    last = start("scan", str(photos), "--json")
    total = json.loads(last.communicate(timeout=600)[0])
    assert total["found"] == 461
    rows = open_context().lake.select("select count(*) as n, count(distinct path) as paths from v_assets")
    assert rows == [{"n": 461, "paths": 461}]
    assert len(open_context().lake.select("from failure where stage = 'thumbnail'")) == 400


@pytest.mark.parametrize("arguments", [["status"], ["scan"], ["library", "list"]], ids=" ".join)
def test_command_that_waits_stops_with_one_line_too(home: Path, photos: Path, arguments: list[str]) -> None:
    """One that counts, one that waits for another process's write lock, and one that just begins."""
    flow_context = open_context()
    register_library(flow_context.lake, photos)
    with flow_context.lake.write() as writer:
        writer.append("run", [{"run_id": "x"}])
        command = start(*arguments)
        wait_until(lambda: "/duckdb" in maps(command))
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=60)
    assert (command.returncode, err) == (130, MESSAGE)


def test_a_statement_that_never_ends_is_stopped(home: Path, photos: Path) -> None:
    register_library(open_context().lake, photos)
    query = start("sql", "select count(*) from range(100000000000) a, range(1000) b where a.range <> b.range")
    wait_until(lambda: "/duckdb" in maps(query))
    query.send_signal(signal.SIGTERM)
    _, err = query.communicate(timeout=60)
    assert (query.returncode, err) == (143, MESSAGE)
