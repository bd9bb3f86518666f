"""Opens the bus that a setting names."""

from __future__ import annotations

from villagecall.adapters.bus_local import LocalBus
from villagecall.adapters.bus_redis import RedisBus
from villagecall.ports import Bus


def open_bus(url: str) -> Bus:
    """``redis://…``, or the bus in this process when ``url`` is empty. Connects when it is first used."""
    return RedisBus(url) if url else LocalBus()
