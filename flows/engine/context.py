"""Where settings, lake and tasks meet: what every flow needs, opened once per process."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from deployments.settings import Settings, load_settings
from flows.engine.progress import PrefectProgress, Progress, SilentProgress, current_flow_run
from sql.lake import Lake, Row
from tasks.batches.ingest import IngestPlan, plan_ingest
from tasks.batches.video import VideoPlan, plan_videos
from tasks.errors import UnknownLibrary
from tasks.files.names import to_os_name
from tasks.files.private import deny_others


@dataclass(frozen=True, slots=True)
class Library:
    """A configured root."""

    library_id: int
    name: str
    root: Path
    device: int | None
    inode: int | None


_run: ContextVar[str] = ContextVar("run", default="")


@contextmanager
def one_run() -> Iterator[str]:
    """Everything opened inside belongs to one run: `darkroom scan` is a scan and its drains."""
    run_id = f"cli-{uuid.uuid4().hex[:12]}"
    token = _run.set(run_id)
    try:
        yield run_id
    finally:
        _run.reset(token)


@dataclass(frozen=True)
class FlowContext:
    """
    Args:
        progress: Makes the progress display of one stage; silent unless somebody watches.
        run_id: Written with every row: the Prefect flow run, or one made up for a run on the command line.
    """

    settings: Settings
    lake: Lake
    progress: Callable[[], Progress] = SilentProgress
    run_id: str = field(default_factory=lambda: _run.get() or f"cli-{uuid.uuid4().hex[:12]}")

    def ingest_plan(self, *, pixels: bool = True) -> IngestPlan:
        """What the drains work by; its versions are what the backlogs compare with."""
        settings = self.settings
        return plan_ingest(settings.thumbnails_folder, settings.thumbnail_size, threads=settings.threads, pixels=pixels)

    def video_plan(self) -> VideoPlan:
        """What streams, clips and GIFs are made by."""
        settings = self.settings
        return plan_videos(
            settings.video_folder,
            settings.previews_folder,
            settings.gifs_folder,
            ladder=settings.hls_ladder,
            threads=settings.threads,
        )

    def folder_of(self, kind: str) -> Path:
        """The folder that the files of a kind of derivative are relative to."""
        settings = self.settings
        others = {"hls": settings.video_folder, "preview_clip": settings.previews_folder, "gif": settings.gifs_folder}
        return others.get(kind, settings.thumbnails_folder)

    def libraries(self, wanted: str = "all") -> list[Library]:
        """The library of this name or number, or all of them. Raises UnknownLibrary."""
        known = [_library(row) for row in self.lake.rows("scan/libraries")]
        chosen = [library for library in known if wanted in {"all", library.name, str(library.library_id)}]
        if not chosen and wanted != "all":
            names = ", ".join(library.name for library in known) or "none yet"
            raise UnknownLibrary(f"no library is called {wanted!r}; there are: {names}")
        return chosen


def _library(row: Row) -> Library:
    return Library(
        row["library_id"], row["name"], Path(to_os_name(row["root_path"])), row["root_device"], row["root_inode"]
    )


@cache
def _open_lake(catalog_url: str, data_path: str) -> Lake:
    lake = Lake(catalog_url, data_path)
    lake.migrate()
    return lake


def close_lakes() -> None:
    """Forget the lakes of this process: for tests, which open many."""
    _open_lake.cache_clear()


def open_context(settings: Settings | None = None) -> FlowContext:
    """
    The context as the environment describes it; one lake per process and catalog.

    Inside a Prefect flow run, progress is shown as an artifact and rows carry the flow run's id.
    """
    deny_others()  # a flow run may have been started by a worker that is not ours
    settings = settings or load_settings()
    context = FlowContext(settings, _open_lake(settings.catalog_url, settings.data_path), progress=_watched())
    flow_run = current_flow_run()
    if flow_run is not None:
        context = replace(context, progress=PrefectProgress, run_id=str(flow_run.id))
    if settings.base_path is not None:
        from flows.admin.libraries import register_library

        register_library(context.lake, settings.base_path)
    return context


_progress_factory: list[Callable[[], Progress]] = []


def set_progress_factory(progress: Callable[[], Progress]) -> None:
    """Show progress this way from now on: the command line's bars."""
    _progress_factory[:] = [progress]


def _watched() -> Callable[[], Progress]:
    return _progress_factory[0] if _progress_factory else SilentProgress
