"""Lines break, pages reload, servers restart: the seat and the call stay."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from tests.signaling.hall import Hall, Tab
from tests.signaling.test_hub import active, kinds
from tests.signaling.test_hub_inside import consented
from tests.support.office import actor, key
from villagecall.ids import uuid7


async def test_a_reload_comes_back_into_the_same_call(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    for tab in (village, desk):
        await tab.reload()
        assert tab.welcome["call"]["call_id"] == str(call)
        assert tab.welcome["call"]["state"] == "active"
    assert (await kinds(hall, case_id)).count("call.joined") == 2


async def test_a_reload_sees_the_page_that_lies_open(hall: Hall) -> None:
    village, desk, call, case_id = await consented(hall)
    page = (await hall.office.approval.get(case_id)).live_pages()[0].page_id
    await desk.call("page.show", call, page=str(page))
    village, desk = await village.reload(), await desk.reload()
    assert village.last("page.shown") == {"t": "page.shown", "call": str(call), "page": str(page), "by": str(desk.id)}
    assert not desk.got("page.shown")


async def test_a_reload_of_a_waiting_village_keeps_its_place(hall: Hall) -> None:
    village = await hall.tab(hall.office.county.willow_clerk)
    _case, call = await hall.called(village)
    await village.reload()
    assert village.welcome["call"]["call_id"] == str(call)
    assert village.welcome["call"]["state"] == "waiting"


async def test_a_line_gone_for_a_minute_is_shown_and_then_marked(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    await village.gone()
    present = {p["participant"]: p["present"] for p in desk.last("call.state")["call"]["parties"]}
    assert present == {str(village.id): False, str(desk.id): True}
    await hall.wait(59)
    assert "call.left" not in await kinds(hall, case_id)
    await hall.wait(12)
    assert (await kinds(hall, case_id))[-1] == "call.left"
    assert ("leave", call, village.id) in hall.tape.done
    assert desk.last("call.state")["call"]["state"] == "active"


async def test_a_lost_tab_goes_back_into_its_call_by_itself(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    await village.gone()
    await hall.wait(90)
    await village.open()
    assert village.welcome["call"]["call_id"] == str(call)
    assert (await kinds(hall, case_id))[-2:] == ["call.left", "call.joined"]
    assert len(desk.last("call.state")["call"]["parties"]) == 2


async def test_a_tab_that_left_does_not_come_back_by_itself(hall: Hall) -> None:
    village, _, call, _ = await active(hall)
    await village.call("call.leave", call)
    await village.reload()
    assert village.welcome["call"] is None


async def test_a_lost_desk_gives_the_call_back_to_the_line(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    colleague = await hall.tab(hall.office.county.east_officer2)
    assert not colleague.got("ring")
    await desk.gone()
    await hall.wait(70)
    assert village.last("call.state")["call"]["state"] == "waiting"
    assert colleague.last("ring")["call"]["call_id"] == str(call)
    assert (await colleague.call("call.answer", call))["t"] == "ok"
    await desk.open()
    assert desk.welcome["call"] is None  # its seat has been taken meanwhile
    assert (await kinds(hall, case_id))[-2:] == ["call.left", "call.joined"]


async def test_a_power_cut_in_the_village_keeps_the_seat(hall: Hall) -> None:
    """The story of 临时救助: the computer is off for an hour, and another one comes up."""
    county = hall.office.county
    village = await hall.tab(county.willow_clerk)
    case, call = await hall.called(village)
    await village.gone()
    await hall.wait(3600)
    desk = await hall.tab(county.east_officer)
    assert desk.last("ring")["call"]["call_id"] == str(call)
    fresh = await hall.tab(county.willow_clerk)  # a new computer, a new tab
    assert fresh.welcome["call"] is None
    assert fresh.last("call.state")["call"]["call_id"] == str(call)
    answer = await fresh.call("call.start", uuid7(), case=str(case.case_id))
    assert answer["call"]["call_id"] == str(call)  # the call that waits, not another one
    assert (await desk.call("call.answer", call))["t"] == "ok"
    assert {p["participant"] for p in fresh.last("call.state")["call"]["parties"]} == {str(fresh.id), str(desk.id)}


async def test_an_officer_whose_browser_crashed_takes_the_seat_from_a_new_tab(hall: Hall) -> None:
    _, desk, call, _ = await active(hall)
    county = hall.office.county
    second, colleague = await hall.tab(county.east_officer), await hall.tab(county.east_officer2)
    assert (await second.call("call.answer", call))["error"]["code"] == "call_taken"  # the first tab is alive
    await desk.gone()
    assert (await colleague.call("call.answer", call))["error"]["code"] == "call_taken"  # may be back in a moment
    assert (await second.call("call.answer", call))["t"] == "ok"


async def test_an_officer_who_takes_another_call_gives_up_the_seat_of_a_broken_tab(hall: Hall) -> None:
    county = hall.office.county
    village, desk, call, _ = await active(hall)
    await desk.gone()
    stone, second = await hall.tab(county.stone_clerk), await hall.tab(county.east_officer)
    _, other = await hall.called(stone, await hall.accepted(clerk=county.stone_clerk))
    assert (await second.call("call.answer", other))["t"] == "ok"
    assert village.last("call.state")["call"]["state"] == "waiting"  # rings again at once, not in a minute
    await desk.open()
    assert desk.welcome["call"] is None
    assert not desk.got("ring")  # its person is in the other call
    colleague = await hall.tab(county.east_officer2)
    assert (await colleague.call("call.answer", call))["t"] == "ok"


async def test_nobody_comes_in_under_the_id_of_a_lost_participant(hall: Hall) -> None:
    """Participant ids stand in the call's view: knowing one must not give the seat."""
    village, desk, call, _ = await active(hall)
    county = hall.office.county
    await desk.call("call.invite", call, unit=county.market.code)
    await village.gone()
    thief = await hall.tab(county.market_officer, village.id)
    assert thief.welcome["call"] is None
    assert (await thief.call("call.answer", call))["error"]["code"] == "tab_taken"
    assert (await thief.call("media.offer", call, sdp="v=0"))["error"]["code"] == "not_in_call"
    await thief.gone()
    await village.open()
    assert village.welcome["call"]["call_id"] == str(call)


# ---------------------------------------------------------------- the server


async def test_a_restart_keeps_the_seat_and_the_call(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    await hall.restart()
    await hall.wait(30)
    await asyncio.gather(village.open(), desk.open())
    for tab in (village, desk):
        assert tab.welcome["call"]["call_id"] == str(call)
    assert await kinds(hall, case_id) == ["call.requested", "call.joined", "call.joined"]


async def test_a_restart_keeps_the_line_and_its_ring(hall: Hall) -> None:
    county = hall.office.county
    village = await hall.tab(county.willow_clerk)
    _case, call = await hall.called(village)
    await hall.restart()
    desk = await hall.tab(county.east_officer)
    assert desk.last("ring")["call"]["call_id"] == str(call)
    await village.open()
    assert village.welcome["call"]["state"] == "waiting"
    answered = await desk.call("call.answer", call)
    assert answered["call"]["state"] == "active"


async def test_a_restart_keeps_an_invitation(hall: Hall) -> None:
    county = hall.office.county
    _, desk, call, _ = await active(hall)
    await desk.call("call.invite", call, unit=county.market.code)
    await hall.restart()
    market = await hall.tab(county.market_officer)
    assert market.last("ring")["call"]["call_id"] == str(call)


async def test_nobody_back_after_a_restart_is_marked_after_a_minute(hall: Hall) -> None:
    _, _, _call, case_id = await active(hall)
    await hall.restart()
    await hall.wait(80)
    case = await hall.office.approval.get(case_id)
    assert case.call is not None  # the village's request stands
    assert case.call.state == "waiting"
    assert {party.role: party.left is not None for party in case.call.parties} == {"clerk": False, "town": True}


async def test_a_withdrawn_case_ends_its_call(hall: Hall) -> None:
    county = hall.office.county
    village, desk = await hall.tab(county.willow_clerk), await hall.tab(county.east_officer)
    case, _call = await hall.called(village)
    await hall.office.approval.withdraw(case.case_id, "改日再办", actor=actor(county.willow_clerk), key=key())
    await hall.settle()
    await hall.hub.tick()
    assert desk.last("ring.stop")["why"] == "ended"
    assert village.last("call.state")["call"]["state"] == "ended"
    assert (await kinds(hall, case.case_id))[-1] == "call.ended"


# ---------------------------------------------------------------- hanging up


async def test_hanging_up_ends_it_for_all_and_once(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    assert (await village.call("call.end", call))["t"] == "ok"
    assert desk.last("call.state")["call"]["state"] == "ended"
    assert (await desk.call("call.end", call))["error"]["code"] == "no_such_call"
    assert (await kinds(hall, case_id)).count("call.ended") == 1


async def test_both_hang_up_at_the_same_moment(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    await asyncio.gather(village.call("call.end", call), desk.call("call.end", call), desk.call("call.leave", call))
    assert (await kinds(hall, case_id)).count("call.ended") == 1


async def test_the_last_desk_leaving_ends_the_call(hall: Hall) -> None:
    village, desk, call, case_id = await active(hall)
    assert (await desk.call("call.leave", call))["t"] == "ok"
    assert village.last("call.state")["call"]["state"] == "ended"
    assert (await kinds(hall, case_id))[-2:] == ["call.left", "call.ended"]


async def test_the_village_giving_up_its_place_ends_the_call(hall: Hall) -> None:
    county = hall.office.county
    village, desk = await hall.tab(county.willow_clerk), await hall.tab(county.east_officer)
    case, call = await hall.called(village)
    await village.call("call.leave", call)
    assert desk.last("ring.stop")["why"] == "ended"
    assert (await hall.case(case)).call is None


async def test_after_the_end_a_new_call_of_the_case(hall: Hall) -> None:
    village, _, call, case_id = await active(hall)
    await village.call("call.end", call)
    again = await village.call("call.start", uuid7(), case=str(case_id))
    assert again["t"] == "ok"
    assert again["call"]["call_id"] != str(call)


async def test_the_id_of_a_call_that_is_over_starts_nothing(hall: Hall) -> None:
    village, _, call, case_id = await active(hall)
    await village.call("call.end", call)
    assert (await village.call("call.start", call, case=str(case_id)))["error"]["code"] == "no_such_call"


async def test_what_is_no_call_is_refused_by_name(hall: Hall) -> None:
    tab: Tab = await hall.tab(hall.office.county.east_officer)
    asks: list[tuple[str, dict[str, object]]] = [
        ("call.answer", {}),
        ("call.consent", {}),
        ("call.invite", {"unit": hall.office.county.market.code}),
        ("call.leave", {}),
        ("call.end", {}),
        ("call.mute", {"audio": True, "video": True}),
        ("media.offer", {"sdp": "v=0"}),
        ("media.candidate", {"candidate": None}),
        ("page.show", {"page": None}),
        ("page.point", {"page": str(uuid4()), "x": 1, "y": 1}),
    ]
    for t, fields in asks:
        assert (await tab.call(t, uuid4(), **fields))["error"]["code"] == "no_such_call"
    assert (await tab.call("call.decline", uuid4()))["t"] == "ok"


async def test_who_is_not_in_the_call_does_nothing_in_it(hall: Hall) -> None:
    _, _, call, _ = await active(hall)
    for person in (hall.office.county.east_officer2, hall.office.county.stone_clerk, hall.office.county.supervisor):
        tab = await hall.tab(person)
        for t, fields in (
            ("call.consent", {}),
            ("call.leave", {}),
            ("call.end", {}),
            ("call.mute", {"audio": True, "video": True}),
            ("media.offer", {"sdp": "v=0"}),
            ("media.candidate", {"candidate": None}),
            ("page.show", {"page": None}),
            ("page.point", {"page": str(uuid4()), "x": 1, "y": 1}),
        ):
            answer = await tab.call(t, call, **fields)
            assert answer["error"]["code"] == "not_in_call", (t, answer)
