"""A query parameter that a route does not have is refused, and those it has are named."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from tests.serving.conftest import logged_in, make_installation

# What the Image API's clients may send, from the route table we keep to.
LEGACY = {
    "/photos": "path recursive library tag_ids exclude_tag_ids tag_filter_mode sort media_type camera lens date_from "
    "date_to gps_lat gps_lon radius_km limit offset",
    "/photos/exif": "date_from date_to library",
    "/photos/gps-summary": "path recursive",
    "/image": "path size library format",
    "/image/metadata": "path library",
    "/image/tags": "path library",
    "/image/tags/all": "path library",
    "/image/favorites": "path library",
    "/memories": "path recursive span timezone_offset_minutes library",
    "/video/stream": "path library",
    "/video/preview": "path library",
    "/insights": "path library",
    "/insights/chat/history": "path library",
    "/faces/stats": "library",
    "/faces/embeddings": "unassigned limit offset library",
    "/image/faces": "path library",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    installation = make_installation(tmp_path_factory.mktemp("parameters"))
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client)
    installation.lake.close()


def test_every_route_refuses_what_it_does_not_know_and_names_what_it_knows(api: TestClient) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    assert len(paths) > 50
    for path, item in paths.items():
        for method, operation in item.items():
            known = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            address = re.sub(r"\{[^}]*\}", "1", path)
            answer = api.request(method, address, params={"nonsense": "1"})
            assert answer.status_code == 400, (method, path, answer.text)
            assert "'nonsense'" in answer.json()["detail"], (method, path)
            assert all(name in answer.json()["detail"] for name in known), (method, path)


@pytest.mark.parametrize("path", sorted(LEGACY))
def test_parameters_of_the_image_api_are_known(api: TestClient, path: str) -> None:
    documented = api.get("/openapi.json").json()["paths"][path]["get"]["parameters"]
    assert set(LEGACY[path].split()) <= {one["name"] for one in documented}


def test_a_misspelt_filter_does_not_answer_with_the_whole_library(api: TestClient) -> None:
    answer = api.get("/photos", params={"tag_id": "3", "limit": "5"})
    assert answer.status_code == 400
    assert "'tag_id'" in answer.json()["detail"]
    assert "tag_ids" in answer.json()["detail"]


def test_pages_open_whatever_a_link_carries_along(api: TestClient) -> None:
    assert api.get("/", params={"utm_source": "mail"}).status_code == 200
