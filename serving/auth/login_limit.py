"""How often a password may be guessed: by one address, and by all of them together at one name."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from tasks.errors import RefusedError

FREE_FAILURES = 5
BASE_SECONDS = 2.0
MAX_SECONDS = 300.0
ADDRESS_FACTOR = 4  # one address may fail this many times as often, over all names
NAME_FACTOR = 10  # and one name, over all addresses: guesses from a thousand of them are guesses too
MAX_NAME_SECONDS = 60.0  # shorter, since a stranger who only wants to lock the owner out can cause it
_REMEMBERED = 10_000
_Key = tuple[str, str]


class TooManyAttempts(RefusedError):
    status_code = 429

    def __init__(self, retry_after_seconds: float) -> None:
        self.retry_after_seconds = max(1, math.ceil(retry_after_seconds))
        super().__init__(f"too many failed logins; try again in {self.retry_after_seconds} s")


@dataclass(frozen=True, slots=True)
class _Limit:
    key: _Key
    free: int
    max_seconds: float


class LoginLimit:
    """
    After five failures of an address and name each further one doubles the wait, up to five minutes.

    An address also has a limit over all names, and a name one over all addresses; an address that has logged in to the
    name before is spared the latter, so that strangers cannot keep its owner out.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[_Key, tuple[int, float]] = OrderedDict()  # count, when free again
        self._familiar: OrderedDict[_Key, None] = OrderedDict()  # addresses and names that got in
        self._lock = threading.Lock()

    def attempt(self, address: str, name: str) -> None:
        """
        Counts as a failure until it has `succeeded`: of attempts side by side no more get through than in a row.

        Raises:
            TooManyAttempts: This one does not count.
        """
        now = time.monotonic()
        with self._lock:
            limits = self._limits(address, name)
            waits = [self._failures[limit.key][1] - now for limit in limits if limit.key in self._failures]
            if waits and max(waits) > 0:
                raise TooManyAttempts(max(waits))
            for limit in limits:
                count = self._failures.pop(limit.key, (0, 0.0))[0] + 1
                over = min(count - limit.free, 16)
                wait = min(BASE_SECONDS * 2.0**over, limit.max_seconds) if over >= 0 else 0.0
                self._failures[limit.key] = (count, now + wait)
            while len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, address: str, name: str) -> None:
        with self._lock:
            for limit in self._limits(address, name):
                self._failures.pop(limit.key, None)
            pair = (_network(address), _folded(name))
            self._familiar.pop(pair, None)
            self._familiar[pair] = None
            while len(self._familiar) > _REMEMBERED:
                self._familiar.popitem(last=False)

    def _limits(self, address: str, name: str) -> list[_Limit]:
        network, folded = _network(address), _folded(name)
        limits = [
            _Limit((network, folded), FREE_FAILURES, MAX_SECONDS),
            _Limit((network, "\0"), FREE_FAILURES * ADDRESS_FACTOR, MAX_SECONDS),
        ]
        if (network, folded) not in self._familiar:
            limits.append(_Limit(("\0", folded), FREE_FAILURES * NAME_FACTOR, MAX_NAME_SECONDS))
        return limits


def _folded(name: str) -> str:
    return name.strip().casefold()


def _network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: whoever has one of those has all of its addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a test client's, or a socket's
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))
