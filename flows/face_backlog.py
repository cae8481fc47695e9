"""Faces: named regions in photos' metadata, then an engine's look at what nobody has looked at yet."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow

from deployments.backlogs import engine_choice
from flows.drain import DrainReport
from flows.drains import run_drain, show_drains
from flows.faces import bind_faces, group_all_faces, group_new_faces, record_faces
from flows.house import House, open_house
from flows.runners import drain_runner
from tasks.faces.batch import look_at_batch, read_batch_regions
from tasks.faces.engines import EngineChoice
from tasks.faces.protocol import FaceServiceUnavailable


@flow(flow_run_name="face backlog {library}", task_runner=drain_runner())
def face_backlog(library: str = "all", limit: int | None = None) -> dict[str, Any]:
    """
    At most FACE_BACKLOG_MAX_PER_TICK pictures (or *limit*: `darkroom scan` takes all), newest first. Without an engine
    only metadata are read.
    """
    house = open_house()
    regions = run_drain(
        house, "face_regions", read_batch_regions, library=library, limit=None, flow="face-regions",
        recorder=record_faces,
    )  # fmt: skip
    choice = engine_choice(house.settings)
    faces = _look(house, choice, library, limit) if choice.is_on else DrainReport("faces")
    bound = bind_faces(house)
    grouped = group_new_faces(house)
    return show_drains(house, "face-backlog", library, regions, faces) | {"bound": bound, "grouped": grouped}


def _look(house: House, choice: EngineChoice, library: str, limit: int | None) -> DrainReport:
    """
    Newest first; where the service takes none of those, whichever: it may be these pictures it has trouble with (too
    large for it, say), and they must not keep the older ones waiting for ever.

    Raises:
        ToolMissing: FACE_MODEL_PATH is set and holds no usable models.
        FaceServiceUnavailable: It took neither the newest nor some others.
    """
    engine = choice.open()
    assert engine is not None
    settings = house.settings
    work = partial(
        look_at_batch, engine=engine, previews=settings.previews_folder, concurrency=settings.face_detect_concurrency
    )
    look = partial(
        run_drain, house, "faces", work, library=library, limit=limit or settings.face_backlog_max_per_tick,
        flow="face-backlog", batch_files=64, recorder=record_faces,
    )  # fmt: skip
    try:
        return look()
    except FaceServiceUnavailable:
        return look(shuffled=True)
    finally:
        engine.close()


@flow(flow_run_name="face groups")
def face_groups() -> dict[str, Any]:
    """Group all nameless faces anew; groups keep their numbers, and those made by hand stay as they are."""
    house = open_house()
    with house.lake.exclusive("drain-faces") as alone:
        return group_all_faces(house) if alone else {"faces": 0, "groups": 0}
