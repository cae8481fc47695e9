"""What a person sees on a terminal, of 40 columns too, and what a pipe gets, while a scan runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployments.cli.progress_bars import ProgressLines
from deployments.settings import Settings
from deployments.up.prefect_monitor import FlowRunStatus
from deployments.up.processes import ManagedProcess
from flows.engine.progress import Pace, duration
from tests.deployments.terminal import Terminal
from tests.pictures import draw

CHECKOUT = Path(__file__).resolve().parents[2]
COLUMNS = (40, 80, 110, 200)
# Three stages under way for as long as somebody looks, in a process whose stderr is the terminal.
BARS = """
import sys, time
from deployments.cli.progress_bars import ProgressBars
with ProgressBars() as bars:
    done = bars(); done.start("thumbnails", 20); done.advance(20, 3); done.finish()
    hashing = bars(); hashing.start("hash", 200_000); hashing.pace.started -= 60; hashing.advance(12_345, 17)
    film = bars(); film.start("hls", 600, "2021/a film with quite a long name from a camera.mp4")
    film.pace.started -= 30; film.advance(120, 0)
    sys.stdin.readline()
"""
UP = """
import sys
from deployments.up.screen import LiveScreen
from tests.deployments.test_progress_bars import ADDRESSES, runs, processes
screen = LiveScreen()
screen.note("starting the Prefect server …")
screen.addresses(ADDRESSES)
screen.show(processes(), runs())
sys.stdin.readline()
screen.close()
"""
ADDRESSES = {"Photos": "http://127.0.0.1:8700/", "API": "http://127.0.0.1:8700/docs",
             "Prefect": "http://127.0.0.1:4200/", "Logs": "/home/somebody/.local/share/darkroom/logs"}  # fmt: skip


def runs() -> list[FlowRunStatus]:
    text = "hls: 1,234 of 20,000 files, 3 failed, about 3 h 20 min left"
    return [
        FlowRunStatus("1", "hls all", "RUNNING", "Running", "", None, 6.2, text),
        FlowRunStatus("2", "full-scan all: 20,000 found, 20,000 new, 3 failed, 19,997 thumbnails", "COMPLETED",
                "Completed with failures", "3 files failed", None),
        FlowRunStatus("3", "places all", "FAILED", "Failed", "StorageUnavailable: the disk is full", None),
    ]  # fmt: skip


def processes() -> list[ManagedProcess]:
    return [ManagedProcess(name, [], {}, Path("log")) for name in ("Prefect server", "API", "worker")]


def flat(terminal: Terminal) -> str:
    """The words on it, whatever the lines."""
    return " ".join(terminal.text.replace("│", " ").split())


@contextmanager
def shown(code: str, columns: int, *signs: str) -> Iterator[Terminal]:
    """The terminal while *code* runs, once all *signs* (patterns) are on it: it is drawn piece by piece."""
    terminal = Terminal(columns)
    process = terminal.start([sys.executable, "-c", code], {**os.environ, "PYTHONPATH": str(CHECKOUT)})
    try:
        terminal.wait_for(lambda: all(re.search(sign, flat(terminal)) for sign in signs))
        yield terminal
        os.write(terminal.ours, b"\n")
        terminal.wait_for(lambda: process.poll() is not None)
    finally:
        process.kill()
        process.wait()
        terminal.close()


@pytest.mark.parametrize("columns", COLUMNS)
def test_bars_have_counts_and_an_estimate_at_any_width(columns: int) -> None:
    with shown(BARS, columns, "12,345 of 200,000, 17 failed", "120 of 600 s.*about .* left") as terminal:
        words = flat(terminal)
        assert "reading new files" in words and len(re.findall(r"about \d+ (?:min|s) left", words)) == 2
        assert "120 of 600 s" in words
        assert "thumbnails: 20 files in" in words and "3 failed" in words, "a stage that is done stays, as a line"
        assert re.search("━", terminal.text)
        assert columns < 100 or re.search(r"\d+ files/s about", words)


@pytest.mark.parametrize("columns", COLUMNS)
def test_screen_of_up_cuts_no_words_and_ends_with_the_address(columns: int) -> None:
    with shown(UP, columns, "about 3 h 20 min left", "disk is full.*Ctrl-C stops everything") as terminal:
        words = flat(terminal)
        assert "1,234 of 20,000 files, 3 failed, about 3 h 20 min left" in words
        assert "the disk is full" in words
        assert "starting the Prefect server" not in words
        first, last = words.index(ADDRESSES["Photos"]), words.rindex(ADDRESSES["Photos"])
        assert first < words.index("hls all") < last
        assert "completed with failures" in words


def test_scan_in_a_terminal_shows_bars_and_then_the_numbers(tmp_path: Path) -> None:
    for number in range(40):
        draw(tmp_path / "photos" / f"{number}.jpg", number, size=(1200, 900))
    terminal = Terminal(40)
    process = terminal.start(scan_command(tmp_path), environment(tmp_path))
    terminal.wait_for(lambda: process.poll() is not None, 240)
    terminal.read()
    seen = "\n".join(terminal.seen)
    terminal.close()
    assert "reading new files" in seen and "of 40" in seen and "━" in seen
    assert "reading new files: 40 files in" in terminal.text
    assert "40 new" in terminal.text


def test_scan_in_a_pipe_says_plain_lines_and_json_stays_clean(tmp_path: Path) -> None:
    for number in range(3):
        draw(tmp_path / "photos" / f"{number}.jpg", number)
    done = run_scan(tmp_path)
    assert "reading new files: 3 files in" in done.stderr
    assert not re.search("[\x1b\r━]", done.stderr + done.stdout)
    done = run_scan(tmp_path, "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout)["found"] == 3


def test_lines_come_at_intervals_not_with_every_batch(capsys: pytest.CaptureFixture[str]) -> None:
    stage = ProgressLines(sys.stdout)()
    stage.start("thumbnails", 1_000)
    for _ in range(100):
        stage.advance(5, 0)
    stage.pace.started -= 70
    stage._told -= 70  # type: ignore[attr-defined]
    stage.advance(5, 1)
    stage.advance(495, 0)
    stage.finish()
    first, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"thumbnails: 505 of 1,000, 1 failed, 7\.\d files/s, about \d+ s left", first)
    assert re.fullmatch(r"thumbnails: 1,000 files in 70 s, 14 files/s, 1 failed", last)


def test_estimate_follows_from_what_was_done_so_far() -> None:
    pace = Pace()
    pace.total = 300
    assert pace.seconds_left is None and pace.left_in_words == ""
    pace.started -= 100
    pace.advance(100, 0)
    assert pace.seconds_left == pytest.approx(200, rel=0.01)
    assert [duration(seconds) for seconds in (0.2, 45, 720, 12_000, 190_000)] == [
        "1 s", "45 s", "12 min", "3 h 20 min", "2 days 5 h",
    ]  # fmt: skip


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return kept | {"DARKROOM_HOME": str(home / "home"), "PYTHONPATH": str(CHECKOUT), "SCAN_SETTLE_SECONDS": "0"}


def scan_command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "deployments.cli.app", "scan", str(folder / "photos"), *options]


def run_scan(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        scan_command(folder, *options), env=environment(folder), capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done
