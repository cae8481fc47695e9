"""Answers that are pages: rendered from the templates, and errors for whoever came with a browser."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

WEB = Path(__file__).parent
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "worker-src 'none'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
DOCS_POLICY = PAGE_POLICY.replace("img-src 'self'", "img-src 'self' data:").replace(
    "style-src 'self'", "style-src 'self' 'unsafe-inline'"
)  # Swagger UI brings its icons and some of its styles along
_ERRORS = {
    404: (
        "This page does not exist",
        "The address may be mistyped, or what it showed was moved or deleted.",
    ),
    503: ("Darkroom is busy", "Wait a few seconds, then reload this page."),
}
_OTHER_ERROR = ("Something went wrong", "Reload this page. If it happens again, the server's log says why.")
PHOTO_GONE = (
    "This photo is no longer in your library",
    "It may have been moved, renamed or deleted, or the address is mistyped.",
)


@cache
def _templates() -> Environment:
    return Environment(loader=FileSystemLoader(WEB / "templates"), autoescape=select_autoescape())


def page(template: str, policy: str = PAGE_POLICY, status: int = 200, **values: Any) -> HTMLResponse:
    text = _templates().get_template(template).render(**values)
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store", "Vary": "Accept"}
    return HTMLResponse(text, status, headers)


def is_page_request(request: Request) -> bool:
    """Whether a person opens this address in a browser; `fetch`, pictures and scripts do not ask for HTML."""
    return request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", "")


def error_page(status: int, words: tuple[str, str] | None = None) -> HTMLResponse:
    """
    A page that says what happened, with a way back.

    Args:
        words: Title and text; None for what the status says.
    """
    title, text = words or _ERRORS.get(status, _OTHER_ERROR)
    return page("error.html", status=status, title=title, text=text)
