"""Every page on every width of screen: nothing sticks out, everybody can use it, and there is a menu."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from serving.auth.accounts import add_user
from tests.serving.conftest import NAME, PASSWORD, make_installation
from tests.serving.full_site import Site, full_site, opened
from tests.serving.test_web import CHROMIUM, browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser"]  # the fixture
SHOTS = os.environ.get("SCREENSHOTS")
HEIGHTS = {320: 640, 390: 844, 834: 1112, 1440: 900}
OPERATORS = re.compile(r"\b(?:POST|GET|PUT|PATCH|DELETE) /|\b[A-Z]{2,}_[A-Z_]{3,}\b")
WITH_TARGETS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# What can be pressed but lies outside the window, though nothing scrolls there sideways.
OUTSIDE = """(width) => {
  const scrolls = (one) => { for (let up = one.parentElement; up; up = up.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(up).overflowX) && up.scrollWidth > up.clientWidth) return true; };
  return [...document.querySelectorAll('a, button, input, select, textarea, h1')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.matches('.pin, .skip, .unseen'))
    .filter((one) => !scrolls(one))
    .filter((one) => { const box = one.getBoundingClientRect(); return box.left < -1 || box.right > width + 1; })
    .map((one) => one.outerHTML.slice(0, 120));
}"""
# What scrolls sideways inside a page that does not: only rows of copies, code and tables may.
SIDEWAYS = """() => [...document.querySelectorAll('body *')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .filter((one) => ['auto', 'scroll'].includes(getComputedStyle(one).overflowX))
  .filter((one) => one.checkVisibility() && !one.matches('.copies, pre, .table, textarea'))
  .map((one) => `${one.className} scrolls sideways`)"""


@pytest.fixture(scope="module")
def site(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    installation = make_installation(tmp_path_factory.mktemp("every page"))
    add_user(installation.lake, NAME, PASSWORD)
    with full_site(installation, media) as site:
        yield site
    installation.lake.close()


def pages(site: Site) -> dict[str, str]:
    """Each page's address, and what is there once it has loaded."""
    return {
        "/": ".tile.ready",
        "/?favorite=true": ".empty",
        "/?q=type:photo": "#results .tile.ready",
        "/?q=zebra": ".empty",
        "/on-this-day": "#memories .tile.ready",
        "/videos": "#wall .tile.ready",
        "/people": ".group img",
        f"/people?person={site.person}": ".photos img",
        "/map": ".pin img",
        "/duplicates": ".copy img",
        "/ask": ".composer textarea",
        "/days": ".card",
        f"/view/{site.photo}": ".panel .chips li:nth-child(24)",
        "/view/999999999": "h1",
        "/nothing/here": "h1",
    }


def troubles(page: Page, width: int, *, with_axe: bool) -> list[Any]:
    """What is wrong with the page as it is now. A phone's innerWidth grows with what sticks out: *width* does not."""
    found: list[Any] = page.evaluate(OUTSIDE, width) + page.evaluate(SIDEWAYS)
    wide = page.evaluate("Math.max(document.documentElement.scrollWidth, window.innerWidth)")
    if wide > width:
        found.append(f"{wide} px wide")
    if with_axe:
        for violation in Axe().run(page, options=WITH_TARGETS).response["violations"]:
            nodes = [f"{node['target']} {node['failureSummary']}" for node in violation["nodes"][:3]]
            found.append([violation["id"], violation["help"], nodes])
    return found


@pytest.mark.parametrize("width", HEIGHTS)
def test_no_page_is_wider_than_its_screen_and_axe_finds_nothing(browser: Browser, site: Site, width: int) -> None:
    found = {}
    page = opened(browser, site.address, width, HEIGHTS[width], touch=width < 1000)
    for path, ready in pages(site).items():
        page.goto(path)
        if path == f"/view/{site.photo}":
            page.wait_for_selector("#viewer[open]")
            if page.locator(".panel").is_hidden():
                found[f"{path} without its panel"] = troubles(page, width, with_axe=width != 320)
                page.click(".info")
        page.wait_for_selector(ready)
        found[path] = troubles(page, width, with_axe=width != 320)
        if SHOTS:
            page.wait_for_timeout(500)
            page.screenshot(path=f"{SHOTS}/{path.strip('/').replace('/', ' ') or 'timeline'}-{width}.png")
        assert page.locator("h1").count() == 1, path
        assert page.inner_text("h1").strip() or page.locator("h1.unseen").count(), path
    page.context.clear_cookies()
    page.goto("/")
    page.wait_for_selector("#login")
    found["log in"] = troubles(page, width, with_axe=width != 320)
    page.context.close()
    assert {path: what for path, what in found.items() if what} == {}


@pytest.mark.parametrize("width", [390, 834])
def test_menu_opens_by_finger_and_by_key_and_leads_everywhere(browser: Browser, site: Site, width: int) -> None:
    page = opened(browser, site.address, width, HEIGHTS[width], touch=True)
    page.goto("/videos")
    button = page.get_by_role("button", name="Menu", exact=True)
    assert page.locator("#menu").is_hidden()
    button.tap()
    page.wait_for_selector("#menu", state="visible")
    names = page.locator("#menu a, #menu button").all_inner_texts()
    assert {"Photos", "Memories", "Videos", "People", "Map", "Ask", "Duplicates"} <= {name.strip() for name in names}
    assert page.get_attribute("#menu a[aria-current]", "href") == "/videos"
    assert page.evaluate(OUTSIDE, width) == []
    page.touchscreen.tap(width - 10, 500)
    page.wait_for_selector("#menu", state="hidden")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#menu", state="visible")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#menu') !== null"), "the menu comes next"
    page.keyboard.press("Escape")
    page.wait_for_selector("#menu", state="hidden")
    assert button.evaluate("(it) => it === document.activeElement"), "and one is back where one was"
    button.tap()
    page.get_by_role("link", name="Map").tap()
    page.wait_for_url("**/map")
    page.wait_for_selector(".pin img")
    page.context.close()


def test_menu_stands_beside_the_page_where_there_is_room(browser: Browser, site: Site) -> None:
    page = opened(browser, site.address, 1440)
    page.goto("/")
    page.wait_for_selector(".tile.ready")
    assert page.locator(".open-menu").is_hidden()
    menu, tile = page.locator("#menu").bounding_box(), page.locator(".tile").first.bounding_box()
    assert menu is not None and tile is not None and menu["x"] + menu["width"] <= tile["x"]
    page.click("#failures")
    page.wait_for_selector("#ledger li a")
    assert "zero-byte.jpg" in page.inner_text("#ledger")
    page.keyboard.press("Escape")
    page.goto("/people")
    page.click("#failures")
    page.wait_for_selector("#ledger li a")
    page.context.close()


def test_what_is_gone_is_a_page_for_people_and_json_for_programs(browser: Browser, site: Site) -> None:
    page = opened(browser, site.address, 390, touch=True)
    gone = "no longer in your library"
    missing = "does not exist"
    expected = {"/nothing/here": missing, "/view/999999": gone, f"/view/{1 << 70}": gone, "/photos/999999": missing}
    for path, words in expected.items():
        answer = page.goto(path)
        assert answer is not None and answer.status == 404
        assert "text/html" in answer.headers["content-type"]
        assert words in page.inner_text("h1")
        asked = page.context.request.get(path.replace("/view/", "/photos/"), headers={"Accept": "application/json"})
        assert asked.headers["content-type"] == "application/json"
        assert "detail" in asked.json()
    page.get_by_role("link", name="See all photos").tap()
    page.wait_for_selector(".tile.ready")
    page.context.clear_cookies()
    refused = page.goto("/nothing/here")
    assert refused is not None and refused.status == 401
    page.fill("[name=username]", NAME)
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_selector("h1:has-text('does not exist')")
    page.context.close()


def test_place_is_named_beside_its_position(browser: Browser, site: Site) -> None:
    place = site.installation.lake.select("select city, country from v_assets where asset_id = $id", id=site.photo)[0]
    page = opened(browser, site.address, 1440)
    page.goto(f"/view/{site.photo}")
    page.wait_for_selector(".panel dt:text-is('Position')")
    panel = page.inner_text(".panel")
    assert place["city"] in panel and place["country"] in panel
    assert page.locator(".panel a[href^='geo:']").count() == 1
    page.context.close()


def test_pages_speak_to_owners_and_not_to_operators() -> None:
    """No setting's name and no route in any string of the pages."""
    web = Path(__file__).parents[2] / "serving" / "web"
    said = re.compile(r'"([^"\n]*)"|`([^`\n]*)`|>([^<>{}\n]+)<')
    for path in (*web.glob("templates/*.html"), *web.glob("static/*.js")):
        strings = ["".join(parts) for parts in said.findall(re.sub(r"\$\{[^}]*\}", "", path.read_text()))]
        assert [words for words in strings if OPERATORS.search(words)] == [], path.name
