"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

WEDNESDAY = datetime(2026, 9, 23, 1, 30, tzinfo=UTC)
"""A working day in Shanghai, 09:30 in the morning, two days before the Mid-autumn holiday of 2026."""


class FixedClock:
    """``now`` is aware UTC; set it, or let time pass with :meth:`forward`."""

    def __init__(self, now: datetime = WEDNESDAY) -> None:
        self.instant = now

    def now(self) -> datetime:
        return self.instant

    def set(self, now: datetime) -> None:
        self.instant = now

    def forward(self, **parts: float) -> datetime:
        """Let time pass: ``forward(minutes=15)``."""
        self.instant += timedelta(**parts)
        return self.instant
