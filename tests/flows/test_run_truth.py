"""What the Prefect UI says of runs: failures in state, log and artifact; Retry; names and tags of idle runs."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deployments.prefect.environment import prefect_environment
from deployments.settings import Settings
from flows.engine.prefect_runs import KEPT_IDLE_RUNS
from flows.engine.run_logs import LOGGED_PER_BATCH, LOGGED_PER_RUN, lines_left
from sql.lake import Lake
from tests.deployments.live import free_port, hold_still, wait_for, with_migrated_prefect
from tests.flows.test_prefect_server import CHECKOUT, PREFECT_YAML, LivePrefect
from tests.pictures import draw

pytestmark = pytest.mark.prefect
PATIENT_SECONDS = 240
BROKEN = 100  # more than a batch names in its log


@contextmanager
def live_prefect(folder: Path, photos: Path, **settings: str) -> Iterator[LivePrefect]:
    """A server with our deployments, without any schedule, and our worker; *photos* is the library."""
    port = free_port()
    home = Settings(darkroom_home=folder / "home", scan_settle_seconds=0, _env_file=None)  # type: ignore[call-arg]
    environment = prefect_environment(home, port) | {"PYTHONPATH": str(CHECKOUT), "BASE_PATH": str(photos)} | settings
    environment["PREFECT_WORKER_QUERY_SECONDS"] = "1"
    environment["PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS"] = "2"
    with_migrated_prefect(home.darkroom_home)
    with hold_still() as start:
        log = folder / "server.log"
        server = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        start(server, environment, CHECKOUT, log)
        url = f"http://127.0.0.1:{port}/api"
        wait_for(lambda: httpx.get(f"{url}/health", trust_env=False).is_success, 300, log)
        live = LivePrefect(url, environment, folder, None, None)  # type: ignore[arg-type]
        live.apply(without_schedules(folder))
        live.worker = start(
            [sys.executable, "-m", "deployments.prefect.worker"], environment, CHECKOUT, folder / "worker.log"
        )
        yield live


def without_schedules(folder: Path) -> Path:
    listed = yaml.safe_load(PREFECT_YAML.read_text())
    for entry in listed["deployments"]:
        entry["schedules"] = []
    path = folder / "unscheduled.yaml"
    path.write_text(yaml.safe_dump(listed))
    return path


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePrefect]:
    folder = tmp_path_factory.mktemp("truth")
    photos = folder / "photos"
    draw(photos / "good.jpg", 1)
    for number in range(BROKEN):
        (photos / f"broken {number:02}.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture %d" % number)
    with live_prefect(folder, photos) as live:
        yield live


@pytest.fixture(scope="module")
def failed_scan(prefect: LivePrefect) -> dict[str, Any]:
    """A first scan with failures, once what it started is done too."""
    run = dict(prefect.wait(prefect.trigger("full-scan"), PATIENT_SECONDS))
    wait_for(lambda: all_ended(prefect), PATIENT_SECONDS)
    return run


def all_ended(prefect: LivePrefect) -> bool:
    going = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED", "PENDING", "RUNNING"]}}}}
    return bool(prefect.ask("/flow_runs/count", going) == 0)


def logs(prefect: LivePrefect, run_id: str) -> list[dict[str, Any]]:
    wanted = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200, "sort": "TIMESTAMP_ASC"}
    return list(prefect.ask("/logs/filter", wanted))


def newest(prefect: LivePrefect, deployment: str) -> dict[str, Any]:
    """The run of a deployment that was made last."""
    number = prefect.deployments()[deployment]["id"]
    wanted = {"deployments": {"id": {"any_": [number]}}, "sort": "START_TIME_DESC", "limit": 1}
    return dict(prefect.ask("/flow_runs/filter", wanted)[0])


def test_run_with_failures_ends_as_completed_with_failures_and_the_count(failed_scan: dict[str, Any]) -> None:
    state = failed_scan["state"]
    assert (state["type"], state["name"]) == ("COMPLETED", "Completed with failures")
    assert state["message"].startswith(f"{BROKEN} files failed")
    assert f"{BROKEN} failed" in failed_scan["name"]
    assert "failures" in failed_scan["tags"]


def test_log_names_failed_files_up_to_a_bound_and_says_how_many_more(
    prefect: LivePrefect, failed_scan: dict[str, Any]
) -> None:
    wait_for(lambda: any("Finished" in line["message"] for line in logs(prefect, failed_scan["id"])), PATIENT_SECONDS)
    lines = [line for line in logs(prefect, failed_scan["id"]) if line["task_run_id"]]
    named = [line for line in lines if ".jpg: thumbnail: CorruptMedia: " in line["message"]]
    assert len(named) == 32 + LOGGED_PER_BATCH, "the first batch is short"
    assert all(line["level"] == logging.WARNING for line in named)
    assert sum("files/s" in line["message"] for line in lines) == 2
    (more,) = [line["message"] for line in lines if "lists them all" in line["message"]]
    assert more == f"{BROKEN - 32 - LOGGED_PER_BATCH} more files failed; `darkroom failures` lists them all"


def test_log_of_a_run_is_bounded_however_many_files_fail() -> None:
    assert lines_left(0) == LOGGED_PER_BATCH
    assert lines_left(LOGGED_PER_RUN - 3) == 3
    assert lines_left(200_000) == 0


def test_retry_in_the_ui_tries_the_failed_files_again(prefect: LivePrefect, failed_scan: dict[str, Any]) -> None:
    """Of a drain: in the run itself. Of a scan: by the drains that it starts."""
    retry(prefect, failed_scan["id"])
    made = newest(prefect, "thumbnails")
    assert made["state"]["message"].startswith(f"{BROKEN} files failed")
    assert {row["attempts"] for row in failures(prefect)} == {2}
    retry(prefect, made["id"])
    assert prefect.run(made["id"])["state"]["message"].startswith(f"{BROKEN} files failed")
    assert {row["attempts"] for row in failures(prefect)} == {3}


def retry(prefect: LivePrefect, run_id: str) -> None:
    """What the UI's button does, and all that follows."""
    count = prefect.run(run_id)["run_count"]
    state = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}}
    assert prefect.ask(f"/flow_runs/{run_id}/set_state", state)["status"] == "ACCEPT"
    wait_for(lambda: prefect.run(run_id)["run_count"] > count, PATIENT_SECONDS)
    wait_for(lambda: all_ended(prefect), PATIENT_SECONDS)


def failures(prefect: LivePrefect) -> list[dict[str, Any]]:
    settings = Settings(darkroom_home=prefect.folder / "home", _env_file=None)  # type: ignore[call-arg]
    with Lake(settings.catalog_url, settings.data_path) as lake:
        return lake.select("select path, attempts from v_failures where stage = 'thumbnail'")


def test_runs_that_find_nothing_are_tagged_and_only_the_last_few_are_kept(
    prefect: LivePrefect, failed_scan: dict[str, Any]
) -> None:
    ran = [prefect.wait(prefect.trigger("quick-scan"), PATIENT_SECONDS) for _ in range(KEPT_IDLE_RUNS + 2)]
    assert ran[-1]["name"] == "quick-scan all: nothing to do"
    assert "idle" in ran[-1]["tags"]
    idle = {"flow_runs": {"tags": {"all_": ["idle"]}}, "deployments": {"name": {"any_": ["quick-scan"]}}}
    kept = prefect.ask("/flow_runs/filter", idle)
    assert len(kept) <= KEPT_IDLE_RUNS + 1, "the one that prunes has not ended yet"
    assert ran[-1]["id"] in {run["id"] for run in kept}
    assert prefect.run(failed_scan["id"])["id"] == failed_scan["id"], "what found something stays"


def test_planned_runs_are_named_by_their_deployment_and_time(prefect: LivePrefect, failed_scan: dict[str, Any]) -> None:
    number = prefect.deployments()["hash-backfill"]["id"]
    hourly = {"schedule": {"interval": 3600, "anchor_date": "2026-01-01T00:00:00Z"}, "active": True}
    prefect.ask(f"/deployments/{number}/schedules", [hourly])
    planned = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    wait_for(lambda: prefect.ask("/flow_runs/count", planned), PATIENT_SECONDS)
    prefect.wait(prefect.trigger("quick-scan"), PATIENT_SECONDS)
    names = [run["name"] for run in prefect.ask("/flow_runs/filter", planned)]
    assert all(re.fullmatch(r"hash-backfill \d{4}-\d\d-\d\d \d\d:\d\d", name) for name in names), names
