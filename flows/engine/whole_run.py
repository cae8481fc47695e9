"""One scan and all drains in this process: what `darkroom scan` does, with or without a Prefect server."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from flows.engine.context import one_run, open_context
from flows.engine.independent import IndependentStages
from flows.face_backlog import face_backlog
from flows.full_scan import full_scan
from flows.gifs import gifs
from flows.hls import hls
from flows.metadata import metadata
from flows.perceptual_hashes import perceptual_hashes
from flows.places import places
from flows.preview_clips import preview_clips
from flows.quick_scan import quick_scan
from flows.scanning.every_library import NUMBERS
from flows.thumbnails import thumbnails
from tasks.errors import LibraryLost, TransientError

ALL_OF_THEM = 1 << 40


def scan_and_drain(libraries: list[str], *, full: bool, accept_loss: bool = False) -> dict[str, Any]:
    """
    Scan the named libraries (or `all`), then work off what the scan left; returns the summed numbers.

    Raises:
        LibraryLost: The brake; nothing was marked missing.
        DarkroomError: A stage failed as a whole; all others were worked on.
    """
    with one_run() as run_id:
        total = _scan_and_drain(libraries, full=full, accept_loss=accept_loss)
        total["failed"] = len(open_context().lake.rows("runs/failed_files", run_id=run_id))
        return total


def _scan_and_drain(libraries: list[str], *, full: bool, accept_loss: bool) -> dict[str, Any]:
    started = time.monotonic()
    total: dict[str, Any] = dict.fromkeys(NUMBERS, 0) | {"waiting": 0, "unreadable": [], "busy": []}
    lost: list[LibraryLost] = []
    for library in libraries:
        try:
            scanned = full_scan.fn(library, accept_loss) if full else quick_scan.fn(library)
        except LibraryLost as exc:  # the others are scanned all the same, and what is known of this one is drained
            lost.append(exc)
        else:
            for name in total:
                total[name] += scanned[name]
    stages = IndependentStages()
    nothing: dict[str, Any] = {}
    for library in libraries:
        for stage, drain in {"metadata": metadata, "thumbnails": thumbnails}.items():
            numbers = stages.run(stage, partial(drain.fn, library, ALL_OF_THEM), {stage: 0, "left": 0})
            total["waiting"] += numbers["left"]
            if stage == "thumbnails":
                total[stage] += numbers[stage]
        _drain_all(stages, {"places": places, "perceptual_hashes": perceptual_hashes}, library, total)
    for library in libraries:  # last, since it takes longest: whatever else there is to see is there by then
        _drain_all(stages, {"preview_clips": preview_clips, "gifs": gifs, "hls": hls}, library, total)
    for library in libraries:
        total |= stages.run("faces", partial(_look_for_faces, library, total), nothing)
    if lost:
        raise LibraryLost("; ".join(str(error) for error in lost))
    stages.finish()
    total["seconds"] = round(time.monotonic() - started, 3)
    return total


def _drain_all(stages: IndependentStages, drains: dict[str, Any], library: str, total: dict[str, Any]) -> None:
    """Each whatever became of the one before; the numbers are added to *total*."""
    for stage, drain in drains.items():
        total[stage] = (
            total.get(stage, 0) + stages.run(stage, partial(drain.fn, library, ALL_OF_THEM), {stage: 0})[stage]
        )


def _look_for_faces(library: str, total: dict[str, Any]) -> dict[str, Any]:
    """All of them, not a tick's worth. A face service that is away is no reason for a scan to fail: they wait."""
    try:
        found = face_backlog.fn(library, ALL_OF_THEM)
    except TransientError as exc:
        return {"faces_waiting_for": str(exc)}
    return {stage: total.get(stage, 0) + found[stage] for stage in ("face_regions", "faces")}
