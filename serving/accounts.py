"""Accounts: who may log in. Kept in the lake, passwords as argon2id."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from sql.lake import Lake, Row, Writer, utc_now
from tasks.errors import Conflict, NotFound, RefusedError

MIN_PASSWORD_CHARACTERS = 8
MAX_PASSWORD_CHARACTERS = 1024  # argon2 reads all of it
_NAME = re.compile(r"[\w][\w.@+ -]{0,63}", re.UNICODE)
_HASHER = PasswordHasher()
_UNKNOWN = _HASHER.hash("nobody's password: verified for unknown names, so that they take as long as known ones")
_AT_ONCE = threading.BoundedSemaphore(2)  # each hash takes 64 MiB


class InvalidAccount(RefusedError):
    """A name or password that no account can have."""


class RegistrationClosed(RefusedError):
    """There is an account already: its owner adds others."""

    status_code = 403


def add_user(lake: Lake, name: str, password: str, *, only_first: bool = False) -> Row:
    """
    Add an account.

    Args:
        only_first: Refuse when there is any account already.
    Returns:
        The row: account_id, name, created_at.
    Raises:
        InvalidAccount: The name or the password will not do. Conflict: The name is taken. RegistrationClosed.
    """
    name = checked_name(name)
    password_hash = _hashed(checked_password(password))
    with lake.write(f"account {name}") as writer:
        known = writer.run("serving/accounts")
        if only_first and known:
            raise RegistrationClosed("there is an account already; `darkroom user add` adds another")
        if find_account(known, name):
            raise Conflict(f"the name {name} is taken")
        account = {"account_id": _new_id(writer), "name": name, "created_at": utc_now()}
        writer.append("account", [{**account, "password_hash": password_hash}])
    return account


def list_users(lake: Lake) -> list[Row]:
    """account_id, name, created_at of every account, by name."""
    return [{key: row[key] for key in ("account_id", "name", "created_at")} for row in lake.rows("serving/accounts")]


def remove_user(lake: Lake, name: str) -> None:
    """
    Remove an account; its tokens stop working.

    Raises:
        NotFound: There is none of this name.
    """
    with lake.write(f"account {name} removed") as writer:
        if not any(row["name"] == name for row in writer.run("serving/accounts")):
            raise NotFound(f"there is no account called {name}")
        writer.execute("delete from account where name = $name", name=name)


def find_account(accounts: Iterable[Row], name: str) -> Row | None:
    """The account of this name, in any case: there is only one."""
    wanted = name.strip().casefold()
    return next((account for account in accounts if account["name"].casefold() == wanted), None)


def password_is_right(account: Row | None, password: str) -> bool:
    """Takes as long for an unknown account (None) as for a wrong password."""
    stored = account["password_hash"] if account else _UNKNOWN
    with _AT_ONCE:
        try:
            _HASHER.verify(stored, password[:MAX_PASSWORD_CHARACTERS])
        except (VerificationError, InvalidHashError):
            return False
    return account is not None


def checked_name(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise InvalidAccount(
            "a name has 1 to 64 letters, digits, dots, dashes, @ or +, and begins with a letter or digit"
        )
    return name


def checked_password(password: str) -> str:
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise InvalidAccount(f"a password has at least {MIN_PASSWORD_CHARACTERS} characters")
    return password


def _hashed(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(password)


def _new_id(writer: Writer) -> int:
    return writer.next_id("account", "account_id")
