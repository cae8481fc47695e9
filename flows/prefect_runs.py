"""Prefect's own memory of runs: a scan a minute is half a million rows a year, of which nobody reads an old one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterEndTime
from prefect.client.schemas.objects import FlowRun

from flows.progress import current_flow_run

KEPT_DAYS = 7  # what the flows did stays in `v_runs`
_PAGE = 200
_AT_MOST = 20_000  # a night's share of a long neglected server


def prune_runs() -> int:
    """Delete flow runs that ended more than KEPT_DAYS ago from the server we run under; returns how many."""
    if current_flow_run() is None:
        return 0
    deleted = 0
    with get_client(sync_client=True) as client:
        while deleted < _AT_MOST and (runs := _old_runs(client)):
            for run in runs:
                client.delete_flow_run(run.id)
            deleted += len(runs)
    return deleted


def _old_runs(client: SyncPrefectClient) -> list[FlowRun]:
    before = datetime.now(UTC) - timedelta(days=KEPT_DAYS)
    ended = FlowRunFilterEndTime.model_validate({"before_": before})
    return client.read_flow_runs(flow_run_filter=FlowRunFilter(end_time=ended), limit=_PAGE)
