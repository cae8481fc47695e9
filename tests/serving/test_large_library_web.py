"""The timeline page over 20,000 photos, in Chromium: flings, jumps, reloads, and photos that go meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from serving.auth.accounts import add_user
from sql.lake import utc_now
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation
from tests.serving.drawn_library import Drawn, draw, store
from tests.serving.test_web import CHROMIUM, Watched, browser, serve
from tests.waiting import wait_until

__all__ = ["browser"]  # a fixture

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
PATIENCE_MS = 90_000

TILES = """() => {
  const line = (document.querySelector('.bar')?.offsetHeight ?? 0) + 1;
  return [...document.querySelectorAll('.tile')].filter((tile) => {
    const box = tile.getBoundingClientRect();
    return box.bottom > line && box.top < window.innerHeight;
  }).map((tile) => Number(tile.dataset.id));
}"""
FULL = f"""() => {{
  // Tiles from the upper edge of the window to the lower one, or to the end of the page.
  const shown = ({TILES})();
  if (!shown.length) return false;
  const last = document.querySelector(`.tile[data-id="${{shown.at(-1)}}"]`).getBoundingClientRect();
  const left = document.body.scrollHeight - window.scrollY - window.innerHeight;
  return (last.bottom >= window.innerHeight - 80 || left <= 90) && shown;
}}"""


@dataclass
class Large:
    site: str
    installation: Installation
    shown: list[Drawn]  # in the order of the page


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    installation = make_installation(tmp_path_factory.mktemp("large-web"))
    drawn = draw()
    store(installation, drawn, pictured=True)
    add_user(installation.lake, NAME, PASSWORD)
    shown = [one for one in drawn if one.hidden is None and not one.broken]
    shown.sort(key=lambda one: (one.order_at, one.asset_id), reverse=True)
    for site in serve(installation):
        yield Large(site, installation, shown)
    installation.lake.close()


@pytest.fixture
def watched(browser: Browser, large: Large) -> Iterator[Watched]:
    watched = Watched(browser, large.site)
    watched.page.set_default_timeout(PATIENCE_MS)
    watched.log_in()
    watched.page.wait_for_function(FULL)
    yield watched
    watched.context.close()


def tiles(page: Page) -> list[int]:
    """The photos in the window, once it is full."""
    return list(page.wait_for_function(FULL).json_value())


def stands_in_order(found: list[int], shown: list[Drawn]) -> bool:
    """Whether these photos follow each other in the timeline, none left out."""
    order = [one.asset_id for one in shown]
    start = order.index(found[0])
    return order[start : start + len(found)] == found


def is_quiet(page: Page, requests: list[str]) -> bool:
    """No request for photos between two looks, while the page answers."""
    before = -1
    while before != len(requests):
        before = len(requests)
        page.evaluate("() => new Promise((done) => requestIdleCallback(() => setTimeout(done, 400)))")
    return True


def listen(page: Page) -> list[str]:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if "/photos?" in request.url else None)
    return requests


def test_flings_and_jumps_always_end_at_photos_in_their_order(watched: Watched, large: Large) -> None:
    page, requests = watched.page, listen(watched.page)
    assert tiles(page)[0] == large.shown[0].asset_id
    for _ in range(12):  # faster than anything can load
        page.mouse.wheel(0, 9_000)
    assert stands_in_order(tiles(page), large.shown)
    rail = page.locator("#rail").bounding_box()
    assert rail is not None
    for share in (0.99, 0.2, 0.7, 0.45):
        page.mouse.click(rail["x"] + rail["width"] / 2, rail["y"] + rail["height"] * share)
        assert stands_in_order(tiles(page), large.shown)
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function(f"() => ({TILES})().includes({large.shown[-1].asset_id})")
    assert page.locator(".months > h2").last.inner_text() == "Without a date"
    assert is_quiet(page, requests)
    assert page.locator(".tile").count() < 3_000
    watched.was_clean()


@pytest.mark.parametrize("way", ["reload", "back", "link"])
def test_a_place_deep_in_the_timeline_is_kept(watched: Watched, large: Large, way: str) -> None:
    page = watched.page
    page.evaluate("window.scrollTo(0, document.body.scrollHeight * 0.6)")
    tiles(page)
    page.mouse.wheel(0, 700)
    page.wait_for_function("() => history.state?.place && location.hash.length === 8")
    is_quiet(page, listen(page))
    page.wait_for_function(f"() => history.state.place.photo?.asset_id === ({TILES})()[0]")
    before, top = tiles(page), page.evaluate("history.state.place.top")
    assert page.evaluate("window.scrollY") > 50_000
    if way == "reload":
        page.reload()
    elif way == "back":
        page.goto(f"{large.site}/map")
        page.go_back()
    else:
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        assert stands_in_order(tiles(page), large.shown)
        month = {one.asset_id: one.order_at.isoformat()[:7] for one in large.shown}
        assert month[tiles(page)[0]] == address.rpartition("#")[2]
        return
    page.wait_for_function(f"(first) => ({TILES})()[0] === first", arg=before[0])
    is_quiet(page, listen(page))
    assert tiles(page) == before
    box = page.locator(f".tile[data-id='{before[0]}']").bounding_box()
    assert box is not None
    assert abs(box["y"] - top) < 2


def test_the_address_of_a_photo_has_the_timeline_behind_it_where_it_stands(watched: Watched, large: Large) -> None:
    page, one = watched.page, large.shown[12_345]
    page.goto(f"{large.site}/view/{one.asset_id}")
    page.wait_for_selector("#viewer[open]")
    page.click("#viewer .close")
    page.wait_for_selector("#viewer", state="hidden")
    assert one.asset_id in tiles(page)
    page.reload()
    assert one.asset_id in tiles(page)


def test_a_month_that_holds_less_than_was_said_ends_there(browser: Browser, large: Large) -> None:
    watched = Watched(browser, large.site)
    page, requests = watched.page, listen(watched.page)
    page.set_default_timeout(PATIENCE_MS)

    def boasting(route: Any) -> None:
        answer = route.fetch()
        months = answer.json()
        months["months"] = [{"month": "2031-05", "count": 2_000}, {"month": "2030-01", "count": 40}, *months["months"]]
        months["months"][2]["count"] += 1_000
        route.fulfill(response=answer, json=months)

    page.route("**/photos/months*", boasting)
    watched.log_in()
    assert stands_in_order(tiles(page), large.shown)
    assert is_quiet(page, requests)
    page.mouse.wheel(0, 5_000)
    assert stands_in_order(tiles(page), large.shown)
    assert page.locator(".months[data-month='2031-05']:visible").count() == 0
    watched.context.close()


def test_photos_that_go_while_one_scrolls_leave_no_hole_and_no_loop(watched: Watched, large: Large) -> None:
    page, requests = watched.page, listen(watched.page)
    gone = [one.asset_id for one in large.shown[6_000:6_900:3]]
    with large.installation.lake.write("meanwhile") as writer:
        writer.append("hidden", [{"asset_id": number, "reason": "user"} for number in gone[:200]])
        numbers = ", ".join(map(str, gone[200:]))
        writer.execute(f"update lake.asset set missing_since = timestamp '{utc_now()}' where asset_id in ({numbers})")
    wanted = len(large.shown) - len(gone)
    address = f"{large.site}/photos?limit=1&broken=false"
    wait_until(lambda: page.request.get(address).json()["total_count"] == wanted)
    left = [one for one in large.shown if one.asset_id not in set(gone)]
    page.select_option("#jump", label=_title(large.shown[5_950]))
    found = tiles(page)
    for _ in range(6):
        page.mouse.wheel(0, 2_000)
        is_quiet(page, requests)
        found = tiles(page)
        assert stands_in_order(found, left)
    assert is_quiet(page, requests)
    watched.was_clean()


def _title(one: Drawn) -> str:
    return f"{one.order_at:%B} {one.order_at.year}"
