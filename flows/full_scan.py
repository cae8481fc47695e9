"""Every hour: look at every file; the only scan that may find one missing or changed in place."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.engine.reporting import end_run
from flows.engine.triggers import SCAN_HOOKS
from flows.scanning.every_library import scan
from flows.work.integrity import check_lake, forget_deleted_sentinels


@flow(flow_run_name="full scan {library}", **SCAN_HOOKS)
def full_scan(library: str = "all", accept_loss: bool = False) -> dict[str, Any]:
    """Bring the catalog up to date with the disk, then prove that the catalog keeps its own rules."""
    forget_deleted_sentinels()
    total = scan("full-scan", library, full=True, accept_loss=accept_loss)
    check_lake()
    return end_run(total)
