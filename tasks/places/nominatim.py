"""Nominatim, where the user has named one: one position a request, as its usage policy asks for."""

from __future__ import annotations

from typing import Any

import httpx

from tasks.errors import TransientError
from tasks.places.gazetteer import Place

SECONDS_BETWEEN = 1.0
TIMEOUT_SECONDS = 15.0
DECIMALS = 4  # of a degree: 11 m
_CITY_WORDS = ("city", "town", "village", "municipality", "hamlet", "suburb", "county")
_MAX_TEXT = 200


class NominatimUnavailable(TransientError):
    """It did not answer, or asked for a pause: the offline names stay until the next run."""


class NominatimBusy(NominatimUnavailable):
    """It asked for a pause: nothing more is asked in this run."""


def ask_nominatim(base_url: str, latitude: float, longitude: float, user_agent: str) -> Place:
    """
    What OpenStreetMap calls the place; empty where it knows none (the sea).

    Raises:
        NominatimUnavailable, NominatimBusy.
    """
    url = f"{base_url.rstrip('/')}/reverse"
    parameters = {"format": "jsonv2", "lat": f"{latitude:.{DECIMALS}f}", "lon": f"{longitude:.{DECIMALS}f}",
                  "zoom": "14", "accept-language": "en"}  # fmt: skip
    try:
        response = httpx.get(url, params=parameters, headers={"User-Agent": user_agent}, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise NominatimUnavailable(f"{url} cannot be reached: {exc or type(exc).__name__}") from exc
    if response.status_code in {429, 503}:
        raise NominatimBusy(f"{url} answered {response.status_code}")
    if response.status_code != 200:
        raise NominatimUnavailable(f"{url} answered {response.status_code}")
    try:
        answer = response.json()
    except (ValueError, RecursionError) as exc:
        raise NominatimUnavailable(f"{url} answered no JSON") from exc
    return _place(answer, url)


def _place(answer: Any, url: str) -> Place:
    if not isinstance(answer, dict):
        raise NominatimUnavailable(f"{url} answered no object")
    if "error" in answer:  # "Unable to geocode": an answer, and kept as one
        return Place()
    address = answer.get("address")
    if not isinstance(address, dict):
        raise NominatimUnavailable(f"{url} answered without an address")
    code = _text(address, "country_code")
    return Place(
        code.upper() if code else None,
        _text(address, "country"),
        _text(address, "state") or _text(address, "region") or _text(address, "province"),
        next((found for word in _CITY_WORDS if (found := _text(address, word))), None),
    )


def _text(address: dict[str, Any], name: str) -> str | None:
    value = address.get(name)
    return value.strip()[:_MAX_TEXT] or None if isinstance(value, str) else None
