"""Search box, map and duplicates in a real browser, on a phone and on a desk."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from serving.auth.accounts import add_user
from tests.serving.conftest import CHOSEN, NAME, PASSWORD, Installation, fill, make_installation
from tests.serving.organised import organise
from tests.serving.test_web import CHROMIUM, Watched, browser, serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser"]  # the fixture
SHOTS = os.environ.get("SCREENSHOTS")
LAND_IS_DRAWN = """() => {
  const canvas = document.querySelector("#map canvas");
  const copy = document.createElement("canvas");
  Object.assign(copy, { width: canvas.clientWidth, height: canvas.clientHeight });
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0, copy.width, copy.height);
  const degree = Math.max(copy.width, 360) / 360;
  const colour = (longitude, latitude) => {
    const [x, y] = [copy.width / 2 + (longitude - 10) * degree, copy.height / 2 - (latitude - 20) * degree];
    return pen.getImageData(x, y, 1, 1).data.join();
  };
  return colour(22, -3) !== colour(-28, -3); // the Congo, the Atlantic
}"""
WIDTHS = pytest.mark.parametrize("width", [390, 1440])


@pytest.fixture(scope="module")
def installation(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = make_installation(tmp_path_factory.mktemp("web"))
    fill(installation, media, CHOSEN)
    shutil.copyfile(installation.root / CHOSEN[2], installation.root / "copy of ladybug.jpg")
    installation.scan()
    organise(installation)
    add_user(installation.lake, NAME, PASSWORD)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[str]:
    yield from serve(installation)


def fits(watched: Watched) -> None:
    assert watched.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@WIDTHS
def test_typing_offers_completions_and_enter_shows_what_was_found(browser: Browser, site: str, width: int) -> None:
    watched = Watched(browser, site, width=width)
    page = watched.log_in()
    page.wait_for_selector(".tile.ready")
    fits(watched)
    page.fill("#q", "folder:summ")
    page.wait_for_selector(".offers li")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=folder*")
    page.wait_for_selector("#results .tile.ready")
    assert page.locator("#results .tile").count() == 2
    assert page.inner_text("#total") == "2 photos"
    fits(watched)
    page.locator("#results .tile").first.click()
    page.wait_for_selector("#viewer[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer", state="hidden")
    watched.was_clean()


def test_nothing_found_gives_hints_and_a_mistake_says_where_it_is(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/?q=zebra")
    page.wait_for_selector(".empty")
    assert "Nothing found" in page.inner_text(".empty")
    page.goto(f"{site}/?q=foo:<b>bar</b>")
    page.wait_for_selector(".found.wrong")
    assert "at character 1: there is no filter 'foo'" in page.inner_text("#total")
    assert watched.hosts == {site.removeprefix("http://")}
    watched.context.close()


@WIDTHS
def test_the_map_shows_clusters_and_a_click_opens_their_photos(browser: Browser, site: str, width: int) -> None:
    watched = Watched(browser, site, width=width)
    page = watched.log_in("/map")
    page.wait_for_selector(".pin img")
    fits(watched)
    before = page.locator("#total").text_content()
    assert "here" in (before or "")
    count = page.locator(".pin").count()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("-")
    page.keyboard.press("ArrowLeft")
    page.wait_for_load_state("networkidle")
    assert count >= 2
    page.goto(f"{site}/map")
    page.wait_for_selector(".pin img")
    page.wait_for_function(LAND_IS_DRAWN)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/map-{width}.png")
    pin = page.locator(".pin").last
    wanted = int(pin.locator("b").inner_text())
    pin.dispatch_event("click")
    page.wait_for_url("**/?bbox=*")
    page.wait_for_selector("#results .tile")
    assert page.locator("#results .tile").count() == wanted
    watched.was_clean()


@WIDTHS
def test_one_of_two_copies_is_kept_and_that_can_be_undone(
    browser: Browser, site: str, installation: Installation, width: int
) -> None:
    watched = Watched(browser, site, width=width)
    page = watched.log_in("/duplicates")
    page.wait_for_selector(".copy img")
    fits(watched)
    assert page.locator(".copy").count() == 2
    page.locator(".copy.best button").click()
    page.wait_for_selector(".group.done")
    assert installation.lake.select("select count(*) as n from hidden")[0]["n"] == 1
    page.click("text=Undo")
    page.wait_for_selector(".group:not(.done)")
    assert installation.lake.select("select count(*) as n from hidden")[0]["n"] == 0
    page.click("text=Look alike")
    page.wait_for_selector("#nearness:not([hidden])")
    page.wait_for_selector("#groups:not([aria-busy])")
    watched.was_clean()
