"""The user's own names for places, from Apollo's Places API (docs/places-api.md): fetched whole, matched here."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from tasks.errors import TransientError
from tasks.places.gazetteer import EARTH_KM, on_sphere

MAX_PLACES = 10_000
MAX_ANSWER_BYTES = 8 << 20
MAX_NAME_CHARACTERS = 200
MAX_RADIUS_M = 100_000.0
TIMEOUT_SECONDS = 10.0


class PlacesUnavailable(TransientError):
    """Apollo's Places API did not answer, or not as its contract says: what it said last stays in force."""


@dataclass(frozen=True, slots=True)
class PersonalPlace:
    """A circle on the earth with a name of the user's own."""

    place_id: str
    name: str
    latitude: float
    longitude: float
    radius_m: float


def fetch_places(base_url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> list[PersonalPlace]:
    """
    All places Apollo knows.

    Raises:
        PlacesUnavailable: No answer, another status than 200, or an answer that breaks the contract.
    """
    url = f"{base_url.rstrip('/')}/api/places"
    body = _body(url, timeout_seconds)
    try:
        answer = httpx.Response(200, content=body).json()
    except (ValueError, RecursionError) as exc:
        raise PlacesUnavailable(f"{url} answered no JSON") from exc
    return _places(answer, url)


def _body(url: str, timeout_seconds: float) -> bytes:
    received = bytearray()
    try:
        with httpx.stream("GET", url, timeout=timeout_seconds, headers={"Accept": "application/json"}) as response:
            if response.status_code != 200:
                raise PlacesUnavailable(f"{url} answered {response.status_code}")
            for part in response.iter_bytes():
                received += part
                if len(received) > MAX_ANSWER_BYTES:
                    raise PlacesUnavailable(f"{url} answered more than {MAX_ANSWER_BYTES >> 20} MB")
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise PlacesUnavailable(f"{url} cannot be reached: {exc or type(exc).__name__}") from exc
    return bytes(received)


def _places(answer: Any, url: str) -> list[PersonalPlace]:
    entries = answer.get("places") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_PLACES:
        raise PlacesUnavailable(f'{url} answered something else than {{"places": [...]}} of at most {MAX_PLACES}')
    places = [_place(entry, f"{url}: places[{number}]") for number, entry in enumerate(entries)]
    if len({place.place_id for place in places}) < len(places):
        raise PlacesUnavailable(f"{url} gave two places the same id")
    return places


def _place(entry: Any, where: str) -> PersonalPlace:
    if not isinstance(entry, dict):
        raise PlacesUnavailable(f"{where} is no object")
    name, place_id = entry.get("name"), entry.get("id")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME_CHARACTERS:
        raise PlacesUnavailable(f"{where} has no name of 1 to {MAX_NAME_CHARACTERS} characters")
    if isinstance(place_id, bool) or not isinstance(place_id, str | int):
        raise PlacesUnavailable(f"{where} has no id")
    return PersonalPlace(
        str(place_id),
        name.strip(),
        _number(entry, "latitude", -90, 90, where),
        _number(entry, "longitude", -180, 180, where),
        _number(entry, "radius_m", 1, MAX_RADIUS_M, where),
    )


def _number(entry: dict[str, Any], name: str, low: float, high: float, where: str) -> float:
    value = entry.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise PlacesUnavailable(f"{where} has no {name} from {low} to {high}")
    return float(value)


def digest(places: Sequence[PersonalPlace]) -> str:
    """Another one for other places: part of the recipe, so that a moved or renamed place names its photos anew."""
    if not places:
        return "none"
    rows = sorted(map(astuple, places))
    return hashlib.sha256(repr(rows).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def personal_names(
    places: Sequence[PersonalPlace], latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]
) -> list[str | None]:
    """
    The name of the smallest place around each position; None where there is none.

    Args:
        latitudes, longitudes: Degrees, shapes (n,).
    """
    names: list[str | None] = [None] * len(latitudes)
    if not places or not len(latitudes):
        return names
    points = on_sphere(latitudes, longitudes)
    for place in sorted(places, key=lambda place: (-place.radius_m, place.place_id)):  # the smallest is written last
        centre = on_sphere(np.array([place.latitude]), np.array([place.longitude]))
        reach = 2 * math.sin(min(place.radius_m / 1000 / EARTH_KM / 2, math.pi / 2))  # the radius as a chord
        for index in np.flatnonzero(np.linalg.norm(points - centre, axis=1) <= reach):
            names[int(index)] = place.name
    return names
