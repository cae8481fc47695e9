"""
Requests are answered only under names that are this server's.

A foreign web page can have its own name resolve to 127.0.0.1 (DNS rebinding): the browser then takes our answers for
that page's own. The name it sends as `Host` gives it away. An address in numbers cannot be rebound, so any is good.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from deployments.settings import Settings

MISDIRECTED = 421  # RFC 9110, 15.5.20: not configured to answer for this authority
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{0,5})?", re.ASCII | re.IGNORECASE)


class TrustedHosts:
    """
    ASGI middleware: 421 for a request, 403 for a web socket, whose `Host` is not ours.

    Args:
        names: Lower case, without ports; `*.example.org` stands for every name below it.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(names)
        self._trusts = lru_cache(maxsize=256)(self._is_ours)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and self._trusts(hosts[0][:300]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            await JSONResponse({"detail": _refusal(hosts)}, MISDIRECTED)(scope, receive, send)

    def _is_ours(self, host: bytes) -> bool:
        name = host_name(host.decode("latin-1"))
        if name is None:
            return False
        return name in self._names or f"*.{name.partition('.')[2]}" in self._names or _is_address(name)


def host_name(host: str) -> str | None:
    """The name or address in a `Host` header, lower case, without the port; None where it is neither."""
    found = _HOST.fullmatch(host.strip())
    return found[1].strip("[]").rstrip(".").lower() if found else None


def trusted_names(settings: Settings) -> frozenset[str]:
    """Loopback, this machine's name, the host of BIND_URL, and ALLOWED_HOSTS."""
    machine = socket.gethostname().lower()
    short = machine.partition(".")[0]
    return frozenset({"localhost", machine, short, f"{short}.local", settings.bind[0].lower(), *settings.allowed_hosts})


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _refusal(hosts: list[bytes]) -> str:
    if len(hosts) != 1:
        return "a request needs one Host header"
    name = host_name(hosts[0][:300].decode("latin-1")) or "this Host"
    return f"{name} is not a name of this server: if it should be, add it to ALLOWED_HOSTS"
