"""Metadata that the scan's one pass left to slower tools: RAW, video, maker notes, edited sidecars."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from flows.engine.context import open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from tasks.batches.metadata import read_metadata


@flow(flow_run_name="metadata {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def metadata(library: str = "all", limit: int = 5_000) -> dict[str, Any]:
    """Read the metadata that are missing, with exiftool and ffprobe. Safe to stop and to start again."""
    context = open_context()
    tools = context.ingest_plan().metadata_tools
    work = partial(read_metadata, tools=tools, threads=context.settings.threads)
    report = run_drain(context, "metadata", work, library=library, limit=limit, batch_files=512)
    return end_run(show_drains(context, "metadata", library, report))
