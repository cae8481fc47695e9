"""What `darkroom up` shows: one screen that is redrawn on a terminal, plain lines where stdout is something else."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deployments.up.prefect_monitor import FlowRunStatus
from deployments.up.processes import ManagedProcess

KEPT_NOTES = 4
SHOWN_RUNS = 6
NOTE_SECONDS = 60.0  # how long a note stays on the screen
NARROW_COLUMNS = 76  # inside the frame; below, a bar and its words have a line each
ENDING = "Ctrl-C stops everything; nothing is lost."
_STYLES = {"COMPLETED": "green", "FAILED": "red", "CRASHED": "red", "RUNNING": "cyan"}


class Screen(Protocol):
    def addresses(self, found: dict[str, str]) -> None: ...

    def note(self, text: str) -> None: ...

    def show(self, processes: Sequence[ManagedProcess], runs: Sequence[FlowRunStatus], /) -> None: ...

    def close(self) -> None: ...


def open_screen() -> Screen:
    """The live screen on a terminal, lines elsewhere."""
    return LiveScreen() if sys.stdout.isatty() else LineScreen()


class LineScreen:
    """One line per thing that happened; what was said already is not said again."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._worked: set[str] = set()
        self._address = ""

    def addresses(self, found: dict[str, str]) -> None:
        self._address = next(iter(found.values()))
        for name, address in found.items():
            self.note(f"{name}: {address}")

    def note(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:  # the terminal has gone away, or whoever read the pipe; we go on
            return

    def show(self, _processes: Sequence[ManagedProcess], runs: Sequence[FlowRunStatus], /) -> None:
        for run in reversed(runs):
            told = run.state_name
            if run.live and run.percent is not None:
                told = f"{run.state_name} {int(run.percent // 10) * 10}"
            if self._told.get(run.run_id) != told:
                self._told[run.run_id] = told
                self.note(run_line(run))
                self._say_where(run)
        shown = {run.run_id for run in runs}
        self._told = {run_id: told for run_id, told in self._told.items() if run_id in shown}

    def _say_where(self, run: FlowRunStatus) -> None:
        """Once more, below what has scrolled by, when the first of the runs that were started is done."""
        if run.live:
            self._worked.add(run.run_id)
        elif run.run_id in self._worked and self._address:
            self.note(f"Open {self._address} - {ENDING}")
            self._address = ""

    def close(self) -> None:
        """Nothing to put back."""


class LiveScreen:
    """Redrawn only when there is something to draw: an idle screen costs nothing."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._notes: deque[tuple[float, str]] = deque(maxlen=KEPT_NOTES)
        self._processes: Sequence[ManagedProcess] = ()
        self._runs: Sequence[FlowRunStatus] = ()
        self._console = Console()
        self._live = Live(self._picture(), console=self._console, auto_refresh=False, transient=False)
        self._live.start()

    def addresses(self, found: dict[str, str]) -> None:
        self._addresses = found
        self._notes.clear()  # how the start went is of no interest any more
        self._draw()

    def note(self, text: str) -> None:
        self._notes.append((time.monotonic(), text))
        self._draw()

    def show(self, processes: Sequence[ManagedProcess], runs: Sequence[FlowRunStatus], /) -> None:
        self._processes, self._runs = processes, runs
        while self._notes and time.monotonic() - self._notes[0][0] > NOTE_SECONDS:
            self._notes.popleft()
        self._draw()

    def close(self) -> None:
        try:
            self._live.stop()
        except OSError:  # the terminal has gone away
            return

    def _draw(self) -> None:
        try:
            self._live.update(self._picture(), refresh=True)
        except OSError:  # the terminal has gone away; we go on
            return

    def _picture(self) -> RenderableType:
        columns = max(self._console.width - 4, 20)  # inside the panel
        parts: list[RenderableType] = [_address_lines(self._addresses)]
        if self._processes:
            parts += [Text(), Text(" · ".join(_process_text(process) for process in self._processes), style="dim")]
        if self._runs:
            parts += [Text(), *(_run_picture(run, columns) for run in self._shown_runs())]
        if self._notes:
            parts += [Text(), *(Text(note, style="yellow") for _, note in self._notes)]
        ending = Text(ENDING, style="bold")
        if self._addresses:
            address = next(iter(self._addresses.values()))
            ending = Text.assemble("Open ", (address, f"bold cyan link {address}"), " · ", ending)
        return Panel(Group(*parts, Text(), ending), title="Darkroom", border_style="dim")

    def _shown_runs(self) -> list[FlowRunStatus]:
        """What runs now comes first; as many as the terminal has lines for, so that the last line is seen."""
        by_life = sorted(self._runs, key=lambda run: not run.live)
        room = max(1, (self._console.height - len(self._addresses) - len(self._notes) - 9) // 2)
        return by_life[: min(SHOWN_RUNS, room)]


def run_line(run: FlowRunStatus) -> str:
    """`Running full scan all  40 % hash: 400 of 1,000 files, about 5 min left`."""
    parts = [run.state_name, run.name]
    if run.live and run.percent is not None:
        parts.append(f"{run.percent:.0f} % {run.text}")
    if run.message and (run.bad or "failures" in run.state_name):
        parts.append(f"- {run.message.splitlines()[0]}")
    return " ".join(part for part in parts if part)


def _address_lines(addresses: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, address in addresses.items():
        table.add_row(name, Text(address, style=f"cyan link {address}"))
    return table


def _process_text(process: ManagedProcess) -> str:
    again = f", started again {process.restarts} times" if process.restarts else ""
    return f"{process.name} {process.state}{again}"


def _run_picture(run: FlowRunStatus, columns: int) -> RenderableType:
    """
    One line for a run that has ended. One that is going has its bar, counts and estimate below its name; where it is
    narrow the words have a line of their own, and wrap rather than be cut.
    """
    style = "yellow" if "failures" in run.state_name else _STYLES.get(run.state, "dim")
    name = Text.assemble((run.state_name.lower(), style), "  ", run.name)
    name.truncate(columns, overflow="ellipsis")
    if run.bad and run.message:
        return Group(name, Text(f"  {run.message.splitlines()[0][:300]}", style="red"))
    if not run.live or run.percent is None:
        return name
    bar = ProgressBar(total=100, completed=run.percent, width=min(30, columns - 2))
    words = Text(run.text, style="dim")
    if columns < NARROW_COLUMNS:
        return Group(name, Padding(bar, (0, 0, 0, 2)), Padding(words, (0, 0, 0, 2)))
    beside = Table.grid(padding=(0, 2))
    beside.add_column(width=30)
    beside.add_column(ratio=1)
    beside.add_row(bar, words)
    return Group(name, Padding(beside, (0, 0, 0, 2)))
