"""The progress of a run on a terminal: one rich bar per stage, on stderr, so that stdout stays for the answer."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

LABELS = {"hash": "reading new files", "metadata": "metadata", "thumbnails": "thumbnails", "large": "large pictures",
          "preview_clips": "preview clips", "gifs": "GIFs", "hls": "video streams"}  # fmt: skip
_FILE_NAME_CHARS = 16


class ProgressBars:
    """Makes the `flows.progress.Progress` of each stage; use as a context manager around the run."""

    def __init__(self) -> None:
        self._display = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[red]{task.fields[failed]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )

    def __enter__(self) -> ProgressBars:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    def __call__(self) -> StageBar:
        return StageBar(self._display)


class StageBar:
    def __init__(self, display: Progress) -> None:
        self._display = display
        self._bar: TaskID | None = None
        self._failed = 0
        self._passing = False

    def start(self, stage: str, total: int, file: str = "") -> None:
        self._passing = bool(file)
        if total or file:
            label = f"  {file.rpartition('/')[2][-_FILE_NAME_CHARS:]}" if file else LABELS.get(stage, stage)
            self._bar = self._display.add_task(escape(label), total=total or None, failed="")

    def advance(self, files: int, failed: int) -> None:
        self._failed += failed
        if self._bar is not None:
            said = f"{self._failed} failed" if self._failed else ""
            self._display.update(self._bar, advance=files, failed=said)

    def finish(self) -> None:
        """The bar of a stage stays, full, as the record of what was done; that of a single file makes room."""
        if self._passing and self._bar is not None:
            self._display.remove_task(self._bar)
            self._bar = None
