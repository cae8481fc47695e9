"""A drain whose batches run elsewhere: a real Dask cluster of two processes, under a real Prefect API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flows.engine.context import FlowContext
from flows.scanning.scan_library import ScanReport, find_changes
from tests.pictures import draw

RUN = """
from flows.hash_backfill import hash_backfill
import json, os
print(json.dumps(hash_backfill()))
"""


def test_drain_fans_its_batches_out_over_dask(flow_context: FlowContext, library: Path) -> None:
    for number in range(100):
        draw(library / f"{number}.jpg", number)
    find_changes(flow_context, flow_context.libraries()[0], ScanReport("photos", ""), full=True, accept_loss=False)
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        env={**os.environ, "TASK_RUNNER": "dask", "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
             "PREFECT_HOME": str(flow_context.settings.darkroom_home / "prefect"), "PREFECT_LOGGING_LEVEL": "ERROR",
             "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # 20 are too few on a busy machine
             "DASK_DISTRIBUTED__DASHBOARD__LINK": "", "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "10"},
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert '"hash": 100' in done.stdout
    assert flow_context.lake.select("select count(content_hash) as n from v_assets") == [{"n": 100}]
    assert flow_context.lake.select("select done, state from v_runs") == [{"done": 100, "state": "completed"}]
