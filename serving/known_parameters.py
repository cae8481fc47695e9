"""Query parameters that a route does not have are refused: a misspelt filter must not answer with the whole library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute

from tasks.errors import InvalidQuery

_ELSEWHERE = (Path, Header, Cookie)
_NAMES: dict[Callable[..., Any], tuple[str, ...]] = {}  # by handler, of which there are as many as routes


async def refuse_unknown_parameters(request: Request) -> None:
    """Raises InvalidQuery: One of them is not in the route's documentation."""
    if not request.query_params:
        return
    known = _known(request.scope["route"])
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        names = ", ".join(repr(name[:50]) for name in unknown[:5])
        offered = f"it has {', '.join(known)}" if known else "it has none"
        raise InvalidQuery(f"{request.url.path[:200]} has no query parameter {names}; {offered}")


def _known(route: APIRoute) -> tuple[str, ...]:
    """Names of the query parameters, in the order they are documented."""
    if route.endpoint not in _NAMES:
        fields = get_flat_params(route.dependant)
        _NAMES[route.endpoint] = tuple(field.alias for field in fields if not isinstance(field.field_info, _ELSEWHERE))
    return _NAMES[route.endpoint]
