"""Looking closer at a photo, going to the next one and to another year, with a mouse, with keys and with fingers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from serving.auth.accounts import add_user
from tests.pictures import age, draw
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation
from tests.serving.full_site import opened
from tests.serving.test_web import CHROMIUM, browser, serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser"]  # the fixture
SCALE = "new DOMMatrix(getComputedStyle(document.querySelector('.picture')).transform).a"
BOX = "document.querySelector('.picture img').getBoundingClientRect().toJSON()"
AT_REST = "() => document.querySelector('.picture').getAnimations().length === 0"
WIDTH, HEIGHT = 4000, 3000


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = make_installation(tmp_path_factory.mktemp("zoom"))
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:05 10:00:00"
    Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.NEAREST).save(
        installation.root / "large.jpg", exif=exif
    )
    age(installation.root / "large.jpg")
    for number in range(60):
        taken = f"{2023 - number // 3}:05:0{1 + number % 3} 10:00:00"
        draw(installation.root / f"{number}.jpg", number, size=(300, 200), taken=taken)
    installation.scan()
    add_user(installation.lake, NAME, PASSWORD)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def site(installation: Installation) -> Iterator[str]:
    yield from serve(installation)


def opened_photo(browser: Browser, site: str, installation: Installation, width: int, *, touch: bool = False) -> Page:
    """The large photo, open in the viewer, its large picture there."""
    page = opened(browser, site, width, touch=touch)
    row = installation.lake.select("select asset_id from asset where rel_path = 'large.jpg'")[0]
    page.goto(f"/view/{row['asset_id']}")
    page.wait_for_function("() => document.querySelector('.picture img')?.src.includes('size=large')")
    page.wait_for_selector("#viewer .next:not([hidden])")
    return page


def scale(page: Page) -> float:
    page.wait_for_function(AT_REST)
    return float(page.evaluate(SCALE))


def box(page: Page) -> dict[str, float]:
    page.wait_for_function(AT_REST)
    found: dict[str, float] = page.evaluate(BOX)
    return found


class Fingers:
    """Touches of the screen, as Chromium gets them from a real one."""

    def __init__(self, page: Page) -> None:
        self.cdp = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        touches: list[dict[str, Any]] = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def drag(self, *path: tuple[float, float], steps: int = 6) -> None:
        self.send("touchStart", path[0])
        for start, end in pairwise(path):
            for step in range(1, steps + 1):
                part = step / steps
                self.send("touchMove", (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part))
        self.send("touchEnd")

    def pinch(self, x: float, y: float, apart: float, wider: float) -> None:
        """Two fingers around (x, y), from so far apart to so much further."""
        self.send("touchStart", (x - apart / 2, y), (x + apart / 2, y))
        for step in range(1, 9):
            half = (apart + (wider - apart) * step / 8) / 2
            self.send("touchMove", (x - half, y), (x + half, y))
        self.send("touchEnd")

    def tap(self, x: float, y: float) -> None:
        self.send("touchStart", (x, y))
        self.send("touchEnd")


def test_wheel_double_click_keys_and_drag_look_closer_and_the_original_comes(
    browser: Browser, site: str, installation: Installation
) -> None:
    page = opened_photo(browser, site, installation, 1440)
    whole = box(page)
    x, y = whole["x"] + whole["width"] / 4, whole["y"] + whole["height"] / 4
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"() => {SCALE} > 1.5")
    zoomed = box(page)
    assert (x - zoomed["x"]) / zoomed["width"] == pytest.approx(0.25, abs=0.02), "the point under the mouse stays there"
    assert page.locator(".zoom-level").is_visible()
    page.mouse.down()
    page.mouse.move(x + 80, y + 60, steps=4)
    page.mouse.up()
    assert box(page)["x"] == pytest.approx(min(zoomed["x"] + 80, 0), abs=2)
    assert page.locator("#viewer[open]").count() == 1
    page.keyboard.press("0")
    assert scale(page) == 1
    assert box(page) == whole
    page.mouse.dblclick(x, y)
    assert scale(page) == 2.5
    page.wait_for_function("() => document.querySelector('.picture img').dataset.full === 'shown'")
    assert page.evaluate("document.querySelector('.picture img').naturalWidth") == WIDTH
    assert box(page)["width"] == pytest.approx(whole["width"] * 2.5, abs=2), "sharper, not larger"
    before = box(page)["x"]
    page.keyboard.press("ArrowRight")
    assert box(page)["x"] < before
    page.mouse.dblclick(x, y)
    assert scale(page) == 1
    for _ in range(2):
        page.keyboard.press("+")
    assert scale(page) == pytest.approx(1.5**2)
    page.keyboard.press("-")
    assert scale(page) == pytest.approx(1.5)
    page.click(".zoom-level")
    assert scale(page) == 1
    assert page.locator(".zoom-level").is_hidden()
    page.keyboard.press("+")
    page.click(".next")
    page.wait_for_function("() => document.querySelector('.tools .name').textContent !== 'large.jpg'")
    assert scale(page) == 1, "the next picture is shown whole"
    page.context.close()


def test_fingers_pinch_pan_tap_twice_and_swipe_and_never_zoom_the_page(
    browser: Browser, site: str, installation: Installation
) -> None:
    page = opened_photo(browser, site, installation, 390, touch=True)
    fingers = Fingers(page)
    whole = box(page)
    x, y = whole["x"] + whole["width"] / 2, whole["y"] + whole["height"] / 2
    fingers.pinch(x, y, 80, 240)
    assert scale(page) == pytest.approx(3, abs=0.2)
    before = box(page)
    fingers.drag((x, y), (x - 60, y))
    assert box(page)["x"] == pytest.approx(before["x"] - 60, abs=4)
    assert page.inner_text(".tools .name") == "large.jpg", "a drag of a zoomed picture leads nowhere else"
    fingers.pinch(x, y, 240, 40)
    assert scale(page) == 1
    page.wait_for_function("() => document.querySelector('.picture img').dataset.full !== 'loading'")
    for _ in range(2):
        fingers.tap(x, y)
    assert scale(page) == 2.5
    for _ in range(2):
        fingers.tap(x, y)
    assert scale(page) == 1
    fingers.pinch(60, 30, 40, 120)  # over the buttons
    assert page.evaluate("visualViewport.scale") == 1
    fingers.drag((300, 400), (100, 400))
    page.wait_for_function("() => document.querySelector('.tools .name').textContent !== 'large.jpg'")
    fingers.drag((100, 400), (300, 400))
    page.wait_for_function("() => document.querySelector('.tools .name').textContent === 'large.jpg'")
    fingers.drag((200, 300), (200, 500))
    page.wait_for_selector("#viewer", state="hidden")
    page.context.close()


def test_finger_on_the_rail_travels_through_the_years_and_says_where(browser: Browser, site: str) -> None:
    page = opened(browser, site, 390, touch=True)
    page.goto("/")
    page.wait_for_selector(".tile.ready")
    rail = page.locator("#rail").bounding_box()
    assert rail is not None and rail["x"] + rail["width"] <= 390 and rail["width"] >= 24
    x = rail["x"] + rail["width"] / 2
    fingers = Fingers(page)
    fingers.send("touchStart", (x, rail["y"] + 5))
    page.wait_for_selector("#rail b:has-text('2024')")
    for part in (0.3, 0.6, 0.9):
        fingers.send("touchMove", (x, rail["y"] + rail["height"] * part))
    page.wait_for_selector("#rail b:has-text('200')")
    fingers.send("touchEnd")
    page.wait_for_selector("#rail b", state="hidden")
    page.wait_for_function("() => window.scrollY > 200")
    photos = page.evaluate("[...document.querySelectorAll('.tile')].map((one) => one.getBoundingClientRect().right)")
    assert max(photos) <= rail["x"] + 4, "no photo lies under the rail"
    page.context.close()


def test_back_and_reload_lead_where_one_came_from(browser: Browser, site: str, installation: Installation) -> None:
    page = opened(browser, site, 1440)
    page.goto("/?q=5.jpg")
    page.wait_for_selector("#results .tile.ready")
    page.locator("#results .tile").first.click()
    page.wait_for_selector("#viewer[open]")
    address = page.url
    page.reload()
    page.wait_for_selector("#viewer[open]")
    assert page.url == address
    page.go_back()
    page.wait_for_selector("#results .tile")
    page.locator("#results .tile").nth(1).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer[open]")
    for _ in range(25):  # the focus goes round inside, the page behind is out of reach
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('#viewer')")
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer", state="hidden")
    assert page.evaluate("document.activeElement === document.querySelectorAll('#results .tile')[1]")
    page.context.close()
