"""Accounts, API keys and libraries from the command line: a real process each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.test_cli import answer, darkroom
from tests.pictures import draw

PASSWORD = "correct horse\n"


@pytest.fixture
def two_accounts(home: Path) -> None:
    for name in ("Ada", "bob"):
        assert darkroom("user", "add", name, "--password-stdin", stdin=PASSWORD).returncode == 0


def users() -> dict[str, str]:
    return {row["name"]: row["role"] for row in answer("user", "list")["users"]}


def test_accounts_are_made_changed_and_removed(two_accounts: None) -> None:
    assert users() == {"Ada": "owner", "bob": "viewer"}
    assert darkroom("user", "remove", "ADA").returncode == 2, "viewers need an owner"
    assert darkroom("user", "role", "BOB", "owner").returncode == 0
    assert darkroom("user", "role", "bob", "emperor").returncode == 2
    assert darkroom("user", "logout-all", "bob").returncode == 0
    assert darkroom("user", "password", "bob", "--password-stdin", stdin="short\n").returncode == 2
    assert darkroom("user", "password", "bob", "--password-stdin", stdin="battery staple\n").returncode == 0
    assert darkroom("token", "BOB").stdout.count(".") == 2
    assert darkroom("user", "remove", "ada").returncode == 0, "in any case, as logging in"
    assert users() == {"bob": "owner"}
    nobody = darkroom("user", "role", "nobody", "owner")
    assert (nobody.returncode, nobody.stderr.count("\n")) == (2, 1)


def test_a_key_is_shown_once_and_listed_without_its_secret(two_accounts: None) -> None:
    made = darkroom("key", "add", "backup", "--user", "bob", "--scope", "read,upload", "--expires", "90d")
    key = made.stdout.strip()
    assert key.startswith("dk_")
    listed: list[dict[str, Any]] = answer("key", "list")["keys"]
    assert [(row["name"], row["user"], row["scopes"]) for row in listed] == [("backup", "bob", ["read", "upload"])]
    assert key[12:] not in json.dumps(listed) + darkroom("key", "list").stdout
    assert darkroom("key", "add", "x", "--user", "bob", "--scope", "everything").returncode == 2
    assert darkroom("key", "revoke", key[:11]).returncode == 0
    assert answer("key", "list") == {"keys": []}


@pytest.fixture
def photos(home: Path, tmp_path: Path) -> Path:
    for number in range(3):
        draw(tmp_path / "photos" / f"{number}.jpg", number)
    draw(tmp_path / "other" / "0.jpg", 0)
    answer("scan", str(tmp_path / "photos"), str(tmp_path / "other"))
    return tmp_path / "photos"


def test_a_library_is_forgotten_without_its_originals(photos: Path, home: Path) -> None:
    assert darkroom("library", "remove", "photos").returncode == 2, "nobody to ask"
    dry = answer("library", "remove", "photos", "--dry-run")
    assert (dry["assets"], dry["dry_run"], dry["rows"]["asset"]) == (3, True, 3)
    assert [row["assets"] for row in answer("library", "list")["libraries"]] == [1, 3]
    gone = answer("library", "remove", "photos", "--yes")
    assert gone["files_left"] == 0
    assert [row["library"] for row in answer("library", "list")["libraries"]] == ["other"]
    assert len(list(photos.iterdir())) == 3
    assert not (home / "thumbnails" / "0.jpg").exists()
    assert (home / "thumbnails" / ".library-2" / "0.jpg").exists(), "the other library's stay"
    left = json.loads(darkroom("sql", "select count(*) as n from v_assets", "--format", "json").stdout)
    assert left == [{"n": 1}]
    assert answer("scan", str(photos))["new"] == 3
    assert darkroom("library", "remove", "nothing").returncode == 2


def test_base_path_is_not_forgotten_to_come_back_at_once(photos: Path) -> None:
    refused = darkroom("library", "remove", "photos", "--yes", BASE_PATH=str(photos))
    assert (refused.returncode, "BASE_PATH" in refused.stderr) == (2, True)


def test_a_library_gets_another_name(photos: Path) -> None:
    assert darkroom("library", "rename", "photos", "holidays").returncode == 0
    assert {row["library"] for row in answer("library", "list")["libraries"]} == {"holidays", "other"}
    for name in ("other", "all", "12", " "):
        assert darkroom("library", "rename", "holidays", name).returncode == 2
    assert answer("scan")["new"] == 0


def test_version_and_wrong_addresses_are_one_line(home: Path) -> None:
    assert darkroom("--version").stdout.startswith("darkroom 0.")
    for address in ("127.0.0.1:99999", "127.0.0.1:-1", "localhost", "127.0.0.1:٣"):
        refused = darkroom("status", BIND_URL=address)
        assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
        assert "BIND_URL: host:port is needed" in refused.stderr


def test_a_short_secret_is_warned_about_by_doctor(home: Path) -> None:
    checks = {row["name"]: row for row in json.loads(darkroom("doctor", "--json", SECRET_KEY="short").stdout)["checks"]}
    assert checks["secret key"]["state"] == "warn"
    assert "short" not in checks["setting SECRET_KEY"]["found"]
    assert darkroom("status", SECRET_KEY="short").returncode == 0
