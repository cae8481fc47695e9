"""Perceptual hashes, by which near duplicates are found."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from flows.engine.context import open_context
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from tasks.batches.perceptual_hashes import ThumbnailedAsset, hash_thumbnails


@flow(flow_run_name="perceptual hashes {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def perceptual_hashes(library: str = "all", limit: int = 100_000) -> dict[str, Any]:
    """Hash the look of every thumbnail that has no such hash. Safe to stop and to start again."""
    context = open_context()
    work = partial(hash_thumbnails, thumbnails=context.settings.thumbnails_folder, threads=context.settings.threads)
    report = run_drain(
        context, "perceptual_hashes", work, library=library, limit=limit, batch_files=2_000, batch_bytes=1 << 62,
        row_type=ThumbnailedAsset,
    )  # fmt: skip
    return end_run(show_drains(context, "perceptual_hashes", library, report))
