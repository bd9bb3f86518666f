from __future__ import annotations

import pytest

from tests.support.office import Office
from tests.support.office import office as open_office


@pytest.fixture
async def office() -> Office:
    return await open_office()
