"""Tokens and keys: who is asking, and whether they may. Every route needs one but the few that are listed here."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import jwt
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.settings import Settings
from serving.auth.api_keys import KEY_BEGINNING, CurrentKeys, find_key
from serving.auth.permissions import SAFE_METHODS, Permission, refusal, required_permissions
from serving.replica.snapshot import ReplicaSnapshot
from serving.web.pages import is_page_request, page
from sql.lake import Row

COOKIE = "darkroom_token"
ALGORITHM = "HS256"
OPEN_PATHS = frozenset(
    {
        "/",
        "/videos",
        "/on-this-day",
        "/people",
        "/map",
        "/duplicates",
        "/ask",
        "/days",
        "/login",
        "/register",
        "/session",
        "/healthz",
        "/docs",
        "/openapi.json",
        "/favicon.ico",
        "/robots.txt",
    }
)
OPEN_PREFIXES = ("/static/", "/view/")  # the web shell; what it shows it asks for with the token
_REMEMBERED_TOKENS = 1024
_REQUIRED = ["sub", "iat", "exp", "jti"]


def issue_token(settings: Settings, name: str, stamp: str = "", *, now: float | None = None) -> str:
    """
    A token for the account *name*, as `Authorization: Bearer …` takes it; good for `TOKEN_LIFETIME_DAYS`.

    Args:
        stamp: The account's `token_stamp`; "" until its tokens were taken back for the first time.
    """
    issued = time.time() if now is None else now
    claims = {
        "sub": name,
        "iat": int(issued),
        "exp": int(issued + settings.token_lifetime_days * 86_400),
        "jti": secrets.token_hex(12),  # its number: what a logout takes back
        "stamp": stamp,
    }
    return jwt.encode(claims, settings.signing_key, ALGORITHM)


@dataclass(frozen=True, slots=True)
class Identity:
    """
    Who asks.

    Args:
        scopes: Of an API key; None for a login.
        token_id, expires_at: Of a login's token; epoch seconds.
    """

    account_id: int
    name: str
    role: str
    scopes: frozenset[str] | None = None
    token_id: str = ""
    expires_at: float = 0.0


@dataclass(frozen=True, slots=True)
class _Claims:
    name: str
    token_id: str
    stamp: str
    issued_at: float
    expires_at: float


class Authenticator:
    """
    Says whose a token or key is.

    Args:
        signing_key: `SECRET_KEY`.
        copy: The present replica: a removed user's token stops working, and so does one that was taken back.
        keys: API keys as the lake has them now: made and revoked in another process, they count at once.
    """

    def __init__(self, signing_key: str, copy: Callable[[], ReplicaSnapshot], keys: CurrentKeys) -> None:
        self._signing_key = signing_key
        self._copy = copy
        self._keys = keys
        self._known: OrderedDict[str, _Claims] = OrderedDict()  # signatures already checked

    def identify(self, credential: str | None) -> Identity | None:
        """None for one that is forged, expired, taken back, or of an account that is gone. A key waits for the lake."""
        if not credential:
            return None
        if credential.startswith(KEY_BEGINNING):
            return self._of_key(credential)
        claims = self._claims(credential)
        if claims is None or claims.expires_at <= time.time():
            return None
        copy = self._copy()
        account = copy.accounts.get(claims.name)
        if account is None or claims.token_id in copy.revoked_tokens or claims.stamp != (account["token_stamp"] or ""):
            return None
        if claims.issued_at < int(_epoch(account["created_at"])):
            return None  # a later account of the same name is somebody else
        return _identity(account, token_id=claims.token_id, expires_at=claims.expires_at)

    def identify_cookies(self, cookie_header: str | None) -> Identity | None:
        return self.identify(cookie_token(cookie_header))

    @property
    def has_accounts(self) -> bool:
        return bool(self._copy().accounts)

    def _of_key(self, key: str) -> Identity | None:
        keys, accounts = self._keys.of(self._copy())
        row = find_key(keys, key)
        if row is None:
            return None
        account = next((one for one in accounts if one["account_id"] == row["account_id"]), None)
        return _identity(account, scopes=frozenset(row["scopes"])) if account else None

    def _claims(self, token: str) -> _Claims | None:
        if known := self._known.get(token):
            return known
        try:
            payload = jwt.decode(token, self._signing_key, [ALGORITHM], options={"require": _REQUIRED}, leeway=0)
        except jwt.InvalidTokenError:
            return None
        claims = _Claims(
            payload["sub"],
            payload["jti"],
            str(payload.get("stamp", "")),
            float(payload["iat"]),
            float(payload["exp"]),
        )
        self._known[token] = claims
        while len(self._known) > _REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return claims


def _identity(
    account: Row, *, scopes: frozenset[str] | None = None, token_id: str = "", expires_at: float = 0.0
) -> Identity:
    return Identity(account["account_id"], account["name"], account["role"], scopes, token_id, expires_at)


def _epoch(moment: datetime | None) -> float:
    return moment.replace(tzinfo=UTC).timestamp() if moment else 0.0


def cookie_token(header: str | None) -> str | None:
    if not header or COOKIE not in header:
        return None
    try:
        cookies = SimpleCookie(header)
    except CookieError:
        return None
    return cookies[COOKIE].value if COOKIE in cookies else None


def is_permitted(who: Identity, need: Permission) -> bool:
    return refusal(frozenset({need}), who.role, who.scopes) is None


class Authentication:
    """
    ASGI middleware: no token, no answer; and none to who may not (serving/auth/permissions.py).

    Puts the account's name into the request's state as `user`, and who asks as `identity`.
    """

    def __init__(self, app: ASGIApp, authority: Callable[[], Authenticator | None]) -> None:
        self._app = app
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        by_header, cookies = _credentials(scope)
        if not by_header and scope["method"] not in SAFE_METHODS and is_foreign(Headers(scope=scope)):
            await _refuse(403, "a page of another site may not do this in your name", scope, receive, send)
            return
        if is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        authority = self._authority()
        who = await _identify(authority, by_header or cookie_token(cookies)) if authority else None
        if who is None and is_page_request(Request(scope)):
            first = authority is not None and not authority.has_accounts
            await page("login.html", status=401, first=first)(scope, receive, send)
        elif who is None:
            await _refuse(401, "log in first: POST /login gives a token", scope, receive, send)
        elif not by_header and scope["method"] not in SAFE_METHODS and not same_origin(Headers(scope=scope)):
            await _refuse(403, "a write with the web page's cookie must come from that page", scope, receive, send)
        elif why := refusal(required_permissions(scope["method"], scope["path"]), who.role, who.scopes):
            await _refuse(403, why, scope, receive, send)
        else:
            state = scope.setdefault("state", {})
            state["user"], state["identity"] = who.name, who
            await self._app(scope, receive, send)


async def _identify(authority: Authenticator, credential: str | None) -> Identity | None:
    if credential and credential.startswith(KEY_BEGINNING):
        return await run_in_threadpool(authority.identify, credential)
    return authority.identify(credential)


def _credentials(scope: Scope) -> tuple[str | None, str | None]:
    """Token or key, and the cookie header; one walk over the raw headers, since every thumbnail comes by here."""
    token = key = cookies = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            token = _bearer(value.decode("latin-1"))
        elif name == b"x-api-key":
            key = value.decode("latin-1").strip() or None
        elif name == b"cookie":
            cookies = value.decode("latin-1")
    return token or key, cookies


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def same_origin(headers: Headers) -> bool:
    """
    Whether the browser says that our own page sent this. What says nothing is no browser of this century.

    `Host` is one of ours by now (serving/trusted_hosts.py), not a name that the page chose.
    """
    if site := headers.get("sec-fetch-site"):
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def is_foreign(headers: Headers) -> bool:
    """Whether the browser says that another site's page sent this. A script says nothing, and is not."""
    return ("sec-fetch-site" in headers or "origin" in headers) and not same_origin(headers)


def _bearer(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _refuse(status: int, detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    await JSONResponse({"detail": detail}, status, headers)(scope, receive, send)
