"""Who may ask the Prefect server, and what a run may say of its process: tried as a foreign page would."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
import yaml
from playwright.sync_api import sync_playwright

from deployments.cli import doctor
from deployments.prefect.apply import CHOOSES_A_PROGRAM, PREFECT_YAML
from deployments.prefect.environment import prefect_environment
from deployments.settings import Settings
from deployments.up.prefect_monitor import PrefectMonitor
from deployments.up.run import login_link
from tests.deployments.live import free_port, hold_still, wait_for, with_migrated_prefect

pytestmark = pytest.mark.prefect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass
class Door:
    """A Prefect server as `darkroom up` starts it, with our deployments, and a worker."""

    port: int
    settings: Settings
    environment: dict[str, str]
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def login(self) -> tuple[str, str]:
        name, _, password = self.settings.prefect_auth.partition(":")
        return name, password

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        options.setdefault("auth", self.login)
        return httpx.request(method, f"{self.url}{path}", json=body, timeout=30, trust_env=False, **options)

    def deployment(self, name: str) -> Any:
        found = self.ask("POST", "/api/deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        return found.json()[0]

    def apply(self) -> None:
        listed = yaml.safe_load(PREFECT_YAML.read_text())
        listed["deployments"] = [entry | {"schedules": []} for entry in listed["deployments"]]
        (self.folder / "prefect.yaml").write_text(yaml.safe_dump(listed))
        subprocess.run(
            [sys.executable, "-m", "deployments.prefect.apply", str(self.folder / "prefect.yaml")],
            env=self.environment, cwd=CHECKOUT, check=True, timeout=400,
        )  # fmt: skip


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    settings = Settings(darkroom_home=folder / "home", scan_settle_seconds=0, _env_file=None)  # type: ignore[call-arg]
    port = free_port()
    environment = prefect_environment(settings, port) | {
        "PYTHONPATH": str(CHECKOUT), "PREFECT_WORKER_QUERY_SECONDS": "1", "BASE_PATH": str(folder / "photos"),
    }  # fmt: skip
    (folder / "photos").mkdir()
    with_migrated_prefect(settings.darkroom_home)
    door = Door(port, settings, environment, folder)
    with hold_still() as start:
        log = folder / "server.log"
        start([sys.executable, "-m", "deployments.prefect.server"], environment, CHECKOUT, log)
        wait_for(PrefectMonitor(f"{door.url}/api", settings.prefect_auth).healthy, 300, log)
        door.apply()
        start([sys.executable, "-m", "deployments.prefect.worker"], environment, CHECKOUT, folder / "worker.log")
        yield door


def test_without_the_password_prefect_answers_nothing_but_that_it_is_there(door: Door) -> None:
    for auth in (None, ("darkroom", "guess"), ("", "")):
        for path in ("/api/flow_runs/filter", "/api/deployments/filter", "/api/work_pools/filter"):
            assert door.ask("POST", path, {}, auth=auth).status_code == 401
        assert door.ask("GET", "/api/admin/settings", auth=auth).status_code == 401
        assert door.ask("GET", "/api/health", auth=auth).json() is True
    assert door.ask("POST", "/api/flow_runs/filter", {}).status_code == 200


def test_a_foreign_page_can_neither_start_a_run_nor_read_an_answer(door: Door) -> None:
    deployment = door.deployment("quick-scan")["id"]
    page = {"Origin": "https://evil.example", "Content-Type": "text/plain"}
    body = {"job_variables": {"command": f"touch {door.folder}/stolen"}}
    started = door.ask("POST", f"/api/deployments/{deployment}/create_flow_run", body, headers=page, auth=None)
    assert started.status_code == 401
    for origin, allowed in (("https://evil.example", False), ("null", False), (door.url, True)):
        asks = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        preflight = door.ask("OPTIONS", "/api/flow_runs/filter", headers=asks, auth=None)
        assert preflight.headers.get("access-control-allow-origin") == (origin if allowed else None)
        read = door.ask("GET", "/api/health", headers={"Origin": origin}, auth=None)
        assert read.headers.get("access-control-allow-origin") == (origin if allowed else None)


def test_prefect_does_not_answer_under_the_name_of_another_site(door: Door) -> None:
    for host in ("evil.example", f"evil.example:{door.port}", "127.0.0.1.evil.example"):
        for path in ("/", "/api/health", "/ui-settings", "/api/flow_runs/filter"):
            answer = door.ask("GET", path, headers={"Host": host})
            assert answer.status_code == 421 and "ALLOWED_HOSTS" in answer.json()["detail"]
    assert door.ask("GET", "/", headers={"Host": f"localhost:{door.port}"}).status_code == 200


def test_prefects_event_and_log_streams_need_the_password(door: Door) -> None:
    async def stream(path: str, token: str, **options: Any) -> str:
        url = f"ws://127.0.0.1:{door.port}{path}"
        try:
            async with websockets.connect(url, subprotocols=["prefect"], **options) as socket:  # type: ignore[list-item]
                await socket.send(json.dumps({"type": "auth", "token": token}))
                return str(json.loads(await asyncio.wait_for(socket.recv(), 10))["type"])
        except websockets.WebSocketException as exc:
            return type(exc).__name__

    for path in ("/api/events/out", "/api/events/in", "/api/logs/out"):
        assert asyncio.run(stream(path, "guess")).startswith("ConnectionClosed"), path
        assert asyncio.run(stream(path, door.settings.prefect_auth)) == "auth_success", path
        foreign = {"Host": "evil.example"}
        assert asyncio.run(stream(path, door.settings.prefect_auth, additional_headers=foreign)) == "InvalidStatus"


def test_no_other_site_shows_prefects_pages_in_a_frame(door: Door) -> None:
    assert door.ask("GET", "/").headers["x-frame-options"] == "DENY"


def test_the_link_that_up_prints_logs_a_browser_in(door: Door) -> None:
    page = door.ask("GET", "/darkroom-login", auth=None)
    assert door.settings.prefect_auth not in page.text, "the password is in the link, behind the #"
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        stranger, person = browser.new_context().new_page(), browser.new_context().new_page()
        stranger.goto(f"{door.url}/")
        stranger.get_by_label("Password").or_(stranger.locator("input[type=password]")).first.wait_for(timeout=60_000)
        with person.expect_response(lambda answer: answer.url.endswith("/filter") and answer.ok, timeout=60_000):
            person.goto(login_link(door.url, door.settings.prefect_auth))
        assert "login" not in person.url


def test_doctor_says_whether_prefect_asks_for_our_password(door: Door, tmp_path: Path) -> None:
    ours = Settings(darkroom_home=door.settings.darkroom_home, prefect_port=door.port, _env_file=None)  # type: ignore[call-arg]
    (check,) = doctor._prefect(ours)
    assert check.state == "ok", check
    others = Settings(darkroom_home=tmp_path, prefect_port=door.port, _env_file=None)  # type: ignore[call-arg]
    (check,) = doctor._prefect(others)
    assert check.state == "warn" and "password" in check.found


def test_a_run_that_brings_its_own_program_is_refused_and_by_our_worker_ignored(door: Door) -> None:
    """Also where the pool still has the template that an older version made, and whoever asks has the password."""
    from prefect.workers.process import ProcessWorker

    deployment = door.deployment("maintenance")["id"]
    stolen = door.folder / "stolen"
    asks = {"command": f"touch {stolen}", "env": {"LD_PRELOAD": "/evil.so"}, "working_dir": "/"}
    for name in CHOOSES_A_PROGRAM:
        body = {"job_variables": {name: asks[name]}}
        assert door.ask("POST", f"/api/deployments/{deployment}/create_flow_run", body).status_code == 422
    old = {"base_job_template": ProcessWorker.get_default_base_job_template()}
    assert door.ask("PATCH", "/api/work_pools/darkroom", old).status_code == 204
    body = {"job_variables": {name: asks[name] for name in ("command", "working_dir")}}
    run = door.ask("POST", f"/api/deployments/{deployment}/create_flow_run", body).json()["id"]
    ended = {"COMPLETED", "FAILED", "CRASHED"}
    wait_for(lambda: door.ask("GET", f"/api/flow_runs/{run}").json()["state_type"] in ended, 300)
    assert door.ask("GET", f"/api/flow_runs/{run}").json()["state_type"] == "COMPLETED"
    assert not stolen.exists()
    door.apply()
    template = door.ask("GET", "/api/work_pools/darkroom").json()["base_job_template"]
    assert not {*CHOOSES_A_PROGRAM} & {*template["variables"]["properties"], *template["job_configuration"]}


def test_the_password_is_in_no_command_line_log_or_readable_file(door: Door) -> None:
    secret = door.login[1]
    mine = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(os.getpid()) != path.parent.name]
    for path in mine:
        try:
            assert secret not in path.read_text(errors="replace")
        except OSError:  # it has ended
            continue
    for log in door.folder.glob("*.log"):
        assert secret not in log.read_text(errors="replace")
    assert door.settings.prefect_auth_file.stat().st_mode & 0o777 == 0o600

    assert len(secret) >= 24


def test_a_server_without_a_password_does_not_start(door: Door) -> None:
    environment = {name: value for name, value in door.environment.items() if not name.endswith("AUTH_STRING")}
    done = subprocess.run(
        [sys.executable, "-m", "deployments.prefect.server"],
        env=environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "PREFECT_SERVER_API_AUTH_STRING" in done.stderr
