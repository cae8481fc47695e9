"""A file is served under the name it is listed by, whatever it is called: every route decodes a path exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.app import create_app
from tests.serving.conftest import Installation, logged_in, make_installation

NAMES = [
    "a%00b.jpg",
    "x..%2f..%2fy.jpg",
    "%2e%2e%2fup.jpg",
    "%252e%252e%252fup.jpg",
    "100%.jpg",
    "plus+and space.jpg",
    "a\\..\\b.jpg",
    "C:%5cx.jpg",
    "q?x=1&y=2#z.jpg",
    "%41.jpg",
    "f..%2f..%2fg/%2e%2e/deep.jpg",
]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Installation]]:
    installation = make_installation(tmp_path_factory.mktemp("hostile"))
    for number, name in enumerate(NAMES):
        file = installation.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32 + number, 24), (20 * number, 60, 90)).save(file, "JPEG")
    installation.scan()
    with TestClient(create_app(installation.settings, installation.lake), raise_server_exceptions=False) as client:
        yield logged_in(client), installation
    installation.lake.close()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_listed_is_served_by_every_route(hostile: tuple[TestClient, Installation], name: str) -> None:
    client, installation = hostile
    path = quote(name, safe="")
    listed = {photo["path"]: photo for photo in client.get("/photos?limit=100").json()["photos"]}
    assert sorted(listed) == sorted(NAMES)
    assert client.get(f"/image?path={path}").content == (installation.root / name).read_bytes()
    thumbnail = client.get(f"/image?path={path}&size=thumb")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/jpeg")
    assert client.get(listed[name]["thumb_url"]).status_code == 200
    for route in ("/image/metadata", "/image/tags", "/image/note", "/image/faces"):
        assert client.get(f"{route}?path={path}").status_code == 200, route
    assert client.get(f"/video/file?path={path}").status_code in {200, 404}  # no video
    assert client.post("/image/tags", json={"file_name": name, "tag_name": "odd"}).status_code == 200
    folder = Path(name).parent.as_posix().removeprefix(".")
    inside = client.get(f"/photos?path={quote(folder, safe='')}").json()["photos"]
    assert name in {photo["path"] for photo in inside}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(["..", "%2e", "%2f", "%5c", "%25", "%00", "/", "\\", "a", ".", "\0", "C:"]), max_size=8)
)
def test_no_spelling_leads_out_of_the_library(hostile: tuple[TestClient, Installation], parts: list[str]) -> None:
    client, installation = hostile
    (installation.root.parent / "secret.jpg").write_bytes(b"secret")
    text = "".join([*parts, "secret.jpg"])
    for encoded in (quote(text, safe=""), quote(quote(text, safe=""), safe=""), text.replace("\0", "%00")):
        for address in (f"/image?path={encoded}", f"/image/metadata?path={encoded}", f"/photos?path={encoded}"):
            answer = client.get(address)
            assert answer.status_code in {400, 404}, address
            assert b"secret" not in answer.content or answer.headers["content-type"] == "application/json"
