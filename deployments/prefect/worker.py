"""
The worker of the `darkroom` pool on this machine: Prefect's process worker, with flow runs forked, not started.

`python -P -m deployments.prefect.worker` imports Prefect and the flows once and splits in two that share that memory:
the fork server, which stays single-threaded, and the worker. Measured with 3.8.8 on 2 cores, one empty run a minute:
see `tests/bench/idle_bench.py` for the figures. A stock `prefect worker start --pool darkroom` works as well.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx

from deployments.prefect import fork_server, run_client
from deployments.prefect.environment import WORK_POOL
from deployments.prefect.flow_engine import import_everything
from deployments.settings import load_settings
from deployments.up.parent_death import die_with_parent
from tasks.files.new_work import announced_at
from tasks.files.private import deny_others

WATCH_SECONDS = 1.0

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, WorkPool
    from prefect.client.schemas.responses import DeploymentResponse


def main() -> int:
    """Serve flow runs until told to stop."""
    deny_others()
    folder = Path(tempfile.mkdtemp(prefix="darkroom-"))  # short: a socket's path may have 100 bytes
    try:
        return _serve(folder / "runs")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(socket_path: Path) -> int:
    if sys.platform != "linux":  # forking after imports is not safe everywhere; runs start slower there
        return run_worker(None)
    import_everything()
    listener = fork_server.listen_at(socket_path)
    gc.collect()
    gc.freeze()  # collecting would write to, and so copy, the pages that the forks share
    companion = os.fork()
    if companion == 0:
        listener.close()
        die_with_parent(signal.SIGKILL)
        os._exit(run_worker(socket_path))
    return fork_server.ForkServer(listener, companion).serve()


def run_worker(socket_path: Path | None) -> int:
    """Prefect's process worker, in this process, until SIGINT or SIGTERM."""
    from prefect.workers.process import ProcessJobConfiguration, ProcessWorker

    class ForkedJob(ProcessJobConfiguration):
        """
        Prefect's, but for what a run may say of its process: nothing.

        The pool's template has no command, environment or folder either (apply.py); one that had them, or was given
        them by hand, would let whoever may start a run choose a program.
        """

        def prepare_for_flow_run(
            self,
            flow_run: FlowRun,
            deployment: DeploymentResponse | None = None,
            flow: Any = None,
            work_pool: WorkPool | None = None,
            worker_name: str | None = None,
            worker_id: UUID | None = None,
        ) -> None:
            self.command = (
                client_command(socket_path)
                if socket_path is not None
                else shlex.join([sys.executable, *run_client.ENGINE])
            )
            self.env = {}
            # Where the worker was started, not an empty temporary folder: `.env` and relative paths mean the same.
            self.working_dir = Path.cwd()
            super().prepare_for_flow_run(flow_run, deployment, flow, work_pool, worker_name, worker_id)

    ProcessWorker.job_configuration = ForkedJob
    worker = ProcessWorker(work_pool_name=WORK_POOL, name=f"darkroom on {socket.gethostname()}")
    asyncio.run(_until_stopped(_work(worker.start(), load_settings().darkroom_home)))
    return 0


async def _work(pool: Any, darkroom_home: Path) -> None:
    watching = asyncio.ensure_future(_start_announced_work(darkroom_home))
    try:
        await pool
    finally:
        watching.cancel()


async def _start_announced_work(darkroom_home: Path) -> None:
    """When the API says that it left work, a quick scan begins, which starts what has something to do."""
    known = announced_at(darkroom_home)
    while True:
        await asyncio.sleep(WATCH_SECONDS)
        announced = announced_at(darkroom_home)
        if announced == known:
            continue
        try:
            if await _start_quick_scan():
                known = announced
        except httpx.HTTPError as exc:  # tried again in a moment; the schedule does the same within a minute
            print(f"worker: no quick scan could be started: {exc}", file=sys.stderr)


async def _start_quick_scan() -> bool:
    """False while one is running: it may have looked already, and a second one beside it would be cancelled."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        deployment = await client.read_deployment_by_name("quick-scan/quick-scan")
        limit = deployment.global_concurrency_limit
        if limit is not None and limit.active_slots >= limit.limit:
            return False
        name = f"quick-scan {datetime.now().astimezone():%Y-%m-%d %H:%M}"
        await client.create_flow_run_from_deployment(deployment.id, name=name)
        return True


async def _until_stopped(work: Any) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return


def client_command(socket_path: Path) -> str:
    return shlex.join([sys.executable, "-I", "-S", str(Path(run_client.__file__)), str(socket_path)])


if __name__ == "__main__":
    sys.exit(main())
