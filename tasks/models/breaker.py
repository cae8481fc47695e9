"""A circuit breaker: a server that failed several times in a row is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Breaker:
    """
    One per server, shared by all who ask it.

    Args:
        failures_allowed: In a row, before it opens.
        open_seconds: How long nobody asks then; after that one caller tries, and its luck decides.
    """

    failures_allowed: int = 3
    open_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _failures: int = field(default=0, init=False)
    _try_again_at: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def allows(self) -> bool:
        """Whether to ask now. Of an open breaker whose time is over, the first caller alone is let through."""
        with self._lock:
            if self._failures < self.failures_allowed:
                return True
            now = self.clock()
            if now < self._try_again_at:
                return False
            self._try_again_at = now + self.open_seconds  # the others wait for how this one fares
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= self.failures_allowed:
                self._try_again_at = self.clock() + self.open_seconds

    @property
    def state(self) -> str:
        """closed (asked as usual), open (left alone), half-open (the next caller tries)."""
        with self._lock:
            if self._failures < self.failures_allowed:
                return "closed"
            return "open" if self.clock() < self._try_again_at else "half-open"
