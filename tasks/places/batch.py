"""A batch of positions named: one `photo_place` row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from tasks.asset import Asset, Results, utc_now
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
    return f"{gazetteer_recipe()}, personal {digest(places)}{', nominatim' if nominatim else ''}"


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
    personal = personal_names(places, latitudes, longitudes)
    results, now = Results(), utc_now()
    for asset, found, name in zip(placed, offline, personal, strict=True):
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
                "city": words.city,
                "personal_place": name,
                "source": "nominatim" if words is asset else "offline",
                "recipe": recipe,
                "recorded_at": now,
            },
        )
        results.done += 1
    return results
