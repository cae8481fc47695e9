"""What keys, viewers, other origins and the answers themselves let out."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from serving.auth import accounts
from serving.auth.accounts import add_user, password_is_right
from serving.auth.api_keys import add_key, revoke_key
from serving.auth.tokens import COOKIE
from serving.context import Context
from serving.media.file_answers import file_answer
from sql.lake import Lake
from tests.pictures import draw
from tests.serving.conftest import NAME, PASSWORD, Installation, logged_in
from tests.serving.routes import routes_of

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PAGES = ("/", "/videos", "/on-this-day", "/people", "/map", "/duplicates", "/ask", "/days", "/docs")
WEB = Path(accounts.__file__).parent / "web"


def context_of(client: TestClient) -> Context:
    context: Context = client.app.state.context  # type: ignore[attr-defined]
    return context


def viewer_of(client: TestClient, installation: Installation) -> dict[str, str]:
    """Headers of a viewer who is logged in."""
    add_user(installation.lake, "guest", PASSWORD)
    client.get("/healthz")
    token = client.post("/login", json={"username": "guest", "password": PASSWORD}).json()["token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_key_counts_from_when_another_process_makes_it_to_when_it_takes_it_back(
    own: TestClient, installation: Installation
) -> None:
    logged_in(own)
    context_of(own).replica.stop()  # it follows the lake no more: what counts is the lake
    settings = installation.settings
    with Lake(settings.catalog_url, settings.data_path) as other:
        for number in range(3):
            key = add_key(other, NAME, f"script {number}", ["read"])
            headers = {"X-API-Key": key, "Authorization": ""}
            assert own.get("/photos", headers=headers).status_code == 200
            assert own.get("/photos", headers={**headers, "X-API-Key": key[:-1] + "?"}).status_code == 401
            revoke_key(other, f"script {number}")
            assert own.get("/photos", headers=headers).status_code == 401


def test_viewers_read_no_face_vectors(own: TestClient, installation: Installation) -> None:
    logged_in(own)
    assert own.get("/faces/embeddings").status_code == 200
    assert own.get("/faces/embeddings", headers=viewer_of(own, installation)).status_code == 403


def test_no_route_tells_a_viewer_where_the_library_lies(own: TestClient, installation: Installation) -> None:
    logged_in(own)
    draw(installation.root / "2019" / "one.jpg", 1, taken="2019:05:06 07:08:09")
    (installation.root / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    installation.scan()
    own.get("/healthz")
    assert str(installation.root) in own.get("/libraries").text, "owners see it"
    headers, asked = viewer_of(own, installation), 0
    questions = {"path": "2019/one.jpg", "q": "one", "query": "one", "limit": 50}
    taken = {  # a parameter that a route does not know is refused
        path: {parameter["name"] for parameter in item["get"].get("parameters", [])}
        for path, item in own.app.openapi()["paths"].items()  # type: ignore[attr-defined]
        if "get" in item
    }
    for method, route in routes_of(own.app):  # type: ignore[arg-type]
        if method != "GET":
            continue
        address = re.sub(r"\{[^}]*hash[^}]*\}", "0" * 64, route)
        for path in ("2019/one.jpg", "broken.jpg"):
            known = {name: value for name, value in {**questions, "path": path}.items() if name in taken.get(route, ())}
            answer = own.get(re.sub(r"\{[^}]*\}", "1", address), params=known, headers=headers)
            asked += answer.is_success
            assert str(installation.root) not in answer.text, route
            assert str(installation.settings.darkroom_home) not in answer.text, route
    assert asked > 30


def test_a_name_that_is_unknown_costs_as_much_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []

    class Hasher:
        def verify(self, stored: str, _password: str) -> bool:
            verified.append(stored)
            return True

    monkeypatch.setattr(accounts, "_HASHER", Hasher())
    assert not password_is_right(None, "a guess")
    assert len(verified) == 1 and verified[0].startswith("$argon2id$")


def test_no_more_than_two_passwords_are_hashed_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes 64 MiB: a crowd of logins waits for its turn."""
    lock, now, most = threading.Lock(), 0, 0

    class Hasher:
        def verify(self, _stored: str, _password: str) -> bool:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= 1
            return True

    monkeypatch.setattr(accounts, "_HASHER", Hasher())
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: password_is_right(None, "x"), range(32)))
    assert most <= 2


def test_a_login_gives_a_new_token_whatever_cookie_came_along(own: TestClient, installation: Installation) -> None:
    add_user(installation.lake, NAME, PASSWORD)
    own.get("/healthz")
    body = {"username": NAME, "password": PASSWORD}
    own.cookies.set(COOKIE, "chosen-by-somebody-else")
    first = own.post("/session", json=body, headers=SAME_ORIGIN).headers["set-cookie"]
    second = own.post("/session", json=body, headers=SAME_ORIGIN).headers["set-cookie"]
    assert "chosen-by-somebody-else" not in first and first != second


def test_no_token_is_taken_from_an_address(own: TestClient) -> None:
    logged_in(own)
    token = own.headers.pop("Authorization").removeprefix("Bearer ")
    for name in ("token", "access_token", "api_key", "key", COOKIE):
        assert own.get("/photos", params={name: token}).status_code == 401


def test_pages_run_our_scripts_only_and_are_shown_in_no_frame(own: TestClient) -> None:
    logged_in(own)
    own.cookies.set(COOKIE, own.headers.pop("Authorization").removeprefix("Bearer "))
    for page in PAGES:
        headers = own.get(page).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy, page
        assert "frame-ancestors 'none'" in policy and headers["x-frame-options"] == "DENY", page
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin", page


def test_every_answer_has_a_policy_and_none_is_for_other_origins(own: TestClient) -> None:
    logged_in(own)
    for path in ("/photos", "/healthz", "/static/icon.svg", "/openapi.json", "/nothing", "/favicon.ico"):
        headers = own.get(path, headers={"Origin": "https://evil.example"}).headers
        assert "content-security-policy" in headers and headers["cross-origin-resource-policy"] == "same-origin", path
        assert "access-control-allow-origin" not in headers, path


def test_pages_hold_no_script_of_their_own_and_nothing_from_elsewhere() -> None:
    for template in (WEB / "templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+\s*=|javascript:", text), template.name
        assert not re.search(r"(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//", text), template.name


@pytest.mark.parametrize(
    "media_type", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "", "image/"]
)
def test_an_original_that_a_browser_would_run_is_a_download(tmp_path: Path, media_type: str) -> None:
    file = tmp_path / "a.svg"
    file.write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
    answer = file_answer(request, file, media_type=media_type, etag="x", file_name="a.svg")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_no_redirect_leads_to_another_site(own: TestClient) -> None:
    logged_in(own)
    for path in ("//evil.example/", "/photos/", "//evil.example/photos/", "/\\evil.example", "/docs/"):
        answer = own.get(f"http://127.0.0.1{path}", follow_redirects=False)
        assert urlsplit(answer.headers.get("location", "")).netloc in {"", "127.0.0.1"}, path


def test_what_goes_wrong_inside_stays_inside(own: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("/home/ada/secret.key could not be read")

    monkeypatch.setattr(context_of(own).login_limit, "attempt", fail)
    answer = own.post("/login", json={"username": NAME, "password": PASSWORD})
    assert answer.status_code == 500 and "secret.key" not in answer.text and "RuntimeError" not in answer.text
