"""From a folder that holds somebody's `tasks.py` or `sitecustomize.py`, all of ours runs and none of that."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deployments.safe_path import safe_path_environment
from deployments.settings import Settings
from deployments.up.processes import ManagedProcess
from tests.deployments.live import free_port, hold_still, wait_for, with_migrated_prefect
from tests.pictures import draw

CHECKOUT = Path(__file__).resolve().parents[2]
HOSTILE = ("tasks", "sql", "flows", "serving", "deployments", "prefect", "sitecustomize", "usercustomize", "duckdb",
           "uvicorn", "typer", "json", "asyncio", "socket")  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Path]:
    """A folder of photos with Python files in it, each of which leaves a mark when it is run."""
    folder = tmp_path / "from somebody"
    draw(folder / "photos" / "one.jpg", 1)
    for name in HOSTILE:
        mark = f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r} + chr(10))\nraise SystemExit('ran {name}')\n"
        (folder / f"{name}.py").write_text(mark)
    (folder / ".env").write_text("THUMBNAIL_SIZE=333\n")  # this one is documented to be read
    yield folder


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return kept | {"DARKROOM_HOME": str(home), "PYTHONPATH": str(CHECKOUT), "COLUMNS": "200"}


def command(*arguments: str) -> list[str]:
    """As the installed `darkroom` begins: with its own folder first on the path, not the working folder."""
    start = "import sys; sys.argv[0] = 'darkroom'; from deployments.cli.app import main; main()"
    return [sys.executable, "-P", "-c", start, *arguments]


def ran(hostile: Path) -> str:
    mark = hostile.parent / "ran"
    return mark.read_text() if mark.exists() else ""


def test_commands_run_none_of_the_working_folder(hostile: Path, tmp_path: Path) -> None:
    for arguments in (("scan", "photos"), ("status",), ("sql", "select count(*) as n from v_assets"), ("doctor",),
                      ("backup", str(tmp_path / "saved"))):  # fmt: skip
        done = subprocess.run(
            command(*arguments), env=environment(tmp_path / "home"), cwd=hostile, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        assert ran(hostile) == "", f"{arguments}: {done.stderr}"
        assert done.returncode == 0 or arguments == ("doctor",), done.stderr
        if arguments == ("doctor",):
            assert "333 (set)" in " ".join(done.stdout.split()), "the .env is read"


@pytest.mark.prefect
def test_up_comes_up_and_scans_and_runs_none_of_the_working_folder(hostile: Path, tmp_path: Path) -> None:
    port, prefect_port, log = free_port(), free_port(), tmp_path / "up.log"
    start_up = command("up", "photos", "--port", str(port), "--prefect-port", str(prefect_port))

    def scanned() -> bool:
        from sql.lake import Lake, LakeError

        assert ran(hostile) == ""
        home = tmp_path / "home" / "lake"
        try:
            with Lake(f"sqlite:///{home}/catalog.sqlite", str(home / "data"), read_only=True) as lake:
                return lake.select("select count(*) as n from v_runs where flow = 'full-scan'")[0]["n"] > 0
        except LakeError:
            return False

    with_migrated_prefect(tmp_path / "home")
    with hold_still() as start:
        start(start_up, environment(tmp_path / "home"), hostile, log)
        wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).is_success, 180, log)
        wait_for(scanned, 180, log)
    assert ran(hostile) == "", log.read_text()


def test_process_that_does_not_come_up_is_told_with_its_own_last_words(tmp_path: Path) -> None:
    failing = [sys.executable, "-P", "-c", "raise SystemExit('darkroom: the catalog is damaged')"]
    process = ManagedProcess("API", failing, os.environ, tmp_path / "api.log")
    process.start()
    assert process.wait(60)
    told = process.keep_running()
    assert told and "API ended (exit code 1)" in told and "the catalog is damaged" in told


def test_pythonpath_keeps_absolute_folders_only() -> None:
    assert safe_path_environment({"PYTHONPATH": f":/opt/lib:lib:.:{CHECKOUT}"}) == {
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": f"/opt/lib:{CHECKOUT}",
    }
    assert safe_path_environment({})["PYTHONPATH"] in {"", str(CHECKOUT), sysconfig.get_path("purelib")}
