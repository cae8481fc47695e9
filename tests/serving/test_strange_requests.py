"""Whatever a client sends, the answer is never 500."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROUTES = ["/photos", "/photos/exif", "/photos/gps-summary", "/photos/months", "/image", "/image/metadata", "/failures"]
NAMES = ["path", "recursive", "library", "media_type", "sort", "camera", "lens", "date_from", "date_to", "gps_lat",
         "gps_lon", "radius_km", "limit", "offset", "cursor", "tag_ids", "exclude_tag_ids", "tag_filter_mode", "month",
         "size", "format"]  # fmt: skip
USUAL = ["", "0", "-1", "1", "1e308", "nan", "inf", "-inf", "99999999999999999999999999", "true", "null", "'", '"', "%",
         "\0", "\x7f", "'; drop table timeline; --", "../", "..%2f", "2012", "2012/summer", "2012-01", "0001-01-01",
         "9999-12-31", "99999-01-01", "1970-01-01T00:00:00Z", "253402300800", "\U0010f7ff.jpg", "e\u0301", "\u202e",
         "W10=", "eyJhIjoxfQ", "photo", "-size", "size_desc", "thumb", "gif"]  # fmt: skip
VALUES = st.one_of(st.sampled_from(USUAL), st.text(max_size=40), st.integers().map(str), st.floats().map(str))


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(route=st.sampled_from(ROUTES), parameters=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
def test_any_parameters_are_answered_or_refused(client: TestClient, route: str, parameters: dict[str, str]) -> None:
    answer = client.get(route, params=parameters)
    assert answer.status_code in {200, 400, 404, 422}, (route, parameters, answer.text)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(body=JSON | st.fixed_dictionaries({"username": JSON, "password": JSON}))
def test_any_login_is_answered_or_refused(client: TestClient, body: Any) -> None:
    import json

    for route in ("/login", "/register"):
        answer = client.post(route, content=json.dumps(body), headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 401, 403, 422, 429}, (route, body, answer.text)


STRANGE = [
    "/photos/-1",
    "/photos/99999999999999999999",
    "/photos/x",
    "/view/99999999999999999999",
    "/thumb/99999999999999999999/aaaaaaaaaaaaaaaa.jpg",
    "/static/../app.py",
    "/static/%2e%2e/%2e%2e/app.py",
    "/%00",
    "//",
    "/photos//",
]


@pytest.mark.parametrize("path", STRANGE)
def test_strange_addresses_are_refused(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in {200, 307, 404, 405, 422}, path
    assert b"create_app" not in answer.content


def test_lone_surrogates_in_json_are_refused(client: TestClient) -> None:
    answer = client.post("/login", content=b'{"username":"\\ud800","password":"\\udfff aaaaaaaa"}')
    assert answer.status_code in {401, 422, 429}


def test_a_refused_password_is_not_repeated(client: TestClient) -> None:
    answer = client.post("/login", json={"username": 1, "password": ["my secret password"]})
    assert answer.status_code == 422
    assert "secret" not in answer.text
    assert client.post("/login", content=b"Infinity", headers={"Content-Type": "application/json"}).status_code == 422
