"""A batch of positions named: one `photo_place` row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from tasks.asset import Asset, Results, Row, utc_now
from tasks.places.cities import City, cities, cities_recipe, town_words
from tasks.places.gazetteer import gazetteer, gazetteer_recipe
from tasks.places.personal import PersonalPlace, digest, personal_names


@dataclass(frozen=True, slots=True)
class PlacedAsset(Asset):
    """An asset with its position, and what Nominatim has said of it: the columns of `sql/backlog/places.sql`."""

    latitude: float
    longitude: float
    asked: bool  # Nominatim was, and these are its words
    country_code: str | None
    country: str | None
    region: str | None
    city: str | None


def places_recipe(places: Sequence[PersonalPlace], *, nominatim: bool) -> str:
    return f"{gazetteer_recipe()}, {cities_recipe()}, personal {digest(places)}{', nominatim' if nominatim else ''}"


def name_places(batch: Sequence[Asset], places: Sequence[PersonalPlace], recipe: str) -> Results:
    """
    Args:
        batch: PlacedAssets.
        places: The user's own.
    """
    placed = cast(Sequence[PlacedAsset], batch)
    latitudes = np.array([asset.latitude for asset in placed], np.float64)
    longitudes = np.array([asset.longitude for asset in placed], np.float64)
    offline = gazetteer().places(latitudes, longitudes)
    around = cities().around(latitudes, longitudes)
    personal = personal_names(places, latitudes, longitudes)
    results, now = Results(), utc_now()
    for one in {city.city_id: city for city in around if city is not None}.values():
        results.add("major_city", _city_row(one))
    for asset, found, city, name in zip(placed, offline, around, personal, strict=True):
        words = asset if asset.asked and asset.country_code else found
        results.add(
            "photo_place",
            {
                "content_hash": asset.content_hash,
                "latitude": asset.latitude,
                "longitude": asset.longitude,
                "country_code": words.country_code,
                "country": words.country,
                "region": words.region,
                "city": town_words(words.city, city),
                "major_city_id": city.city_id if city else None,
                "major_city": city.name if city else None,
                "personal_place": name,
                "source": "nominatim" if words is asset else "offline",
                "recipe": recipe,
                "recorded_at": now,
            },
        )
        results.done += 1
    return results


def _city_row(city: City) -> Row:
    return {"city_id": city.city_id, "name": city.name, "country_code": city.country_code,
            "population": city.population, "names": list(city.names), "recorded_at": utc_now()}  # fmt: skip
