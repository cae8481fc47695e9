"""What is waiting and what failed, stage by stage: for GET /metrics, counted as `darkroom status` counts."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog

from deployments.settings import Settings
from sql.lake import Lake, LakeError
from tasks.ingest import plan_ingest
from tasks.places.personal import PersonalPlace
from tasks.stages import STAGES, backlog_parameters, stage_backlog
from tasks.video_batch import plan_videos

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StageCount:
    library: str
    stage: str
    backlog: int
    failed: int


class BacklogCounts:
    """Counts with the drains' own queries, so what a new recipe makes anew is waiting too; once per snapshot."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self._lake = lake
        self._settings = settings
        self._lock = threading.Lock()
        self._known: tuple[int, list[StageCount]] = (-1, [])

    def read(self) -> list[StageCount]:
        """One per library and stage. While the lake cannot be read, those of the last time."""
        with self._lock:
            try:
                snapshot_id = self._lake.snapshot_id()
                if self._known[0] != snapshot_id:
                    self._known = snapshot_id, self._count()
            except LakeError as exc:
                log.warning("metrics.backlog_not_counted", reason=str(exc))
            return self._known[1]

    def _count(self) -> list[StageCount]:
        parameters = self._parameters()
        failed = {(row["library"], row["stage"]): row["failed"] for row in self._lake.rows("cli/stage_failures")}
        counts = []
        for row in self._lake.rows("scan/libraries"):
            library = row["name"]
            waiting = {
                stage: self._lake.count(f"backlog/{query}", library=library, row_limit=1 << 40, **parameters[query])
                for stage, query in STAGES.items()
            }
            counts += [
                StageCount(library, stage, stage_backlog(waiting, stage), failed.get((library, stage), 0))
                for stage in STAGES
            ]
        return counts

    def _parameters(self) -> dict[str, dict[str, object]]:
        """Asked for anew each time: a tool that was upgraded meanwhile makes files backlog."""
        settings = self._settings
        plan = plan_ingest(settings.thumbnails_folder, settings.thumbnail_size)
        videos = plan_videos(
            settings.video_folder, settings.previews_folder, settings.gifs_folder, ladder=settings.hls_ladder, threads=1
        )
        known = self._lake.rows("places/personal") if settings.apollo_api_base_url else []
        places = [PersonalPlace(**row) for row in known]
        return backlog_parameters(plan, videos, places, asks_nominatim=bool(settings.nominatim_url))
