"""Positions in words: the gazetteer, the user's own places over real HTTP, and Nominatim."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.places.gazetteer import Place, gazetteer
from tasks.places.nominatim import NominatimUnavailable, ask_nominatim
from tasks.places.personal import PersonalPlace, PlacesUnavailable, digest, fetch_places, personal_names

HOME = {"id": 7, "name": "Home", "latitude": 41.2203, "longitude": -96.0716, "radius_m": 300}


def place(latitude: float, longitude: float) -> Place:
    return gazetteer().places(np.array([latitude]), np.array([longitude]))[0]


@contextmanager
def server(answers: dict[str, tuple[int, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Answers a path with a status and a body (bytes as they are, else JSON); collects what was asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, dict(self.headers)))
            status, content = answers[self.path.partition("?")[0]]
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}", asked
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


@pytest.mark.parametrize(
    ("latitude", "longitude", "wanted"),
    [
        (41.2203, -96.0716, Place("US", "United States", "Nebraska", "Ralston")),
        (48.2082, 16.3738, Place("AT", "Austria", "Vienna", "Vienna")),
    ],
)
def test_a_position_has_country_region_and_city(latitude: float, longitude: float, wanted: Place) -> None:
    assert place(latitude, longitude) == wanted


def test_nothing_is_named_in_the_middle_of_the_ocean_and_at_the_poles() -> None:
    assert place(-48.88, -123.39) == place(90, 0) == place(-90, 180) == Place()


def test_both_sides_of_the_antimeridian_are_near_each_other() -> None:
    suva_side, other_side = place(-16.8, 179.99), place(-16.8, -179.99)
    assert suva_side.country == other_side.country == "Fiji"
    assert place(-16.8, 180.0) == place(-16.8, -180.0)


@settings(max_examples=60, deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_position_on_earth_has_an_answer(latitude: float, longitude: float) -> None:
    found = place(latitude, longitude)
    assert (found.country_code is None) or len(found.country_code) == 2
    assert found.country_code or not found.city


def test_no_positions_are_no_places() -> None:
    nothing = np.array([], np.float64)
    assert gazetteer().places(nothing, nothing) == []


def test_the_smallest_of_the_users_own_places_wins() -> None:
    places = [
        PersonalPlace("1", "Town", 47.0, 8.0, 5_000),
        PersonalPlace("2", "Home", 47.001, 8.001, 300),
        PersonalPlace("3", "Fiji", -17.0, 180.0, 50_000),
    ]
    latitudes = np.array([47.001, 47.02, 47.2, -17.0])
    longitudes = np.array([8.001, 8.0, 8.0, -179.9])
    assert personal_names(places, latitudes, longitudes) == ["Home", "Town", None, "Fiji"]


def test_places_are_fetched_as_the_contract_says() -> None:
    with server({"/api/places": (200, {"places": [HOME]})}) as (url, asked):
        assert fetch_places(url + "/") == [PersonalPlace("7", "Home", 41.2203, -96.0716, 300.0)]
    assert asked[0][0] == "/api/places"


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"places": []}),
        (302, {"places": []}),
        (200, b"<html>welcome</html>"),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
        (200, []),
        (200, {"places": None}),
        (200, {"places": [7]}),
        (200, {"places": [{**HOME, "name": " "}]}),
        (200, {"places": [{**HOME, "name": "x" * 300}]}),
        (200, {"places": [{**HOME, "latitude": 91}]}),
        (200, {"places": [{**HOME, "longitude": "8"}]}),
        (200, {"places": [{**HOME, "radius_m": 0}]}),
        (200, {"places": [{**HOME, "radius_m": True}]}),
        (200, b'{"places": [{"id": 1, "name": "x", "latitude": NaN, "longitude": 1, "radius_m": 5}]}'),
        (200, {"places": [{**HOME, "id": None}]}),
        (200, {"places": [HOME, HOME]}),
        (200, {"places": [HOME] * 10_001}),
        (200, b" " * (9 << 20)),
    ],
)
def test_an_answer_that_breaks_the_contract_is_refused_whole(answer: tuple[int, Any]) -> None:
    with server({"/api/places": answer}) as (url, _), pytest.raises(PlacesUnavailable):
        fetch_places(url)


def test_an_apollo_that_is_not_there_is_a_transient_error() -> None:
    with pytest.raises(PlacesUnavailable):
        fetch_places("http://127.0.0.1:9", timeout_seconds=2)
    with pytest.raises(PlacesUnavailable):
        fetch_places("no address at all")


def test_a_renamed_place_is_another_recipe_and_order_is_none() -> None:
    one, two = PersonalPlace("1", "Home", 1, 2, 3), PersonalPlace("2", "Cabin", 3, 4, 5)
    assert digest([one, two]) == digest([two, one]) != digest([one])
    assert digest([]) == "none"


def test_nominatim_is_asked_politely_and_its_words_are_taken() -> None:
    address = {"country_code": "us", "country": "United States", "state": "Nebraska", "town": "Ralston"}
    with server({"/reverse": (200, {"address": address})}) as (url, asked):
        assert ask_nominatim(url, 41.2203, -96.0716, "Darkroom test") == Place(
            "US", "United States", "Nebraska", "Ralston"
        )
    path, headers = asked[0]
    assert "lat=41.2203" in path and "lon=-96.0716" in path
    assert headers["User-Agent"] == "Darkroom test"


def test_nominatim_knowing_no_place_is_an_answer_too() -> None:
    with server({"/reverse": (200, {"error": "Unable to geocode"})}) as (url, _):
        assert ask_nominatim(url, 0, -30, "test") == Place()


@pytest.mark.parametrize("answer", [(429, {}), (503, b"busy"), (200, b"<html>"), (200, []), (200, {"address": "x"})])
def test_a_nominatim_that_does_not_answer_is_a_transient_error(answer: tuple[int, Any]) -> None:
    with server({"/reverse": answer}) as (url, _), pytest.raises(NominatimUnavailable):
        ask_nominatim(url, 1, 2, "test")
