"""Faces: named regions in photos' metadata, then an engine's look at what nobody has looked at yet."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from deployments.backlogs import engine_choice
from flows.engine.context import FlowContext, open_context
from flows.engine.drain import DrainReport
from flows.engine.drain_runs import run_drain, show_drains
from flows.engine.independent import IndependentStages
from flows.engine.reporting import end_run
from flows.engine.runners import drain_runner
from flows.engine.triggers import DRAIN_HOOKS
from flows.work.faces import bind_faces, group_all_faces, group_new_faces, record_faces
from tasks.faces.batch import FaceAsset, read_batch_regions, scan_batch
from tasks.faces.engines import EngineChoice


@flow(flow_run_name="face backlog {library}", task_runner=drain_runner(), **DRAIN_HOOKS)
def face_backlog(library: str = "all", limit: int | None = None) -> dict[str, Any]:
    """
    At most FACE_BACKLOG_MAX_PER_TICK pictures (or *limit*: `darkroom scan` takes all), newest first. Without an engine
    only metadata are read. Faces are named and grouped whatever becomes of that.

    Raises:
        ToolMissing: FACE_MODEL_PATH is set and holds no usable models.
        FaceServiceUnavailable: The service is down.
    """
    context = open_context()
    choice = engine_choice(context.settings)
    stages = IndependentStages()
    regions = stages.run("face_regions", partial(_read_regions, context, library), DrainReport("face_regions"))
    faces = DrainReport("faces")
    if choice.is_on:
        faces = stages.run("faces", partial(_look, context, choice, library, limit), faces)
    bound = stages.run("names", partial(bind_faces, context), 0)
    grouped = stages.run("groups", partial(group_new_faces, context), 0)
    shown = show_drains(context, "face-backlog", library, regions, faces) | {"bound": bound, "grouped": grouped}
    stages.finish()
    return end_run(shown)


def _read_regions(context: FlowContext, library: str) -> DrainReport:
    return run_drain(
        context, "face_regions", read_batch_regions, library=library, limit=None, flow="face-regions",
        recorder=record_faces,
    )  # fmt: skip


def _look(context: FlowContext, choice: EngineChoice, library: str, limit: int | None) -> DrainReport:
    engine = choice.open()
    assert engine is not None
    settings = context.settings
    work = partial(
        scan_batch, engine=engine, previews=settings.previews_folder, concurrency=settings.face_detect_concurrency,
        tool_version=choice.tool_version(),
    )  # fmt: skip
    try:
        return run_drain(
            context, "faces", work, library=library, limit=limit or settings.face_backlog_max_per_tick,
            flow="face-backlog", batch_files=64, recorder=record_faces, row_type=FaceAsset,
        )  # fmt: skip
    finally:
        engine.close()


@flow(flow_run_name="face groups")
def face_groups() -> dict[str, Any]:
    """Group all nameless faces anew; groups keep their numbers, and those made by hand stay as they are."""
    context = open_context()
    with context.lake.exclusive("drain-faces") as alone:
        return group_all_faces(context) if alone else {"faces": 0, "groups": 0}
