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


class Need(StrEnum):
    """What a request asks for. `read`, `write`, `upload` and `manage` are also the scopes of API keys."""

    read = "read"  # look at pictures and what is known of them
    keep = "keep"  # what is one's own: favourites
    private = "private"  # messages and what is told of them, faces as numbers: not for guests of the library
    write = "write"  # what all see: tags, people, places, what is hidden
    upload = "upload"
    manage = "manage"  # accounts
    login = "login"  # one's own password and tokens: for people, not for keys


Needs = frozenset[Need]
SCOPES = (Need.read, Need.write, Need.upload, Need.manage)
OWNERS_ONLY = frozenset({Need.private, Need.write, Need.upload, Need.manage})
_SCOPE_OF = {Need.keep: Need.write, Need.private: Need.read}  # where it is not the need's own name

_PRIVATE_AND_WRITE = frozenset({Need.private, Need.write})  # its tools read messages, and it writes for all to see

# Every route that writes, and every one that only owners may read. Open ones (serving/auth/tokens.py) need nothing.
NEEDS: dict[tuple[str, str], Need | Needs] = {
    ("GET", "/account"): Need.read,
    ("POST", "/logout"): Need.login,
    ("PUT", "/account/password"): Need.login,
    ("GET", "/users"): Need.manage,
    ("POST", "/users"): Need.manage,
    ("PATCH", "/users/{account_id}"): Need.manage,
    ("DELETE", "/users/{account_id}"): Need.manage,
    ("POST", "/users/{account_id}/logout"): Need.manage,
    ("POST", "/image"): Need.upload,
    ("PUT", "/image/favorites"): Need.keep,
    ("DELETE", "/image/favorites"): Need.keep,
    ("PUT", "/image/rating"): Need.write,  # one rating for all who look
    ("PUT", "/image/description"): Need.write,
    ("POST", "/image/tags"): Need.write,
    ("DELETE", "/image/tags"): Need.write,
    ("POST", "/image/tags/batch"): Need.write,
    ("POST", "/tags"): Need.write,
    ("PATCH", "/tags/{tag_id:int}"): Need.write,
    ("DELETE", "/tags/{tag_id:int}"): Need.write,
    ("POST", "/tags/{tag_id:int}/merge"): Need.write,
    ("POST", "/undo"): Need.write,
    ("POST", "/photos/hide"): Need.write,
    ("POST", "/photos/restore"): Need.write,
    ("POST", "/duplicates/resolve"): Need.write,
    ("POST", "/duplicates/unresolve"): Need.write,
    ("POST", "/duplicates/ignore"): Need.write,
    ("DELETE", "/duplicates/ignored/{decision_id}"): Need.write,
    ("GET", "/summaries"): Need.private,
    ("GET", "/summaries/search"): Need.private,
    ("GET", "/summaries/{summary_id:int}"): Need.private,
    ("GET", "/chat"): Need.private,
    (
        "POST",
        "/chat",
    ): Need.private,  # its tools read messages; it keeps the asker's own talk, and facts for who may write
    ("POST", "/chat/stream"): Need.private,
    ("GET", "/chat/history"): Need.private,
    ("DELETE", "/chat"): _PRIVATE_AND_WRITE,
    ("GET", "/changes"): Need.private,  # tells who likes what
    ("GET", "/insights"): Need.private,  # written from messages, too
    ("GET", "/insights/all"): Need.private,
    ("POST", "/insights/generate"): _PRIVATE_AND_WRITE,
    ("POST", "/insights/generate/agentic"): _PRIVATE_AND_WRITE,
    ("DELETE", "/insights"): Need.write,
    ("POST", "/insights/rate"): Need.write,
    ("GET", "/insights/training-data"): Need.private,
    ("POST", "/insights/models/pull"): Need.manage,  # gigabytes on somebody's disk
    ("POST", "/insights/chat"): _PRIVATE_AND_WRITE,
    ("POST", "/insights/chat/stream"): _PRIVATE_AND_WRITE,
    ("GET", "/insights/chat/history"): Need.private,
    ("POST", "/insights/chat/rewind"): _PRIVATE_AND_WRITE,  # it answers with what is left
    ("GET", "/knowledge/entities"): Need.private,  # learned from messages, too
    ("GET", "/knowledge/entities/{entity_id}"): Need.private,
    ("PATCH", "/knowledge/entities/{entity_id}"): _PRIVATE_AND_WRITE,
    ("DELETE", "/knowledge/entities/{entity_id}"): Need.write,
    ("POST", "/knowledge/entities/merge"): _PRIVATE_AND_WRITE,
    ("GET", "/knowledge/facts/{fact_id}"): Need.private,
    ("PATCH", "/knowledge/facts/{fact_id}"): _PRIVATE_AND_WRITE,
    ("DELETE", "/knowledge/facts/{fact_id}"): Need.write,
    ("GET", "/knowledge/recent"): Need.private,
    ("POST", "/persons"): Need.write,
    ("POST", "/persons/bootstrap"): Need.write,
    ("PATCH", "/persons/{person_id:int}"): Need.write,
    ("DELETE", "/persons/{person_id:int}"): Need.write,
    ("POST", "/persons/{person_id:int}/merge"): Need.write,
    ("POST", "/persons/{person_id:int}/split"): Need.write,
    ("POST", "/image/faces"): Need.write,
    ("PATCH", "/image/faces/{face_id}"): Need.write,
    ("DELETE", "/image/faces/{face_id}"): Need.write,
    ("POST", "/image/faces/rerun"): Need.write,
    ("GET", "/faces/embeddings"): Need.private,  # who has them recognises these people anywhere
    ("POST", "/faces/assign"): Need.write,
    ("POST", "/faces/{face_id}/reject"): Need.write,
    ("PATCH", "/faces/clusters/{cluster_id}"): Need.write,
    ("POST", "/faces/clusters/{cluster_id}/person"): Need.write,
    ("POST", "/faces/clusters/{cluster_id}/merge"): Need.write,
    ("POST", "/faces/clusters/{cluster_id}/split"): Need.write,
    ("POST", "/video/generate"): Need.read,  # a viewer may watch what has no stream yet
    ("POST", "/video/preview/status"): Need.read,  # a question too long for an address
}


def needs_of(method: str, path: str) -> Needs:
    """What a request to *path* asks for, all of it; matched as the router matches it."""
    method = "GET" if method == "HEAD" else method
    for pattern, needs in _patterns().get(method, ()):
        if pattern.match(path):
            return needs
    return frozenset({Need.read if method in SAFE_METHODS else Need.write})


def described(needs: Needs) -> str:
    """For the documentation: who may, and with which scopes."""
    who = "an owner" if needs & OWNERS_ONLY else "any account"
    if Need.login in needs:
        return f"{who}, logged in (no API key)"
    scopes = [f"`{scope}`" for scope in _scopes(needs)]
    return f"{who}, or an API key with the scope{'s' * (len(scopes) > 1)} {' and '.join(scopes)}"


def refusal(needs: Needs, role: str, scopes: frozenset[str] | None) -> str | None:
    """
    Why somebody may not, and what helps; None for who may.

    Args:
        scopes: Of an API key; None for a login, which may do all that the role may.
    """
    if scopes is not None:
        if Need.login in needs:
            return "this is for a login, not for an API key: POST /login gives a token"
        if missing := [scope for scope in _scopes(needs) if scope not in scopes]:
            return f"this API key has no scope {', '.join(missing)}; it has: {', '.join(sorted(scopes))}"
    if needs & OWNERS_ONLY and role != OWNER:
        return "only an owner may do this; you are a viewer"
    return None


def _scopes(needs: Needs) -> list[str]:
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
def _patterns() -> dict[str, list[tuple[Pattern[str], Needs]]]:
    found: dict[str, list[tuple[Pattern[str], Needs]]] = {}
    for (method, path), needs in NEEDS.items():
        every = frozenset({needs}) if isinstance(needs, Need) else needs
        found.setdefault(method, []).append((compile_path(path)[0], every))
    return found
