from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.real.cups import CupsServer
from villagecall.terminal.printer import Cups


@pytest.fixture
def cupsd() -> Iterator[CupsServer]:
    server = CupsServer()
    yield server
    server.stop()


@pytest.fixture
async def cups(cupsd: CupsServer) -> AsyncIterator[Cups]:
    async with aiohttp.ClientSession() as session:
        yield Cups(cupsd.address, session)
