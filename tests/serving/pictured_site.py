"""A site with six photos, four summaries and a scripted model, and what tests do on its pages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from serving.auth.accounts import add_user
from tasks.models.embed import MiniLm
from tests.pictures import draw
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation
from tests.serving.test_summaries import DAYS, record
from tests.serving.test_web import serve
from tests.stand_ins.ollama import OllamaStandIn

SHOTS = os.environ.get("SCREENSHOTS")  # a folder: what was seen is kept there


def pictured(folder: Path, **settings: str) -> Installation:
    """Six photos, four summaries, an owner and a viewer."""
    installation = make_installation(folder)
    for seed in range(6):
        draw(
            installation.root / f"{seed}.jpg",
            seed,
            size=(600, 400 + 40 * (seed % 4)),
            taken=f"2025:07:0{1 + seed} 10:00:00",
        )
    installation.scan()
    record(installation.lake, MiniLm(), DAYS)
    add_user(installation.lake, NAME, PASSWORD)
    add_user(installation.lake, "grace", PASSWORD)
    installation.settings = installation.settings.model_copy(update=settings)
    return installation


@pytest.fixture(scope="module")
def ollama() -> Iterator[OllamaStandIn]:
    with OllamaStandIn().running() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, ollama: OllamaStandIn) -> Iterator[str]:
    installation = pictured(tmp_path_factory.mktemp("asking"), ollama_primary_url=ollama.url)
    yield from serve(installation)
    installation.lake.close()


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "something sticks out sideways"


def ask(page: Page, question: str) -> None:
    page.fill(".composer textarea", question)
    page.press(".composer textarea", "Enter")


def say(page: Page, words: str) -> None:
    """A question that was answered."""
    ask(page, words)
    page.wait_for_selector(".answer:last-child:not([aria-busy])")
