"""
The progress of a run, on stderr, so that stdout stays for the answer: bars on a terminal, lines now and then elsewhere.

A stage that is done is one plain line that stays; what is under way has a bar, its counts, and how long it will take.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from flows.engine.progress import Pace, duration
from tasks.files.names import printable

LABELS = {
    "changes": "looking for changes", "hash": "reading new files", "metadata": "metadata", "thumbnails": "thumbnails",
    "large": "large pictures", "preview_clips": "preview clips", "gifs": "GIFs", "hls": "video streams",
    "places": "places", "perceptual_hashes": "look-alikes", "face_regions": "named faces", "faces": "faces",
}  # fmt: skip
NARROW_COLUMNS = 72  # below, the bar has a line of its own
_LINE_SECONDS = (10.0, 60.0)  # between two lines of a stage: in its first minute, and later


class Display(Protocol):
    """Makes the `flows.engine.progress.Progress` of each stage; a context manager around the run."""

    def __call__(self) -> StageProgress: ...

    def __enter__(self) -> Display: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


def open_display() -> Display:
    """Bars where somebody watches stderr, else lines."""
    return ProgressBars() if sys.stderr.isatty() else ProgressLines(sys.stderr)


class StageProgress:
    """One stage, or one file of it, and how far it is; whoever shows it overrides the three `on_` methods."""

    def __init__(self) -> None:
        self.label = self.file = ""
        self.pace = Pace()

    def start(self, stage: str, total: int, file: str = "") -> None:
        self.label, self.file, self.pace = LABELS.get(stage, stage), printable(file.rpartition("/")[2]), Pace()
        self.pace.total = total
        self.on_start()

    def advance(self, files: int, failed: int) -> None:
        self.pace.advance(files, failed)
        self.on_advance()

    def finish(self) -> None:
        if self.label:
            self.on_finish()

    def on_start(self) -> None: ...

    def on_advance(self) -> None: ...

    def on_finish(self) -> None: ...

    @property
    def counts(self) -> str:
        """`1,234 of 200,000, 3 failed`."""
        pace = self.pace
        if not pace.total:
            return ""
        failed = f", {pace.failed:,} failed" if pace.failed else ""
        return f"{pace.done:,} of {pace.total:,}{' s' if self.file else ''}{failed}"

    @property
    def speed(self) -> str:
        """`356 files/s`."""
        rate = self.pace.per_second if self.pace.seconds > 1 else 0.0
        return f"{rate:,.0f} files/s" if rate >= 10 else f"{rate:,.1f} files/s" if rate and not self.file else ""

    @property
    def outcome(self) -> str:
        """`thumbnails: 1,234 files in 2 min, 10.1 files/s, 3 failed`."""
        pace = self.pace
        failed = f"{pace.failed:,} failed" if pace.failed else ""
        parts = [f"{pace.done:,} files in {duration(pace.seconds)}", self.speed, failed]
        return f"{self.label}: {', '.join(part for part in parts if part)}"


class ProgressBars:
    """What is under way, redrawn four times a second; above it a line for each stage that is done."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._stages: list[StageProgress] = []
        self._live = Live(self, console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> ProgressBars:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stages.clear()
        self._live.stop()

    def __call__(self) -> StageProgress:
        return _StageBar(self)

    def show(self, stage: StageProgress) -> None:
        self._stages = [*self._stages, stage]

    def remove(self, stage: StageProgress) -> None:
        """A stage that did something stays as a line; a file makes room."""
        self._stages = [other for other in self._stages if other is not stage]
        if not stage.file and stage.pace.done:
            self._console.print(Text(stage.outcome))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for stage in self._stages:
            yield stage_bar(stage, options.max_width)


class _StageBar(StageProgress):
    def __init__(self, bars: ProgressBars) -> None:
        super().__init__()
        self._bars = bars

    def on_start(self) -> None:
        self._bars.show(self)

    def on_finish(self) -> None:
        self._bars.remove(self)


def stage_bar(stage: StageProgress, columns: int) -> RenderableType:
    """A line of label, bar, counts, speed and what is left; two lines, or three, where it is narrow."""
    label = Text(f"  {stage.file}" if stage.file else stage.label, no_wrap=True, overflow="ellipsis")
    pace = stage.pace
    bar = ProgressBar(total=pace.total or None, completed=pace.done, pulse=not pace.total)
    left = pace.left_in_words
    if columns < NARROW_COLUMNS:
        details = " · ".join(part for part in (stage.counts, left) if part)
        return Group(label, Padding(bar, 0), *([Text(details)] if details else []))
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(width=20, no_wrap=True)
    table.add_column(ratio=1, min_width=8)
    for _ in range(3):
        table.add_column(no_wrap=True)
    speed = stage.speed if columns >= NARROW_COLUMNS + 20 else ""
    table.add_row(label, bar, Text(stage.counts), Text(speed), Text(left))
    return table


class ProgressLines:
    """For a log or a pipe. Args: stream: Where the lines go."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put back."""

    def __call__(self) -> StageProgress:
        return _StageLines(self._stream)


class _StageLines(StageProgress):
    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._told = time.monotonic()

    def on_advance(self) -> None:
        now = time.monotonic()
        if not self.file and now - self._told > _LINE_SECONDS[self.pace.seconds > _LINE_SECONDS[1]]:
            self._told = now
            parts = (self.counts, self.speed, self.pace.left_in_words)
            self._say(f"{self.label}: {', '.join(part for part in parts if part)}")

    def on_finish(self) -> None:
        if not self.file and self.pace.done:
            self._say(self.outcome)

    def _say(self, line: str) -> None:
        try:
            print(line, file=self._stream, flush=True)
        except OSError:  # whoever read the pipe has gone; the scan goes on
            return
