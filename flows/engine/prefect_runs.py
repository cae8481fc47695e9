"""Prefect's own memory of runs: a scan a minute is half a million rows a year, of which nobody reads an old one."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from flows.engine.progress import current_flow_run

IDLE_TAG = "idle"  # of a run that found nothing to do
KEPT_IDLE_RUNS = 5  # of each deployment: that it looks, and when it looked last
KEPT_DAYS = 7  # what the flows did stays in `v_runs`
_PAGE = 200
_AT_MOST = 20_000  # a night's share of a long neglected server
_NAMED = re.compile(r" \d\d:\d\d$")


def prune_runs() -> int:
    """Delete flow runs that ended more than KEPT_DAYS ago from the server we run under; returns how many."""
    if current_flow_run() is None:
        return 0
    deleted = 0
    with get_client(sync_client=True) as client:
        while deleted < _AT_MOST and (runs := _ended(client, datetime.now(UTC) - timedelta(days=KEPT_DAYS))):
            deleted += _delete(client, runs)
    return deleted


def prune_idle_runs(deployment_id: UUID) -> int:
    """Delete all but the last KEPT_IDLE_RUNS runs of a deployment that found nothing; returns how many."""
    idle = FlowRunFilterTags(all_=[IDLE_TAG])
    with get_client(sync_client=True) as client:
        runs = _ended(client, datetime.now(UTC), tags=idle, deployment_id=deployment_id, offset=KEPT_IDLE_RUNS)
        return _delete(client, runs)


def name_planned_runs() -> None:
    """Give planned runs the name of their deployment and their time, in place of one that Prefect has drawn."""
    if current_flow_run() is None:
        return
    planned = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=planned), sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=_PAGE
        )
        nameless = [run for run in runs if run.auto_scheduled and not _NAMED.search(run.name)]
        if not nameless:
            return
        names = {deployment.id: deployment.name for deployment in client.read_deployments(limit=_PAGE)}
        for run in nameless:
            if run.deployment_id in names and run.expected_start_time is not None:
                at = run.expected_start_time.astimezone()
                client.update_flow_run(run.id, name=f"{names[run.deployment_id]} {at:%Y-%m-%d %H:%M}")


def _ended(
    client: SyncPrefectClient,
    before: datetime,
    tags: FlowRunFilterTags | None = None,
    deployment_id: UUID | None = None,
    offset: int = 0,
) -> list[FlowRun]:
    """A page of the runs that ended before then, the newest of them first."""
    ended = FlowRunFilterEndTime.model_validate({"before_": before})
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(end_time=ended, tags=tags),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])) if deployment_id else None,
        sort=FlowRunSort.END_TIME_DESC,
        offset=offset,
        limit=_PAGE,
    )


def _delete(client: SyncPrefectClient, runs: list[FlowRun]) -> int:
    for run in runs:
        with suppress(ObjectNotFound):  # another run's pruning was faster
            client.delete_flow_run(run.id)
    return len(runs)
