"""Coordinates that are a place, and the many that are none."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.metadata.gps import Position, degrees, iso_6709, position, xmp_degrees, zone_at


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(0, 0), (None, 10), (10, None), (91, 0), (0, -181), (float("nan"), 1), (1, float("inf")), ("north", "east"),
     ("", ""), (0.0, -0.0)],
)  # fmt: skip
def test_what_is_no_place_becomes_null_as_a_whole(latitude: object, longitude: object) -> None:
    assert position(latitude, longitude, 100) == Position(None, None, None)


def test_the_equator_and_the_prime_meridian_are_places() -> None:
    assert position(0, 10)[:2] == (0, 10)
    assert position(51.5, 0)[:2] == (51.5, 0)


def test_a_mad_altitude_does_not_cost_the_place() -> None:
    assert position(1, 2, 1e9) == Position(1, 2, None)
    assert position(1, 2, float("inf")) == Position(1, 2, None)
    assert position(1, 2, -1.99) == Position(1, 2, -1.99)


def test_degrees_minutes_seconds_take_their_sign_from_the_reference() -> None:
    assert degrees([33, 27, 12.492], "S") == pytest.approx(-33.45347)
    assert degrees([50, 2, 51.88], "n") == pytest.approx(50.0477444)
    assert degrees([107.5], "West") == -107.5


@pytest.mark.parametrize("parts", [[], None, [None, 1, 2], [1, 2, 3, 4], "51", [1, -5, 0]])
def test_degrees_that_cannot_be_are_none(parts: object) -> None:
    assert degrees(parts, "N") is None


def test_a_missing_second_is_no_reason_to_lose_the_place() -> None:
    assert degrees([45, 30, None], "N") == 45.5


def test_xmp_and_quicktime_spell_coordinates_their_own_way() -> None:
    assert xmp_degrees("52,27.5814N") == pytest.approx(52.45969)
    assert xmp_degrees("76,17,13.7S") == pytest.approx(-76.287139, abs=1e-6)
    assert xmp_degrees("undef") is None
    assert iso_6709("+52.4597+013.3220+051.178/") == Position(52.4597, 13.322, 51.178)
    assert iso_6709("+00.0000+000.0000/") == Position()
    assert iso_6709("nowhere") == Position()


def test_a_zone_is_found_on_land_and_at_sea_and_not_for_nothing() -> None:
    assert zone_at(52.46, 13.33) == "Europe/Berlin"
    assert (zone_at(0.5, -30) or "").startswith("Etc/GMT")
    assert zone_at(None, 13.33) is None


def test_many_threads_may_ask_for_zones_at_once() -> None:
    places = [(latitude / 10, 2.35) for latitude in range(430, 500)]
    with ThreadPoolExecutor(4) as pool:
        zones = list(pool.map(lambda place: zone_at(*place), places))
    assert zones.count("Europe/Paris") > 40
