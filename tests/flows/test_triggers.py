"""Whatever leaves work starts it: no schedule runs here, so what nothing starts stays undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient

from deployments.backlogs import backlogs, deployments_with_work
from deployments.settings import Settings
from flows.admin.libraries import register_library
from serving.app import create_app
from sql.lake import Lake
from tasks.stages import DEPLOYMENTS, FEEDS
from tests.deployments.live import wait_for
from tests.flows.test_drain import film
from tests.flows.test_prefect_server import LivePrefect
from tests.flows.test_run_truth import PATIENT_SECONDS, all_ended, live_prefect
from tests.pictures import draw
from tests.serving.conftest import logged_in

MEDIA_SECONDS = 1_200  # everything of ../shared/media, encoded films included, on a machine that does other things too


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePrefect]:
    """Our deployments, but for the thumbnails': that flow can be made to end late."""
    folder = tmp_path_factory.mktemp("triggers")
    draw(folder / "photos" / "one.jpg", 1)
    with live_prefect(folder, folder / "photos") as live:
        listed = yaml.safe_load((folder / "unscheduled.yaml").read_text())
        (entry,) = [entry for entry in listed["deployments"] if entry["name"] == "thumbnails"]
        entry["entrypoint"] = "tests.flows.strange_flows.thumbnails_with_a_late_photo"
        (folder / "late.yaml").write_text(yaml.safe_dump(listed))
        live.apply(folder / "late.yaml")
        run = live.wait(live.trigger("full-scan"), PATIENT_SECONDS)
        assert run["state_type"] == "COMPLETED", run["state"]
        wait_for(lambda: all_ended(live), PATIENT_SECONDS)
        yield live


def settings_of(prefect: LivePrefect) -> Settings:
    return Settings(darkroom_home=prefect.folder / "home", _env_file=None)  # type: ignore[call-arg]


def select(prefect: LivePrefect, text: str) -> list[dict[str, Any]]:
    settings = settings_of(prefect)
    with Lake(settings.catalog_url, settings.data_path) as lake:
        return lake.select(text)


def derivatives(prefect: LivePrefect, path: str) -> set[str]:
    return {row["kind"] for row in select(prefect, "select kind, path from v_derivatives") if row["path"] == path}


@pytest.mark.prefect
def test_work_that_came_during_a_run_is_done_right_after_it(prefect: LivePrefect) -> None:
    """A run triggered meanwhile is cancelled: CANCEL_NEW. What it was for is not lost."""
    late, go_on = prefect.folder / "photos" / "late.jpg", prefect.folder / "go-on"
    first = prefect.trigger("thumbnails", late=str(late), go_on=str(go_on))
    wait_for(
        lambda: select(prefect, "select 1 from v_assets where path = 'late.jpg' and content_hash is not null"), 240
    )
    second = prefect.wait(prefect.trigger("thumbnails"), PATIENT_SECONDS)
    assert second["state_type"] == "CANCELLED"
    assert derivatives(prefect, "late.jpg") == set()
    go_on.touch()
    prefect.wait(first, PATIENT_SECONDS)
    wait_for(lambda: derivatives(prefect, "late.jpg") == {"thumbnail"}, PATIENT_SECONDS)
    wait_for(lambda: select(prefect, "select count(*) as n from perceptual_hash")[0]["n"] == 2, PATIENT_SECONDS)


@pytest.mark.prefect
def test_upload_starts_what_it_left_waiting(prefect: LivePrefect) -> None:
    path = film(prefect.folder / "uploaded.mp4")
    with TestClient(create_app(settings_of(prefect)), base_url="http://127.0.0.1:8700") as client:
        answer = logged_in(client).post("/image", files={"file": ("uploaded.mp4", path.read_bytes())})
        assert answer.is_success, answer.text
    wanted = {"thumbnail", "preview_clip", "gif", "hls"}
    wait_for(lambda: derivatives(prefect, "uploaded.mp4") == wanted, PATIENT_SECONDS)


def start_again(prefect: LivePrefect) -> None:
    """The scan of every minute, which has no schedule here, where the server was too busy to begin a run."""
    crashed = prefect.ask("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["CRASHED"]}}}})
    if any(run["run_count"] == 0 for run in crashed):
        prefect.wait(prefect.trigger("quick-scan"), PATIENT_SECONDS)
        for run in crashed:
            prefect.ask(f"/flow_runs/{run['id']}", method="DELETE")


@pytest.mark.prefect
def test_one_scan_empties_every_backlog_by_events_alone(prefect: LivePrefect, media: Path) -> None:
    settings = settings_of(prefect)
    with Lake(settings.catalog_url, settings.data_path) as lake:
        register_library(lake, media)
        prefect.wait(prefect.trigger("full-scan"), MEDIA_SECONDS)
        wait_for(lambda: start_again(prefect) or not deployments_with_work(lake, settings), MEDIA_SECONDS)
        hashed = lake.select("select count(*) as n from perceptual_hash")[0]["n"]
    assert hashed > 140, "look-alikes of RAW and HEIC are not waiting for a schedule"


def test_table_of_what_feeds_what_names_backlogs_that_are_drained(tmp_path: Path) -> None:
    settings = Settings(darkroom_home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    with Lake(settings.catalog_url, settings.data_path) as lake:
        lake.migrate()
        assert deployments_with_work(lake, settings) == []
        known = {*backlogs(lake, settings), "faces"}
    assert {fed for stages in FEEDS.values() for fed in stages} <= DEPLOYMENTS.keys()
    assert DEPLOYMENTS.keys() | {"hash"} == known - {"insights"}
