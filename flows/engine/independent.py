"""Stages that do not need each other: each runs whatever became of the one before, and nothing that failed is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from tasks.errors import IntegrityError

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class IndependentStages:
    """Runs stages one after the other; `finish` raises what went wrong in them."""

    def __init__(self) -> None:
        self._failed: list[tuple[str, Exception]] = []

    def run(self, name: str, stage: Callable[[], Result], otherwise: Result) -> Result:
        """
        What *stage* returns; *otherwise* where it fails.

        Raises:
            IntegrityError: Going on would make it worse.
        """
        try:
            return stage()
        except IntegrityError:
            raise
        except Exception as exc:  # noqa: BLE001  (raised again by `finish`)
            log.warning("stage.failed", stage=name, reason=f"{type(exc).__name__}: {exc}")
            self._failed.append((name, exc))
            return otherwise

    def finish(self) -> None:
        """Raises the first failure as it came, with the others as notes."""
        if not self._failed:
            return
        (_, first), *others = self._failed
        for name, exc in others:
            first.add_note(f"{name} failed too: {type(exc).__name__}: {exc}")
        raise first
