"""A whole life, races and replays on the journals that an installation runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.clock import FixedClock
from tests.support.office import Office, actor, key, office_on
from villagecall.adapters.sql import open_journal
from villagecall.approval.refusals import ClaimedByOther, WrongState
from villagecall.approval.service import Approval
from villagecall.errors import KeyReused
from villagecall.ledger.service import Ledger
from villagecall.settings import Settings


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty journal of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def real(url: str) -> AsyncIterator[Office]:
    clock = FixedClock()
    journal, _ = await open_journal(url, clock=clock)
    yield await office_on(journal, clock)
    await journal.close()


async def test_from_draft_to_rating_and_the_ledger_verifies(real: Office) -> None:
    case = await real.printed()
    by = actor(real.county.willow_clerk)
    case, token = await real.approval.deliver(case.case_id, "M1 2L3 4", "", actor=by, key=key())
    case = await real.approval.rate(token, 5, "很快", "", key=key())
    assert case.state == "closed"
    ledger = Ledger(real.journal, real.vault, real.county.directory, real.clock)
    report = await ledger.verify()
    assert report.problems == []
    book = await ledger.daybook(real.county.willow.code, "2026-09-23")
    assert [line.line.kind for line in book.lines] == [
        "case.submitted",
        "case.approved",
        "certificate.issued",
        "print.ticketed",
        "case.delivered",
        "case.rated",
    ]
    found = await real.approval.cases(real.county.east_officer, q="桂芳 优待")
    assert [line.case.case_id for line in found.cases] == [case.case_id]


async def test_two_desks_claim_and_one_wins(real: Office) -> None:
    case = await real.accepted()
    people = [actor(real.county.east_officer), actor(real.county.east_officer2)]
    servers = [
        Approval(real.journal, real.vault, real.county.directory, real.clock, real.bus, Settings()) for _ in range(4)
    ]

    async def attempt(number: int) -> str:
        who = people[number % 2]
        try:
            await servers[number % 4].claim(case.case_id, actor=who, key=key())
        except ClaimedByOther:
            return ""
        return who.person

    winners = {who for who in await asyncio.gather(*(attempt(number) for number in range(64))) if who}
    after = await real.approval.get(case.case_id)
    assert after.claim is not None
    assert winners == {str(after.claim.person)}


async def test_the_same_submit_five_times_is_once(real: Office) -> None:
    case, same = await real.complete(), key()
    by = actor(real.county.willow_clerk)
    done = await asyncio.gather(
        *(real.approval.submit(case.case_id, actor=by, key=one) for one in (same, same, key(), key(), same))
    )
    assert len({(one.number, one.seq) for one in done}) == 1


async def test_a_replay_is_known_after_the_state_has_moved_on(real: Office) -> None:
    case, same = await real.accepted(), key()
    officer = actor(real.county.east_officer)
    await real.approval.approve(case.case_id, "", actor=officer, key=same)
    issued = await real.issued(await real.approval.get(case.case_id))
    assert await real.approval.approve(case.case_id, "", actor=officer, key=same) == issued
    with pytest.raises(WrongState):
        await real.approval.approve(case.case_id, "", actor=officer, key=key())
    with pytest.raises(KeyReused):
        await real.approval.refuse(case.case_id, ["age"], "", actor=officer, key=same)
    assert (await real.approval.get(case.case_id)).seq == issued.seq
    assert await real.journal.backlog() == {"issue": 1}
