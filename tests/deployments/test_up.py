"""`darkroom up` as a person uses it: real processes, real signals, real ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deployments.settings import Settings
from deployments.up.prefect_monitor import PrefectMonitor
from tests.deployments.live import free_port, hold_still, processes_of, wait_for
from tests.pictures import draw

pytestmark = pytest.mark.prefect
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass
class UpHouse:
    """A data home and a library, used by every test here: only the first start has to make Prefect's database."""

    home: Path
    photos: Path
    port: int
    prefect_port: int

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        return kept | {"DARKROOM_HOME": str(self.home), "PYTHONPATH": str(CHECKOUT), "COLUMNS": "200"}

    @property
    def command(self) -> list[str]:
        ports = ["--port", str(self.port), "--prefect-port", str(self.prefect_port)]
        return [sys.executable, "-m", "deployments.cli.app", "up", str(self.photos), *ports]

    def serving(self) -> bool:
        return httpx.get(f"http://127.0.0.1:{self.port}/healthz", trust_env=False).is_success

    def first_scan_done(self) -> bool:
        auth = Settings(darkroom_home=self.home, _env_file=None).prefect_auth  # type: ignore[call-arg]
        runs = PrefectMonitor(f"http://127.0.0.1:{self.prefect_port}/api", auth).recent_runs()
        return any(run.state == "COMPLETED" and run.name.startswith("full") for run in runs)

    def gone(self) -> bool:
        return not processes_of(self.home)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> UpHouse:
    folder = tmp_path_factory.mktemp("up")
    draw(folder / "photos and more" / "one.jpg", 1)
    return UpHouse(folder / "home", folder / "photos and more", free_port(), free_port())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "up.log"


def test_up_scans_serves_restarts_and_stops_on_ctrl_c(place: UpHouse, log: Path) -> None:
    with hold_still() as start:
        up = start(place.command, place.environment, place.home.parent, log)
        wait_for(place.serving, 180, log)
        wait_for(place.first_scan_done, 120, log)
        said = log.read_text()
        assert f"http://127.0.0.1:{place.port}/docs" in said and f"http://127.0.0.1:{place.prefect_port}/" in said
        wait_for(lambda: "1 new" in log.read_text(), 120, log)

        second = subprocess.run(
            place.command, env=place.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert second.returncode == 1
        assert f"already running for {place.home} (process {up.pid})" in second.stderr

        (api,) = [int(line.split()[0]) for line in processes_of(place.home) if "serving.app" in line]
        os.kill(api, signal.SIGKILL)
        wait_for(lambda: "API ended (killed by SIGKILL); starting it again" in log.read_text(), 120, log)
        wait_for(place.serving, 180, log)

        up.send_signal(signal.SIGINT)
        assert up.wait(60) == 0
        assert place.gone(), processes_of(place.home)
    assert (place.home / "logs" / "worker.log").stat().st_size > 0
    assert list((place.home / "thumbnails").rglob("one.jpg"))


def test_sigterm_in_the_middle_of_starting_leaves_nothing(place: UpHouse, log: Path) -> None:
    with hold_still() as start:
        up = start(place.command, place.environment, place.home.parent, log)
        wait_for(lambda: any("prefect.server" in line for line in processes_of(place.home)), 180, log)
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
        assert place.gone(), processes_of(place.home)


def test_killed_up_leaves_no_children(place: UpHouse, log: Path) -> None:
    """Nobody is left to stop them: the kernel tells them."""
    with hold_still() as start:
        up = start(place.command, place.environment, place.home.parent, log)
        wait_for(lambda: any("deployments.prefect.worker" in line for line in processes_of(place.home)), 120, log)
        wait_for(place.serving, 180, log)
        up.kill()
        up.wait(60)
        wait_for(place.gone, 120, log)
        wait_for(lambda: not _listens(place.port), 60, log)  # the kernel closes what a killed process had open
    assert place.gone(), processes_of(place.home)


def _listens(port: int) -> bool:
    """A socket that is being closed may still take a connection, to reset it."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_up_starts_again_after_a_kill_and_stops_on_sigterm(place: UpHouse, log: Path) -> None:
    """What the kill left running is called crashed; the slots of the concurrency limits are free again."""
    with hold_still() as start:
        up = start([*place.command, "--no-schedule"], place.environment, place.home.parent, log)
        wait_for(lambda: "Completed full" in log.read_text(), 180, log)
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == 0
        assert place.gone(), processes_of(place.home)


def test_taken_port_is_one_clear_line(place: UpHouse) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", place.prefect_port))
        taken.listen()
        done = subprocess.run(
            place.command, env=place.environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert str(place.prefect_port) in line and "--prefect-port" in line


def test_doctor_passes_on_a_working_home(place: UpHouse) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli.app", "doctor", "--json"],
        env=place.environment, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["lake"]["state"] == "ok" and "1 assets" in found["lake"]["found"]
    assert found["library photos and more"]["state"] == "ok"
    assert found["Prefect server"]["state"] == "ok", found["Prefect server"]
