"""Preview clips: ten seconds of each video, and what moves in a motion photo, for the video wall."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from flows.engine.context import open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from tasks.batches.video import make_clips


@flow(flow_run_name="preview clips {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def preview_clips(library: str = "all", limit: int = 5_000) -> dict[str, Any]:
    """Make the preview clips that are missing. Safe to stop and to start again."""
    context = open_context()
    work = partial(make_clips, plan=context.video_plan())
    report = run_drain(
        context, "preview_clips", work, library=library, limit=limit, flow="preview-clips", batch_files=8
    )
    return end_run(show_drains(context, "preview-clips", library, report))
