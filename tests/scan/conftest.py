"""The scan room of a module, and a case in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.scanroom import Room, scan_room
from villagecall.case import Case


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    async with scan_room(tmp_path_factory.mktemp("room")) as made:
        yield made


@pytest.fixture
async def case(room: Room) -> Case:
    return await room.office.draft()
