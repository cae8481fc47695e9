"""The page, in a real browser against a real server."""

from __future__ import annotations

import base64
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import uvicorn
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from serving.app import create_app
from serving.auth.accounts import add_user
from tasks.images.thumbhash import encode_thumbhash
from tests.serving.conftest import CHOSEN, NAME, PASSWORD, Installation, make_installation
from tests.waiting import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOWN = len(CHOSEN) - 2  # two cannot be shown: they are in the list of files with problems
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


def serve(installation: Installation) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(
        create_app(installation.settings, installation.lake),
        host="127.0.0.1",
        port=port,
        log_config=None,
        access_log=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(scanned: Installation) -> Iterator[str]:
    if not any(row["name"] == NAME for row in scanned.lake.select("select name from account")):
        add_user(scanned.lake, NAME, PASSWORD)
    yield from serve(scanned)


class Watched:
    """A page, and everything about it that must not happen."""

    def __init__(self, browser: Browser, site: str, width: int = 1440, height: int = 900) -> None:
        self.site = site
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)  # a machine that does ten things at once
        self.troubles: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.troubles.append(said.text)

    def log_in(self, path: str = "/") -> Page:
        self.page.goto(self.site + path)
        self.page.fill("[name=username]", NAME)
        self.page.fill("[name=password]", PASSWORD)
        self.page.click("button.primary")
        return self.page

    def was_clean(self) -> None:
        assert self.troubles == []
        assert self.hosts == {urlsplit(self.site).netloc}
        self.context.close()


def scroll_until(page: Page, seen: Callable[[], bool], *, step_px: int) -> None:
    """Turn the wheel until *seen*; each turn waits for the picture it leads to."""

    def turn() -> bool:
        page.mouse.wheel(0, step_px)
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        return seen()

    wait_until(turn, pause_seconds=0.05)


def test_first_visit_registers_and_an_empty_library_says_what_to_run(browser: Browser, tmp_path: Path) -> None:
    installation = make_installation(tmp_path)
    for site in serve(installation):
        watched = Watched(browser, site)
        page = watched.page
        page.goto(site)
        assert page.title().startswith("Welcome")
        page.fill("[name=username]", NAME)
        page.fill("[name=password]", PASSWORD)
        page.fill("[name=confirmation]", "something else")
        page.click("button.primary")
        assert "differ" in page.inner_text("#problem")
        page.fill("[name=confirmation]", PASSWORD)
        page.click("button.primary")
        page.wait_for_selector(".empty")
        assert "darkroom scan" in page.inner_text(".empty")
        watched.was_clean()
    installation.lake.close()


def test_wrong_password_is_said_on_the_page(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    watched.page.goto(site)
    watched.page.fill("[name=username]", "nobody")
    watched.page.fill("[name=password]", "not the password")
    watched.page.click("button.primary")
    watched.page.wait_for_selector("#problem:not([hidden])")
    assert watched.page.inner_text("#problem") == "Wrong name or password"
    watched.context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_timeline_shows_every_photo_by_month_within_the_window(browser: Browser, site: str, width: int) -> None:
    watched = Watched(browser, site, width=width)
    page = watched.log_in()
    page.wait_for_selector(".tile.ready")
    scroll_until(page, lambda: page.locator(".tile").count() == SHOWN, step_px=1500)
    assert page.locator(".tile").count() == SHOWN
    assert page.locator(".months > h2").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    right_edges = page.evaluate(
        "[...document.querySelectorAll('.row')].map((row) => [row.scrollWidth, row.clientWidth])"
    )
    assert all(content <= room + 1 for content, room in right_edges)
    assert page.locator(".badge.video").count() == 2
    assert page.locator(".tile img[alt]").count() >= SHOWN - 2
    watched.was_clean()


def test_a_click_opens_the_photo_with_its_metadata_and_the_back_button_closes_it(
    browser: Browser, site: str, scanned: Installation
) -> None:
    found = scanned.lake.select("select taken_at from v_assets where file_name = 'Apple iPhone 4.jpg'")
    year = str(found[0]["taken_at"].year)
    watched = Watched(browser, site)
    page = watched.log_in()
    page.wait_for_selector(".tile.ready")
    title = next(text for text in page.locator("#jump option").all_inner_texts() if year in text)
    page.select_option("#jump", label=title)
    page.click("img[alt*='Apple iPhone 4.jpg']")
    page.wait_for_selector("#viewer[open] .panel dd")
    page.wait_for_function("() => document.querySelector('.picture img').src.includes('size=large')")
    page.wait_for_function("() => document.querySelector('.panel').innerText.includes('Exposure')")
    panel = page.inner_text(".panel")
    assert "Apple iPhone 4" in panel
    assert "ISO" in panel
    assert "phone/iphone/2011/Apple iPhone 4.jpg" in panel
    assert "/view/" in page.url
    page.go_back()
    page.wait_for_selector("#viewer", state="hidden")
    assert urlsplit(page.url).path == "/"
    watched.was_clean()


def test_keys_walk_the_timeline_and_escape_leaves(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.log_in()
    page.wait_for_selector(".tile.ready")
    page.locator(".tile").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer[open]")
    names = [page.inner_text(".tools .name")]
    for _ in range(SHOWN - 1):
        page.keyboard.press("ArrowRight")
        page.wait_for_function("(last) => document.querySelector('.tools .name').textContent !== last", arg=names[-1])
        names.append(page.inner_text(".tools .name"))
    assert len(set(names)) == SHOWN
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("(name) => document.querySelector('.tools .name').textContent === name", arg=names[-2])
    page.keyboard.press("i")
    assert page.locator(".panel").is_hidden()
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer", state="hidden")
    watched.context.close()


def test_an_address_leads_to_its_photo_after_logging_in(browser: Browser, site: str, scanned: Installation) -> None:
    row = scanned.lake.select("select asset_id from asset where rel_path = '2012/summer/ladybug.jpg'")[0]
    watched = Watched(browser, site, width=390)
    page = watched.log_in(f"/view/{row['asset_id']}")
    page.wait_for_selector("#viewer[open]")
    assert page.inner_text(".tools .name") == "ladybug.jpg"
    page.click(".close")
    page.wait_for_selector("#viewer", state="hidden")
    assert urlsplit(page.url).path == "/"
    watched.context.close()


def test_what_cannot_be_shown_says_why(browser: Browser, site: str, scanned: Installation) -> None:
    row = scanned.lake.select("select asset_id from asset where rel_path = 'odd/zero-byte.jpg'")[0]
    watched = Watched(browser, site)
    page = watched.log_in(f"/view/{row['asset_id']}")
    page.wait_for_selector("#viewer .note:not([hidden])")
    assert "cannot be shown" in page.inner_text("#viewer .note")
    page.click(".close")
    page.click("#failures")
    page.wait_for_selector("#ledger li a")
    assert "zero-byte.jpg" in page.inner_text("#ledger")
    watched.context.close()


def test_a_film_that_the_browser_knows_plays_from_the_original(
    browser: Browser, site: str, scanned: Installation
) -> None:
    row = scanned.lake.select("select asset_id from asset where rel_path = 'video/video.webm'")[0]
    watched = Watched(browser, site)
    page = watched.log_in(f"/view/{row['asset_id']}")
    page.wait_for_selector("#viewer video")
    page.wait_for_function("() => document.querySelector('#viewer video').readyState >= 1")
    assert "/video/file" in page.evaluate("document.querySelector('#viewer video').currentSrc")
    watched.was_clean()


def test_logging_out_closes_the_door(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.log_in()
    page.wait_for_selector(".tile.ready")
    page.click("#logout")
    page.wait_for_selector("#login")
    assert page.evaluate("fetch('/photos').then((answer) => answer.status)") == 401
    watched.context.close()


def test_api_documentation_opens_without_another_host(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    watched.page.goto(f"{site}/docs")
    watched.page.wait_for_selector(".opblock-summary-path")
    assert watched.page.locator(".opblock").count() >= 14
    watched.was_clean()


def test_placeholders_show_the_colours_of_the_picture_where_they_are(browser: Browser, site: str) -> None:
    picture = Image.linear_gradient("L").resize((90, 60)).convert("RGB")
    picture.paste((200, 40, 30), (0, 0, 45, 60))
    text = base64.b64encode(encode_thumbhash(picture)).decode()
    watched = Watched(browser, site)
    watched.page.goto(site)
    pixels = watched.page.evaluate(
        """async (text) => {
            const { decodeThumbhash } = await import('/static/thumbhash.js');
            const image = decodeThumbhash(text);
            return { width: image.width, height: image.height, data: [...image.data] };
        }""",
        text,
    )
    shown = Image.frombytes("RGBA", (pixels["width"], pixels["height"]), bytes(pixels["data"])).convert("RGB")
    wanted = picture.resize(shown.size, Image.Resampling.BOX)
    for place in ((4, shown.height // 2), (shown.width - 5, shown.height // 2)):
        seen, meant = np.array(shown)[place[1], place[0]], np.array(wanted)[place[1], place[0]]
        assert np.abs(seen.astype(int) - meant.astype(int)).max() < 50, (place, seen, meant)
    assert watched.page.evaluate("import('/static/thumbhash.js').then((it) => it.decodeThumbhash('!!'))") is None
    watched.context.close()
