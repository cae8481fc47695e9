"""The city people mean, at well-known spots: 60 positions that a guidebook would place."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.places.cities import City, cities, town_words

# Name, latitude, longitude, the city people mean; `!` in front: anything but this one.
SPOTS = [
    ("Westminster", 51.4995, -0.1248, "London"),
    ("Camden Town", 51.5390, -0.1426, "London"),
    ("Greenwich", 51.4779, -0.0015, "London"),
    ("Croydon", 51.3727, -0.1099, "London"),
    ("Heathrow", 51.4700, -0.4543, "London"),
    ("Oxford", 51.7520, -1.2577, "Oxford"),
    ("Watford", 51.6565, -0.3903, "Watford"),
    ("Montmartre", 48.8867, 2.3431, "Paris"),
    ("Neuilly-sur-Seine", 48.8846, 2.2690, "Paris"),
    ("La Défense", 48.8920, 2.2390, "Paris"),
    ("Versailles, the palace", 48.8049, 2.1204, "!Paris"),
    ("Disneyland Paris", 48.8722, 2.7758, "!Paris"),
    ("Toronto's waterfront", 43.6387, -79.3800, "Toronto"),
    ("Mississauga", 43.5890, -79.6441, "Mississauga"),
    ("Brooklyn Bridge Park", 40.7003, -73.9967, "New York City"),
    ("Times Square", 40.7580, -73.9855, "New York City"),
    ("Flushing, Queens", 40.7675, -73.8331, "New York City"),
    ("Coney Island", 40.5749, -73.9850, "New York City"),
    ("Jersey City, Journal Square", 40.7326, -74.0630, "!New York City"),
    ("Jersey City, the waterfront", 40.7178, -74.0431, "!New York City"),
    ("Newark", 40.7357, -74.1724, "!New York City"),
    ("Golden Gate Park", 37.7694, -122.4862, "San Francisco"),
    ("Oakland", 37.8044, -122.2712, "Oakland"),
    ("Berkeley", 37.8715, -122.2730, "!San Francisco"),
    ("Hollywood Boulevard", 34.1016, -118.3267, "Los Angeles"),
    ("Cambridge, Massachusetts", 42.3736, -71.1097, "!Boston"),
    ("Fenway Park, Boston", 42.3467, -71.0972, "Boston"),
    ("Shinjuku", 35.6938, 139.7034, "Tokyo"),
    ("Asakusa", 35.7148, 139.7967, "Tokyo"),
    ("Kawasaki", 35.5308, 139.7030, "Kawasaki"),
    ("Yokohama, Minato Mirai", 35.4555, 139.6300, "Yokohama"),
    ("Osaka Castle", 34.6873, 135.5262, "Osaka"),
    ("Kreuzberg", 52.4986, 13.4033, "Berlin"),
    ("Charlottenburg", 52.5208, 13.2957, "Berlin"),
    ("Potsdam, Sanssouci", 52.4042, 13.0385, "Potsdam"),
    ("Altona", 53.5503, 9.9350, "Hamburg"),
    ("St. Pauli", 53.5497, 9.9650, "Hamburg"),
    ("Schwabing", 48.1650, 11.5850, "Munich"),
    ("Trastevere", 41.8897, 12.4700, "Rome"),
    ("Vatican, St Peter's", 41.9022, 12.4539, "!Rome"),
    ("Gràcia", 41.4036, 2.1560, "Barcelona"),
    ("Barceloneta", 41.3790, 2.1900, "Barcelona"),
    ("Bondi Beach", -33.8915, 151.2767, "Sydney"),
    ("Manly", -33.7963, 151.2840, "Sydney"),
    ("Copacabana", -22.9711, -43.1823, "Rio de Janeiro"),
    ("Ipanema", -22.9838, -43.2045, "Rio de Janeiro"),
    ("Kowloon", 22.3193, 114.1694, "Hong Kong"),
    ("Üsküdar", 41.0227, 29.0130, "Istanbul"),
    ("Kadikoy", 40.9900, 29.0250, "Istanbul"),
    ("Giza, the pyramids", 29.9792, 31.1342, "!Cairo"),
    ("Södermalm", 59.3150, 18.0710, "Stockholm"),
    ("Gamla Stan", 59.3250, 18.0710, "Stockholm"),
    ("Molenbeek", 50.8547, 4.3280, "Brussels"),
    ("Bandra", 19.0596, 72.8295, "Mumbai"),
    ("Pudong", 31.2304, 121.5400, "Shanghai"),
    ("Palermo, Buenos Aires", -34.5780, -58.4260, "Buenos Aires"),
    ("Coyoacán", 19.3467, -99.1617, "Mexico City"),
    ("St Kilda", -37.8676, 144.9740, "Melbourne"),
    ("Belém, Lisbon", 38.6970, -9.2060, "Lisbon"),
    ("Grinzing, Vienna", 48.2560, 16.3420, "Vienna"),
    ("Florence, the Duomo", 43.7731, 11.2560, "Florence"),
]
# Where the nearest town of the gazetteer lies across a border: a river, a county, a state of 800 people.
MISSED = {"Heathrow", "Jersey City, the waterfront", "Trastevere"}


def city_at(latitude: float, longitude: float) -> City | None:
    return cities().around(np.array([latitude]), np.array([longitude]))[0]


@pytest.mark.parametrize(("name", "latitude", "longitude", "wanted"), SPOTS, ids=[spot[0] for spot in SPOTS])
def test_well_known_spot_is_in_the_city_people_mean(name: str, latitude: float, longitude: float, wanted: str) -> None:
    city = city_at(latitude, longitude)
    found = city.name if city else None
    is_right = found != wanted[1:] if wanted.startswith("!") else found == wanted
    assert is_right == (name not in MISSED), f"{name} is said to be in {found}"


def test_city_has_its_english_local_and_other_names() -> None:
    munich = city_at(48.137, 11.575)
    assert munich is not None
    assert {"München", "Munich", "Monaco di Baviera"} <= {munich.name, *munich.names}
    tokyo = city_at(35.69, 139.70)
    assert tokyo is not None and {"東京", "Tokio"} & set(tokyo.names)


def test_open_country_and_sea_have_no_city() -> None:
    assert city_at(-48.88, -123.39) is None
    assert city_at(23.5, 12.0) is None, "the Sahara"
    nothing = np.array([], np.float64)
    assert cities().around(nothing, nothing) == []


def test_both_sides_of_the_antimeridian_have_the_same_city() -> None:
    suva = city_at(-18.14, 178.44)
    assert suva is not None and city_at(-18.14, 178.44 - 360) == suva


def test_town_is_shown_without_the_words_its_city_says() -> None:
    london = city_at(51.4995, -0.1248)
    assert town_words("City of Westminster", london) == "Westminster"
    assert town_words("City of London", london) == "City of London"
    assert town_words("City of Westminster", None) == "City of Westminster"
    assert town_words(None, london) is None
