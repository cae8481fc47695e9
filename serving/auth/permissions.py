"""
Who may do what: one table, compared with all routes by a test.

A role says what a person may do, the scopes of an API key what a script may do for that person; both must allow it.
What the table does not name is read by everybody who is logged in, and written by owners.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from re import Pattern

from starlette.routing import compile_path

OWNER, VIEWER = "owner", "viewer"
ROLES = (OWNER, VIEWER)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Permission(StrEnum):
    """What a request asks for. `read`, `write`, `upload` and `manage` are also the scopes of API keys."""

    read = "read"  # look at pictures and what is known of them
    keep = "keep"  # what is one's own: favourites
    private = "private"  # messages and what is told of them, faces as numbers: not for guests of the library
    write = "write"  # what all see: tags, people, places, what is hidden
    upload = "upload"
    manage = "manage"  # accounts
    login = "login"  # one's own password and tokens: for people, not for keys


Permissions = frozenset[Permission]
SCOPES = (Permission.read, Permission.write, Permission.upload, Permission.manage)
OWNERS_ONLY = frozenset({Permission.private, Permission.write, Permission.upload, Permission.manage})
_SCOPE_OF = {
    Permission.keep: Permission.write,
    Permission.private: Permission.read,
}  # where it is not the need's own name

_PRIVATE_AND_WRITE = frozenset(
    {Permission.private, Permission.write}
)  # its tools read messages, and it writes for all to see

# Every route that writes, and every one that only owners may read. Open ones (serving/auth/tokens.py) need nothing.
ROUTE_PERMISSIONS: dict[tuple[str, str], Permission | Permissions] = {
    ("GET", "/account"): Permission.read,
    ("POST", "/logout"): Permission.login,
    ("PUT", "/account/password"): Permission.login,
    ("GET", "/users"): Permission.manage,
    ("POST", "/users"): Permission.manage,
    ("PATCH", "/users/{account_id}"): Permission.manage,
    ("DELETE", "/users/{account_id}"): Permission.manage,
    ("POST", "/users/{account_id}/logout"): Permission.manage,
    ("POST", "/image"): Permission.upload,
    ("PUT", "/image/favorites"): Permission.keep,
    ("DELETE", "/image/favorites"): Permission.keep,
    ("PUT", "/image/rating"): Permission.write,  # one rating for all who look
    ("PUT", "/image/description"): Permission.write,
    ("POST", "/image/tags"): Permission.write,
    ("DELETE", "/image/tags"): Permission.write,
    ("POST", "/image/tags/batch"): Permission.write,
    ("POST", "/tags"): Permission.write,
    ("PATCH", "/tags/{tag_id:int}"): Permission.write,
    ("DELETE", "/tags/{tag_id:int}"): Permission.write,
    ("POST", "/tags/{tag_id:int}/merge"): Permission.write,
    ("POST", "/undo"): Permission.write,
    ("POST", "/photos/hide"): Permission.write,
    ("POST", "/photos/restore"): Permission.write,
    ("POST", "/duplicates/resolve"): Permission.write,
    ("POST", "/duplicates/unresolve"): Permission.write,
    ("POST", "/duplicates/ignore"): Permission.write,
    ("DELETE", "/duplicates/ignored/{decision_id}"): Permission.write,
    ("GET", "/summaries"): Permission.private,
    ("GET", "/summaries/search"): Permission.private,
    ("GET", "/summaries/{summary_id:int}"): Permission.private,
    ("GET", "/chat"): Permission.private,
    (
        "POST",
        "/chat",
    ): Permission.private,  # its tools read messages; it keeps the asker's own talk, and facts for who may write
    ("POST", "/chat/stream"): Permission.private,
    ("GET", "/chat/history"): Permission.private,
    ("DELETE", "/chat"): _PRIVATE_AND_WRITE,
    ("GET", "/changes"): Permission.private,  # tells who likes what
    ("GET", "/insights"): Permission.private,  # written from messages, too
    ("GET", "/insights/all"): Permission.private,
    ("POST", "/insights/generate"): _PRIVATE_AND_WRITE,
    ("POST", "/insights/generate/agentic"): _PRIVATE_AND_WRITE,
    ("DELETE", "/insights"): Permission.write,
    ("POST", "/insights/rate"): Permission.write,
    ("GET", "/insights/training-data"): Permission.private,
    ("POST", "/insights/models/pull"): Permission.manage,  # gigabytes on somebody's disk
    ("POST", "/insights/chat"): _PRIVATE_AND_WRITE,
    ("POST", "/insights/chat/stream"): _PRIVATE_AND_WRITE,
    ("GET", "/insights/chat/history"): Permission.private,
    ("POST", "/insights/chat/rewind"): _PRIVATE_AND_WRITE,  # it answers with what is left
    ("GET", "/knowledge/entities"): Permission.private,  # learned from messages, too
    ("GET", "/knowledge/entities/{entity_id}"): Permission.private,
    ("PATCH", "/knowledge/entities/{entity_id}"): _PRIVATE_AND_WRITE,
    ("DELETE", "/knowledge/entities/{entity_id}"): Permission.write,
    ("POST", "/knowledge/entities/merge"): _PRIVATE_AND_WRITE,
    ("GET", "/knowledge/facts/{fact_id}"): Permission.private,
    ("PATCH", "/knowledge/facts/{fact_id}"): _PRIVATE_AND_WRITE,
    ("DELETE", "/knowledge/facts/{fact_id}"): Permission.write,
    ("GET", "/knowledge/recent"): Permission.private,
    ("POST", "/persons"): Permission.write,
    ("POST", "/persons/bootstrap"): Permission.write,
    ("PATCH", "/persons/{person_id:int}"): Permission.write,
    ("DELETE", "/persons/{person_id:int}"): Permission.write,
    ("POST", "/persons/{person_id:int}/merge"): Permission.write,
    ("POST", "/persons/{person_id:int}/split"): Permission.write,
    ("POST", "/image/faces"): Permission.write,
    ("PATCH", "/image/faces/{face_id}"): Permission.write,
    ("DELETE", "/image/faces/{face_id}"): Permission.write,
    ("POST", "/image/faces/rerun"): Permission.write,
    ("GET", "/faces/embeddings"): Permission.private,  # who has them recognises these people anywhere
    ("POST", "/faces/assign"): Permission.write,
    ("POST", "/faces/{face_id}/reject"): Permission.write,
    ("PATCH", "/faces/clusters/{cluster_id}"): Permission.write,
    ("POST", "/faces/clusters/{cluster_id}/person"): Permission.write,
    ("POST", "/faces/clusters/{cluster_id}/merge"): Permission.write,
    ("POST", "/faces/clusters/{cluster_id}/split"): Permission.write,
    ("POST", "/video/generate"): Permission.read,  # a viewer may watch what has no stream yet
    ("POST", "/video/preview/status"): Permission.read,  # a question too long for an address
}


def required_permissions(method: str, path: str) -> Permissions:
    """What a request to *path* asks for, all of it; matched as the router matches it."""
    method = "GET" if method == "HEAD" else method
    for pattern, needs in _patterns().get(method, ()):
        if pattern.match(path):
            return needs
    return frozenset({Permission.read if method in SAFE_METHODS else Permission.write})


def described(needs: Permissions) -> str:
    """For the documentation: who may, and with which scopes."""
    who = "an owner" if needs & OWNERS_ONLY else "any account"
    if Permission.login in needs:
        return f"{who}, logged in (no API key)"
    scopes = [f"`{scope}`" for scope in _scopes(needs)]
    return f"{who}, or an API key with the scope{'s' * (len(scopes) > 1)} {' and '.join(scopes)}"


def refusal(needs: Permissions, role: str, scopes: frozenset[str] | None) -> str | None:
    """
    Why somebody may not, and what helps; None for who may.

    Args:
        scopes: Of an API key; None for a login, which may do all that the role may.
    """
    if scopes is not None:
        if Permission.login in needs:
            return "this is for a login, not for an API key: POST /login gives a token"
        if missing := [scope for scope in _scopes(needs) if scope not in scopes]:
            return f"this API key has no scope {', '.join(missing)}; it has: {', '.join(sorted(scopes))}"
    if needs & OWNERS_ONLY and role != OWNER:
        return "only an owner may do this; you are a viewer"
    return None


def _scopes(needs: Permissions) -> list[str]:
    """What an API key needs for them, in the order of SCOPES."""
    wanted = {_SCOPE_OF.get(need, need) for need in needs}
    return [scope.value for scope in SCOPES if scope in wanted]


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    """Known ones, once each, in our order. Raises ValueError."""
    wanted = {scope.strip().lower() for scope in scopes}
    if unknown := wanted - set(SCOPES):
        raise ValueError(f"there is no scope {', '.join(sorted(unknown))}; there are: {', '.join(SCOPES)}")
    return [scope.value for scope in SCOPES if scope in wanted]


@cache
def _patterns() -> dict[str, list[tuple[Pattern[str], Permissions]]]:
    found: dict[str, list[tuple[Pattern[str], Permissions]]] = {}
    for (method, path), needs in ROUTE_PERMISSIONS.items():
        every = frozenset({needs}) if isinstance(needs, Permission) else needs
        found.setdefault(method, []).append((compile_path(path)[0], every))
    return found
