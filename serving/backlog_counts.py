"""What is waiting and what failed, stage by stage: for GET /metrics, as `darkroom status` says it."""

from __future__ import annotations

import threading

import structlog

from deployments.cli.status import library_status
from deployments.settings import Settings
from sql.lake import Lake, LakeError, Row

log = structlog.get_logger(__name__)


class BacklogCounts:
    """Counted with the drains' own queries, so what a new recipe makes anew is waiting too; once per snapshot."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self._lake = lake
        self._settings = settings
        self._lock = threading.Lock()
        self._known: tuple[int, list[Row]] = (-1, [])

    def read(self) -> list[Row]:
        """One per library and stage: library, stage, backlog, failed. Those of last time while the lake is away."""
        with self._lock:
            try:
                snapshot_id = self._lake.snapshot_id()
                if self._known[0] != snapshot_id:
                    self._known = snapshot_id, self._count()
            except LakeError as exc:
                log.warning("metrics.backlog_not_counted", reason=str(exc))
            return self._known[1]

    def _count(self) -> list[Row]:
        libraries = library_status(self._lake, self._settings)
        return [{**stage, "library": library["library"]} for library in libraries for stage in library["stages"]]
