"""The page of people and the boxes in the viewer, in a real browser against a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from serving.auth.accounts import add_user
from tests.apollo_stand_in import box_of, portrait
from tests.serving.conftest import NAME, PASSWORD, make_installation
from tests.serving.people import people
from tests.serving.test_persons import ask, group
from tests.serving.test_web import CHROMIUM, Watched, browser, serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser"]  # the fixture
SHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    installation = make_installation(tmp_path)
    with people(installation) as world:
        for number in range(4):
            portrait(world.root / f"red{number}.jpg", "red", seed=number)
            portrait(world.root / f"green{number}.jpg", "green", seed=40 + number)
        for number in range(3):
            portrait(world.root / f"both{number}.jpg", "red", "blue", seed=9 + number)
        portrait(world.root / "more.jpg", "blue", "green", seed=30, size=(400, 600))
        world.look()
        group(world)
        green = world.faces("green0.jpg")[0]["id"]
        ask(world, "PATCH", f"/image/faces/{green}", person_name="Marie Curie")
        add_user(installation.lake, "grace", PASSWORD)
        yield from serve(installation)
    installation.lake.close()


def shot(watched: Watched, name: str) -> None:
    if SHOTS:
        watched.page.wait_for_timeout(400)
        watched.page.screenshot(path=f"{SHOTS}/{name}.png")


@pytest.mark.parametrize("width", [1440, 390])
def test_group_is_named_once_and_everybody_in_it_has_the_name(browser: Browser, site: str, width: int) -> None:
    watched = Watched(browser, site, width=width)
    page = watched.log_in("/people")
    page.wait_for_selector(".group")
    assert page.inner_text(".head b") == "Marie Curie"
    shot(watched, f"people-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out sideways"
    suggestion = page.locator(".group", has_text="Is this Marie Curie?")
    suggestion.get_by_role("button", name="Yes").click()
    page.wait_for_function("() => document.querySelector('.head span').textContent === '5 photos'")
    largest = page.locator(".group").first
    largest.get_by_label("Name").fill("Ada Lovelace")
    largest.get_by_role("button", name="Save").click()
    page.wait_for_selector(".head:has-text('Ada Lovelace')")
    assert "7 photos" in page.inner_text(".head:has-text('Ada Lovelace')")
    page.locator(".group").get_by_role("button", name="Ignore").click()
    page.wait_for_function("() => !document.querySelector('.group')")
    page.click(".head:has-text('Ada Lovelace')")
    page.wait_for_selector(".photos a")
    assert page.locator(".photos a").count() == 7
    shot(watched, f"person-{width}")
    page.get_by_label("Name").fill("Ada L.")
    page.get_by_role("button", name="Save").click()
    page.wait_for_function("() => document.title.startsWith('Ada L.')")
    watched.was_clean()


def test_viewer_shows_boxes_on_the_faces_and_takes_a_name(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/")
    page.wait_for_selector(".tile")
    for size, name in ((1440, "viewer-1440"), (390, "viewer-390")):
        page.set_viewport_size({"width": size, "height": 900 if size > 400 else 844})
        if not page.locator("#viewer[open]").count():
            page.locator(".tile[aria-label*='both0'], .tile[href]").first.click()
        page.wait_for_selector(".who:not([hidden])")
        if page.get_attribute(".who", "aria-pressed") == "false":
            page.click(".who")
        page.wait_for_selector(".face")
        picture = page.locator(".picture img").bounding_box()
        box = page.locator(".face").first.bounding_box()
        assert picture is not None and box is not None
        assert 0 < (box["x"] - picture["x"]) / picture["width"] < 0.12
        assert (box["width"] / picture["width"]) == pytest.approx(box_of(0)[2], abs=0.06)
        shot(watched, name)
    page.locator(".face button").first.click()
    page.fill(".face input", "Somebody New")
    page.keyboard.press("Enter")
    page.wait_for_selector(".face.named:has-text('Somebody New')")
    watched.was_clean()


def test_page_says_why_nobody_is_here(browser: Browser, tmp_path: Path) -> None:
    installation = make_installation(tmp_path)
    add_user(installation.lake, NAME, PASSWORD)
    for site in serve(installation):
        watched = Watched(browser, site)
        page = watched.log_in("/people")
        page.wait_for_selector(".empty")
        assert "Face recognition is not switched on" in page.inner_text(".empty")
        watched.was_clean()
    installation.lake.close()


def test_two_groups_of_one_person_are_merged_on_the_page(browser: Browser, site: str) -> None:
    for width in (390, 1440):
        watched = Watched(browser, site, width=width)
        page = watched.log_in("/people")
        page.wait_for_selector(".group")
        groups = page.locator(".group").count()
        page.locator(".pick input").first.check()
        page.wait_for_selector(".notice:has-text('choose another group')")
        if width == 390:
            page.locator(".pick input").first.uncheck()
            page.wait_for_selector(".notice", state="hidden")
            shot(watched, "people-merge-390")
            watched.was_clean()
            continue
        page.locator(".pick input").nth(1).check()
        shot(watched, "people-merge-1440")
        page.get_by_role("button", name="Yes, merge them").click()
        page.wait_for_function(f"() => document.querySelectorAll('.group').length === {groups - 1}")
        assert page.is_hidden(".notice:has-text('groups chosen')")
        watched.was_clean()


def test_viewer_account_sees_people_and_is_offered_nothing_it_may_not_do(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.page
    page.goto(f"{site}/people")
    page.fill("[name=username]", "grace")
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    page.wait_for_selector(".group")
    assert page.locator("main button, main input, main form").count() == 0
    page.click(".head:has-text('Marie Curie')")
    page.wait_for_selector("h1:text-is('Marie Curie')")
    assert page.locator("main form, main input, .maybes").count() == 0
    shot(watched, "person-viewer-1440")
    page.click(".photos a")
    page.wait_for_selector(".who:not([hidden])")
    page.click(".who")
    page.wait_for_selector(".face.named span:text-is('Marie Curie')")
    assert page.locator(".face button").count() == 0
    watched.was_clean()
