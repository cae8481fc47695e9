"""Flows with troubles of their own, for the tests against a real Prefect server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from prefect import flow

from flows.engine import drain as drain_module
from flows.engine.context import open_context
from flows.engine.drain import DrainReport, drain
from flows.engine.triggers import DRAIN_HOOKS
from flows.scanning.scan_library import ScanReport, find_changes
from flows.thumbnails import thumbnails
from tasks.asset import Asset, Results
from tasks.batches.ingest import HASH_TOOL, ingest_files
from tasks.errors import LibraryLost, StorageUnavailable
from tests.pictures import draw


def _drain_with(work: drain_module.Work) -> DrainReport:
    drain_module.RETRY_DELAYS_SECONDS[:] = [0.2, 0.2]
    flow_context = open_context()
    for library in flow_context.libraries():  # registered, not read: a backlog
        find_changes(flow_context, library, ScanReport(library.name, ""), full=True, accept_loss=False)
    return drain(flow_context, "hash", work, tool_version="test")


@flow
def disk_full_for_a_moment(marker: str) -> int:
    """The first batch finds the disk full, once."""

    def work(batch: Sequence[Asset], /) -> Results:
        if not Path(marker).exists():
            Path(marker).touch()
            raise StorageUnavailable("the disk is full")
        return Results(done=len(batch))

    return _drain_with(work).done


@flow
def disk_full_for_good() -> None:
    """The disk stays full."""

    def work(batch: Sequence[Asset], /) -> Results:
        raise StorageUnavailable("the disk is full")

    _drain_with(work)


@flow
def brake() -> None:
    raise LibraryLost("300 of 400 files are gone; nothing was marked missing")


@flow
def slow(seconds: float = 60.0, marker: str = "") -> None:
    """Waits as a drain waits: in short sleeps."""
    if marker:
        Path(marker).touch()
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        time.sleep(0.1)


@flow
def killed(marker: str) -> None:
    """Dies as a process that runs out of memory dies."""
    import os
    import signal

    Path(marker).touch()
    os.kill(os.getpid(), signal.SIGKILL)


@flow(**DRAIN_HOOKS)
def thumbnails_with_a_late_photo(late: str = "", go_on: str = "") -> None:
    """The thumbnails' own flow; with *late*, that photo comes after its last look; it ends once *go_on* is there."""
    thumbnails.fn()
    if not late:
        return
    flow_context = open_context()
    draw(Path(late), 4711)
    for library in flow_context.libraries():
        find_changes(flow_context, library, ScanReport(library.name, ""), full=True, accept_loss=False)
    drain(
        flow_context, "hash", partial(ingest_files, plan=flow_context.ingest_plan(pixels=False)), tool_version=HASH_TOOL
    )
    give_up = time.monotonic() + 300
    while not Path(go_on).exists() and time.monotonic() < give_up:
        time.sleep(0.1)
