"""
How the API tells the worker beside it that it left work for the drains: it touches a file that the worker watches.

The API has no password of the Prefect server, and needs none for this. Where the two are on different machines, or the
file cannot be written, the next quick scan sees that the lake has changed: a minute later at most.
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def work_file(darkroom_home: Path) -> Path:
    """The file; its time is when work was left last."""
    return darkroom_home / "new-work"


def announce_work(darkroom_home: Path) -> None:
    """Have the worker look for work now, not with the next quick scan."""
    try:
        work_file(darkroom_home).touch()
    except OSError as exc:
        log.warning("the worker was not told of new work, the next quick scan finds it: %s", exc)


def announced_at(darkroom_home: Path) -> int:
    """When work was announced last, in nanoseconds; 0 for never."""
    try:
        return work_file(darkroom_home).stat().st_mtime_ns
    except OSError:
        return 0
