"""API keys: made once, kept as a hash, allowed what their scopes say, ended at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.auth.accounts import remove_user, set_role
from serving.auth.api_keys import InvalidKey, add_key, find_key, list_keys, parsed_expiry, revoke_key
from sql.lake import utc_now
from tasks.errors import Conflict, NotFound
from tests.serving.conftest import NAME, Installation, logged_in


@pytest.fixture
def asked(own: TestClient, installation: Installation) -> TestClient:
    """An API with an account, and nothing sent along yet."""
    logged_in(own)
    del own.headers["Authorization"]
    return own


def key_of(api: TestClient, installation: Installation, *scopes: str, **options: Any) -> str:
    key = add_key(installation.lake, NAME, f"key {len(list_keys(installation.lake)) + 1}", scopes, **options)
    api.get("/healthz")  # the replica catches up
    return key


def test_a_key_opens_what_its_scopes_say_by_either_header(asked: TestClient, installation: Installation) -> None:
    key = key_of(asked, installation, "read")
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        assert asked.get("/photos", headers=headers).status_code == 200
        assert asked.get("/account", headers=headers).json()["scopes"] == ["read"]
        refused = asked.post("/image", headers=headers, files={"file": ("a.jpg", b"x")})
        assert (refused.status_code, "scope upload" in refused.text) == (403, True)
    upload = {"X-API-Key": key_of(asked, installation, "upload")}
    assert asked.post("/image", headers=upload, files={"file": ("a.jpg", b"x")}).status_code == 400
    assert asked.get("/photos", headers=upload).status_code == 403


def test_a_key_is_no_login(asked: TestClient, installation: Installation) -> None:
    headers = {"X-API-Key": key_of(asked, installation, "read", "write", "upload", "manage")}
    assert asked.get("/users", headers=headers).status_code == 200
    assert asked.post("/logout", headers=headers).status_code == 403
    change = {"current_password": "correct horse", "new_password": "another horse"}
    assert asked.put("/account/password", headers=headers, json=change).status_code == 403


def test_a_key_is_kept_as_its_hash_only(asked: TestClient, installation: Installation) -> None:
    key = key_of(asked, installation, "read")
    (row,) = installation.lake.select("select * from api_key")
    assert key.startswith(row["prefix"])
    assert len(row["key_hash"]) == 64
    assert key[11:] not in str(row)
    shown = list_keys(installation.lake)
    assert "key_hash" not in shown[0]
    assert all(
        key[11:] not in message["commit_message"] for message in commits(installation) if message["commit_message"]
    )


def commits(installation: Installation) -> list[dict[str, Any]]:
    return installation.lake.select("select commit_message from ducklake_snapshots('lake')")


def test_wrong_and_damaged_keys_are_refused(asked: TestClient, installation: Installation) -> None:
    key = key_of(asked, installation, "read")
    for wrong in (key[:-1], key + "x", key[:10], key[:11] + key[11:].swapcase(), "dk_", "dk_" + "x" * 60, "dk_é"):
        answer = asked.get("/photos", headers={"X-API-Key": wrong.encode()})
        assert answer.status_code == 401, wrong


def test_a_revoked_key_stops_at_once_and_so_do_those_of_a_removed_account(
    asked: TestClient, installation: Installation
) -> None:
    first, second = key_of(asked, installation, "read"), key_of(asked, installation, "read")
    revoke_key(installation.lake, first[:11])
    asked.get("/healthz")
    assert asked.get("/photos", headers={"X-API-Key": first}).status_code == 401
    assert asked.get("/photos", headers={"X-API-Key": second}).status_code == 200
    remove_user(installation.lake, NAME)
    asked.get("/healthz")
    assert asked.get("/photos", headers={"X-API-Key": second}).status_code == 401
    assert list_keys(installation.lake) == []


def test_a_key_ends_on_its_day(asked: TestClient, installation: Installation) -> None:
    key = key_of(asked, installation, "read", expires_at=utc_now() + timedelta(hours=1))
    assert asked.get("/photos", headers={"X-API-Key": key}).status_code == 200
    with installation.lake.write() as writer:  # an hour later
        writer.execute("update api_key set expires_at = $past", past=utc_now() - timedelta(seconds=1))
    asked.get("/healthz")
    assert asked.get("/photos", headers={"X-API-Key": key}).status_code == 401
    assert list_keys(installation.lake)[0]["expired"]


def test_a_key_can_do_no_more_than_its_account(own: TestClient, installation: Installation) -> None:
    logged_in(own)
    own.post("/users", json={"username": "guest", "password": "correct horse"})
    key = add_key(installation.lake, "GUEST", "phone", ["read", "upload", "manage"])
    own.get("/healthz")
    del own.headers["Authorization"]
    assert own.get("/users", headers={"X-API-Key": key}).status_code == 403
    set_role(installation.lake, "guest", "owner")
    own.get("/healthz")
    assert own.get("/users", headers={"X-API-Key": key}).status_code == 200


def test_names_are_told_apart_within_an_account(asked: TestClient, installation: Installation) -> None:
    add_key(installation.lake, NAME, "backup", ["read"])
    with pytest.raises(Conflict):
        add_key(installation.lake, NAME, "BackUp", ["read"])
    with pytest.raises(NotFound):
        add_key(installation.lake, "nobody", "backup", ["read"])
    for name, scopes in (("", ["read"]), ("dk_x", ["read"]), ("17", ["read"]), ("fine", []), ("fine", ["all"])):
        with pytest.raises(InvalidKey):
            add_key(installation.lake, NAME, name, scopes)
    with pytest.raises(NotFound):
        revoke_key(installation.lake, "no such key")
    assert revoke_key(installation.lake, "BACKUP")["user"] == NAME


def test_expiry_is_an_age_or_a_date() -> None:
    assert timedelta(days=89) < parsed_expiry("90d") - utc_now() < timedelta(days=91)
    assert parsed_expiry("2031-01-31T10:00:00+02:00").isoformat() == "2031-01-31T08:00:00"
    for wrong in ("soon", "", "12", "-3d", "99999-01-01"):
        with pytest.raises(InvalidKey):
            parsed_expiry(wrong)
    with pytest.raises(InvalidKey, match="over already"):
        add_key(None, NAME, "late", ["read"], parsed_expiry("2020-01-01"))  # type: ignore[arg-type]


def test_a_key_without_a_row_is_not_found() -> None:
    assert find_key({}, "dk_abcdefgh_secret") is None
