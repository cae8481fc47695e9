"""All routes of an app, also those inside the routers it includes."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Method and path of every route we wrote, in the order they are tried; HEAD goes with its GET."""
    return [
        (method, route.path)
        for route in _flat(app.routes)
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
        if method != "HEAD"
    ]


def _flat(routes: list[BaseRoute]) -> Iterator[BaseRoute]:
    for route in routes:
        inner = getattr(route, "original_router", None)  # FastAPI keeps an included router as one route
        if inner is None:
            yield route
        else:
            yield from _flat(inner.routes)
