"""
The Prefect server of this machine: Prefect's own app, under names that are ours only.

`python -m deployments.prefect.server` is `prefect server start` with the `Host` of every request checked, which Prefect
has no setting for (3.8), and with a page that logs a browser in. Who may ask is Prefect's own matter:
`PREFECT_SERVER_API_AUTH_STRING`, which `prefect_environment` sets.
"""

from __future__ import annotations

import sys

import uvicorn
from prefect.settings import get_current_settings
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deployments.settings import load_settings
from serving.http_protocol import BoundedHttpProtocol
from serving.trusted_hosts import TrustedHosts, trusted_names

MAX_CONNECTIONS = 512
LOGIN_PATH = "/darkroom-login"
# Behind the `#` it stays in the browser. Both UIs of Prefect keep what their login page was told under this name.
_LOGIN_PAGE = """<!doctype html><meta charset="utf-8"><title>Prefect</title>
<script>
localStorage.setItem("prefect-password", btoa(decodeURIComponent(location.hash.slice(1))));
location.replace("/");
</script>"""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}


class LoginPage:
    """
    ASGI middleware: `/darkroom-login#name:password` logs the browser in, and goes on to the UI.

    No page of this server is shown inside one of another site, where a person would click without knowing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-frame-options", b"DENY")]
            await send(message)

        if scope["type"] == "http" and scope["path"] == LOGIN_PATH:
            await HTMLResponse(_LOGIN_PAGE, headers=_HEADERS)(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)


def main() -> int:
    """Serve until told to stop; exit code 1 where nobody would be asked for a password."""
    prefect = get_current_settings()
    api = prefect.server.api
    if not (api.auth_string and api.auth_string.get_secret_value()):
        print("the Prefect server needs a password: set PREFECT_SERVER_API_AUTH_STRING=name:password", file=sys.stderr)
        return 1
    from prefect.server.api.server import create_app  # takes seconds, which a refusal need not wait for

    app = TrustedHosts(LoginPage(create_app(final=True)), trusted_names(load_settings()))
    uvicorn.run(
        app,
        host=api.host,
        port=api.port,
        http=BoundedHttpProtocol,
        limit_concurrency=MAX_CONNECTIONS + 1,
        timeout_keep_alive=api.keepalive_timeout,
        ws_ping_interval=api.websocket_ping_interval,
        ws_ping_timeout=api.websocket_ping_timeout,
        proxy_headers=False,
        log_level=prefect.server.logging_level.lower(),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
