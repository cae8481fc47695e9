"""What the user calls a place, for the agent: asked of Apollo, and where it is silent, as it told last."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import structlog

from sql.lake import Lake
from tasks.errors import TransientError
from tasks.places.personal import PersonalPlace, fetch_places, personal_names

log = structlog.get_logger(__name__)

KEPT_SECONDS = 300.0
TIMEOUT_SECONDS = 5.0  # a model waits


class ApolloPlaces:
    """
    Implements tasks.agent.sources.PersonalPlaces.

    Args:
        base_url: `APOLLO_API_BASE_URL`.
        lake: Holds what the flow `places` was told last.
    """

    def __init__(self, base_url: str, lake: Lake) -> None:
        self._base_url, self._lake = base_url, lake
        self._lock = threading.Lock()
        self._known: tuple[float, list[PersonalPlace]] | None = None

    async def at(self, latitude: float, longitude: float) -> str | None:
        """The smallest place around the position. Raises LakeError."""
        places = await asyncio.to_thread(self._places)
        return personal_names(places, np.array([latitude]), np.array([longitude]))[0]

    def _places(self) -> list[PersonalPlace]:
        with self._lock:
            if self._known is None or time.monotonic() - self._known[0] > KEPT_SECONDS:
                self._known = (time.monotonic(), self._fetched())
            return self._known[1]

    def _fetched(self) -> list[PersonalPlace]:
        try:
            return fetch_places(self._base_url, TIMEOUT_SECONDS)
        except TransientError as exc:
            log.warning("chat.apollo_unavailable", reason=str(exc))
            return [PersonalPlace(**row) for row in self._lake.rows("places/personal")]
