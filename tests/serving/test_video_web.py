"""The video wall and the player, in a real browser against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from serving.auth.accounts import add_user
from serving.auth.tokens import issue_token
from tests.serving.conftest import NAME, PASSWORD, Installation, make_installation
from tests.serving.films import (
    LADDER,
    NO_STREAM,
    WITH_STREAM,
    asset_of,
    fill_with_films,
    film,
    live_photo,
    make_clip,
    make_ladder,
    make_stream,
    probed,
)
from tests.serving.test_web import CHROMIUM, Watched, browser, scroll_until, serve

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
__all__ = ["browser"]  # the fixture

MANY = 40
PRORES = "2019/prores.mov"
STATE = """() => {
    const film = document.querySelector('#viewer video');
    return film && { source: film.currentSrc, time: film.currentTime, duration: film.duration, width: film.videoWidth };
}"""


@pytest.fixture(scope="module")
def films(media: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Films with and without streams, and enough short ones with clips to scroll through."""
    installation = make_installation(tmp_path_factory.mktemp("wall"))
    for number in range(MANY):
        film(installation.root / f"2015/{number:02}.mp4", seconds=1, size="192x108", tone=200 + number)
    film(installation.root / PRORES, "-c:v", "prores", "-c:a", "pcm_s16le", seconds=2)
    fill_with_films(installation, media)
    for number in range(MANY):
        make_clip(installation, f"2015/{number:02}.mp4")
    make_clip(installation, WITH_STREAM)
    make_stream(installation, WITH_STREAM)
    make_ladder(installation, LADDER)
    moving = next(path for path in live_photo(media) if path.lower().endswith(".mov"))
    make_clip(installation, moving)
    add_user(installation.lake, NAME, PASSWORD)
    yield installation
    installation.lake.close()


@pytest.fixture(scope="module")
def site(films: Installation) -> Iterator[str]:
    yield from serve(films)


def watch_film(browser: Browser, site: str, installation: Installation, path: str) -> tuple[Watched, Page]:
    watched = Watched(browser, site)
    page = watched.log_in(f"/view/{asset_of(installation, path)['asset_id']}")
    page.wait_for_selector("#viewer video")
    return watched, page


def play_from(page: Page, seconds: float) -> Any:
    """Play until the time has moved on by half a second; what the film then says of itself."""
    page.evaluate(
        """async (seconds) => {
            const film = document.querySelector('#viewer video');
            film.muted = true;
            film.currentTime = seconds;
            await film.play();
        }""",
        seconds,
    )
    page.wait_for_function("(least) => document.querySelector('#viewer video').currentTime > least", arg=seconds + 0.5)
    return page.evaluate(STATE)


@pytest.mark.parametrize("path", [WITH_STREAM, LADDER])
def test_a_stream_plays_natively_and_can_be_wound(browser: Browser, site: str, films: Installation, path: str) -> None:
    watched, page = watch_film(browser, site, films, path)
    page.wait_for_function("() => document.querySelector('#viewer video').readyState >= 1")
    state = play_from(page, 0)
    assert urlsplit(state["source"]).path.startswith("/video/hls/")
    assert state["width"] == 320
    assert state["duration"] == pytest.approx(6 if path == WITH_STREAM else 4, abs=0.3)
    assert play_from(page, 2.5)["time"] > 2.5
    watched.was_clean()


def test_a_film_without_a_stream_plays_from_the_original_by_ranges(
    browser: Browser, site: str, films: Installation
) -> None:
    watched, page = watch_film(browser, site, films, NO_STREAM)
    page.wait_for_function("() => document.querySelector('#viewer video').readyState >= 1")
    state = play_from(page, 2)
    assert urlsplit(state["source"]).path == "/video/file"
    watched.was_clean()


def test_a_film_no_browser_knows_is_made_ready_while_one_waits_and_then_plays(
    browser: Browser, site: str, films: Installation
) -> None:
    watched = Watched(browser, site)
    page = watched.log_in(f"/view/{asset_of(films, PRORES)['asset_id']}")
    page.wait_for_function("() => document.querySelector('#viewer video')?.currentSrc.includes('/video/hls/')")
    page.wait_for_function("() => document.querySelector('#viewer video').readyState >= 1")
    assert play_from(page, 0)["width"] == 320
    assert page.locator("#viewer .note").is_hidden()
    watched.context.close()  # the browser says aloud that it could not play the original


def test_space_plays_and_stops_the_film(browser: Browser, site: str, films: Installation) -> None:
    watched, page = watch_film(browser, site, films, WITH_STREAM)
    page.wait_for_function("() => document.querySelector('#viewer video').readyState >= 2")
    page.evaluate(
        """() => {
            const film = document.querySelector('#viewer video');
            film.autoplay = false;
            film.muted = true;
            film.pause();
            film.currentTime = 1;
        }"""
    )
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('#viewer video').currentTime > 1.3")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('#viewer video').paused")
    assert page.evaluate("document.querySelector('#viewer video').error") is None
    watched.was_clean()


@pytest.mark.parametrize("path", [WITH_STREAM, LADDER])
def test_a_strict_reader_reads_the_stream_over_http(site: str, films: Installation, path: str) -> None:
    content_hash = asset_of(films, path)["content_hash"]
    token = issue_token(films.settings, NAME)
    found = probed("-headers", f"Authorization: Bearer {token}\r\n", f"{site}/video/hls/{content_hash}/playlist.m3u8")
    assert {stream["codec_name"] for stream in found["streams"]} == {"h264", "aac"}
    assert float(found["format"]["duration"]) == pytest.approx(6 if path == WITH_STREAM else 4, abs=0.3)


PLAYING = (
    "() => [...document.querySelectorAll('.wall video')].filter((one) => !one.paused && one.currentTime > 0).length"
)


@pytest.mark.parametrize("width", [390, 1440])
def test_the_wall_plays_what_is_in_sight_and_loads_the_rest_as_one_scrolls(
    browser: Browser, site: str, films: Installation, width: int
) -> None:
    watched = Watched(browser, site, width=width)
    clips: list[str] = []
    watched.page.on("request", lambda request: clips.append(request.url) if "/video/preview?" in request.url else None)
    page = watched.log_in("/videos")
    page.wait_for_selector(".wall .tile.ready")
    page.wait_for_function("() => document.querySelectorAll('.wall .playing').length > 2")
    at_first = len(set(clips))
    assert at_first < MANY
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate(PLAYING) > 0
    films_shown = page.inner_text("#total") if width == 1440 else ""
    at_the_end = "window.innerHeight + window.scrollY >= document.body.scrollHeight - 4"
    tiles = page.locator(".wall .tile")
    scroll_until(page, lambda: tiles.count() == MANY + 5 and bool(page.evaluate(at_the_end)), step_px=1200)
    assert films_shown in {"", f"{MANY + 5} videos"}
    page.wait_for_function("() => document.querySelectorAll('.wall .playing').length > 2")
    assert len(set(clips)) > at_first
    out_of_sight = page.evaluate(
        """() => [...document.querySelectorAll('.wall video')].filter((one) => {
            const box = one.getBoundingClientRect();
            return (box.bottom < -400 || box.top > innerHeight + 400) && !one.paused;
        }).length"""
    )
    assert out_of_sight == 0
    watched.context.close()


def test_a_click_on_the_wall_opens_the_player_and_back_returns_to_the_wall(
    browser: Browser, site: str, films: Installation
) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/videos")
    number = asset_of(films, WITH_STREAM)["asset_id"]
    page.click(f".tile[data-id='{number}']")
    page.wait_for_selector("#viewer[open] video")
    page.wait_for_function("() => document.querySelector('#viewer video').currentTime > 0.3")  # by itself
    assert play_from(page, 3)["time"] > 3.5
    assert page.evaluate("() => [...document.querySelectorAll('.wall video')].every((clip) => clip.paused)")
    page.keyboard.press("Escape")
    page.wait_for_selector("#viewer", state="hidden")
    assert urlsplit(page.url).path == "/videos"
    assert page.title().startswith("Videos")
    page.wait_for_function("() => document.querySelectorAll('.wall .playing').length > 2")
    page.keyboard.press("Tab")
    page.locator(".wall .tile").first.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("() => [...document.querySelectorAll('.wall .tile')].indexOf(document.activeElement)") == 1
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => document.activeElement.parentElement.previousElementSibling !== null")
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer[open]")
    watched.context.close()


def test_clips_that_are_missing_are_made_when_they_are_looked_at(
    browser: Browser, site: str, films: Installation
) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/videos")
    number = asset_of(films, NO_STREAM)["asset_id"]
    page.locator(f".tile[data-id='{number}']").scroll_into_view_if_needed()
    page.wait_for_selector(f".tile[data-id='{number}'].playing")
    assert page.evaluate(f"document.querySelector(\".tile[data-id='{number}'] video\").videoWidth") > 0
    watched.context.close()


def test_who_wants_less_motion_gets_a_wall_that_stands_still(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    watched.page.emulate_media(reduced_motion="reduce")
    page = watched.log_in("/videos")
    page.wait_for_selector(".wall .tile.ready")
    page.wait_for_load_state("networkidle")
    assert page.locator(".wall video").count() == 0
    assert page.get_attribute("#pause", "aria-pressed") == "true"
    page.click("#pause")
    page.wait_for_selector(".wall .tile.playing")
    page.click("#pause")
    page.wait_for_function("() => [...document.querySelectorAll('.wall video')].every((clip) => clip.paused)")
    watched.context.close()


def test_a_live_photo_is_one_tile_that_moves_while_it_is_pointed_at(
    browser: Browser, site: str, films: Installation, media: Path
) -> None:
    moving = next(path for path in live_photo(media) if path.lower().endswith(".mov"))
    still = next(path for path in live_photo(media) if path != moving)
    number = asset_of(films, still)["asset_id"]
    watched = Watched(browser, site)
    page = watched.log_in()
    page.wait_for_selector(".tile.ready")
    tile = page.locator(f".tile[data-id='{number}']")
    scroll_until(page, lambda: tile.count() > 0, step_px=800)
    tile.scroll_into_view_if_needed()
    assert "live" in tile.inner_text().lower()
    assert page.locator(f".tile[data-id='{asset_of(films, moving)['asset_id']}']").count() == 0
    tile.hover()
    page.wait_for_selector(f".tile[data-id='{number}'].playing video")
    page.mouse.move(2, 400)
    page.wait_for_function("() => document.querySelectorAll('.tile video').length === 0")
    tile.click()
    page.wait_for_selector("#viewer[open] .live:not([hidden])")
    page.click("#viewer .live")
    page.wait_for_selector("#viewer video.moment")
    page.wait_for_function("() => !document.querySelector('#viewer video.moment')")
    assert page.get_attribute("#viewer .live", "aria-pressed") == "false"
    watched.context.close()


def test_the_two_pages_lead_to_each_other_and_the_door_stands_before_both(browser: Browser, site: str) -> None:
    watched = Watched(browser, site)
    page = watched.log_in("/videos")
    page.wait_for_selector(".wall .tile")
    page.click(".menu a[href='/']")
    page.wait_for_selector(".months .tile")
    page.click(".menu a[href='/videos']")
    page.wait_for_selector(".wall .tile")
    page.click("#logout")
    page.wait_for_selector("#login")
    for path in ("/", "/videos"):
        page.goto(f"{site}{path}")
        assert page.locator("#login").count() == 1 and page.locator(".tile").count() == 0
    watched.context.close()


def test_an_empty_wall_says_what_to_run(browser: Browser, tmp_path: Path) -> None:
    installation = make_installation(tmp_path)
    add_user(installation.lake, NAME, PASSWORD)
    for address in serve(installation):
        watched = Watched(browser, address)
        page = watched.log_in("/videos")
        page.wait_for_selector(".empty")
        assert "darkroom scan" in page.inner_text(".empty")
        watched.was_clean()
    installation.lake.close()
