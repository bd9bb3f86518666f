"""The one write path of a case: conflicts, replays, announcements, what follows from an action."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

import pytest

from tests.support.office import Office, actor, key
from villagecall.adapters.bus_local import LocalBus
from villagecall.adapters.memory import MemoryJournal
from villagecall.approval.refusals import ClaimedByOther, WrongState
from villagecall.approval.service import Approval
from villagecall.case import Case, empty
from villagecall.case_fold import fold
from villagecall.errors import Conflict, KeyReused, NotFound, Unavailable
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Actor, Head
from villagecall.ports import Append, Appended
from villagecall.settings import Settings


def another_process(office: Office) -> Approval:
    """A second server on the same journal: it shares no lock with the first."""
    return Approval(office.journal, office.vault, office.county.directory, office.clock, office.bus, Settings())


async def entries_fold(office: Office, case: Case) -> Case:
    return fold(empty(case.case_id), await office.journal.entries(case.case_id))


class TestConflicts:
    async def test_two_desks_claim_at_once_and_exactly_one_wins(self, office: Office) -> None:
        """64 attempts by two people, from two processes."""
        case = await office.accepted()
        people = [actor(office.county.east_officer), actor(office.county.east_officer2)]
        servers = [office.approval, another_process(office)]

        async def attempt(number: int) -> str:
            who = people[number % 2]
            try:
                await servers[number // 2 % 2].claim(case.case_id, actor=who, key=key())
            except ClaimedByOther as no:
                assert no.details["name"] in ("王建国", "赵敏")
                return ""
            return who.person

        winners = {who for who in await asyncio.gather(*(attempt(number) for number in range(64))) if who}
        after = await office.approval.get(case.case_id)
        assert after.claim is not None
        assert winners == {str(after.claim.person)}

    async def test_64_writers_of_one_case_lose_nothing(self, office: Office) -> None:
        case = await office.draft()
        servers = [office.approval, another_process(office)]
        await asyncio.gather(
            *(
                server.record(
                    case.case_id, "applicant.revealed", {"purpose": str(number)}, actor=clerk(office), key=key()
                )
                for number in range(32)
                for server in servers
            )
        )
        after = await office.approval.get(case.case_id)
        assert after.seq == 1 + 64
        assert await entries_fold(office, after) == after

    async def test_whoever_is_always_second_is_told_in_the_end(self, office: Office) -> None:
        case = await office.draft()

        class AlwaysFirst(MemoryJournal):
            async def append(self, write: Append) -> Appended:
                raise Conflict

        journal = AlwaysFirst(office.clock)
        journal.__dict__.update(office.journal.__dict__)
        slow = Approval(journal, office.vault, office.county.directory, office.clock, office.bus, Settings())
        with pytest.raises(Conflict):
            await slow.withdraw(case.case_id, "不办了", actor=clerk(office), key=key())
        assert (await office.approval.get(case.case_id)).state == "draft"

    async def test_the_rule_is_asked_again_after_a_conflict(self, office: Office) -> None:
        """Somebody decided between our look and our write: the second decision is refused, not stacked."""
        case = await office.accepted()
        first, second = actor(office.county.east_officer), actor(office.county.east_officer2)
        results = await asyncio.gather(
            office.approval.approve(case.case_id, "", actor=first, key=key()),
            another_process(office).refuse(case.case_id, ["age"], "", actor=second, key=key()),
            return_exceptions=True,
        )
        assert sum(isinstance(result, WrongState) for result in results) == 1
        after = await office.approval.get(case.case_id)
        assert len([step for step in after.steps if step.result in ("approved", "refused")]) == 1


def clerk(office: Office) -> Actor:
    return actor(office.county.willow_clerk)


class TestReplays:
    async def test_the_same_key_is_the_same_action(self, office: Office) -> None:
        case, same = await office.accepted(), key()
        officer = actor(office.county.east_officer)
        once = await office.approval.approve(case.case_id, "符合条件", actor=officer, key=same)
        again = await office.approval.approve(case.case_id, "符合条件", actor=officer, key=same)
        assert (once.seq, once.state) == (again.seq, again.state)

    async def test_a_replay_is_answered_though_the_state_has_moved_on(self, office: Office) -> None:
        case, same = await office.accepted(), key()
        officer = actor(office.county.east_officer)
        await office.approval.approve(case.case_id, "", actor=officer, key=same)
        await office.issued(await office.approval.get(case.case_id))
        assert (await office.approval.approve(case.case_id, "", actor=officer, key=same)).state == "issued"

    async def test_a_new_key_is_a_new_action_and_refused(self, office: Office) -> None:
        case = await office.approved()
        with pytest.raises(WrongState):
            await office.approval.approve(case.case_id, "", actor=actor(office.county.east_officer), key=key())

    async def test_a_key_of_another_case_is_refused(self, office: Office) -> None:
        first, second, same = await office.draft(), await office.draft(), key()
        await office.approval.withdraw(first.case_id, "不办了", actor=clerk(office), key=same)
        with pytest.raises(KeyReused):
            await office.approval.withdraw(second.case_id, "不办了", actor=clerk(office), key=same)

    async def test_asking_about_a_key_writes_nothing(self, office: Office) -> None:
        case = await office.approved()
        before = await office.journal.entries(case.case_id)
        with pytest.raises(WrongState):
            await office.approval.withdraw(case.case_id, "不办了", actor=clerk(office), key=key())
        assert await office.journal.entries(case.case_id) == before
        snapshot = await office.journal.snapshot(case.case_id)
        assert snapshot is not None
        assert snapshot.head == Head(case.seq, bytes.fromhex(case.head))


class TestReading:
    async def test_a_case_that_does_not_exist(self, office: Office) -> None:
        with pytest.raises(NotFound):
            await office.approval.get(uuid7())
        with pytest.raises(NotFound):
            await office.approval.withdraw(uuid7(), "不办了", actor=clerk(office), key=key())
        assert await office.approval.find("number:nothing") is None

    async def test_another_stream_is_no_case(self, office: Office) -> None:
        with pytest.raises(NotFound):
            await office.approval.get(office.county.willow.unit_id)
        assert await office.approval.find(f"unit:{office.county.willow.code}") is None

    async def test_the_snapshot_is_the_fold(self, office: Office) -> None:
        case = await office.printed()
        assert await entries_fold(office, case) == await office.approval.get(case.case_id) == case


class TestAnnouncements:
    async def test_every_append_is_announced_with_what_to_look_at_again(self, office: Office) -> None:
        async with office.bus.subscribe("case") as hints:
            case = await office.draft()
            topic, message = await anext(hints)
        assert topic == "case"
        assert message["case_id"] == str(case.case_id)
        assert (message["seq"], message["kinds"], message["village"]) == (1, ["case.opened"], case.village)

    async def test_a_queue_that_looks_different_is_named(self, office: Office) -> None:
        case = await office.accepted(office.county.filing)
        async with office.bus.subscribe("case") as hints:
            await office.approval.pass_up(case.case_id, "", actor=actor(office.county.east_officer), key=key())
            _, message = await anext(hints)
        assert message["units"] == [office.county.east.code, office.county.market.code]

    @pytest.mark.parametrize("hangs", [False, True])
    async def test_a_bus_that_is_away_or_hangs_costs_no_action(self, office: Office, hangs: bool) -> None:
        class Away(LocalBus):
            async def publish(self, topic: str, message: Mapping[str, JSON]) -> None:
                if hangs:
                    await asyncio.sleep(3600)
                raise Unavailable

        case = await office.draft()
        county = office.county
        alone = Approval(office.journal, office.vault, county.directory, office.clock, Away(), Settings())
        done = await alone.withdraw(case.case_id, "不办了", actor=clerk(office), key=key())
        assert done.state == "withdrawn"


class TestWhatFollows:
    async def topics(self, office: Office) -> dict[str, int]:
        return await office.journal.backlog()

    async def test_an_approval_promises_the_certificate_once(self, office: Office) -> None:
        case = await office.approved()
        assert await self.topics(office) == {"issue": 1}
        (delivery,) = await office.journal.claim(["issue"], 10, 60)
        assert (delivery.message.key, delivery.message.payload) == (str(case.case_id), {"case_id": str(case.case_id)})

    async def test_a_refusal_promises_the_written_voucher(self, office: Office) -> None:
        case = await office.accepted()
        await office.approval.refuse(case.case_id, ["age"], "", actor=actor(office.county.east_officer), key=key())
        assert await self.topics(office) == {"voucher": 1}

    async def test_nothing_is_promised_when_the_decision_is_not_committed(self, office: Office) -> None:
        case = await office.accepted()
        with pytest.raises(ClaimedByOther):
            await office.approval.claim(case.case_id, actor=actor(office.county.east_officer), key=key())
            await office.approval.approve(case.case_id, "", actor=actor(office.county.east_officer2), key=key())
        assert await self.topics(office) == {}


async def test_a_lease_that_is_over_is_taken_by_another_desk(office: Office) -> None:
    case = await office.accepted()
    await office.approval.claim(case.case_id, actor=actor(office.county.east_officer), key=key())
    office.clock.forward(minutes=Settings().lease_minutes)
    after = await office.approval.claim(case.case_id, actor=actor(office.county.east_officer2), key=key())
    assert after.claim is not None
    assert after.claim.person == office.county.east_officer2.person_id


async def test_actions_of_the_system_stand_without_a_person(office: Office) -> None:
    case = await office.accepted()
    accepted = [e for e in await office.journal.entries(case.case_id) if e.action.kind == "case.accepted"]
    assert [entry.action.actor for entry in accepted] == [Actor(SYSTEM.person, office.county.east.code)]
    assert UUID(str((await office.approval.get(case.case_id)).clerk)) == office.county.willow_clerk.person_id
