"""Waiting for what should be seen, never for a time. Deadlines are for machines that do ten things at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
DEADLINE_SECONDS = 120.0


def wait_until(look: Callable[[], T], *, seconds: float = DEADLINE_SECONDS, pause_seconds: float = 0.02) -> T:
    """What *look* says once it is true. Fails when it never is."""
    give_up = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up, f"did not happen in {seconds:.0f} s; last seen: {found!r}"
        time.sleep(pause_seconds)
    return found
