"""
Registers what `prefect.yaml` says with the Prefect server, in one process and two seconds.

`python -P -m deployments.prefect.apply` may run as often as one likes: what is there is updated, what the file no
longer lists is removed, and a schedule that a person paused in the UI stays paused.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import yaml
from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    GlobalConcurrencyLimitUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyOptions, FlowRun, State, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.client.schemas.sorting import DeploymentSort, FlowRunSort
from prefect.exceptions import ObjectAlreadyExists
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Crashed
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker

from deployments.prefect.environment import WORK_POOL
from deployments.settings import Settings, load_settings
from tasks.files.private import deny_others

PREFECT_YAML = Path(__file__).parents[1] / "prefect.yaml"
UNFINISHED = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING, StateType.PAUSED]
CHOOSES_A_PROGRAM = ("command", "env", "working_dir")
PAGE = 200  # the server answers with at most this many


async def apply(settings: Settings, path: Path = PREFECT_YAML, *, tidy: bool = False) -> list[str]:
    """
    Make the server's deployments equal to those of *path*.

    Args:
        tidy: Nothing of ours is running yet: call what seems to run crashed, and forget runs planned for a time when
            this machine was off.
    Returns:
        The names registered.
    Raises:
        httpx.HTTPError: The server cannot be reached or refuses.
    """
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
    async with get_client() as client:
        await _make_pool(client)
        found = await client.read_deployments(limit=PAGE, sort=DeploymentSort.NAME_ASC)
        existing = {deployment.name: deployment for deployment in found}
        ours = {name: known for name, known in existing.items() if known.work_pool_name == WORK_POOL}
        for entry in listed:
            await _register(client, settings, entry, existing.get(entry["name"]))
        for name in ours.keys() - {entry["name"] for entry in listed}:
            await client.delete_deployment(ours[name].id)
        if tidy:
            for deployment in ours.values():
                await _tidy(client, deployment)
    return [entry["name"] for entry in listed]


async def _make_pool(client: PrefectClient) -> None:
    """Make the pool; of one that is there the template is brought up to date, and what a person changed stays."""
    template = job_template()
    pool = WorkPoolCreate(
        name=WORK_POOL,
        type=ProcessWorker.type,
        description="Flow runs of Darkroom, as processes of the machine whose worker picks them up",
        base_job_template=template,
    )
    try:
        await client.create_work_pool(pool)
    except ObjectAlreadyExists:
        await client.update_work_pool(WORK_POOL, WorkPoolUpdate(base_job_template=template))


def job_template() -> dict[str, Any]:
    """Prefect's own for processes, without what would let a run choose a program; the server refuses such runs."""
    template = ProcessWorker.get_default_base_job_template()
    for part in (template["job_configuration"], template["variables"]["properties"]):
        for name in CHOOSES_A_PROGRAM:
            part.pop(name, None)
    template["variables"]["additionalProperties"] = False
    return template


async def _register(
    client: PrefectClient, settings: Settings, entry: dict[str, Any], existing: DeploymentResponse | None
) -> None:
    import_module(entry["entrypoint"].rpartition(".")[0])  # by our path; Prefect would look in the working folder first
    flow: Flow[..., Any] = load_flow_from_entrypoint(entry["entrypoint"])
    limit = dict(entry.get("concurrency_limit") or {})
    await client.create_deployment(
        flow_id=await client.create_flow(flow),
        name=entry["name"],
        entrypoint=entry["entrypoint"],
        description=entry.get("description"),
        tags=entry.get("tags", []),
        parameters=entry.get("parameters", {}),
        parameter_openapi_schema=parameter_schema(flow.fn).model_dump_for_openapi(),
        enforce_parameter_schema=True,
        work_pool_name=entry["work_pool"]["name"],
        job_variables=entry["work_pool"].get("job_variables", {}),
        concurrency_limit=limit.pop("limit", None),
        concurrency_options=ConcurrencyOptions(**limit) if limit else None,
        schedules=[_schedule(settings, schedule, existing) for schedule in entry.get("schedules", [])],
        paused=existing.paused if existing else False,
    )


def _schedule(
    settings: Settings, entry: dict[str, Any], existing: DeploymentResponse | None
) -> DeploymentScheduleCreate:
    slug = entry["slug"]
    before = {schedule.slug: schedule.active for schedule in existing.schedules} if existing else {}
    timing: CronSchedule | IntervalSchedule
    if "cron" in entry:
        timing = CronSchedule(cron=entry["cron"], timezone=entry.get("timezone"))
    else:
        seconds = getattr(settings, slug.replace("-", "_"), entry["interval"])
        timing = IntervalSchedule(interval=timedelta(seconds=seconds))
    return DeploymentScheduleCreate(schedule=timing, slug=slug, active=before.get(slug, True))


async def _tidy(client: PrefectClient, deployment: DeploymentResponse) -> None:
    for run in await _runs(client, deployment, UNFINISHED):
        ended: State[Any] = Crashed(message="Darkroom was stopped while this ran; the next run carries on from there.")
        await client.set_flow_run_state(run.id, ended, force=True)
    for run in await _runs(client, deployment, [StateType.SCHEDULED]):
        if run.auto_scheduled:
            await client.delete_flow_run(run.id)
    if deployment.global_concurrency_limit is not None:
        free = GlobalConcurrencyLimitUpdate(active_slots=0)
        await client.update_global_concurrency_limit(deployment.global_concurrency_limit.name, free)


async def _runs(client: PrefectClient, deployment: DeploymentResponse, states: list[StateType]) -> list[FlowRun]:
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)),
        ),
        sort=FlowRunSort.ID_DESC,
        limit=PAGE,
    )


def main(arguments: list[str]) -> int:
    """`… -m deployments.prefect.apply [--tidy] [FILE]`: exit code 1 and one line where the server is out of reach."""
    deny_others()
    files = [Path(argument) for argument in arguments if not argument.startswith("-")]
    try:
        names = asyncio.run(apply(load_settings(), *files, tidy="--tidy" in arguments))
    except httpx.HTTPError as exc:
        print(f"the deployments could not be registered: {str(exc).splitlines()[0]}", file=sys.stderr)
        return 1
    print(f"registered {', '.join(names)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
