"""The user's own places: fetched from Apollo, and remembered in the lake for when it does not answer."""

from __future__ import annotations

import structlog

from deployments.backlogs import known_places
from flows.engine.context import FlowContext
from tasks.errors import TransientError
from tasks.places.personal import PersonalPlace, digest, fetch_places

log = structlog.get_logger(__name__)


def refresh_places(context: FlowContext) -> None:
    """Ask Apollo, where there is one. Should it not answer, what it said last stays in force."""
    if not context.settings.apollo_api_base_url:
        return
    try:
        places = fetch_places(context.settings.apollo_api_base_url)
    except TransientError as exc:
        log.warning("places.apollo_unavailable", reason=str(exc))
        return
    if digest(places) == digest(known_places(context.lake, context.settings)):
        return
    rows = [{name: getattr(place, name) for name in PersonalPlace.__slots__} for place in places]
    with context.lake.write(f"{len(places)} personal places from Apollo") as writer:
        writer.execute("delete from personal_place")
        writer.append("personal_place", rows)
