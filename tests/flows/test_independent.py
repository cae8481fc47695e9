"""Stages that do not need each other run whatever became of the one before, and what failed is raised in the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import flows.engine.whole_run as whole_run
from flows.engine.context import FlowContext
from flows.engine.independent import IndependentStages
from flows.engine.whole_run import scan_and_drain
from tasks.errors import IntegrityError, StorageUnavailable, TransientError

STAGES = ("metadata", "thumbnails", "places", "perceptual_hashes", "preview_clips", "gifs", "hls", "face_backlog")


class Broken:
    """A flow that always fails."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fn(self, *_: Any) -> dict[str, Any]:
        raise StorageUnavailable(f"{self.name}: the disk is full")


class Seen:
    """A flow that has nothing to do, and says that it was asked."""

    def __init__(self, name: str, ran: list[str]) -> None:
        self.name, self.ran = name, ran

    def fn(self, *_: Any) -> dict[str, Any]:
        self.ran.append(self.name)
        return {self.name: 0, "left": 0, "face_regions": 0, "faces": 0}


@pytest.mark.parametrize("broken", STAGES)
def test_stage_that_always_fails_stops_no_other_of_a_whole_run(
    broken: str, flow_context: FlowContext, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    for name in STAGES:
        monkeypatch.setattr(whole_run, name, Broken(name) if name == broken else Seen(name, ran))
    if broken == "face_backlog":  # a service that is away is no reason for a scan to fail
        assert "the disk is full" in scan_and_drain(["all"], full=True)["faces_waiting_for"]
    else:
        with pytest.raises(StorageUnavailable, match=broken):
            scan_and_drain(["all"], full=True)
    assert ran == [name for name in STAGES if name != broken]


def test_all_failures_are_told_the_first_as_it_came() -> None:
    stages = IndependentStages()

    def fail(error: Exception) -> int:
        raise error

    assert stages.run("one", lambda: 1, 0) == 1
    assert stages.run("two", lambda: fail(TransientError("away")), 0) == 0
    assert stages.run("three", lambda: fail(ValueError("odd")), 7) == 7
    with pytest.raises(TransientError, match="away") as told:
        stages.finish()
    assert told.value.__notes__ == ["three failed too: ValueError: odd"]


def test_broken_catalog_stops_at_once() -> None:
    def fail() -> None:
        raise IntegrityError("the catalog broke its own rules")

    with pytest.raises(IntegrityError):
        IndependentStages().run("checks", fail, None)


def test_nothing_is_raised_where_nothing_failed() -> None:
    stages = IndependentStages()
    assert stages.run("one", lambda: 1, 0) == 1
    stages.finish()
