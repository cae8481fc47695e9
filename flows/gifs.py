"""Animated GIFs of preview clips, for places that show pictures only."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from flows.engine.context import open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from tasks.batches.video import make_gifs


@flow(flow_run_name="gifs {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def gifs(library: str = "all", limit: int = 5_000) -> dict[str, Any]:
    """Make the GIFs that are missing. Safe to stop and to start again."""
    context = open_context()
    work = partial(make_gifs, plan=context.video_plan())
    report = run_drain(context, "gifs", work, library=library, limit=limit, batch_files=32)
    return end_run(show_drains(context, "gifs", library, report))
