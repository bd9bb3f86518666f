"""Rate limits: token buckets in memory, one set a process (pure but for the clock handed in).

A process that starts again begins with full buckets, and N processes allow N times as much: the limits
protect against guessing and flooding, they are not accounting.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from villagecall.errors import TooManyRequests

_MOST = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """``burst`` at once, then one every ``every_s`` seconds."""

    burst: int
    every_s: float


class SlowDown(TooManyRequests):
    """Same code as its parent; the name says that our own limit spoke, not a part behind us."""

    code: ClassVar[str] = TooManyRequests.code


class Buckets:
    """Buckets of one limit by key. ``now`` gives seconds of a monotonic clock."""

    def __init__(self, limit: Limit, now: Callable[[], float]) -> None:
        self._limit, self._now = limit, now
        self._empty_until: dict[str, float] = {}
        """For each key the moment at which its bucket is full again; absent = full."""

    def __len__(self) -> int:
        return len(self._empty_until)

    def wait(self, key: str) -> float:
        """Seconds until the next one is allowed; 0 = now."""
        debt = self._empty_until.get(key, 0.0) - self._now()
        return max(0.0, debt - (self._limit.burst - 1) * self._limit.every_s)

    def check(self, key: str) -> None:
        """Raise :class:`TooManyRequests` when the bucket is empty; takes nothing."""
        wait = self.wait(key)
        if wait > 0:
            raise SlowDown(seconds=math.ceil(wait))

    def take(self, key: str) -> None:
        """Take one, or raise :class:`TooManyRequests` with the seconds to wait."""
        self.check(key)
        now = self._now()
        self._empty_until[key] = max(self._empty_until.get(key, 0.0), now) + self._limit.every_s
        if len(self._empty_until) > _MOST:
            self._sweep(now)

    def forget(self, key: str) -> None:
        """Full again."""
        self._empty_until.pop(key, None)

    def _sweep(self, now: float) -> None:
        """Drop full buckets, and if a flood left none full, the fullest half."""
        self._empty_until = {key: until for key, until in self._empty_until.items() if until > now}
        if len(self._empty_until) > _MOST:
            by_time = sorted(self._empty_until.items(), key=lambda pair: pair[1], reverse=True)
            self._empty_until = dict(by_time[: _MOST // 2])


class Limits:
    """All limits of one server. Addresses are those of :func:`villagecall.http.guard.address`."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.login_of = Buckets(Limit(10, 30.0), now)
        """Failed sign-ins by login."""
        self.login_from = Buckets(Limit(30, 5.0), now)
        """Failed sign-ins by address; a village shares one."""
        self.pairing = Buckets(Limit(10, 10.0), now)
        """Pairing by address: a code has eight digits and lives ten minutes."""
        self.public = Buckets(Limit(120, 0.5), now)
        """Everything that nobody signs in for, by address: progress, check, rating, search."""
