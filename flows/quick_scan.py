"""Every minute: list only the directories that changed, and read what is new in them."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.engine.reporting import end_run
from flows.engine.triggers import SCAN_HOOKS
from flows.scanning.every_library import scan


@flow(flow_run_name="quick scan {library}", **SCAN_HOOKS)
def quick_scan(library: str = "all") -> dict[str, Any]:
    """Find new files and read them. Finds nothing missing, and nothing that was edited in place."""
    return end_run(scan("quick-scan", library, full=False))
