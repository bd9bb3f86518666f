from __future__ import annotations

import pytest

from tests.support.office import Office
from tests.support.office import office as open_office
from villagecall.ledger.service import Ledger


@pytest.fixture
async def office() -> Office:
    return await open_office()


@pytest.fixture
def ledger(office: Office) -> Ledger:
    return Ledger(office.journal, office.vault, office.county.directory, office.clock)
