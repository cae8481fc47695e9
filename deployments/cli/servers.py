"""`darkroom serve`, `worker`, `prefect-server` and `deploy`: one process each, for containers and service files."""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer


def serve() -> None:
    """Run the API and the web pages alone, on BIND_URL."""
    _become("serving.app")


def worker() -> None:
    """Run a worker alone, for the Prefect server at PREFECT_API_URL."""
    _become("deployments.prefect.worker")


def prefect_server() -> None:
    """Run the Prefect server alone; it wants a password in PREFECT_SERVER_API_AUTH_STRING."""
    _become("deployments.prefect.server")


def deploy(
    tidy: Annotated[
        bool, typer.Option("--tidy", help="End runs that a killed worker left running, and free their slots.")
    ] = False,
) -> None:
    """Register the flows and their schedules with the Prefect server at PREFECT_API_URL."""
    _become("deployments.prefect.apply", *(["--tidy"] if tidy else []))


def _become(module: str, *options: str) -> NoReturn:
    """A fresh image of this process: it stays for days, and needs nothing of what the command line imported."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *options])
