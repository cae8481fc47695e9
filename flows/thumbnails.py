"""Thumbnails that the scan's one pass left, and the large pictures a browser shows in place of RAW, HEIC and TIFF."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from flows.engine.context import open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from tasks.batches.thumbnails import make_large_pictures, make_thumbnails


@flow(flow_run_name="thumbnails {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def thumbnails(library: str = "all", limit: int = 5_000) -> dict[str, Any]:
    """Make the thumbnails and large pictures that are missing. Safe to stop and to start again."""
    context = open_context()
    plan = context.ingest_plan()
    small = run_drain(
        context, "thumbnails", partial(make_thumbnails, plan=plan), library=library, limit=limit, batch_files=64
    )
    large = run_drain(
        context, "large", partial(make_large_pictures, plan=plan), library=library, limit=limit, batch_files=64
    )
    return end_run(show_drains(context, "thumbnails", library, small, large))
