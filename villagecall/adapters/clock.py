"""The clock of this machine."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Aware UTC from the operating system. Order never depends on it: entries are ordered by sequence."""

    def now(self) -> datetime:
        return datetime.now(UTC)
