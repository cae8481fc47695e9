"""Tokens: who is asking. Every route needs one but the few that are listed here."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

import jwt
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.settings import Settings
from sql.lake import Row

COOKIE = "darkroom_token"
ALGORITHM = "HS256"
OPEN_PATHS = frozenset(
    {
        "/",
        "/videos",
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
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REMEMBERED_TOKENS = 1024


def issue_token(settings: Settings, name: str, *, now: float | None = None) -> str:
    """A token for the account *name*, as `Authorization: Bearer …` takes it; good for `TOKEN_LIFETIME_DAYS`."""
    issued = time.time() if now is None else now
    claims = {"sub": name, "iat": int(issued), "exp": int(issued + settings.token_lifetime_days * 86_400)}
    return jwt.encode(claims, settings.signing_key, ALGORITHM)


@dataclass(frozen=True, slots=True)
class _Claims:
    name: str
    issued_at: float
    expires_at: float


class Authority:
    """
    Says whose a token is.

    Args:
        signing_key: `SECRET_KEY`.
        accounts: The accounts there are right now, by name: a removed user's token stops working.
    """

    def __init__(self, signing_key: str, accounts: Callable[[], Mapping[str, Row]]) -> None:
        self._signing_key = signing_key
        self._accounts = accounts
        self._known: OrderedDict[str, _Claims] = OrderedDict()  # signatures already checked

    def user_of(self, token: str | None) -> str | None:
        """The account's name; None for a token that is forged, expired, or of an account that is gone."""
        claims = self._claims(token) if token else None
        if claims is None or claims.expires_at <= time.time():
            return None
        account = self._accounts().get(claims.name)
        if account is None or claims.issued_at < int(_epoch(account["created_at"])):
            return None  # a later account of the same name is somebody else
        return claims.name

    def user_of_cookies(self, cookie_header: str | None) -> str | None:
        return self.user_of(cookie_token(cookie_header))

    def _claims(self, token: str) -> _Claims | None:
        if known := self._known.get(token):
            return known
        try:
            payload = jwt.decode(
                token, self._signing_key, [ALGORITHM], options={"require": ["sub", "iat", "exp"]}, leeway=0
            )
        except jwt.InvalidTokenError:
            return None
        claims = _Claims(payload["sub"], float(payload["iat"]), float(payload["exp"]))
        self._known[token] = claims
        while len(self._known) > _REMEMBERED_TOKENS:
            self._known.popitem(last=False)
        return claims


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


class Authentication:
    """ASGI middleware: no token, no answer. Puts the account's name into the request's state as `user`."""

    def __init__(self, app: ASGIApp, authority: Callable[[], Authority | None]) -> None:
        self._app = app
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        authority = self._authority()
        by_header, cookies = _credentials(scope)
        user = authority.user_of(by_header or cookie_token(cookies)) if authority else None
        if user is None:
            await _refuse(401, "log in first: POST /login gives a token", scope, receive, send)
        elif not by_header and scope["method"] not in SAFE_METHODS and not same_origin(Headers(scope=scope)):
            await _refuse(403, "a write with the web page's cookie must come from that page", scope, receive, send)
        else:
            scope.setdefault("state", {})["user"] = user
            await self._app(scope, receive, send)


def _credentials(scope: Scope) -> tuple[str | None, str | None]:
    """The bearer token and the cookie header; one walk over the raw headers, since every thumbnail comes by here."""
    token = cookies = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            token = _bearer(value.decode("latin-1"))
        elif name == b"cookie":
            cookies = value.decode("latin-1")
    return token, cookies


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIXES)


def same_origin(headers: Headers) -> bool:
    """Whether the browser says that our own page sent this. What says nothing is no browser of this century."""
    if site := headers.get("sec-fetch-site"):
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def _bearer(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


async def _refuse(status: int, detail: str, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    await JSONResponse({"detail": detail}, status, headers)(scope, receive, send)
