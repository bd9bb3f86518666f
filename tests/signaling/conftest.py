from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.signaling.hall import Hall
from tests.signaling.hall import hall as open_hall


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    found = await open_hall(tmp_path)
    yield found
    await found.hub.close()
