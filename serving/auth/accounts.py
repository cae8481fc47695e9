"""Accounts: who may log in, and as what. Kept in the lake, passwords as argon2id."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from serving.ai.conversations import delete_conversation
from serving.auth.permissions import OWNER, ROLES, VIEWER
from sql.lake import Lake, Row, Writer, utc_now
from tasks.errors import Conflict, NotFound, RefusedError

MIN_PASSWORD_CHARACTERS = 8
MAX_PASSWORD_CHARACTERS = 1024  # argon2 reads all of it
SHOWN = ("account_id", "name", "role", "created_at")
_OF_AN_ACCOUNT = ("api_key", "revoked_token", "favorite")  # tables whose rows go with it
_NAME = re.compile(r"[\w][\w.@+ -]{0,63}", re.UNICODE)
_HASHER = PasswordHasher()
_UNKNOWN = _HASHER.hash("nobody's password: verified for unknown names, so that they take as long as known ones")
_AT_ONCE = threading.BoundedSemaphore(2)  # each hash takes 64 MiB


class InvalidAccount(RefusedError):
    """A name, password or role that no account can have."""


class RegistrationClosed(RefusedError):
    """There is an account already: its owner adds others."""

    status_code = 403


def add_user(lake: Lake, name: str, password: str, *, role: str | None = None, only_first: bool = False) -> Row:
    """
    Add an account.

    Args:
        role: owner or viewer. The first account is an owner whatever is said; others are viewers unless it is.
        only_first: Refuse when there is any account already.
    Returns:
        The row: account_id, name, role, created_at.
    Raises:
        InvalidAccount: Name, password or role will not do. Conflict: The name is taken. RegistrationClosed.
    """
    name, role = checked_name(name), checked_role(role or VIEWER)
    password_hash = _hashed(checked_password(password))
    with lake.write(f"account {name}") as writer:
        known = writer.run("serving/auth/accounts")
        if only_first and known:
            raise RegistrationClosed("there is an account already; `darkroom user add` adds another")
        if find_account(known, name):
            raise Conflict(f"the name {name} is taken")
        account = {
            "account_id": _new_id(writer),
            "name": name,
            "role": role if known else OWNER,
            "created_at": utc_now(),
        }
        writer.append("account", [{**account, "password_hash": password_hash, "token_stamp": ""}])
    return account


def list_users(lake: Lake) -> list[Row]:
    """SHOWN of every account, by name."""
    return [shown(row) for row in lake.rows("serving/auth/accounts")]


def shown(account: Row) -> Row:
    return {name: account[name] for name in SHOWN}


def remove_user(lake: Lake, name: str, *, last: bool = True) -> None:
    """
    Remove an account: its tokens, keys, favourites and chats go; its number is never given to another.

    Args:
        last: Whether the only account there is may go: then anybody may register.
    Raises:
        NotFound: There is none of this name. Conflict: Viewers would be left without an owner.
    """
    with lake.write(f"account {name} removed") as writer:
        account = existing_user(writer, name)
        others = [row for row in writer.run("serving/auth/accounts") if row["account_id"] != account["account_id"]]
        if not others and not last:
            raise Conflict("this is the only account; `darkroom user remove` takes it away")
        _refuse_without_owner(others)
        _update(writer, account, removed_at=utc_now(), password_hash="")
        for table in _OF_AN_ACCOUNT:
            _delete_of(writer, table, account)
        _delete_conversations(writer, account)


def set_role(lake: Lake, name: str, role: str) -> Row:
    """
    Make an account an owner or a viewer; its tokens and keys go on with what that may.

    Raises:
        NotFound. InvalidAccount: No such role. Conflict: There would be no owner.
    """
    role = checked_role(role)
    with lake.write(f"account {name} is {role}") as writer:
        account = existing_user(writer, name)
        if account["role"] == role:
            return shown(account)
        changed = {**account, "role": role}
        others = [row for row in writer.run("serving/auth/accounts") if row["account_id"] != account["account_id"]]
        _refuse_without_owner([*others, changed])
        _update(writer, account, role=role)
    return shown(changed)


def set_password(lake: Lake, name: str, password: str) -> Row:
    """
    Change the password and end all tokens of the account; API keys stay.

    Returns:
        The whole row, for a new token.
    Raises:
        NotFound. InvalidAccount: The password will not do.
    """
    password_hash = _hashed(checked_password(password))
    with lake.write(f"password of {name}") as writer:
        account = existing_user(writer, name)
        changes = {"password_hash": password_hash, "token_stamp": _new_stamp()}
        _update(writer, account, **changes)
    return {**account, **changes}


def end_all_tokens(lake: Lake, name: str) -> None:
    """Log an account out everywhere. Raises NotFound."""
    with lake.write(f"account {name} logged out everywhere") as writer:
        _update(writer, existing_user(writer, name), token_stamp=_new_stamp())


def end_token(lake: Lake, account_id: int, token_id: str, expires_at: float) -> None:
    """
    Log one token out. Those that are over by now are forgotten.

    Args:
        expires_at: Of the token, epoch seconds.
    """
    until = datetime.fromtimestamp(expires_at, UTC).replace(tzinfo=None)
    row = {"token_id": token_id, "account_id": account_id, "expires_at": until, "revoked_at": utc_now()}
    with lake.write("a token was logged out") as writer:
        writer.execute("delete from revoked_token where expires_at < $now", now=utc_now())
        writer.append("revoked_token", [row])


def existing_user(writer: Writer, name: str) -> Row:
    """The account of this name, in any case. Raises NotFound."""
    account = find_account(writer.run("serving/auth/accounts"), name)
    if account is None:
        raise NotFound(f"there is no account called {name[:64]}")
    return account


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


def checked_role(role: str) -> str:
    if role not in ROLES:
        raise InvalidAccount(f"a role is one of {', '.join(ROLES)}")
    return role


def _refuse_without_owner(accounts: list[Row]) -> None:
    if accounts and not any(row["role"] == OWNER for row in accounts):
        raise Conflict("this is the last owner; make somebody else one first: `darkroom user role NAME owner`")


def _update(writer: Writer, account: Row, **changes: Any) -> None:
    columns = ", ".join(f"{name} = ${name}" for name in changes)
    writer.execute(
        f"update account set {columns} where account_id = $account_id", account_id=account["account_id"], **changes
    )


def _delete_of(writer: Writer, table: str, account: Row) -> None:
    writer.execute(f"delete from {table} where account_id = $account_id", account_id=account["account_id"])


def _delete_conversations(writer: Writer, account: Row) -> None:
    for row in writer.run("serving/auth/conversations_of", account_id=account["account_id"]):
        delete_conversation(writer, row["conversation_id"])


def _hashed(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(password)


def _new_stamp() -> str:
    return secrets.token_hex(8)


def _new_id(writer: Writer) -> int:
    return writer.next_id("account", "account_id")
