"""Tags, hearts, stars and words in the viewer; filters of the timeline; memories: in a real browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from serving.auth.accounts import add_user
from tests.pictures import draw
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation
from tests.serving.test_web import CHROMIUM, Watched, browser, serve

__all__ = ["browser"]  # a fixture
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
SHOTS = os.environ.get("SCREENSHOTS")  # a folder: what was seen is kept there


@pytest.fixture(scope="module")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = make_installation(tmp_path_factory.mktemp("organised"))
    today = date.today()
    for seed in range(12):
        day = f"{today.year - 1 - seed % 3}:{today.month:02}:{min(today.day, 28):02}"
        draw(
            installation.root / f"{seed}.jpg",
            seed,
            size=(600, 400 + 40 * (seed % 4)),
            taken=f"{day} 1{seed % 10}:00:00",
        )
    installation.scan()
    add_user(installation.lake, NAME, PASSWORD)
    add_user(installation.lake, "grace", PASSWORD)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def shown(pictured: Installation) -> Iterator[str]:
    yield from serve(pictured)


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def open_first(page: Page) -> None:
    page.click(".tile >> nth=0")
    page.wait_for_selector("#viewer[open]")
    if page.is_hidden(".panel"):
        page.click(".info")
    page.wait_for_selector(".organise .stars")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_photo_is_liked_rated_tagged_and_described_where_one_looks_at_it(
    browser: Browser, shown: str, pictured: Installation, width: int, height: int
) -> None:
    watched = Watched(browser, shown, width, height)
    page = watched.log_in()
    page.wait_for_selector(".tile")
    open_first(page)
    liked = page.get_attribute(".heart", "aria-pressed") == "true"
    page.click(".heart")
    page.wait_for_selector(f".heart[aria-pressed={'false' if liked else 'true'}]")
    stars = 3 if width < 1000 else 5
    page.click(f".stars button >> nth={stars - 1}")
    page.wait_for_selector(".stars .back")
    name = f"tag {width}"
    page.fill(".chips input", f"  {name} ")
    page.press(".chips input", "Enter")
    page.wait_for_selector(f".chips a:text-is('{name}')")
    page.fill(".organise textarea", f"words {width}\nof two lines")
    with page.expect_response("**/image/description"):
        page.press(".organise textarea", "Tab")
    shoot(page, f"viewer-{width}")
    page.reload()
    page.wait_for_selector("#viewer[open]")
    if page.is_hidden(".panel"):
        page.click(".info")
    page.wait_for_selector(f".chips a:text-is('{name}')")
    assert page.locator(".stars button[aria-pressed=true]").count() == stars
    assert page.input_value(".organise textarea") == f"words {width}\nof two lines"
    page.click(f".chips button[aria-label='Remove the tag {name}']")
    page.wait_for_selector(f".chips a:text-is('{name}')", state="detached")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    watched.was_clean()
    assert pictured.lake.select("select count(*) as n from photo_note") == [{"n": 1}]


def test_timeline_shows_favourites_or_a_tag_and_says_when_there_is_none(browser: Browser, shown: str) -> None:
    for width, height in ((390, 844), (1440, 900)):
        watched = Watched(browser, shown, width, height)
        page = watched.log_in()
        page.wait_for_selector(".tile")
        everything = page.locator(".tile").count()
        open_first(page)
        if page.get_attribute(".heart", "aria-pressed") == "false":
            page.click(".heart")
            page.wait_for_selector(".heart[aria-pressed=true]")
        page.click(".close")
        page.select_option("#only", "favorite=true")
        page.wait_for_url("**/?favorite=true")
        page.wait_for_selector(".tile")
        shoot(page, f"favourites-{width}")
        assert page.locator(".tile").count() == 1 < everything
        page.goto(f"{shown}/?tag_ids=999")
        page.wait_for_selector(".empty")
        assert "None of your photos" in page.inner_text(".empty")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        watched.was_clean()


def test_memories_stand_by_year_and_open_in_the_viewer(browser: Browser, shown: str) -> None:
    for width, height in ((390, 844), (1440, 900)):
        watched = Watched(browser, shown, width, height)
        page = watched.log_in("/on-this-day")
        page.wait_for_selector("#span")
        page.select_option("#span", "month")
        page.wait_for_selector(".months >> nth=2")
        assert page.locator(".tile").count() == 12
        assert page.inner_text(".months h2 >> nth=0").endswith("a year ago")
        shoot(page, f"memories-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.click(".tile >> nth=0")
        page.wait_for_selector("#viewer[open]")
        page.click(".close")
        page.wait_for_url("**/on-this-day")
        if width > 1000:
            page.fill("#day", "1950-01-15")
            page.select_option("#span", "day")
            page.wait_for_selector(".empty")
        watched.was_clean()


def test_viewer_account_sees_tags_and_keeps_only_favourites(browser: Browser, shown: str) -> None:
    watched = Watched(browser, shown)
    page = watched.page
    page.goto(shown)
    page.fill("[name=username]", "grace")
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_selector(".tile")
    open_first(page)
    assert page.get_attribute(".heart", "aria-pressed") == "false"
    page.click(".heart")
    page.wait_for_selector(".heart[aria-pressed=true]")
    assert page.locator(".chips input, .organise textarea, .stars button:not(:disabled)").count() == 0
    watched.was_clean()
