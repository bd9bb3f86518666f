"""Calls under everything at once: two villages, two windows, a department, broken lines, restarts.

Whatever the order: a ring is answered by one desk, a seat has one holder, a call ends once, what rings at
a desk is what it may answer, and the hub's calls are the journal's.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.signaling.hall import Hall, Tab
from tests.signaling.hall import hall as open_hall
from villagecall.case import Case
from villagecall.ids import uuid7
from villagecall.signaling import rules
from villagecall.signaling.calls import load

DESKS = st.sampled_from(["east", "east again", "east 2", "market", "west"])
VILLAGES = st.sampled_from(["willow", "stone"])
TABS = st.one_of(DESKS, VILLAGES)


class Calls(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.ringing: dict[str, set[str]] = defaultdict(set)
        self.calls: list[UUID] = []

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        self.hall: Hall = await open_hall(Path(self.folder.name))
        county = self.hall.office.county
        people = {
            "willow": county.willow_clerk,
            "stone": county.stone_clerk,
            "east": county.east_officer,
            "east again": county.east_officer,
            "east 2": county.east_officer2,
            "market": county.market_officer,
            "west": county.west_officer,
        }
        self.cases: dict[str, Case] = {
            "willow": await self.hall.accepted(),
            "stone": await self.hall.accepted(clerk=county.stone_clerk),
        }
        self.tabs = {name: await self.hall.tab(person) for name, person in people.items()}
        self.here = set(self.tabs)

    def ask(self, tab: str, t: str, **fields: object) -> dict[str, Any] | None:
        return self.run(self.tabs[tab].ask(t, **fields)) if tab in self.here else None

    def some_call(self, number: int) -> str | None:
        return str(self.calls[number % len(self.calls)]) if self.calls else None

    def teardown(self) -> None:
        self.run(self.hall.hub.close())
        self.runner.close()
        self.folder.cleanup()

    # ------------------------------------------------------------ what people do

    @rule(village=VILLAGES)
    def start(self, village: str) -> None:
        call = uuid7()
        answer = self.ask(village, "call.start", call=str(call), case=str(self.cases[village].case_id))
        if answer and answer["t"] == "ok":
            found = UUID(answer["call"]["call_id"])
            if found not in self.calls:
                self.calls.append(found)

    @rule(first=DESKS, second=DESKS, number=st.integers(0, 9))
    def answer_together(self, first: str, second: str, number: int) -> None:
        call = self.some_call(number)
        if call is None or first == second or not {first, second} <= self.here:
            return
        before = self.run(self.seats(call))

        async def both() -> list[dict[str, Any]]:
            return list(
                await asyncio.gather(*(self.tabs[name].ask("call.answer", call=call) for name in (first, second)))
            )

        won = [answer for answer in self.run(both()) if answer["t"] == "ok"]
        units = {self.tabs[name].person.unit for name in (first, second)}
        if len(units) == 1 and self.tabs[first].id not in before and self.tabs[second].id not in before:
            assert len(won) <= 1

    async def seats(self, call: str) -> set[UUID]:
        room = self.hall.hub._rooms.get(UUID(call))
        return {party.participant for party in rules.present_parties(room.call)} if room else set()

    @rule(desk=DESKS, number=st.integers(0, 9))
    def answer(self, desk: str, number: int) -> None:
        if call := self.some_call(number):
            self.ask(desk, "call.answer", call=call)

    @rule(desk=DESKS, number=st.integers(0, 9))
    def decline(self, desk: str, number: int) -> None:
        if call := self.some_call(number):
            self.ask(desk, "call.decline", call=call)

    @rule(desk=DESKS, number=st.integers(0, 9))
    def invite(self, desk: str, number: int) -> None:
        if call := self.some_call(number):
            self.ask(desk, "call.invite", call=call, unit=self.hall.office.county.market.code)

    @rule(tab=TABS, number=st.integers(0, 9))
    def leave(self, tab: str, number: int) -> None:
        if call := self.some_call(number):
            self.ask(tab, "call.leave", call=call)

    @rule(tab=TABS, number=st.integers(0, 9))
    def end(self, tab: str, number: int) -> None:
        if call := self.some_call(number):
            self.ask(tab, "call.end", call=call)

    @rule(desk=DESKS, on=st.booleans())
    def duty(self, desk: str, on: bool) -> None:
        self.ask(desk, "duty", on=on)

    # ------------------------------------------------------------ what happens to them

    @rule(tab=TABS)
    def line_breaks(self, tab: str) -> None:
        if tab in self.here:
            self.here.discard(tab)
            self.run(self.tabs[tab].gone())

    @rule(tab=TABS)
    def comes_back(self, tab: str) -> None:
        if tab not in self.here:
            self.ringing.pop(tab, None)
            self.here.add(tab)
            self.run(self.tabs[tab].open())

    @rule(seconds=st.sampled_from([1, 30, 90]))
    def time_passes(self, seconds: int) -> None:
        self.run(self.hall.wait(seconds))

    @rule()
    def server_restarts(self) -> None:
        self.run(self._restart())

    async def _restart(self) -> None:
        await self.hall.restart()
        for name in sorted(self.here):
            self.ringing.pop(name, None)
            await self.tabs[name].open()

    # ------------------------------------------------------------ what must hold

    @invariant()
    def the_journal_tells_one_story(self) -> None:
        self.run(self.check_journal())

    async def check_journal(self) -> None:
        over: set[str] = set()
        for case in self.cases.values():
            requested: set[str] = set()
            for entry in await self.hall.office.journal.entries(case.case_id):
                kind, call = entry.action.kind, entry.action.payload.get("call_id")
                if not kind.startswith("call."):
                    continue
                assert isinstance(call, str)
                assert call not in over, f"{kind} after the end"
                assert (call in requested) == (kind != "call.requested")
                requested.add(call)
                if kind == "call.ended":
                    over.add(call)
        live = {case.call.call_id for case in await load(self.hall.office.journal) if case.call}
        assert live == {room.call_id for room in self.hall.hub._rooms}
        assert live == {call for call in self.calls if str(call) not in over}

    @invariant()
    def a_seat_has_one_holder_and_a_person_one_call(self) -> None:
        people: dict[UUID, set[UUID]] = defaultdict(set)
        for room in self.hall.hub._rooms:
            inside = rules.present_parties(room.call)
            units = [party.unit for party in inside]
            assert len(set(units)) == len(units)
            assert (room.call.state == "active") == bool(rules.desks_in(room.call))
            for party in inside:
                if self.hall.hub._presence.is_connected(party.participant):
                    people[party.person].add(room.call_id)
        assert all(len(calls) == 1 for calls in people.values())

    @invariant()
    def what_rings_is_what_may_be_answered(self) -> None:
        for name in self.here:
            tab: Tab = self.tabs[name]
            for frame in tab.line.frames:
                if frame["t"] == "ring":
                    self.ringing[name].add(frame["call"]["call_id"])
                elif frame["t"] == "ring.stop":
                    self.ringing[name].discard(frame["call"])
                elif frame["t"] == "ok" and "call" in frame and frame["call"]:
                    self.ringing[name].discard(frame["call"]["call_id"])
            tab.forget()
            wanted = {str(room.call_id) for room in self.hall.hub._rooms if tab.id in room.rung}
            assert self.ringing[name] == wanted, name
            for room in self.hall.hub._rooms:
                if tab.id in room.rung:
                    assert tab.person.unit in rules.rung_units(room.call)
                    assert not self.hall.hub._calls.busy(tab.person.person_id)


Calls.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCalls = Calls.TestCase
