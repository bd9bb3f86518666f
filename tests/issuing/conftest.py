from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.press import Press
from tests.support.press import press as open_press


@pytest.fixture
async def press(tmp_path: Path) -> Press:
    return await open_press(tmp_path)
