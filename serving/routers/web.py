"""The web page: a server-rendered shell, and native ES modules that ask the API."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from serving.context import Context, ContextDep
from serving.web.pages import DOCS_POLICY, PAGE_POLICY, PHOTO_GONE, WEB, error_page, page

router = APIRouter(include_in_schema=False)

_HERE = {
    "timeline.html": "/",
    "videos.html": "/videos",
    "memories.html": "/on-this-day",
    "people.html": "/people",
    "map.html": "/map",
    "duplicates.html": "/duplicates",
    "ask.html": "/ask",
    "days.html": "/ask",
    "results.html": "",
}


def docs_assets() -> Path:
    """The folder of Swagger UI inside the wheel that carries it: nothing is fetched from a CDN."""
    spec = find_spec("fastapi_offline")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "static"


@router.get("/")
def timeline(request: Request, context: ContextDep) -> Response:
    """The timeline, or with `?q=` or `?bbox=` what a search found; the login form for whoever is not logged in."""
    asked = {"q", "bbox"} & set(request.query_params)
    return _behind_the_door(request, context, "results.html" if asked else "timeline.html")


@router.get("/view/{asset_id:int}")
def photo(request: Request, context: ContextDep, asset_id: int) -> Response:
    """The timeline with one photo open; 404, as a page, where there is no such photo."""
    gone = asset_id >= 1 << 63 or not context.replica.current.rows("listing/asset_by_id", asset_id=asset_id)
    if gone and context.authority.identify_cookies(request.headers.get("cookie")):
        return error_page(404, PHOTO_GONE)
    return _behind_the_door(request, context, "timeline.html")


@router.get("/map")
def map_of_photos(request: Request, context: ContextDep) -> Response:
    """Where photos were taken."""
    return _behind_the_door(request, context, "map.html")


@router.get("/duplicates")
def duplicates(request: Request, context: ContextDep) -> Response:
    """Groups of duplicates, to keep one of each."""
    return _behind_the_door(request, context, "duplicates.html")


@router.get("/on-this-day")
def memories(request: Request, context: ContextDep) -> Response:
    """This day, week or month in all years."""
    return _behind_the_door(request, context, "memories.html")


@router.get("/videos")
def videos(request: Request, context: ContextDep) -> Response:
    """The video wall."""
    return _behind_the_door(request, context, "videos.html")


@router.get("/people")
def people(request: Request, context: ContextDep) -> Response:
    """Who is in the pictures: people, and groups of faces to name."""
    return _behind_the_door(request, context, "people.html")


@router.get("/ask")
def ask(request: Request, context: ContextDep) -> Response:
    """Conversations about the library."""
    return _asking(request, context, "ask.html")


@router.get("/days")
def days(request: Request, context: ContextDep) -> Response:
    """What was talked about, by day and by meaning."""
    return _asking(request, context, "days.html")


def _asking(request: Request, context: Context, template: str) -> Response:
    """A page whose questions need the embedding model."""
    answer = _behind_the_door(request, context, template)
    if context.authority.identify_cookies(request.headers.get("cookie")):
        answer.background = BackgroundTask(context.ai.load_embedder)
    return answer


def _behind_the_door(request: Request, context: Context, template: str) -> Response:
    who = context.authority.identify_cookies(request.headers.get("cookie"))
    first = not context.replica.current.accounts
    if who is None:
        return page("login.html", PAGE_POLICY, first=first)
    failures = context.replica.current.rows("listing/failure_count")[0]["files"]
    return page(
        template,
        PAGE_POLICY,
        user=who.name,
        role=who.role,
        here="/?favorite=true" if request.query_params.get("favorite") == "true" else _HERE.get(template, ""),
        query=request.query_params.get("q", ""),
        failures=failures,
        libraries=[row["name"] for row in context.replica.current.libraries],
        prefect_url=f"http://{request.url.hostname or '127.0.0.1'}:{context.settings.prefect_port}",
    )


@router.get("/docs")
def docs() -> Response:
    return page("docs.html", DOCS_POLICY)


@router.get("/favicon.ico")
def favicon() -> Response:
    return FileResponse(WEB / "static" / "icon.svg", media_type="image/svg+xml")


@router.get("/robots.txt")
def robots() -> Response:
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain")
