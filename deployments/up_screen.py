"""What `darkroom up` shows: one screen that is redrawn on a terminal, plain lines where stdout is something else."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deployments.prefect_watch import RunSeen
from deployments.processes import ManagedProcess

KEPT_NOTES = 4
SHOWN_RUNS = 6


class Screen(Protocol):
    def addresses(self, found: dict[str, str]) -> None: ...

    def note(self, text: str) -> None: ...

    def show(self, processes: Sequence[ManagedProcess], runs: Sequence[RunSeen], /) -> None: ...

    def close(self) -> None: ...


def open_screen() -> Screen:
    """The live screen on a terminal, lines elsewhere."""
    return LiveScreen() if sys.stdout.isatty() else LineScreen()


class LineScreen:
    """One line per thing that happened; what was said already is not said again."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def addresses(self, found: dict[str, str]) -> None:
        for name, address in found.items():
            self.note(f"{name}: {address}")

    def note(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:  # the terminal has gone away, or whoever read the pipe; we go on
            return

    def show(self, _processes: Sequence[ManagedProcess], runs: Sequence[RunSeen], /) -> None:
        for run in reversed(runs):
            told = run.state
            if run.live and run.percent is not None:
                told = f"{run.state} {int(run.percent // 10) * 10}"
            if self._told.get(run.run_id) != told:
                self._told[run.run_id] = told
                self.note(run_line(run))
        shown = {run.run_id for run in runs}
        self._told = {run_id: told for run_id, told in self._told.items() if run_id in shown}

    def close(self) -> None:
        """Nothing to put back."""


class LiveScreen:
    """Redrawn only when there is something to draw: an idle screen costs nothing."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._notes: deque[str] = deque(maxlen=KEPT_NOTES)
        self._processes: Sequence[ManagedProcess] = ()
        self._runs: Sequence[RunSeen] = ()
        self._live = Live(self._picture(), console=Console(), auto_refresh=False, transient=False)
        self._live.start()

    def addresses(self, found: dict[str, str]) -> None:
        self._addresses = found
        self._notes.clear()  # how the start went is of no interest any more
        self._draw()

    def note(self, text: str) -> None:
        self._notes.append(text)
        self._draw()

    def show(self, processes: Sequence[ManagedProcess], runs: Sequence[RunSeen], /) -> None:
        self._processes, self._runs = processes, runs
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
        parts: list[RenderableType] = [_address_table(self._addresses)]
        if self._processes:
            parts += [Text(), Text(" · ".join(_process_text(process) for process in self._processes), style="dim")]
        if self._runs:
            parts += [Text(), _run_table(self._runs[:SHOWN_RUNS])]
        if self._notes:
            parts += [Text(), *(Text(note, style="yellow") for note in self._notes)]
        parts += [Text(), Text("Ctrl-C stops everything; nothing is lost.", style="bold")]
        return Panel(Group(*parts), title="Darkroom", border_style="dim")


def run_line(run: RunSeen) -> str:
    """`RUNNING full scan all  40 % hash: 400 of 1,000 done, 0 failed`."""
    parts = [run.state.capitalize(), run.name]
    if run.live and run.percent is not None:
        parts.append(f"{run.percent:.0f} % {run.text}")
    if run.bad:
        parts.append(f"- {run.message}")
    return " ".join(part for part in parts if part)


def _address_table(addresses: dict[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, address in addresses.items():
        table.add_row(name, Text(address, style=f"cyan link {address}"))
    return table


def _process_text(process: ManagedProcess) -> str:
    again = f", started again {process.restarts} times" if process.restarts else ""
    return f"{process.name} {process.state}{again}"


def _run_table(runs: Sequence[RunSeen]) -> Table:
    table = Table.grid(padding=(0, 2))
    styles = {"COMPLETED": "green", "FAILED": "red", "CRASHED": "red", "RUNNING": "cyan"}
    for run in runs:
        state = Text(run.state.lower(), style=styles.get(run.state, "dim"))
        detail: RenderableType = Text(run.message.splitlines()[0][:120] if run.bad and run.message else "", style="red")
        if run.live and run.percent is not None:
            detail = Group(ProgressBar(total=100, completed=run.percent, width=30), Text(run.text, style="dim"))
        table.add_row(state, Text(run.name), detail)
    return table
