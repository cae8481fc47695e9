"""Streams: every video in a form that browsers play, without another look at the original."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from deployments.settings import load_settings
from flows.engine.context import open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.progress import FileProgress
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from tasks.batches.video import make_streams
from tasks.video.staging import remove_stale


@flow(flow_run_name="hls {library}", task_runner=drain_runner(load_settings().hls_concurrency), **DRAIN_HOOKS)
def hls(library: str = "all", limit: int = 1_000) -> dict[str, Any]:
    """Make the streams that are missing, one task run a video. Safe to stop and to start again."""
    context = open_context()
    remove_stale(context.settings.video_folder)
    work = partial(make_streams, plan=context.video_plan(), follow=partial(FileProgress, context.progress, "hls"))
    report = run_drain(
        context, "hls", work, library=library, limit=limit, batch_files=1, at_once=context.settings.hls_concurrency
    )
    return end_run(show_drains(context, "hls", library, report))
