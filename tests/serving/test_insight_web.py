"""The insight beside a photo and the talk about it, in a real browser with scripted models."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.serving.conftest import PASSWORD
from tests.serving.pictured_site import ask, fits, ollama, shoot, site
from tests.serving.test_web import CHROMIUM, Watched, browser
from tests.stand_ins.ollama import Fail, OllamaStandIn, Say
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser", "ollama", "site"]  # fixtures


def open_panel(page: Page) -> None:
    page.wait_for_selector("#viewer[open]")
    if page.is_hidden(".panel"):
        page.click(".info")
    page.wait_for_selector(".organise .stars")


def open_insight(page: Page) -> None:
    open_panel(page)
    page.click(".fold > summary")
    page.wait_for_selector(".insight:not([aria-busy])")


def write(page: Page, ollama: OllamaStandIn, summary: str, title: str) -> None:
    ollama.script.clear()
    ollama.script += [Say([summary]), Say([title])]
    page.click(".insight button:text-is('Write one')")
    page.wait_for_selector(f".insight h4:text-is('{title}')")


@pytest.mark.parametrize(("width", "number"), [(390, 1), (1440, 2)])
def test_insight_is_written_judged_talked_about_rewritten_and_deleted(
    browser: Browser, site: str, ollama: OllamaStandIn, width: int, number: int
) -> None:
    watched = Watched(browser, site, width, 844 if width < 400 else 900)
    page = watched.log_in(f"/view/{number}")
    open_insight(page)
    shoot(page, f"insight-none-{width}")
    write(page, ollama, "A *yellow* square, see [photo 3].", "Yellow afternoon")
    assert page.inner_text(".insight em") == "yellow"
    page.click(".thumb >> nth=0")
    page.wait_for_selector(".thumb[aria-pressed=true]")
    ollama.script += [Say(calls=[("find_photos", {"query": "date:2025"})]), Say(["Because of ", "[photo 3]."])]
    ask(page, "Why yellow?")
    page.wait_for_selector(".insight .log .answer:has-text('Because of') .shots .tile.ready")
    page.wait_for_selector(".insight .rewind")
    shoot(page, f"insight-talk-{width}")
    fits(page)
    assert page.eval_on_selector(".panel", "panel => panel.scrollWidth <= panel.clientWidth")
    page.click(".insight .rewind")
    page.wait_for_selector(".insight .log .answer", state="detached")
    assert page.input_value(".insight textarea") == "Why yellow?"
    page.check(".amend input")
    ollama.script += [Say(["A sunny square."]), Say(["Sunny"])]
    ask(page, "Call it sunny")
    page.wait_for_selector(".insight h4:text-is('Sunny')")
    assert "A sunny square." in page.inner_text(".insight .words >> nth=0") and not page.is_checked(".amend input")
    page.click(".how > summary")
    page.wait_for_selector(".how .result")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click(".judge .away")
    page.wait_for_selector(".insight h4:text-is('Yellow afternoon')")
    assert page.locator(".thumb[aria-pressed=true]").count() == 1
    page.click(".judge .away")
    page.wait_for_selector(".insight button:text-is('Write one')")
    expected = [trouble for trouble in watched.troubles if "404" in trouble]  # no insight yet: what the API says
    assert watched.troubles == expected
    watched.context.close()


def test_nothing_is_asked_or_loaded_before_the_insight_is_opened(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    asked: list[str] = []
    watched.page.on("request", lambda request: asked.append(request.url))
    page = watched.log_in("/view/4")
    open_panel(page)
    page.wait_for_selector(".panel dl >> nth=1")
    assert not [url for url in asked if "/insights" in url or "insight.js" in url or "talk.js" in url]
    watched.was_clean()


def test_answer_goes_on_while_one_looks_at_another_photo(browser: Browser, site: str, ollama: OllamaStandIn) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/")
    page.click(".tile[data-id='5']")
    open_insight(page)
    write(page, ollama, "Words.", "Title")
    ollama.script += [Say(["slowly "] * 20 + ["done."], wait_each_s=0.1)]
    ask(page, "Go on")
    page.wait_for_selector(".insight .words:has-text('slowly')")
    page.click(".next")
    page.wait_for_selector(".fold:not([open])")
    page.click(".previous")
    page.wait_for_url("**/view/5")
    page.click(".fold > summary")
    page.wait_for_selector(".insight .log .answer:has-text('done.')")
    page.wait_for_selector(".insight .rewind")
    assert page.locator(".insight .log .answer").count() == 1
    assert page.inner_text(".insight .log .answer").count("slowly") == 20, "words were lost or said twice"
    watched.context.close()


def test_photo_that_an_insight_cites_is_shown_in_the_viewer_and_back_leads_back(
    browser: Browser, site: str, ollama: OllamaStandIn
) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/view/4")
    open_insight(page)
    write(page, ollama, "Like [photo 3].", "Likeness")
    page.evaluate("window.stayed = true")
    page.click(".insight .cite")
    page.wait_for_url("**/view/3")
    page.wait_for_function("() => document.querySelector('.tools .name').textContent === '2.jpg'")
    page.go_back()
    page.wait_for_function("() => document.querySelector('.tools .name').textContent === '3.jpg'")
    assert page.evaluate("window.stayed"), "the page was left"
    watched.context.close()


def test_writing_is_stopped_and_the_model_with_it(browser: Browser, site: str, ollama: OllamaStandIn) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/view/6")
    open_insight(page)
    ollama.script.clear()
    ollama.script.append(Say(["words "] * 200, wait_each_s=0.1))
    ollama.cut_off.clear()
    asked = len(ollama.bodies("/api/chat"))
    page.click(".insight button:text-is('Write one')")
    page.wait_for_selector(".writing")
    wait_until(lambda: len(ollama.bodies("/api/chat")) > asked)
    page.click(".insight button:text-is('Stop')")
    page.wait_for_selector(".insight .problem:has-text('Stopped')")
    assert ollama.cut_off.wait(60), "the model went on"
    watched.context.close()


def test_failure_of_the_model_is_said_where_it_was_asked_for(
    browser: Browser, site: str, ollama: OllamaStandIn
) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/view/6")
    open_insight(page)
    ollama.script.clear()
    ollama.script.append(Fail(500, "broken"))
    page.click(".insight button:text-is('Write one')")
    page.wait_for_selector(".insight .problem")
    assert page.locator(".insight button:text-is('Write one')").count() == 1
    watched.context.close()


def test_viewer_account_sees_no_insight(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.page
    page.goto(f"{site}/view/1")
    page.fill("[name=username]", "grace")
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    open_panel(page)
    page.wait_for_selector(".panel dl >> nth=1")
    assert page.locator(".fold").count() == 0
    watched.was_clean()
