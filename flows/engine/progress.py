"""How far a stage is: nothing, a Prefect artifact, or whatever the command line passes in."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

_UPDATE_SECONDS = 2.0  # an update is a request to the server


def current_flow_run() -> FlowRun | None:
    """The Prefect flow run we are in. Importing Prefect costs a second: who has not imported it is in none."""
    if "prefect" not in sys.modules:
        return None
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return context.flow_run if context is not None else None


class Progress(Protocol):
    """
    One stage of a run, counted in files; or one long piece of work on one `file`, counted in seconds of it.

    `total` may grow while it runs; 0 where it is not known.
    """

    def start(self, stage: str, total: int, file: str = "") -> None: ...

    def advance(self, files: int, failed: int) -> None: ...

    def finish(self) -> None: ...


class SilentProgress:
    def start(self, stage: str, total: int, file: str = "") -> None:
        """Nobody is watching."""

    def advance(self, files: int, failed: int) -> None:
        """Nobody is watching."""

    def finish(self) -> None:
        """Nobody is watching."""


class Pace:
    """How fast a stage is, from its start to now: what comes in batches has no other speed worth telling."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.total = self.done = self.failed = 0

    def advance(self, files: int, failed: int) -> None:
        self.done, self.failed = self.done + files, self.failed + failed
        self.total = max(self.total, self.done)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None while nothing is done, or the total is not known."""
        return (self.total - self.done) / self.per_second if self.done and self.total and self.per_second else None

    @property
    def left_in_words(self) -> str:
        """`about 5 min left`; nothing while nobody can say."""
        return f"about {duration(self.seconds_left)} left" if self.seconds_left else ""


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`, `2 days 5 h`: as exact as an estimate is."""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if minutes < 90:
        return f"{minutes} min"
    if hours < 48:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{hours // 24} days {hours % 24} h"


class PrefectProgress:
    """A progress artifact of the flow run, updated at most every two seconds."""

    def __init__(self) -> None:
        self.stage = self.file = ""
        self.pace = Pace()
        self._artifact: UUID | None = None
        self._updated = 0.0

    def start(self, stage: str, total: int, file: str = "") -> None:
        from prefect.artifacts import create_progress_artifact

        self.stage, self.file, self.pace = stage, file, Pace()
        self.pace.total = total
        if (
            not total and not file
        ):  # the quick scan of every minute that finds nothing: an artifact of it costs three requests
            return
        key = f"progress-{re.sub('[^a-z0-9]+', '-', stage.lower())}{'-file' if file else ''}"
        self._artifact = cast(UUID, create_progress_artifact(0.0, key=key, description=self._text()))
        self._updated = time.monotonic()

    def advance(self, files: int, failed: int) -> None:
        self.pace.advance(files, failed)
        if time.monotonic() - self._updated > _UPDATE_SECONDS:
            self._update()

    def finish(self) -> None:
        self.pace.total = self.pace.done
        self._update()

    def _update(self) -> None:
        from prefect.artifacts import update_progress_artifact

        if self._artifact is not None:
            done, total = self.pace.done, self.pace.total
            percent = 100.0 if done >= total else 100.0 * done / total
            update_progress_artifact(self._artifact, percent, self._text())
            self._updated = time.monotonic()

    def _text(self) -> str:
        pace = self.pace
        if self.file:
            parts = [f"{self.stage}: {self.file}: {pace.done:,} of {pace.total:,} s"]
        else:
            failed = f"{pace.failed:,} failed" if pace.failed else ""
            parts = [f"{self.stage}: {pace.done:,} of {pace.total:,} files", failed]
        return ", ".join(part for part in [*parts, pace.left_in_words] if part)


class FileProgress:
    """How far one long piece of work on one file is: shown from its first word on, gone when it is done."""

    def __init__(self, make: Callable[[], Progress], stage: str, file: str) -> None:
        self._progress, self._stage, self._file = make(), stage, file
        self._shown: int | None = None

    def __call__(self, seconds: float, total_seconds: float) -> None:
        """What `tasks.video.progress.OnProgress` asks for."""
        if self._shown is None:
            self._progress.start(self._stage, round(total_seconds), self._file)
            self._shown = 0
        self._progress.advance(round(seconds) - self._shown, 0)
        self._shown = round(seconds)
        if total_seconds and seconds >= total_seconds:
            self._progress.finish()
