"""Every implementation of a port, so that one suite runs on all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.adapters.writing import FakeClock
from villagecall.adapters.sql import open_journal
from villagecall.ports import Journal, Sessions


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty journal of each kind."""
    if request.param == "memory":
        return "memory:"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def opened(journal_url: str, clock: FakeClock) -> AsyncIterator[tuple[Journal, Sessions]]:
    journal, sessions = await open_journal(journal_url, clock=clock)
    yield journal, sessions
    await journal.close()


@pytest.fixture
def journal(opened: tuple[Journal, Sessions]) -> Journal:
    return opened[0]


@pytest.fixture
def sessions(opened: tuple[Journal, Sessions]) -> Sessions:
    return opened[1]
