"""When to stop asking a service: is it down, or does it fail at these pictures only?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tasks.faces.protocol import FaceServiceUnavailable


@dataclass(slots=True)
class RetryBudget:
    """
    How often in a row a service failed; shared by the threads of a batch.

    Args:
        limit: So many failures in a row, and it is asked whether it is working at all.
        is_working: Asks it for something that cannot be at fault.
        why: The last failure.
        is_over: It is not: nothing more is asked.
    """

    limit: int
    is_working: Callable[[], bool]
    why: FaceServiceUnavailable | None = None
    is_over: bool = False
    _in_a_row: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def worked(self) -> None:
        with self._lock:
            self._in_a_row = 0

    def failed(self, why: FaceServiceUnavailable) -> None:
        with self._lock:
            self.why = why
            self._in_a_row += 1
            if self._in_a_row >= self.limit and not self.is_over:
                self._in_a_row = 0
                self.is_over = not self.is_working()

    def asked_at_the_end(self) -> bool:
        """Whether the service is working after all that was asked of it."""
        return not self.is_over and self.is_working()
