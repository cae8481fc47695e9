"""
What starts what. A run that made something starts the drains that wait for it, and itself again where work came late.

Both are looked for when the run has ended, in its hook: its slot of `concurrency_limit` is free by then. So no trigger
is lost: one that was cancelled because a run was under way is seen by that run's own look, since what it was for was
in the lake before; and one that comes after the look finds the slot free.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict
from uuid import UUID

from prefect import Flow, State
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
from prefect.flows import FlowStateHook
from prefect.states import Scheduled

from deployments.backlogs import backlogs, deployments_with_work, engine_choice
from flows.engine.context import FlowContext, open_context
from flows.engine.drain import DrainReport
from flows.engine.drain_runs import reports_of_run
from flows.engine.progress import current_flow_run
from flows.work.integrity import retry_failures
from tasks.files.atomic_write import atomic_write
from tasks.stages import DEPLOYMENTS, FEEDS, PAUSES

LAST_LOOK = "last-look"  # in the home: the snapshot in which a scan last looked for work
CRASHED_LATELY = timedelta(minutes=10)
FACES = ("face_regions", "faces")


def start_drains(context: FlowContext, waiting: Iterable[str] = DEPLOYMENTS) -> None:
    """
    In a deployment's run, start what has work and is not running already, without waiting for it.

    Args:
        waiting: Backlogs to look at; all of them by default.
    """
    flow_run = current_flow_run()
    if flow_run is None or flow_run.deployment_id is None:
        return
    found = deployments_with_work(context.lake, context.settings, waiting)
    if found:
        with get_client(sync_client=True) as client:
            for deployment in found:
                _start(client, deployment)


def start_what_waits(context: FlowContext, *, always: bool) -> None:
    """
    Start every drain that has work, if anybody wrote to the lake since a scan looked last: an upload, a tag, a retry.

    Args:
        always: Look in any case: hourly, since a run that was killed, or a decoder that was upgraded, writes nothing.
    """
    if current_flow_run() is None:
        return
    seen, snapshot = context.settings.darkroom_home / LAST_LOOK, str(context.lake.snapshot_id())
    if always or not seen.is_file() or seen.read_text() != snapshot or _some_never_began():
        start_drains(context)
        atomic_write(seen, snapshot.encode(), durable=False)
    elif engine_choice(context.settings).is_on:  # its service may have been away, and is back
        start_drains(context, FACES)


def forget_own_failures(flow: Flow[..., Any], flow_run: FlowRun, state: State) -> None:  # noqa: ARG001
    """**Retry** in the Prefect UI: what failed in the run is backlog again, before it runs once more."""
    if flow_run.run_count:  # of attempts before this one: the hook comes first
        retry_failures(open_context(), [], run_id=str(flow_run.id))


def is_retry() -> bool:
    """Whether we are in the second or a later attempt at a flow run."""
    flow_run = current_flow_run()
    return flow_run is not None and flow_run.run_count > 1


def start_followers(flow: Flow[..., Any], flow_run: FlowRun, state: State) -> None:  # noqa: ARG001
    """After a drain: start what its results feed; and it again, for what came while it ran or was over its limit."""
    reports = reports_of_run.pop(str(flow_run.id), [])
    context = open_context()
    start_drains(context, {fed for report in reports if report.done for fed in FEEDS.get(report.stage, ())})
    if flow_run.deployment_id is None or state.is_failed():  # a service that stays away is not asked without end
        return
    stages = {report.stage: [other for other in reports if other.stage == report.stage] for report in reports}
    left = [stage for stage, of_stage in stages.items() if _has_new_work(context, stage, of_stage)]
    with get_client(sync_client=True) as client:
        for deployment in {DEPLOYMENTS[stage]: None for stage in left if stage in DEPLOYMENTS}:
            pause = max(PAUSES.get(stage, 0.0) for stage in left if DEPLOYMENTS.get(stage) == deployment)
            _start(client, deployment, after_seconds=pause)


class RunHooks(TypedDict):
    """Arguments of `@flow`."""

    on_running: list[FlowStateHook[..., Any]]
    on_completion: list[FlowStateHook[..., Any]]
    on_failure: list[FlowStateHook[..., Any]]


SCAN_HOOKS = RunHooks(on_running=[forget_own_failures], on_completion=[], on_failure=[])
DRAIN_HOOKS = RunHooks(on_running=[forget_own_failures], on_completion=[start_followers], on_failure=[start_followers])


def _has_new_work(context: FlowContext, stage: str, reports: list[DrainReport]) -> bool:
    """Whether the backlog holds what this run did not look at."""
    parameters = backlogs(context.lake, context.settings).get(stage)
    if parameters is None or any(report.stopped_early for report in reports):
        return False
    left = sum(report.left + report.failed for report in reports)  # the most that the run can have left there
    rows = context.lake.rows(f"backlog/{stage}", library="all", row_limit=left + 1, **parameters)
    assets = (reports[0].row_type(**row) for row in rows)
    return any(all(report.is_new(asset) for report in reports) for asset in assets)


def _start(client: SyncPrefectClient, name: str, after_seconds: float = 0.0) -> None:
    """Nothing where its slot is taken, since that run looks again when it ends; nor where one is about to begin."""
    deployment = client.read_deployment_by_name(f"{name}/{name}")
    limit = deployment.global_concurrency_limit
    if limit is not None and limit.active_slots >= limit.limit:
        return
    at = datetime.now(UTC) + timedelta(seconds=after_seconds)
    if any(run.expected_start_time and run.expected_start_time <= at for run in _planned(client, deployment.id)):
        return
    client.create_flow_run_from_deployment(
        deployment.id, name=f"{name} {at.astimezone():%H:%M}", state=Scheduled(scheduled_time=at)
    )


def _some_never_began() -> bool:
    """Whether a drain that was triggered minutes ago has crashed before it ran: Prefect's server was too busy."""
    crashed = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED]))
    lately = FlowRunFilterEndTime.model_validate({"after_": datetime.now(UTC) - CRASHED_LATELY})
    wanted = FlowRunFilter(state=crashed, end_time=lately, tags=FlowRunFilterTags(all_=["drain"]))
    with get_client(sync_client=True) as client:
        return any(not run.run_count for run in client.read_flow_runs(flow_run_filter=wanted, limit=50))


def _planned(client: SyncPrefectClient, deployment_id: UUID) -> list[FlowRun]:
    """The next runs of a deployment, by schedule or trigger."""
    scheduled = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    return client.read_flow_runs(
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        flow_run_filter=FlowRunFilter(state=scheduled),
        sort=FlowRunSort.EXPECTED_START_TIME_ASC,
        limit=1,
    )
