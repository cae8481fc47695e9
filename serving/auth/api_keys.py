"""
API keys: for scripts and other programs, each with scopes of its own.

A key is `dk_` + 8 characters that name it + `_` + 43 that are secret. It is shown once, and only its SHA-256 is kept:
enough for 256 random bits (a password needs argon2id).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import structlog

from serving.auth.accounts import existing_user, find_account
from serving.auth.permissions import checked_scopes
from serving.replica.snapshot import ReplicaSnapshot
from sql.lake import Lake, LakeError, Row, utc_now
from tasks.errors import Conflict, NotFound, RefusedError

log = structlog.get_logger(__name__)

KEY_BEGINNING = "dk_"
PREFIX_LENGTH = len(KEY_BEGINNING) + 8
SHOWN = ("key_id", "user", "name", "prefix", "scopes", "created_at", "expires_at", "expired")
_ALPHABET = string.ascii_letters + string.digits
_NAME = re.compile(r"\w[\w.@+ -]{0,63}", re.UNICODE)
_AGE = re.compile(r"(\d{1,5})\s*(d|w|m|y)", re.IGNORECASE)
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


class InvalidKey(RefusedError):
    """A name, scope or date that no key can have."""


class CurrentKeys:
    """Keys and accounts of this moment: the replica's, or the lake's where the replica is still to catch up."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._ahead: tuple[int, dict[str, Row], list[Row]] = (-1, {}, [])

    def of(self, copy: ReplicaSnapshot) -> tuple[Mapping[str, Row], Iterable[Row]]:
        """Keys by their beginning, and accounts. Costs one look at the lake's number; a query where it has moved on."""
        try:
            newest = self._lake.snapshot_id()
            if newest == copy.snapshot_id:
                return copy.api_keys, copy.accounts.values()
            if newest != self._ahead[0]:
                keys = {row["prefix"]: row for row in self._lake.rows("serving/auth/api_keys")}
                self._ahead = newest, keys, self._lake.rows("serving/auth/accounts")
        except LakeError as exc:  # /healthz says so too; what was known last is good until it can be read again
            log.warning("keys.lake_not_read", reason=str(exc))
            return copy.api_keys, copy.accounts.values()
        return self._ahead[1], self._ahead[2]


def add_key(lake: Lake, user: str, name: str, scopes: Iterable[str], expires_at: datetime | None = None) -> str:
    """
    Make a key for an account.

    Args:
        name: What it is for; told apart within the account.
        expires_at: UTC without a zone; None for never.
    Returns:
        The key. Nothing shows it again.
    Raises:
        InvalidKey. NotFound: No such account. Conflict: The account has a key of this name.
    """
    name, wanted = _checked_name(name), _checked_scopes(scopes)
    if expires_at is not None and expires_at <= utc_now():
        raise InvalidKey("that is over already: a key expires in the future")
    prefix = KEY_BEGINNING + "".join(secrets.choice(_ALPHABET) for _ in range(8))
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    with lake.write(f"API key {name} for {user}") as writer:
        account = existing_user(writer, user)
        known = writer.run("serving/auth/api_keys")
        own = [row for row in known if row["account_id"] == account["account_id"]]
        if any(row["name"].casefold() == name.casefold() for row in own):
            raise Conflict(f"{account['name']} has a key called {name} already")
        if any(row["prefix"] == prefix for row in known):  # once in 2e14
            raise Conflict("the key came out like another one: try again")
        row = {
            "key_id": writer.next_id("api_key", "key_id"),
            "account_id": account["account_id"],
            "name": name,
            "prefix": prefix,
            "key_hash": _hashed(key),
            "scopes": wanted,
            "created_at": utc_now(),
            "expires_at": expires_at,
        }
        writer.append("api_key", [row])
    return key


def list_keys(lake: Lake, user: str | None = None) -> list[Row]:
    """SHOWN of every key, or of one account's. Raises NotFound: No such account."""
    accounts = lake.rows("serving/auth/accounts")
    names = {row["account_id"]: row["name"] for row in accounts}
    wanted = find_account(accounts, user) if user else None
    if user and wanted is None:
        raise NotFound(f"there is no account called {user}")
    now = utc_now()
    keys = [
        {**row, "user": names.get(row["account_id"]), "expired": _is_over(row, now)}
        for row in lake.rows("serving/auth/api_keys")
        if wanted is None or row["account_id"] == wanted["account_id"]
    ]
    return [{name: row[name] for name in SHOWN} for row in keys]


def revoke_key(lake: Lake, wanted: str, user: str | None = None) -> Row:
    """
    End a key, by its name, its beginning (`dk_…`) or its number; it stops working at once.

    Returns:
        SHOWN of the key.
    Raises:
        NotFound: There is none. Conflict: Several accounts have a key of this name: *user* says whose.
    """
    found = [row for row in list_keys(lake, user) if _is_meant(row, wanted)]
    if not found:
        raise NotFound(f"there is no key {wanted[:PREFIX_LENGTH]}; `darkroom key list` shows what there is")
    if len(found) > 1:
        whose = ", ".join(sorted(str(row["user"]) for row in found))
        raise Conflict(f"several accounts have a key called {wanted}: {whose}; say which with --user")
    with lake.write(f"API key {found[0]['name']} of {found[0]['user']} revoked") as writer:
        writer.execute("delete from api_key where key_id = $key_id", key_id=found[0]["key_id"])
    return found[0]


def find_key(keys: Mapping[str, Row], key: str) -> Row | None:
    """
    The row of a key that is good now.

    Args:
        keys: By prefix.
    """
    row = keys.get(key[:PREFIX_LENGTH])
    stored = row["key_hash"] if row else ""
    if not hmac.compare_digest(_hashed(key), stored) or row is None or _is_over(row, utc_now()):
        return None
    return row


def parsed_expiry(text: str) -> datetime:
    """
    When a key ends, UTC: `90d`, `12w`, `6m`, `1y` from now, or a date or time (local where it names no zone).

    Raises:
        InvalidKey: It is neither.
    """
    if age := _AGE.fullmatch(text.strip()):
        return utc_now() + timedelta(days=int(age[1]) * _DAYS[age[2].lower()])
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as exc:
        raise InvalidKey(f"{text[:40]!r} is no time: write 90d, 6m, 1y, or a date such as 2027-01-31") from exc


def _is_meant(row: Row, wanted: str) -> bool:
    names = {str(row["key_id"]), row["prefix"]}
    return wanted in names or row["name"].casefold() == wanted.strip().casefold()


def _is_over(row: Row, now: datetime) -> bool:
    return row["expires_at"] is not None and row["expires_at"] <= now


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _checked_name(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name) or name.startswith(KEY_BEGINNING) or name.isdigit():
        raise InvalidKey("a key's name has 1 to 64 letters, digits, dots or dashes, and is no number")
    return name


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    try:
        wanted = checked_scopes(scopes)
    except ValueError as exc:
        raise InvalidKey(str(exc)) from exc
    if not wanted:
        raise InvalidKey("say what the key is for: --scope read, write, upload or manage, as often as needed")
    return wanted
