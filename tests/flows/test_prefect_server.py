"""Our flows on a real Prefect server with our real worker, on a free loopback port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deployments.prefect.environment import prefect_environment
from deployments.settings import Settings
from deployments.up.processes import descendants
from tests.deployments.live import free_port, hold_still, wait_for, with_migrated_prefect
from tests.pictures import draw
from tests.stand_ins.ollama import Fail, OllamaStandIn, Say

pytestmark = pytest.mark.prefect
CHECKOUT = Path(__file__).resolve().parents[2]
PREFECT_YAML = CHECKOUT / "deployments" / "prefect.yaml"
STRANGE = ("disk_full_for_a_moment", "disk_full_for_good", "brake", "slow", "killed")
OURS = {
    "quick-scan", "full-scan", "thumbnails", "metadata", "hash-backfill", "maintenance", "preview-clips", "gifs", "hls",
    "places", "perceptual-hashes", "face-backlog", "face-groups", "daily-summaries", "insights",
}  # fmt: skip


@dataclass
class LivePrefect:
    """A server with our deployments and our worker, a library of three pictures, and a model server."""

    url: str
    environment: dict[str, str]
    folder: Path
    worker: subprocess.Popen[bytes]
    ollama: OllamaStandIn

    @property
    def auth(self) -> tuple[str, str]:
        name, _, password = self.environment["PREFECT_API_AUTH_STRING"].partition(":")
        return name, password

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        for _ in range(10):
            answer = httpx.request(method, f"{self.url}{path}", json=body, auth=self.auth, timeout=20, trust_env=False)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # its SQLite was busy: asked again, as clients do
                break
            time.sleep(0.5)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def deployments(self) -> dict[str, Any]:
        return {found["name"]: found for found in self.ask("/deployments/filter", {"limit": 200})}

    def trigger(self, name: str, **parameters: Any) -> str:
        deployment = self.deployments()[name]
        run = self.ask(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})
        return str(run["id"])

    def run(self, run_id: str) -> Any:
        return self.ask(f"/flow_runs/{run_id}", method="GET")

    def wait(self, run_id: str, seconds: float = 180) -> Any:
        """The flow run once it has ended."""
        wait_for(lambda: self.run(run_id)["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}, seconds)
        return self.run(run_id)

    def apply(self, path: Path, *options: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "deployments.prefect.apply", str(path), *options],
            env=self.environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def with_strange_flows(folder: Path) -> Path:
    """prefect.yaml without schedules, and the flows of `strange_flows.py` beside ours."""
    listed = yaml.safe_load(PREFECT_YAML.read_text())
    pool, limit = {"name": "darkroom"}, {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    for entry in listed["deployments"]:
        entry["schedules"] = []
    for name in STRANGE:
        entry = {"name": name, "entrypoint": f"tests.flows.strange_flows.{name}", "work_pool": pool}
        listed["deployments"].append({**entry, "concurrency_limit": limit})
    path = folder / "strange.yaml"
    path.write_text(yaml.safe_dump(listed))
    return path


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePrefect]:
    folder = tmp_path_factory.mktemp("prefect")
    port = free_port()
    settings = Settings(darkroom_home=folder / "home", scan_settle_seconds=0, _env_file=None)  # type: ignore[call-arg]
    environment = prefect_environment(settings, port) | {"PYTHONPATH": str(CHECKOUT)}
    for number in range(3):
        draw(folder / "photos" / f"{number}.jpg", number)
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    with_migrated_prefect(settings.darkroom_home)
    environment["PREFECT_WORKER_QUERY_SECONDS"] = "1"  # these tests wait for the next poll a dozen times
    environment["PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS"] = "2"
    environment["BASE_PATH"] = str(folder / "photos")
    with OllamaStandIn().running() as ollama, hold_still() as start:
        environment |= {"OLLAMA_PRIMARY_URL": ollama.url, "INSIGHT_LIBRARIES": "all", "INSIGHT_MAX_PER_TICK": "2"}
        log = folder / "server.log"
        start([sys.executable, "-m", "deployments.prefect.server"], environment, CHECKOUT, log)
        url = f"http://127.0.0.1:{port}/api"
        wait_for(lambda: httpx.get(f"{url}/health", trust_env=False).is_success, 300, log)
        live = LivePrefect(url, environment, folder, None, ollama)  # type: ignore[arg-type]
        live.apply(with_strange_flows(folder))
        live.worker = start(
            [sys.executable, "-m", "deployments.prefect.worker"], environment, CHECKOUT, folder / "worker.log"
        )
        yield live


def test_quick_scan_from_the_server_tells_library_and_counts(prefect: LivePrefect) -> None:
    run = prefect.wait(prefect.trigger("quick-scan"))
    assert run["state_type"] == "COMPLETED", run["state"]
    assert "all" in run["name"] and "4 new" in run["name"] and "3 thumbnails" in run["name"]
    artifacts = prefect.ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    assert {"progress", "table"} <= {artifact["type"] for artifact in artifacts}
    failures = next(found for found in artifacts if found["key"] == "quick-scan-failures")
    assert "broken.jpg" in failures["data"]
    tasks = prefect.ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert any("4 files" in task["name"] for task in tasks)


def test_insights_show_each_photo_as_a_task_and_what_was_written_as_a_table(prefect: LivePrefect) -> None:
    prefect.ollama.script += [Say(["A circle."]), Say(["Circle"]), Fail(400, "I do not like it"), Fail(500, "broken")]
    prefect.ollama.script += [Say(["A square."]), Say(["Square"])]
    run = prefect.wait(prefect.trigger("insights"))
    assert run["state_type"] == "COMPLETED", run["state"]
    assert run["name"] == "insights all: 2 insights, 1 failed"
    artifacts = prefect.ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    by_key = {artifact["key"]: artifact["data"] for artifact in artifacts}
    assert "A square." in by_key["insights-written"] and "I do not like it" in by_key["insights-failures"]
    tasks = prefect.ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert sorted(task["run_count"] for task in tasks) == [1, 1, 2], "a server that fails is asked again"
    assert all(".jpg" in task["name"] for task in tasks)


def test_batch_that_finds_the_disk_full_is_tried_again(prefect: LivePrefect) -> None:
    draw(prefect.folder / "photos" / "late.jpg", 77)
    run = prefect.wait(prefect.trigger("disk_full_for_a_moment", marker=str(prefect.folder / "was-full")))
    assert run["state_type"] == "COMPLETED", run["state"]
    tasks = prefect.ask("/task_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
    assert [task["run_count"] for task in tasks] == [2]


def test_run_that_fails_says_why(prefect: LivePrefect) -> None:
    run = prefect.wait(prefect.trigger("disk_full_for_good"))
    assert run["state_type"] == "FAILED"
    assert "the disk is full" in run["state"]["message"]
    run = prefect.wait(prefect.trigger("brake"))
    assert run["state_type"] == "FAILED"
    assert "300 of 400 files are gone" in run["state"]["message"]


def test_second_run_beside_the_first_cancels_itself(prefect: LivePrefect) -> None:
    marker = prefect.folder / "slow-runs"
    first = prefect.trigger("slow", marker=str(marker), seconds=60)
    wait_for(marker.exists, 120)
    second = prefect.wait(prefect.trigger("slow", seconds=60))
    assert second["state_type"] == "CANCELLED"
    assert prefect.run(first)["state_type"] == "RUNNING"
    cancel(prefect, first)
    assert prefect.wait(first, 30)["state_type"] == "CANCELLED"


def cancel(prefect: LivePrefect, run_id: str) -> None:
    """What the UI's button does."""
    prefect.ask(f"/flow_runs/{run_id}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})


def test_cancelled_run_leaves_no_process(prefect: LivePrefect) -> None:
    marker = prefect.folder / "to-be-cancelled"
    before = set(descendants(prefect.worker.pid))
    run = prefect.trigger("slow", marker=str(marker), seconds=300)
    wait_for(marker.exists, 120)
    cancel(prefect, run)
    assert prefect.wait(run, 30)["state_type"] == "CANCELLED"
    wait_for(lambda: set(descendants(prefect.worker.pid)) <= before, 15)


def test_killed_run_is_shown_as_crashed_and_gives_its_slot_back(prefect: LivePrefect) -> None:
    run = prefect.wait(prefect.trigger("killed", marker=str(prefect.folder / "killed")))
    assert run["state_type"] == "CRASHED"
    assert "-9" in run["state"]["message"]
    again = prefect.wait(prefect.trigger("killed", marker=str(prefect.folder / "killed-again")))
    assert again["state_type"] == "CRASHED"


def test_run_whose_stand_in_is_killed_ends_too(prefect: LivePrefect) -> None:
    """The worker's last resort is SIGKILL, to the process it knows."""
    marker = prefect.folder / "stand-in"
    before = set(descendants(prefect.worker.pid))
    run = prefect.trigger("slow", marker=str(marker), seconds=300)
    wait_for(marker.exists, 120)
    stand_in = next(pid for pid in set(descendants(prefect.worker.pid)) - before if "run_client" in command_of(pid))
    os.kill(stand_in, signal.SIGKILL)
    assert prefect.wait(run, 30)["state_type"] == "CRASHED"
    wait_for(lambda: set(descendants(prefect.worker.pid)) <= before, 15)


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def test_paused_schedule_stays_paused_and_what_is_not_listed_goes(prefect: LivePrefect) -> None:
    prefect.apply(PREFECT_YAML)
    found = prefect.deployments()
    assert set(found) == OURS
    quick = found["quick-scan"]
    (schedule,) = quick["schedules"]
    assert (schedule["slug"], schedule["schedule"]["interval"], schedule["active"]) == (
        "watch-quick-interval-seconds", 60.0, True,
    )  # fmt: skip
    prefect.ask(f"/deployments/{quick['id']}/schedules/{schedule['id']}", {"active": False}, "PATCH")
    prefect.environment["WATCH_QUICK_INTERVAL_SECONDS"] = "90"
    prefect.apply(PREFECT_YAML)
    (schedule,) = prefect.deployments()["quick-scan"]["schedules"]
    assert (schedule["schedule"]["interval"], schedule["active"]) == (90.0, False)


def test_every_deployment_is_complete(prefect: LivePrefect) -> None:
    prefect.apply(PREFECT_YAML)
    for name, found in prefect.deployments().items():
        assert found["work_pool_name"] == "darkroom"
        assert found["description"] and "darkroom" in found["tags"], name
        assert found["global_concurrency_limit"]["limit"] == 1, name
        assert found["concurrency_options"]["collision_strategy"] == "CANCEL_NEW", name
        assert found["schedules"], name
    assert "library" in prefect.deployments()["quick-scan"]["parameter_openapi_schema"]["properties"]


def test_scheduled_runs_are_planned(prefect: LivePrefect) -> None:
    """With SQLAlchemy 2.1 the server of prefect 3.8.8 starts, answers, and plans nothing."""
    prefect.apply(PREFECT_YAML)
    wanted = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    wait_for(lambda: prefect.ask("/flow_runs/count", wanted) > 5, 180)
    assert {run["auto_scheduled"] for run in prefect.ask("/flow_runs/filter", wanted)} == {True}


def test_prefect_deploy_takes_the_same_file(prefect: LivePrefect) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(PREFECT_YAML)],
        env=prefect.environment, cwd=CHECKOUT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = prefect.deployments()
    assert set(found) == OURS
    assert found["full-scan"]["schedules"][0]["schedule"]["interval"] == 3600.0
    assert found["full-scan"]["concurrency_options"]["collision_strategy"] == "CANCEL_NEW"


def test_tidying_frees_what_a_power_cut_left_running(prefect: LivePrefect) -> None:
    """A run that seems to go on holds the only slot; `darkroom up` knows that nothing of ours runs yet."""
    run = prefect.trigger("maintenance")
    prefect.wait(run)
    left = prefect.trigger("maintenance")
    pend: Callable[[str], dict[str, Any]] = lambda kind: {"state": {"type": kind}, "force": False}  # noqa: E731
    prefect.worker.send_signal(signal.SIGSTOP)
    try:
        prefect.ask(f"/flow_runs/{left}/set_state", pend("PENDING"))
        prefect.ask(f"/flow_runs/{left}/set_state", pend("RUNNING"))
        prefect.apply(PREFECT_YAML, "--tidy")
        assert prefect.run(left)["state_type"] == "CRASHED"
        limit = prefect.deployments()["maintenance"]["global_concurrency_limit"]
        assert limit["active_slots"] == 0
    finally:
        prefect.worker.send_signal(signal.SIGCONT)
    assert prefect.wait(prefect.trigger("maintenance"))["state_type"] == "COMPLETED"


def test_worker_told_to_end_lets_its_run_say_so(prefect: LivePrefect) -> None:
    """Last: it ends the worker. The run is red in the UI, not running for ever."""
    prefect.apply(with_strange_flows(prefect.folder))
    marker = prefect.folder / "worker-ends"
    run = prefect.trigger("slow", marker=str(marker), seconds=300)
    wait_for(marker.exists, 120)
    prefect.worker.send_signal(signal.SIGTERM)
    assert prefect.worker.wait(60) == 0
    assert prefect.run(run)["state_type"] == "CRASHED"
