"""Processes of their own, as containers and service files start them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx

from tests.big_library import environment_of
from tests.deployments.live import free_port, hold_still, wait_for


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "deployments.cli.entry", *arguments]


def test_serve_is_the_api_alone_and_ends_when_told(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    environment = environment_of(tmp_path / "home") | {"BIND_URL": url}
    with hold_still() as start:
        served = start(command("serve"), environment, tmp_path, tmp_path / "log")
        wait_for(lambda: httpx.get(f"{url}/healthz", trust_env=False).is_success, 180, tmp_path / "log")
        served.send_signal(signal.SIGTERM)
        assert served.wait(60) in {0, -signal.SIGTERM}


def test_each_says_in_one_line_what_it_misses(tmp_path: Path) -> None:
    environment = environment_of(tmp_path / "home") | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    for name, missing in (("prefect-server", "PREFECT_SERVER_API_AUTH_STRING"), ("deploy", "could not be registered")):
        done = subprocess.run(
            command(name), env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1 and missing in done.stderr, name
        assert len(done.stderr.splitlines()) == 1, done.stderr
