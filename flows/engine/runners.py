"""Where the batches of a drain run: in this process, or fanned out over a Dask or Ray cluster."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from prefect.context import FlowRunContext
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from deployments.settings import load_settings
from tasks.errors import ToolMissing

_CLUSTERS = {"dask": ("prefect_dask", "DaskTaskRunner"), "ray": ("prefect_ray", "RayTaskRunner")}
CLUSTER_BATCHES_AHEAD = 64  # enough to keep a cluster busy, few enough to hold the results of


def drain_runner(at_once: int = 1) -> TaskRunner[Any]:
    """
    The runner that `TASK_RUNNER` names.

    Args:
        at_once: Batches worked on at a time on this machine.
    Raises:
        ToolMissing: The extra is not installed.
    """
    settings = load_settings()
    if settings.task_runner == "threads":
        # One batch more than is worked on: what waits for its retry is in nobody's way.
        return ThreadPoolTaskRunner(max_workers=at_once + 1)
    package, name = _CLUSTERS[settings.task_runner]
    try:
        runner = getattr(import_module(package), name)
    except ImportError as exc:
        raise ToolMissing(
            f"TASK_RUNNER={settings.task_runner} needs: pip install 'darkroom[{settings.task_runner}]'"
        ) from exc
    address = settings.task_runner_address
    chosen: TaskRunner[Any] = runner(address=address) if address else runner()
    return chosen


def batches_ahead() -> int:
    """How many batches are under way beside the one being recorded: one, unless the flow we are in has a cluster."""
    context = FlowRunContext.get()
    on_a_cluster = context is not None and not isinstance(context.task_runner, ThreadPoolTaskRunner)
    return CLUSTER_BATCHES_AHEAD if on_a_cluster else 1
