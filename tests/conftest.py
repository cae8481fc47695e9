"""What every test may ask for."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from deployments.settings import Settings
from flows.admin.libraries import register_library
from flows.engine.context import FlowContext, close_lakes, open_context
from serving.auth import accounts
from serving.edits import duplicates
from serving.search import index as search_index
from tests.big_library import BigLibrary, big_library_of
from tests.lakes import copy_template

# The API answers under its own names only, and `testserver`, the client's default, is none.
TestClient.__init__ = functools.partialmethod(TestClient.__init__, base_url="http://127.0.0.1")  # type: ignore[assignment]

MEDIA = Path(__file__).resolve().parents[2] / "shared" / "media"
PRODUCT_HASHER = accounts._HASHER

# Only what runs in the processes of the tests; there is no setting for either, and what tests start has neither.
accounts._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # 0.1 s of CPU a password otherwise
search_index.PATIENCE_SECONDS = duplicates.PATIENCE_SECONDS = 60.0  # on a busy machine a search of a test may wait


# What takes longest begins first: begun last, one worker would go on with it while the others have nothing left to do.
LONGEST = (
    "serving/test_every_film_plays.py",
    "deployments/test_big_library.py",
    "serving/test_fuzz.py",
    "flows/test_prefect_server.py",
    "deployments/test_cli.py",
    "deployments/test_up.py",
    "tasks/video/test_hls.py",
    "serving/test_video_web.py",
    "flows/test_cluster.py",
    "serving/test_replica.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Whoever opens a context denies others what its process makes; the next test begins as a person's shell does."""
    yield
    os.umask(0o022)


@pytest.fixture(scope="session")
def media() -> Path:
    """The real photos, RAWs, videos and broken files beside the checkout; read-only."""
    if not MEDIA.is_dir():
        pytest.skip("no ../shared/media beside this checkout")
    return MEDIA


@pytest.fixture(scope="session")
def big_library() -> BigLibrary:
    """20,000 photos over 15 years, scanned by `darkroom scan`: once for all workers. Tests that use it only read."""
    return big_library_of()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data home of the test's own; nothing of the machine's settings is in force."""
    for name in list(os.environ):
        if name.lower() in Settings.model_fields or name in {"RUST_LOG", "OLLAMA_URL", "OLLAMA_MODEL"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    monkeypatch.setenv("DARKROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SCAN_SETTLE_SECONDS", "0")
    return tmp_path / "home"


@pytest.fixture
def flow_context(home: Path) -> Iterator[FlowContext]:
    """What flows need, with nothing in it: settings from the environment, a lake of its own."""
    if not (home / "lake").exists():
        copy_template(home / "lake")
    flow_context = open_context()
    yield flow_context
    flow_context.lake.close()
    close_lakes()


@pytest.fixture
def library(tmp_path: Path, flow_context: FlowContext) -> Path:
    """An empty folder, registered as library 1, `photos`."""
    root = tmp_path / "photos"
    root.mkdir()
    register_library(flow_context.lake, root)
    return root
