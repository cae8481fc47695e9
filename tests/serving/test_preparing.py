"""What answers a request is built when the API starts, and who asks too early is told how far it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from serving.app import create_app
from serving.auth.accounts import add_user
from serving.context import Context
from serving.edits import duplicates
from serving.edits.duplicates import NearDuplicates
from serving.search import index as search_index
from serving.search.index import SearchIndex
from tests.serving.conftest import NAME, PASSWORD, Installation, fill, logged_in, make_installation
from tests.serving.organised import organise
from tests.serving.test_web import CHROMIUM, Watched, browser, serve
from tests.waiting import wait_until

__all__ = ["browser"]  # the fixture
FILES = ["2012/summer/ladybug.jpg", "2015/safari/elephants.jpg", "2018/beach/beach_sand.jpg"]


@pytest.fixture
def installation(media: Path, tmp_path: Path) -> Iterator[Installation]:
    installation = make_installation(tmp_path)
    fill(installation, media, FILES)
    installation.scan()
    organise(installation)
    add_user(installation.lake, NAME, PASSWORD)
    yield installation
    installation.lake.close()


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Neither the search index nor the pairs come to an end before this is set."""
    go_on = threading.Event()
    build, compute = SearchIndex._segment, NearDuplicates._compute

    def slow_build(self: SearchIndex, *args: Any) -> Any:
        self._share_built = 0.4
        go_on.wait(60)
        return build(self, *args)

    def slow_compute(self: NearDuplicates, threshold: int) -> Any:
        go_on.wait(60)
        return compute(self, threshold)

    monkeypatch.setattr(SearchIndex, "_segment", slow_build)
    monkeypatch.setattr(NearDuplicates, "_compute", slow_compute)
    for module in (search_index, duplicates):
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.1)
    yield go_on
    go_on.set()


def test_a_start_builds_what_requests_need_before_anybody_asks(client: TestClient) -> None:
    context: Context = client.app.state.context  # type: ignore[attr-defined]
    assert wait_until(lambda: context.search.index._snapshot is not None)
    assert wait_until(lambda: context.near._computed is not None)
    assert wait_until(lambda: context.vectors._snapshot is not None)
    assert wait_until(lambda: context.ai.summaries._known is not None)


@pytest.mark.parametrize(
    ("path", "said", "progress"),
    [
        ("/search?q=ladybug", "Search is being prepared: 40%. It will be ready in a moment.", 0.4),
        ("/search/suggest?q=lady", "Search is being prepared: 40%. It will be ready in a moment.", 0.4),
        (
            "/duplicates/perceptual",
            "Pictures are being compared. It will be ready in a moment.",
            None,
        ),
    ],
)
def test_who_asks_too_early_is_told_how_far_it_is(
    held_back: threading.Event, client: TestClient, path: str, said: str, progress: float | None
) -> None:
    logged_in(client)
    early = wait_until(lambda: (answer := client.get(path)).json().get("progress") == progress and answer)
    assert (early.status_code, early.json()) == (503, {"detail": said, "progress": progress})
    assert early.headers["retry-after"] == "1"
    held_back.set()
    wait_until(lambda: client.get(path).status_code == 200)


def test_pairs_from_before_are_shown_while_new_pictures_are_compared(
    installation: Installation, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in(client)
    assert client.get("/duplicates/perceptual").status_code == 200
    go_on = threading.Event()
    compute = NearDuplicates._compute

    def slow_compute(self: NearDuplicates, threshold: int) -> Any:
        go_on.wait(60)
        return compute(self, threshold)

    monkeypatch.setattr(NearDuplicates, "_compute", slow_compute)
    monkeypatch.setattr(duplicates, "PATIENCE_SECONDS", 0.1)
    with installation.lake.write("another hash") as writer:
        writer.execute("update perceptual_hash set recorded_at = recorded_at + interval 1 second")
    assert client.get("/duplicates/perceptual").status_code == 200
    assert client.get("/duplicates/perceptual?threshold=3").status_code == 503, "of this threshold there are none"
    go_on.set()
    wait_until(lambda: client.get("/duplicates/perceptual?threshold=3").status_code == 200)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(
    ("address", "said", "then"),
    [
        ("/?q=ladybug", "Search is being prepared: 40%. It will be ready in a moment.", "1 photo"),
        ("/duplicates", "Pictures are being compared. It will be ready in a moment.", "0 groups"),
    ],
)
def test_a_page_says_how_far_it_is_and_goes_on_by_itself(
    held_back: threading.Event, browser: Browser, installation: Installation, address: str, said: str, then: str
) -> None:
    for site in serve(installation):
        watched = Watched(browser, site)
        watched.log_in(address)
        if address == "/duplicates":
            watched.page.click("[data-kind=perceptual]")
        expect(watched.page.locator("#total")).to_have_text(said)
        held_back.set()
        expect(watched.page.locator("#total")).to_have_text(then)
