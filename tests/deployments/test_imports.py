"""What starting costs, and what the pinned versions have to get along with."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=CHECKOUT, check=False
    )


@pytest.mark.parametrize(
    "module", ["deployments.cli.app", "deployments.up.run", "deployments.prefect.worker", "serving.app"]
)
def test_torch_is_not_imported_at_start(module: str) -> None:
    heavy = "{'torch', 'sentence_transformers', 'transformers'} & set(sys.modules)"
    code = f"import sys, {module}\nif '{module}'.endswith('worker'): {module}.import_everything()\nassert not {heavy}"
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_up_needs_no_prefect_in_its_own_process() -> None:
    done = run("import sys, deployments.up.run\nassert 'prefect' not in sys.modules and 'duckdb' not in sys.modules")
    assert done.returncode == 0, done.stderr


def test_run_client_needs_the_standard_library_only() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import runpy; runpy.run_path({str(CLIENT)!r}, run_name='client')"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


CLIENT = CHECKOUT / "deployments" / "prefect" / "run_client.py"


def test_prefect_server_imports_with_the_installed_fastapi() -> None:
    done = run("from prefect.server.api.server import create_app; create_app(ephemeral=True)")
    assert done.returncode == 0, done.stderr


def test_installed_fastapi_takes_null_for_not_given() -> None:
    """Prefect's client sends `"sort": null`; from FastAPI 0.151 on that is 422, and `prefect deploy --all` fails."""
    from fastapi import Body, FastAPI
    from fastapi.testclient import TestClient

    app = FastAPI()

    @app.post("/")
    def answer(limit: int = Body(5, embed=True)) -> int:
        return limit

    assert TestClient(app).post("/", json={"limit": None}).json() == 5


def test_constraints_agree_with_what_is_asked_for() -> None:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = [line for line in (CHECKOUT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
    assert all(version and "/" not in line for line, version in zip(lines, pinned.values(), strict=True))
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        wanted = Requirement(text)
        if wanted.name == "darkroom":  # one of its own extras
            continue
        assert wanted.specifier.contains(pinned[canonicalize_name(wanted.name)]), text
    assert pinned["torch"] == "2.13.0"
    assert pinned["prefect"] == importlib.metadata.version("prefect")
