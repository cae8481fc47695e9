"""Nightly: keep the lake small, forget what is gone, and delete what no row needs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from prefect import flow

from flows.engine.context import open_context
from flows.engine.prefect_runs import prune_runs
from flows.engine.reporting import record_run, show_run
from flows.engine.triggers import start_drains
from flows.work.integrity import (
    check_lake,
    delete_broken_uploads,
    forget_deleted_sentinels,
    forget_vanished_derivatives,
)
from flows.work.verification import verify_oldest
from sql.lake import utc_now
from tasks.files.atomic_write import sweep_temporary
from tasks.video.staging import remove_stale


@flow(flow_run_name="maintenance")
def maintenance() -> dict[str, Any]:
    """Flush, merge, expire (LAKE_KEEP_DAYS), delete orphans; have deleted derivatives made again."""
    context = open_context()
    started_at = utc_now()
    numbers: dict[str, Any] = {
        "sentinels_forgotten": forget_deleted_sentinels(context),
        "derivatives_forgotten": forget_vanished_derivatives(context),
        "temporary_files_deleted": delete_broken_uploads(context)
        + sum(sweep_temporary(context.folder_of(kind)) for kind in ("thumbnail", "preview_clip", "gif")),
        "dead_encodes_cleared": remove_stale(context.settings.video_folder),
    }
    verified = asdict(verify_oldest(context))
    numbers |= {f"files_{verdict}": count for verdict, count in verified.items()}
    numbers |= context.lake.maintain(context.settings.lake_keep_days)
    numbers["prefect_runs_pruned"] = prune_runs()
    check_lake(context)
    message = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in numbers.items() if value) or "tidy"
    done = sum(value for value in numbers.values() if isinstance(value, int))
    record_run(context, "maintenance", "all", started_at, numbers, done=done, failed=0, message=message)
    show_run(context, "maintenance", "all", numbers)
    start_drains(context)  # what was forgotten is made again now
    return numbers
