"""Our errors as answers: one place that says which status each has."""

from __future__ import annotations

from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from serving.auth.login_limit import TooManyAttempts
from serving.web.pages import error_page, is_page_request
from sql.lake import LakeError
from tasks.errors import AssetError, IntegrityError, RefusedError, StillPreparing, TransientError, UnknownLibrary

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5
Answers = dict[int | str, dict[str, Any]]


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _no_such_address)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UnknownLibrary, _unknown_library)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(AssetError, _asset_error)
    app.add_exception_handler(StillPreparing, _still_preparing)
    for kind in (TransientError, LakeError, IntegrityError):
        app.add_exception_handler(kind, _try_later)
    app.add_exception_handler(Exception, _unexpected)


def answers(*statuses: int) -> Answers:
    """The error answers of a route, for its documentation."""
    words = {
        400: "A parameter cannot be understood, a path leaves the library, or no library has this name",
        401: "No token, or one that is no longer good",
        403: "Not allowed",
        404: "There is no such thing",
        409: "It is there already, or something else stands in the way",
        410: "No longer kept",
        413: "Too large",
        416: "No such range",
        429: "Too many attempts; see Retry-After",
        503: "The catalog or a tool is busy; see Retry-After",
    }
    example = {"application/json": {"example": {"detail": "what is wrong, and what to do"}}}
    return {status: {"description": words[status], "content": example} for status in statuses}


async def _no_such_address(request: Request, exc: Exception) -> Response:
    """What no route takes: a page for a person, JSON for a program."""
    assert isinstance(exc, HTTPException)
    if exc.status_code == 404 and is_page_request(request):
        return error_page(404)
    return await http_exception_handler(request, exc)


async def _unknown_library(_: Request, exc: Exception) -> JSONResponse:
    return JSONResponse({"error": f"invalid library: {exc}"}, 400)  # the Image API's own shape for this one


async def _invalid(_: Request, exc: Exception) -> JSONResponse:
    """422 without the input: it may be a password, or a number (Infinity) that no JSON answer can repeat."""
    errors = exc.errors() if isinstance(exc, RequestValidationError) else []
    return JSONResponse({"detail": [{name: error[name] for name in ("type", "loc", "msg")} for error in errors]}, 422)


async def _refused(request: Request, exc: Exception) -> Response:
    status = getattr(exc, "status_code", 400)
    if status == 404 and is_page_request(request):
        return error_page(404)
    headers = {"Retry-After": str(exc.retry_after_seconds)} if isinstance(exc, TooManyAttempts) else {}
    return JSONResponse({"detail": str(exc)}, status, headers)


async def _asset_error(_: Request, exc: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"it cannot be shown: {exc}"}, 404)


async def _still_preparing(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, StillPreparing)
    return JSONResponse({"detail": str(exc), "progress": exc.share}, 503, {"Retry-After": "1"})


async def _try_later(request: Request, exc: Exception) -> Response:
    log.error("request.unavailable", path=request.url.path, reason=str(exc))
    if is_page_request(request):
        return error_page(503)
    return JSONResponse({"detail": str(exc)}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _unexpected(request: Request, exc: Exception) -> Response:
    log.error("request.failed", path=request.url.path, error=type(exc).__name__, exc_info=exc)
    if is_page_request(request):
        return error_page(500)
    return JSONResponse({"detail": "something went wrong here; the server's log has the reason"}, 500)
