"""Hints: what changes elsewhere reaches the pages concerned, and no others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.signaling.hall import Hall, Tab, view
from tests.support.office import actor, key
from villagecall.adapters.blobs_local import LocalBlobs
from villagecall.adapters.memory import MemorySessions
from villagecall.directory.model import Role
from villagecall.ids import uuid7
from villagecall.journal import JSON
from villagecall.ports import Bus, Session
from villagecall.settings import Settings
from villagecall.signaling.hub import Hub
from villagecall.signaling.ice import ice_servers
from villagecall.signaling.presence import CLOSE_ABOVE


async def test_a_watched_case_says_when_it_changes(hall: Hall) -> None:
    county = hall.office.county
    case = await hall.accepted()
    desk, village = await hall.tab(county.east_officer), await hall.tab(county.willow_clerk)
    stone, west = await hall.tab(county.stone_clerk), await hall.tab(county.west_officer)
    assert (await desk.ask("watch", case=str(case.case_id)))["t"] == "ok"
    await hall.office.approval.claim(case.case_id, actor=actor(county.east_officer), key=key())
    await hall.settle()
    for tab in (desk, village):  # the village hears of its own cases without watching
        hint = tab.last("case.changed")
        assert (hint["case"], hint["kinds"]) == (str(case.case_id), ["case.claimed"])
        assert tab.got("queue.changed")
    for tab in (stone, west):
        assert not tab.got("case.changed")
    assert not west.got("queue.changed")


async def test_an_unwatched_case_is_silent_for_a_desk(hall: Hall) -> None:
    county = hall.office.county
    case = await hall.accepted()
    desk = await hall.tab(county.east_officer)
    await desk.ask("watch", case=str(case.case_id))
    await desk.ask("watch", case=str(case.case_id))
    await desk.ask("unwatch", case=str(case.case_id))
    await hall.office.approval.claim(case.case_id, actor=actor(county.east_officer), key=key())
    await hall.settle()
    assert not desk.got("case.changed")
    assert desk.got("queue.changed")


async def test_a_case_passed_up_moves_the_departments_queue(hall: Hall) -> None:
    county = hall.office.county
    case = await hall.accepted(county.filing)
    market, civil = await hall.tab(county.market_officer), await hall.tab(county.civil_officer)
    by = actor(county.east_officer)
    await hall.office.approval.claim(case.case_id, actor=by, key=key())
    await hall.office.approval.pass_up(case.case_id, "请区级审批", actor=by, key=key())
    await hall.settle()
    assert market.got("queue.changed")
    assert not civil.got("queue.changed")


async def test_progress_of_an_upload(hall: Hall) -> None:
    county = hall.office.county
    case = await hall.accepted()
    village, desk = await hall.tab(county.willow_clerk), await hall.tab(county.east_officer)
    await village.ask("watch", case=str(case.case_id))
    hint: Mapping[str, JSON] = {"case_id": str(case.case_id), "file_id": str(uuid7()), "done": 2, "total": 5}
    await hall.office.bus.publish("scan", hint)
    await hall.settle()
    told = village.last("file.progress")
    assert (told["done"], told["total"], told["file_id"]) == (2, 5, hint["file_id"])
    assert not desk.got("file.progress")


async def test_a_device_says_so_to_its_unit_and_the_administrator(hall: Hall) -> None:
    county = hall.office.county
    village, other, admin = [await hall.tab(p) for p in (county.willow_clerk, county.stone_clerk, county.admin)]
    await hall.office.bus.publish("device", {"unit": county.willow.code})
    await hall.settle()
    assert village.got("device.changed")
    assert admin.got("device.changed")
    assert not other.got("device.changed")


async def test_a_broken_hint_does_not_deafen_the_hub(hall: Hall) -> None:
    county = hall.office.county
    case = await hall.accepted()
    village = await hall.tab(county.willow_clerk)
    for topic in ("case", "scan", "session.closed", "device", "directory"):
        await hall.office.bus.publish(topic, {"case_id": "nonsense"})
    await hall.office.approval.claim(case.case_id, actor=actor(county.east_officer), key=key())
    await hall.settle()
    assert village.got("case.changed")


# ---------------------------------------------------------------- presence


async def presence(tab: Tab) -> dict[str, int]:
    await asyncio.sleep(0.15)
    found: dict[str, int] = tab.last("presence")["desks"]
    return found


async def test_presence_of_ones_town_and_the_departments(hall: Hall) -> None:
    county = hall.office.county
    village = await hall.tab(county.willow_clerk)
    desk, second = await hall.tab(county.east_officer), await hall.tab(county.east_officer)
    await hall.tab(county.east_officer2)
    await hall.tab(county.west_officer)
    await hall.tab(county.market_officer)
    seen = await presence(village)
    assert seen == {county.east.code: 2, county.market.code: 1, county.civil.code: 0}  # people, not tabs
    await second.ask("duty", on=False)
    assert (await presence(village))[county.east.code] == 1
    await desk.gone()
    await second.gone()
    assert (await presence(village))[county.east.code] == 1
    assert "presence" not in {frame["t"] for frame in (await hall.tab(county.supervisor)).line.frames}


async def test_a_clerk_has_no_duty(hall: Hall) -> None:
    village = await hall.tab(hall.office.county.willow_clerk)
    assert village.welcome["duty"] is False
    await village.ask("duty", on=True)
    assert (await presence(village))[hall.office.county.east.code] == 0


# ---------------------------------------------------------------- the end of a session


async def test_signing_out_closes_the_sockets_of_that_session_only(hall: Hall) -> None:
    county = hall.office.county
    here = await Tab(hall, county.east_officer, session=b"one").open()
    there = await Tab(hall, county.east_officer, session=b"two").open()
    await hall.office.bus.publish("session.closed", {"digest": b"one".hex(), "why": "logout"})
    await hall.settle()
    assert here.last("session.closed")["why"] == "logout"
    assert here.line.closed == (4401, "logout")
    assert there.line.closed is None
    await hall.office.bus.publish("session.closed", {"person": str(county.east_officer.person_id)})
    await hall.settle()
    assert there.line.closed is not None


async def test_who_changes_post_signs_in_again(hall: Hall) -> None:
    county = hall.office.county
    officer, other = await hall.tab(county.market_officer), await hall.tab(county.civil_officer)
    moved = county.market_officer.model_copy(update={"unit": county.civil.code})
    await county.directory.put_person(moved)
    await hall.office.bus.publish("directory", {})
    await hall.settle()
    assert officer.line.closed == (4401, "person_changed")
    assert other.line.closed is None
    assert moved.role is Role.DISTRICT


async def test_a_session_that_ran_out_closes_its_socket(hall: Hall) -> None:
    """The bus may lose the word of a logout; the sessions are looked at from time to time."""
    office, sessions = hall.office, MemorySessions()
    hub = Hub(
        cases=office.approval,
        media=hall.tape,
        directory=office.county.directory,
        bus=office.bus,
        blobs=LocalBlobs(hall.folder / "blobs"),
        journal=office.journal,
        clock=office.clock,
        settings=Settings(turn_url="turn:turn.example:3478", turn_secret="s3cret"),
        call_view=view,
        sessions=sessions,
        monotonic=lambda: hall.seconds,
    )
    await hub.start()
    old, hall.hub = hall.hub, hub
    now = office.clock.now()
    for name, hours in ((b"long", 9), (b"short", 1)):
        person = office.county.east_officer.person_id
        await sessions.put(Session(name, person, "csrf", now, now + timedelta(hours=hours)))
    tabs = {name: await Tab(hall, office.county.east_officer, session=name).open() for name in (b"long", b"short")}
    gone = await Tab(hall, office.county.east_officer, session=b"dropped").open()
    office.clock.forward(hours=2)
    await hub._again()
    assert tabs[b"long"].line.closed is None
    assert tabs[b"short"].line.closed == (4401, "expired")
    assert gone.line.closed == (4401, "expired")
    assert tabs[b"long"].welcome["ice"][0]["urls"] == ["turn:turn.example:3478"]
    await hub.close()
    hall.hub = old


def test_turn_credentials_are_coturns() -> None:
    at = datetime(2026, 9, 23, tzinfo=UTC)
    (server,) = ice_servers("turn:a:3478?transport=udp, turns:a:5349", "north", "p1", at)
    assert server["urls"] == ["turn:a:3478?transport=udp", "turns:a:5349"]
    assert server["username"] == f"{int(at.timestamp()) + 12 * 3600}:p1"
    # printf '1790164800:p1' | openssl dgst -sha1 -hmac north -binary | base64
    assert server["credential"] == "YWaWPsuKcUPtDCzLU/dGrpMlP0Y="
    assert ice_servers("", "north", "p1", at) == []


# ---------------------------------------------------------------- slow lines and lost buses


async def test_a_line_that_takes_nothing_is_closed(hall: Hall) -> None:
    county = hall.office.county
    case = await hall.accepted()
    village = await hall.tab(county.willow_clerk)
    village.line.waiting = CLOSE_ABOVE + 1
    await hall.office.approval.claim(case.case_id, actor=actor(county.east_officer), key=key())
    await hall.settle()
    assert village.line.closed == (1013, "slow")
    assert not village.got("case.changed")


class CutBus:
    """A bus whose first subscription breaks at its first hint, as when Redis is restarted."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self.subscriptions = bus, 0

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, JSON]]]]:
        self.subscriptions += 1
        async with self._bus.subscribe(*topics) as hints:
            yield self._broken(hints) if self.subscriptions == 1 else hints

    async def _broken(
        self, hints: AsyncIterator[tuple[str, dict[str, JSON]]]
    ) -> AsyncIterator[tuple[str, dict[str, JSON]]]:
        async for _ in hints:
            raise ConnectionError
        yield "", {}

    async def publish(self, topic: str, message: Mapping[str, JSON]) -> None:
        await self._bus.publish(topic, message)

    async def ready(self) -> bool:
        return True

    async def close(self) -> None:
        await self._bus.close()


async def test_a_bus_that_breaks_is_joined_again_and_everybody_looks(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("villagecall.signaling.hints.RETRY_S", 0.0)
    await hall.hub.close()
    cut = CutBus(hall.office.bus)
    hall.bus = cut
    await hall.open()
    village = await hall.tab(hall.office.county.willow_clerk)
    await hall.office.bus.publish("device", {})  # the hint that never arrives
    await hall.settle()
    assert cut.subscriptions == 2
    assert village.got("queue.changed")
    await hall.office.bus.publish("device", {})
    await hall.settle()
    assert village.got("device.changed")
