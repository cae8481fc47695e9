"""Around every request: its time, and the headers a browser should see."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.metrics import Meter

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_POLICY = b"content-security-policy"
_RUNS_NOTHING = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")  # of an answer that has none of its own


class RequestMetricsMiddleware:
    """ASGI middleware, outermost: counts and times requests, adds the security headers."""

    def __init__(self, app: ASGIApp, meter: Callable[[], Meter]) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = message["headers"]
                policy = () if any(name == _POLICY for name, _ in own) else (_RUNS_NOTHING,)
                message["headers"] = [*own, *_HEADERS, *policy]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._meter().count(scope["method"], _route(scope), status, time.perf_counter() - started)


def _route(scope: Scope) -> str:
    """The route's template; everything no route took is one label."""
    route = scope.get("route")
    if route is not None:
        return str(route.path)
    return str(scope.get("route_name", "other"))
