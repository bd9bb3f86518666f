"""Calls as the village, the town window and a department live through them."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from tests.signaling.hall import Hall, Tab
from villagecall.ids import uuid7


async def kinds(hall: Hall, case_id: UUID) -> list[str]:
    """The call's actions of a case, in order."""
    entries = await hall.office.journal.entries(case_id)
    return [e.action.kind for e in entries if e.action.kind.startswith(("call.", "page.shown", "recording."))]


async def active(hall: Hall) -> tuple[Tab, Tab, UUID, UUID]:
    """A village and the town's first window in a call: ``(village, desk, call, case)``."""
    county = hall.office.county
    village, desk = await hall.tab(county.willow_clerk), await hall.tab(county.east_officer)
    case, call = await hall.called(village)
    assert (await desk.call("call.answer", call))["t"] == "ok"
    return village, desk, call, case.case_id


# ---------------------------------------------------------------- greeting


async def test_welcome_says_who_and_where(hall: Hall) -> None:
    tab = await hall.tab(hall.office.county.east_officer)
    welcome = tab.welcome
    assert (welcome["name"], welcome["unit_name"], welcome["role"]) == ("王建国", "东河镇", "town")
    assert welcome["duty"] is True
    assert welcome["call"] is None
    assert welcome["ice"] == []  # no TURN here, and never a public server
    assert welcome["desks"][hall.office.county.east.code] == 1


async def test_a_second_socket_of_a_tab_replaces_the_first(hall: Hall) -> None:
    first = await hall.tab(hall.office.county.east_officer)
    second = await hall.tab(hall.office.county.east_officer, first.id)
    assert first.line.closed == (4409, "replaced")
    await first.gone()  # the old socket's end comes late and takes nothing away
    assert (await second.ask("ping"))["t"] == "ok"
    assert second.welcome["desks"][hall.office.county.east.code] == 1


async def test_nobody_takes_over_another_persons_tab(hall: Hall) -> None:
    officer = await hall.tab(hall.office.county.east_officer)
    stranger = await Tab(hall, hall.office.county.market_officer, officer.id).open()
    assert stranger.welcome["error"]["code"] == "tab_taken"
    assert officer.line.closed is None
    assert (await stranger.ask("ping"))["error"]["code"] == "hello_first"


async def test_a_silent_line_is_closed(hall: Hall) -> None:
    tab = await hall.tab(hall.office.county.east_officer)
    hall.seconds += 46
    await hall.hub.tick()
    assert tab.line.closed == (4408, "silent")


async def test_server_restart_is_told(hall: Hall) -> None:
    tab = await hall.tab(hall.office.county.east_officer)
    await hall.restart()
    assert tab.line.closed == (1012, "restart")


# ---------------------------------------------------------------- ringing and answering


async def test_every_desk_of_the_town_rings_and_no_other(hall: Hall) -> None:
    county = hall.office.county
    desks = [await hall.tab(person) for person in (county.east_officer, county.east_officer2)]
    others = [await hall.tab(p) for p in (county.west_officer, county.market_officer, county.stone_clerk)]
    village = await hall.tab(county.willow_clerk)
    _, call = await hall.called(village)
    for desk in desks:
        assert [ring["call"]["call_id"] for ring in desk.got("ring")] == [str(call)]
    assert all(not other.got("ring") for other in others)


async def test_first_answer_wins_and_the_others_hear_who(hall: Hall) -> None:
    county = hall.office.county
    one, two = await hall.tab(county.east_officer), await hall.tab(county.east_officer2)
    village = await hall.tab(county.willow_clerk)
    _, call = await hall.called(village)
    taken = await one.call("call.answer", call)
    assert taken["call"]["state"] == "active"
    assert two.last("ring.stop") == {"t": "ring.stop", "call": str(call), "why": "answered", "by": "王建国"}
    assert not one.got("ring.stop")
    late = await two.call("call.answer", call)
    assert late["error"]["code"] == "call_taken"
    assert late["error"]["zh"] == "王建国 已经接听。"
    assert village.last("call.state")["call"]["state"] == "active"


async def test_twenty_answers_at_once_one_wins(hall: Hall) -> None:
    county = hall.office.county
    village = await hall.tab(county.willow_clerk)
    tabs = [await hall.tab((county.east_officer, county.east_officer2)[n % 2]) for n in range(20)]
    case, call = await hall.called(village)
    answers = await asyncio.gather(*(tab.call("call.answer", call) for tab in tabs))
    assert [answer["t"] for answer in answers].count("ok") == 1
    codes = {answer["error"]["code"] for answer in answers if answer["t"] == "error"}
    assert codes <= {"call_taken", "in_other_call"}
    assert (await kinds(hall, case.case_id)).count("call.joined") == 2  # the village, and one desk


async def test_two_servers_decide_by_the_journal_alone(hall: Hall) -> None:
    """Another process knows nothing of this one's memory; the key of the round is what they share."""
    county = hall.office.county
    village, here = await hall.tab(county.willow_clerk), await hall.tab(county.east_officer)
    other = await Hall(hall.office, hall.folder).open()
    case, call = await hall.called(village)
    await hall.settle()
    there = await other.tab(county.east_officer2)
    assert there.got("ring")
    first, second = await asyncio.gather(here.call("call.answer", call), there.call("call.answer", call))
    assert sorted([first["t"], second["t"]]) == ["error", "ok"]
    assert (await kinds(hall, case.case_id)).count("call.joined") == 2
    await other.hub.close()


async def test_a_double_click_answers_once(hall: Hall) -> None:
    _, desk, call, case_id = await active(hall)
    assert (await desk.call("call.answer", call))["t"] == "ok"
    assert (await kinds(hall, case_id)).count("call.joined") == 2


async def test_a_desk_away_is_not_rung_until_it_is_back(hall: Hall) -> None:
    county = hall.office.county
    desk = await hall.tab(county.east_officer)
    await desk.ask("duty", on=False)
    _, call = await hall.called(await hall.tab(county.willow_clerk))
    assert not desk.got("ring")
    await desk.reload()
    assert desk.welcome["duty"] is False  # away stays away over a reload
    assert not desk.got("ring")
    await desk.ask("duty", on=True)
    assert desk.last("ring")["call"]["call_id"] == str(call)


async def test_a_desk_that_declines_is_left_alone_the_others_ring_on(hall: Hall) -> None:
    county = hall.office.county
    one, two = await hall.tab(county.east_officer), await hall.tab(county.east_officer2)
    _, call = await hall.called(await hall.tab(county.willow_clerk))
    await one.call("call.decline", call)
    assert one.last("ring.stop")["why"] == "declined"
    assert not two.got("ring.stop")
    await one.reload()
    assert not one.got("ring")
    assert (await one.call("call.answer", call))["t"] == "ok"  # it may still change its mind


async def test_a_desk_that_comes_on_duty_anew_is_rung_by_what_it_had_left(hall: Hall) -> None:
    county = hall.office.county
    desk = await hall.tab(county.east_officer)
    _, call = await hall.called(await hall.tab(county.willow_clerk))
    await desk.call("call.decline", call)
    desk.forget()
    await desk.ask("duty", on=False)
    assert not desk.got("ring")
    await desk.ask("duty", on=True)
    assert [ring["call"]["call_id"] for ring in desk.got("ring")] == [str(call)]


async def test_ring_again_after_a_reload(hall: Hall) -> None:
    county = hall.office.county
    desk = await hall.tab(county.east_officer)
    _, call = await hall.called(await hall.tab(county.willow_clerk))
    desk.forget()
    await desk.reload()
    assert [ring["call"]["call_id"] for ring in desk.got("ring")] == [str(call)]


async def test_a_desk_in_a_call_is_not_rung_until_it_is_free(hall: Hall) -> None:
    county = hall.office.county
    _, desk, call, _ = await active(hall)
    stone = await hall.tab(county.stone_clerk)
    desk.forget()
    _, second = await hall.called(stone, await hall.accepted(clerk=county.stone_clerk))
    assert not desk.got("ring")
    assert (await desk.call("call.answer", second))["error"]["code"] == "in_other_call"
    await desk.call("call.end", call)
    assert desk.last("ring")["call"]["call_id"] == str(second)


async def test_a_clerk_is_in_one_call_at_a_time(hall: Hall) -> None:
    village, _, _, _ = await active(hall)
    other = await hall.accepted()
    second_tab = await hall.tab(hall.office.county.willow_clerk)
    for tab in (village, second_tab):
        refused = await tab.call("call.start", uuid7(), case=str(other.case_id))
        assert refused["error"]["code"] == "in_other_call"


async def test_a_call_to_nobody_waits(hall: Hall) -> None:
    county = hall.office.county
    village = await hall.tab(county.willow_clerk)
    case, call = await hall.called(village)
    await hall.wait(3 * 3600)
    assert (await hall.case(case)).call is not None
    desk = await hall.tab(county.east_officer)
    assert desk.last("ring")["call"]["call_id"] == str(call)


async def test_the_line_has_places(hall: Hall) -> None:
    county = hall.office.county
    first, second = await hall.tab(county.willow_clerk), await hall.tab(county.stone_clerk)
    _, call = await hall.called(first)
    hall.office.clock.forward(minutes=1)
    case = await hall.accepted(clerk=county.stone_clerk)
    answer = await second.call("call.start", uuid7(), case=str(case.case_id))
    assert answer["call"]["place"] == 1
    await first.call("call.end", call)
    assert second.last("call.state")["call"]["place"] == 0


# ---------------------------------------------------------------- starting


async def test_the_same_start_five_times_is_one_call(hall: Hall) -> None:
    village = await hall.tab(hall.office.county.willow_clerk)
    case, call = await hall.accepted(), uuid7()
    answers = [await village.call("call.start", call, case=str(case.case_id)) for _ in range(5)]
    assert {answer["call"]["call_id"] for answer in answers} == {str(call)}
    assert await kinds(hall, case.case_id) == ["call.requested", "call.joined"]


async def test_a_foreign_case_is_not_found(hall: Hall) -> None:
    case = await hall.accepted()
    stone = await hall.tab(hall.office.county.stone_clerk)
    answer = await stone.call("call.start", uuid7(), case=str(case.case_id))
    assert answer["error"]["code"] == "not_found"
    assert (await stone.ask("watch", case=str(case.case_id)))["error"]["code"] == "not_found"
    assert (await stone.ask("watch", case=str(uuid4())))["error"]["code"] == "not_found"


async def test_a_call_of_a_foreign_town_cannot_be_answered(hall: Hall) -> None:
    _, call = await hall.called(await hall.tab(hall.office.county.willow_clerk))
    west = await hall.tab(hall.office.county.west_officer)
    assert (await west.call("call.answer", call))["error"]["code"] == "not_rung"
    market = await hall.tab(hall.office.county.market_officer)
    assert (await market.call("call.answer", call))["error"]["code"] == "not_rung"


async def test_a_case_that_is_not_accepted_yet_has_nothing_to_call_about(hall: Hall) -> None:
    case = await hall.office.draft()
    village = await hall.tab(hall.office.county.willow_clerk)
    answer = await village.call("call.start", uuid7(), case=str(case.case_id))
    assert answer["error"]["code"] == "wrong_state"


async def test_a_village_rings_its_own_town_only(hall: Hall) -> None:
    case = await hall.accepted()
    village = await hall.tab(hall.office.county.willow_clerk)
    answer = await village.call("call.start", uuid7(), case=str(case.case_id), unit=hall.office.county.west.code)
    assert answer["error"]["code"] == "not_your_window"


async def test_one_case_has_one_call(hall: Hall) -> None:
    village = await hall.tab(hall.office.county.willow_clerk)
    case, _ = await hall.called(village)
    colleague = await hall.tab(hall.office.county.willow_clerk)
    answer = await colleague.call("call.start", uuid7(), case=str(case.case_id))
    assert answer["error"]["code"] == "case_in_other_call"


# ---------------------------------------------------------------- departments


async def test_the_town_brings_in_a_department(hall: Hall) -> None:
    county = hall.office.county
    village, desk, call, case_id = await active(hall)
    market = await hall.tab(county.market_officer)
    assert not market.got("ring")
    assert (await market.ask("watch", case=str(case_id)))["error"]["code"] == "not_found"
    assert (await desk.call("call.invite", call, unit=county.market.code))["t"] == "ok"
    assert village.last("call.state")["call"]["ringing"] == [county.market.code]
    assert (await market.call("call.answer", call))["t"] == "ok"
    roles = [party["role"] for party in village.last("call.state")["call"]["parties"]]
    assert roles == ["clerk", "town", "district"]
    assert (await market.ask("watch", case=str(case_id)))["t"] == "ok"  # called into it: may read it now
    assert (await desk.call("call.invite", call, unit=county.market.code))["error"]["code"] == "already_in"


async def test_only_departments_are_invited_and_only_by_the_town(hall: Hall) -> None:
    county = hall.office.county
    village, desk, call, _ = await active(hall)
    for unit in (county.west.code, county.willow.code, "nowhere"):
        assert (await desk.call("call.invite", call, unit=unit))["error"]["code"] == "department_only"
    refused = await village.call("call.invite", call, unit=county.market.code)
    assert refused["error"]["code"] == "calls_only_workers"


async def test_a_guest_leaves_and_the_call_goes_on(hall: Hall) -> None:
    county = hall.office.county
    village, desk, call, case_id = await active(hall)
    market = await hall.tab(county.market_officer)
    await desk.call("call.invite", call, unit=county.market.code)
    await market.call("call.answer", call)
    assert (await market.call("call.end", call))["error"]["code"] == "guests_leave"
    assert (await market.call("call.leave", call))["t"] == "ok"
    assert village.last("call.state")["call"]["state"] == "active"
    assert (await kinds(hall, case_id))[-1] == "call.left"
    # It may be asked in again.
    await desk.call("call.invite", call, unit=county.market.code)
    assert (await market.call("call.answer", call))["t"] == "ok"
