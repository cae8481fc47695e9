"""The SQL shell at a real terminal: leaves when told, drops what is interrupted, fits the screen, remembers."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import select
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.cli.sql_shell import Completer, split_statements
from flows.engine.context import FlowContext

CHECKOUT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-P", "-m", "deployments.cli.app", "sql"]


class Terminal:
    """A process at a pseudo-terminal of 60 columns."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 60, 0, 0))
        self.process = subprocess.Popen(
            COMMAND, env=environment, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,  # noqa: PLW1509 - for Ctrl-C
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait_for(self, pattern: str, seconds: float = 120) -> str:
        """What was shown up to where *pattern* stands; the rest is for the next call."""
        give_up = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            assert time.monotonic() < give_up, f"no {pattern!r} in {self.shown!r}"
            if select.select([self._ours], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self._ours, 65_536).decode(errors="replace")
                except OSError as exc:
                    assert exc.errno == errno.EIO, exc
                    assert re.search(pattern, self.shown), f"it ended: {self.shown!r}"
        before, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return before

    def seen(self, pattern: str, seconds: float) -> bool:
        """Whether *pattern* is shown by then; it stays to be waited for."""
        try:
            self.shown = self.wait_for(pattern, seconds) + self.shown
        except AssertionError:
            return False
        return True

    def ended(self) -> int:
        while self.process.poll() is None:
            try:
                self.shown += os.read(self._ours, 65_536).decode(errors="replace")
            except OSError:
                break
        return self.process.wait(60)


@pytest.fixture
def environment(flow_context: FlowContext) -> dict[str, str]:
    with flow_context.lake.write("rows") as writer:
        writer.append("run", [{"run_id": "r", "flow": "scan", "message": "x" * 300}])
    return dict(os.environ) | {"PYTHONPATH": str(CHECKOUT), "TERM": "xterm", "INPUTRC": "/dev/null"}


@pytest.fixture
def terminal(environment: dict[str, str], tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(environment, tmp_path)
    yield terminal
    terminal.process.kill()
    terminal.process.wait(10)


def test_shell_answers_cancels_completes_and_leaves(terminal: Terminal, home: Path) -> None:
    terminal.wait_for("darkroom> ")
    terminal.type("select 6 * 7 as answer;\n")
    assert "42" in terminal.wait_for(r"1 row in \d")
    terminal.wait_for("darkroom> ")

    terminal.type(
        "select count(*) as n\nfrom range(10000000) as a, range(10000000) as b where a.range + b.range = 3;\n"
    )
    terminal.wait_for(r"b\.range = 3;")
    for _ in range(60):  # until it is at work and hears it
        terminal.type("\x03")
        if terminal.seen("cancelled", 2):
            break
    terminal.wait_for("cancelled")
    terminal.wait_for("darkroom> ")

    terminal.type("select 'no' || 'thing' as")  # a line that is not finished is dropped
    terminal.wait_for("thing' as")
    for _ in range(60):  # readline hears a Ctrl-C only while it waits for a key
        terminal.type("\x03")
        if terminal.seen("darkroom> ", 2):
            break
    terminal.wait_for("darkroom> ")
    for _ in range(10):  # a terminal forgets what was typed just before a Ctrl-C
        terminal.type("select 'af' || 'ter';\n")
        if terminal.seen("after", 10):
            break
    assert "nothing" not in terminal.wait_for("after")
    terminal.wait_for(r"row in \d")
    terminal.wait_for("darkroom> ")
    terminal.type("from v_runs;\n")
    shown = terminal.wait_for(r"rows? in \d")
    assert "run_id" in shown and max(map(len, shown.splitlines())) <= 60

    terminal.type("select * from v_deri\t;\n")
    terminal.wait_for("v_derivatives")
    terminal.wait_for(r"0 rows in \d")
    terminal.type("select 'never finished\nhelp\n")
    terminal.wait_for("Tab completes")
    terminal.type(".quit\n")
    assert terminal.ended() == 0
    history = home / "sql_history"
    assert "6 * 7" in history.read_text() and stat.S_IMODE(history.stat().st_mode) == 0o600


def test_end_of_input_leaves(terminal: Terminal) -> None:
    terminal.wait_for("darkroom> ")
    terminal.type("\x04")
    assert terminal.ended() == 0


def test_statements_through_a_pipe_answer_without_prompts(environment: dict[str, str], tmp_path: Path) -> None:
    def piped(text: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *options], input=text, env=environment, cwd=tmp_path, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    done = piped("select 1 as a; -- one; two\nselect ';' as b", "--json")
    assert done.returncode == 0 and done.stderr == ""
    assert [json.loads(part) for part in done.stdout.strip().splitlines()] == [[{"a": 1}], [{"b": ";"}]]
    assert piped("select 1 as a;", "--csv").stdout.split() == ['"a"', "1"]
    failed = piped("select password_hash from account;\nselect 2 as a;", "--json")
    assert failed.returncode == 1 and "no view account" in failed.stderr and json.loads(failed.stdout) == [{"a": 2}]


@pytest.mark.parametrize(
    ("text", "statements", "rest"),
    [
        ("select 1;", ["select 1"], ""),
        ("select 1; select 2; select", ["select 1", "select 2"], " select"),
        ("select ';'", [], "select ';'"),
        ("select 'it''s; ' || \"a;b\";", ["select 'it''s; ' || \"a;b\""], ""),
        ("select 1 -- don't; stop\n;", ["select 1 -- don't; stop"], ""),
        ("select /* ; ' */ 1;", ["select /* ; ' */ 1"], ""),
        ("select $$ ; $$;", ["select $$ ; $$"], ""),
        ("select 'not finished;\n", [], "select 'not finished;\n"),
        (";;", [], ""),
    ],
)
def test_semicolon_ends_a_statement_where_it_is_one(text: str, statements: list[str], rest: str) -> None:
    assert split_statements(text) == (statements, rest)


def test_tab_offers_views_and_the_columns_of_those_that_are_named(flow_context: FlowContext) -> None:
    completer = Completer(flow_context.lake)
    assert "v_faces" in completer.offers("v_fa", "from v_fa")
    assert "camera_model" in completer.offers("camera", "select camera")
    assert completer.offers("camera", "from v_runs select camera") == []
    offered = completer.offers("v_runs.f", "select v_runs.f from v_runs")
    assert sorted(offered) == ["v_runs.failed", "v_runs.finished_at", "v_runs.flow"]
