"""Files that have no content hash: seen by a scan that was stopped, or unreadable at the time."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from flows.engine.context import open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from tasks.batches.ingest import ingest_files


@flow(flow_run_name="hash backfill {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def hash_backfill(library: str = "all") -> dict[str, Any]:
    """Hash at most FACE_HASH_BACKFILL_MAX_PER_TICK files; those that cannot be read do not use it up."""
    context = open_context()
    work = partial(ingest_files, plan=context.ingest_plan(pixels=False))
    limit = context.settings.face_hash_backfill_max_per_tick
    report = run_drain(context, "hash", work, library=library, limit=limit, flow="hash-backfill")
    return end_run(show_drains(context, "hash-backfill", library, report))
