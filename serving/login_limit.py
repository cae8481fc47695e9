"""How often a password may be guessed."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict

from tasks.errors import RefusedError

FREE_FAILURES = 5
BASE_SECONDS = 2.0
MAX_SECONDS = 300.0
ADDRESS_FACTOR = 4  # one address may fail this many times as often, over all names
_REMEMBERED = 10_000


class TooManyAttempts(RefusedError):
    status_code = 429

    def __init__(self, retry_after_seconds: float) -> None:
        self.retry_after_seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(f"too many failed logins; try again in {self.retry_after_seconds} s")


class LoginLimit:
    """After five failures of an address and name each further one doubles the wait, up to five minutes."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()  # count, when free again
        self._lock = threading.Lock()

    def attempt(self, address: str, name: str) -> None:
        """
        Counts as a failure until it has `succeeded`: of attempts side by side no more get through than in a row.

        Raises:
            TooManyAttempts: This one does not count.
        """
        now = time.monotonic()
        with self._lock:
            waits = [self._failures[key][1] - now for key in _keys(address, name) if key in self._failures]
            if waits and max(waits) > 0:
                raise TooManyAttempts(max(waits))
            for key, free in zip(_keys(address, name), (FREE_FAILURES, FREE_FAILURES * ADDRESS_FACTOR), strict=True):
                count = self._failures.pop(key, (0, 0.0))[0] + 1
                wait = min(BASE_SECONDS * 2.0 ** min(count - free, 16), MAX_SECONDS) if count >= free else 0.0
                self._failures[key] = (count, now + wait)
            while len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        with self._lock:
            for key in _keys(address, name):
                self._failures.pop(key, None)


def _keys(address: str, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (address, name.strip().casefold()), (address, "\0")
