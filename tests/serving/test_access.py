"""Who may do what: roles and scopes, asked of every route there is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.routing import compile_path

from deployments.settings import Settings
from serving.app import create_app
from serving.auth.accounts import add_user, set_role
from serving.auth.api_keys import add_key
from serving.auth.permissions import (
    OWNERS_ONLY,
    ROUTE_PERMISSIONS,
    SAFE_METHODS,
    SCOPES,
    Permission,
    checked_scopes,
    described,
    refusal,
    required_permissions,
)
from serving.auth.tokens import is_open, issue_token
from tests.serving.conftest import NAME, PASSWORD, Installation, logged_in
from tests.serving.routes import routes_of

APP = create_app(Settings(_env_file=None))  # type: ignore[call-arg]
ROUTES = routes_of(APP)


def sample(path: str) -> str:
    """An address that the route *path* takes."""
    return re.sub(r"\{[^}]*\}", "7", path)


def wanted(method: str, path: str) -> frozenset[Permission]:
    """What the table says of a route, as a set."""
    needs = ROUTE_PERMISSIONS[method, path]
    return frozenset({needs}) if isinstance(needs, Permission) else needs


def guarded() -> list[tuple[str, str]]:
    return [(method, path) for method, path in ROUTES if not is_open(sample(path))]


def test_every_route_that_writes_is_in_the_table_and_every_entry_is_a_route() -> None:
    writing = {(method, path) for method, path in guarded() if method not in SAFE_METHODS}
    assert writing - set(ROUTE_PERMISSIONS) == set(), "say in serving/auth/permissions.py who may do this"
    assert set(ROUTE_PERMISSIONS) - set(ROUTES) == set(), "there is no such route"
    assert len(ROUTES) > 40


@pytest.mark.parametrize(("method", "path"), sorted(ROUTE_PERMISSIONS))
def test_an_address_asks_for_what_its_route_says(method: str, path: str) -> None:
    assert required_permissions(method, sample(path)) == wanted(method, path)
    first = next(route for route in ROUTES if route[0] == method and compile_path(route[1])[0].match(sample(path)))
    assert first == (method, path) or wanted(*first) == wanted(method, path)


def test_what_the_table_does_not_know_is_read_by_all_and_written_by_owners() -> None:
    assert required_permissions("GET", "/something/new") == {Permission.read}
    for method in ("POST", "PUT", "PATCH", "DELETE", "BREW"):
        assert required_permissions(method, "/something/new") == {Permission.write}
    assert required_permissions("HEAD", "/users") == required_permissions("GET", "/users") == {Permission.manage}


@pytest.fixture
def viewer(own: TestClient, installation: Installation) -> Iterator[TestClient]:
    """The API as a viewer sees it."""
    logged_in(own)
    add_user(installation.lake, "guest", PASSWORD)
    own.get("/healthz")
    own.headers["Authorization"] = f"Bearer {issue_token(installation.settings, 'guest')}"
    yield own


def test_no_route_answers_without_a_token(own: TestClient) -> None:
    for method, path in guarded():
        assert own.request(method, sample(path)).status_code == 401, (method, path)


def test_a_viewer_is_refused_exactly_what_only_owners_may_do(viewer: TestClient) -> None:
    for method, path in guarded():
        if (method, path) in {("POST", "/logout"), ("GET", "/metrics")}:
            continue
        answer = viewer.request(method, sample(path))
        refused = answer.status_code == 403 and "only an owner" in answer.text
        assert refused is bool(required_permissions(method, sample(path)) & OWNERS_ONLY), (
            method,
            path,
            answer.status_code,
        )


def test_a_viewer_looks_and_keeps_favourites_but_changes_nothing(
    viewer: TestClient, installation: Installation
) -> None:
    assert viewer.get("/photos").status_code == 200
    assert viewer.get("/account").json() | {"account_id": 0} == {
        "account_id": 0, "username": "guest", "role": "viewer", "scopes": None,
    }  # fmt: skip
    assert viewer.put("/image/favorites", json={"path": "a.jpg"}).status_code == 404  # allowed, but there is no photo
    assert viewer.post("/image", files={"file": ("a.jpg", b"x")}).status_code == 403
    assert viewer.get("/users").status_code == 403
    set_role(installation.lake, "GUEST", "owner")
    viewer.get("/healthz")
    assert viewer.get("/users").status_code == 200, "a role is looked up anew with every request"
    assert viewer.post("/image", files={"file": ("a.jpg", b"x")}).status_code == 400


@pytest.mark.parametrize("need", list(Permission))
def test_an_api_key_needs_the_scope_and_its_owner_the_role(need: Permission) -> None:
    needs, everything = frozenset({need}), frozenset(scope.value for scope in SCOPES)
    assert refusal(needs, "owner", None) is None
    assert (refusal(needs, "viewer", None) is None) is (need not in OWNERS_ONLY)
    assert (refusal(needs, "owner", everything) is None) is (need is not Permission.login)
    assert refusal(needs, "owner", frozenset()) is not None
    assert (refusal(needs, "viewer", everything) is None) is (need in {Permission.read, Permission.keep})


def test_who_needs_two_things_must_have_both() -> None:
    both = frozenset({Permission.private, Permission.write})
    assert "no scope read" in (refusal(both, "owner", frozenset({"write"})) or "")
    assert "no scope write" in (refusal(both, "owner", frozenset({"read"})) or "")
    assert refusal(both, "owner", frozenset({"read", "write"})) is None
    assert refusal(both, "viewer", None) is not None
    assert described(both) == "an owner, or an API key with the scopes `read` and `write`"


@pytest.mark.parametrize(
    "path", ["/insights/generate", "/insights/generate/agentic", "/insights/chat", "/insights/chat/stream"]
)
def test_a_key_that_only_writes_reaches_no_tool_that_reads_messages(
    own: TestClient, installation: Installation, path: str
) -> None:
    logged_in(own)
    for scopes, refused in ((["write"], True), (["read"], True), (["read", "write"], False)):
        key = add_key(installation.lake, NAME, "-".join(scopes), scopes)
        own.get("/healthz")
        answer = own.post(path, headers={"X-API-Key": key, "Authorization": ""}, json={})
        assert answer.status_code == (403 if refused else 422), answer.text


def test_scopes_are_known_ones() -> None:
    assert checked_scopes([" Upload", "read", "read"]) == ["read", "upload"]
    with pytest.raises(ValueError, match="no scope keep"):
        checked_scopes(["keep"])


def test_the_documentation_says_what_each_route_needs() -> None:
    paths = APP.openapi()["paths"]
    assert "only" not in paths["/photos"]["get"]["description"]
    assert "scope `upload`" in paths["/image"]["post"]["description"]
    assert "no API key" in paths["/account/password"]["put"]["description"]
    assert paths["/photos"]["get"]["security"] == [{"token": []}, {"key": []}]
