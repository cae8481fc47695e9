"""A piece of work that is no batch of files, retried where a service fails: a Prefect task run, or a plain call."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.engine.drain import RETRY_DELAYS_SECONDS
from flows.engine.progress import current_flow_run
from sql.lake import LakeLocked
from tasks.errors import TransientError

Made = TypeVar("Made")


def run_as_task(name: str, work: Callable[[], Made]) -> Made:
    """
    What *work* returns.

    Raises:
        TransientError: The service stayed away through all retries.
    """
    if current_flow_run() is None:
        return _with_retries(work)
    return task(
        name=name[:200],
        retries=len(RETRY_DELAYS_SECONDS),
        retry_delay_seconds=RETRY_DELAYS_SECONDS,
        retry_condition_fn=_is_transient,
        cache_policy=NO_CACHE,
        persist_result=False,
    )(work)()


def _with_retries(work: Callable[[], Made]) -> Made:
    for delay in RETRY_DELAYS_SECONDS[:-1]:
        try:
            return work()
        except TransientError:
            time.sleep(delay)
    return work()


def _is_transient(_task: Any, _run: Any, state: Any) -> bool:
    return isinstance(state.result(raise_on_failure=False), (TransientError, LakeLocked))
