"""Who may be rung, answer, invite, end, show a page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from villagecall.case import BlobRef, Call, Case, Page, Party
from villagecall.directory.model import Person, Role, Unit
from villagecall.errors import NotFound, Refusal
from villagecall.ids import uuid7
from villagecall.ports import MediaStats
from villagecall.signaling import refusals, rules
from villagecall.signaling.rules import Who

NOON = datetime(2026, 9, 23, 4, 0, tzinfo=UTC)
VILLAGE, TOWN, WEST, MARKET, CIVIL = (
    "519900101201",
    "519900101000",
    "519900102000",
    "519900000000-02",
    "519900000000-01",
)


def unit(code: str, kind: str, parent: str = "", until: date | None = None, successor: str = "") -> Unit:
    return Unit.model_validate(
        {
            "unit_id": uuid4(),
            "code": code,
            "name": "单位" + code,
            "kind": kind,
            "parent": parent,
            "since": date(2023, 1, 1),
            "until": until,
            "successor": successor,
        }
    )


TREE = {
    one.code: one
    for one in (
        unit(VILLAGE, "village", TOWN),
        unit(TOWN, "town"),
        unit(WEST, "town"),
        unit(MARKET, "department"),
        unit(CIVIL, "department"),
    )
}


def who(role: Role, code: str) -> Who:
    person = Person(person_id=uuid4(), login=f"{role}-{code}", name=f"{role}", role=role, unit=code)
    return Who(uuid7(), person)


def clerk() -> Who:
    return who(Role.CLERK, VILLAGE)


def desk(code: str = TOWN) -> Who:
    return who(Role.TOWN, code)


def officer(code: str = MARKET) -> Who:
    return who(Role.DISTRICT, code)


def party(one: Who, *, left: bool = False, lost: bool = False, times: int = 1) -> Party:
    return Party(
        participant=one.participant,
        person=one.person.person_id,
        unit=one.unit,
        role=one.person.role.value,
        joined=NOON,
        left=NOON if left or lost else None,
        lost=lost,
        times=times,
    )


def call(*inside: Who, invited: tuple[str, ...] = (), parties: tuple[Party, ...] = (), ended: bool = False) -> Call:
    everybody = (*(party(one) for one in inside), *parties)
    desks = any(p.left is None and p.role in ("town", "district") for p in everybody)
    return Call(
        call_id=uuid7(),
        state="ended" if ended else "active" if desks else "waiting",
        unit=TOWN,
        since=NOON,
        parties=everybody,
        invited=invited,
    )


def case(*calls: Call, stage: str = "town") -> Case:
    return Case.model_validate(
        {
            "case_id": uuid7(),
            "seq": 9,
            "state": "accepted",
            "village": VILLAGE,
            "town": TOWN,
            "department": MARKET,
            "level": "district",
            "stage": stage,
            "calls": calls,
        }
    )


# ---------------------------------------------------------------- ringing


def test_a_call_rings_its_window_until_a_desk_of_it_is_in() -> None:
    village = clerk()
    assert rules.rung_units(call(village)) == (TOWN,)
    assert rules.rung_units(call(village, desk())) == ()


def test_an_invited_department_rings_beside_it() -> None:
    assert rules.rung_units(call(clerk(), desk(), invited=(MARKET, CIVIL))) == (MARKET, CIVIL)
    assert rules.rung_units(call(clerk(), desk(), officer(), invited=(MARKET, CIVIL))) == (CIVIL,)


def test_a_window_whose_desk_was_lost_rings_again() -> None:
    gone = desk()
    assert rules.rung_units(call(clerk(), parties=(party(gone, lost=True),))) == (TOWN,)


def test_nothing_rings_when_it_is_over() -> None:
    assert rules.rung_units(call(clerk(), invited=(MARKET,), ended=True)) == ()


@pytest.mark.parametrize(
    ("one", "on_duty", "busy", "rings"),
    [
        (desk(), True, False, True),
        (desk(), False, False, False),
        (desk(), True, True, False),
        (desk(WEST), True, False, False),
        (officer(), True, False, False),
        (clerk(), True, False, False),
        (who(Role.SUPERVISOR, TOWN), True, False, False),
    ],
)
def test_who_is_rung(one: Who, on_duty: bool, busy: bool, rings: bool) -> None:
    assert rules.may_be_rung(one, call(clerk()), on_duty=on_duty, busy=busy) is rings


# ---------------------------------------------------------------- starting


def test_the_village_calls_its_town() -> None:
    for asked in ("", TOWN):
        assert rules.check_start(case(), clerk(), asked, TREE) == TOWN


def test_a_case_that_stands_at_the_district_may_call_it() -> None:
    assert rules.check_start(case(stage="district"), clerk(), MARKET, TREE) == MARKET
    with pytest.raises(refusals.NotYourWindow):
        rules.check_start(case(stage="town"), clerk(), MARKET, TREE)
    with pytest.raises(refusals.NotYourWindow):
        rules.check_start(case(stage="district"), clerk(), CIVIL, TREE)


def test_a_town_that_was_merged_is_called_by_its_successor() -> None:
    merged = {**TREE, TOWN: unit(TOWN, "town", until=date(2026, 1, 1), successor=WEST)}
    assert rules.check_start(case(), clerk(), "", merged) == WEST


def test_only_the_cases_own_village_calls() -> None:
    with pytest.raises(NotFound):
        rules.check_start(case(), who(Role.CLERK, "519900102201"), "", TREE)
    for other in (desk(), officer(), who(Role.SUPERVISOR, TOWN), who(Role.ADMIN, TOWN)):
        with pytest.raises(refusals.CallsOnly):
            rules.check_start(case(), other, "", TREE)


# ---------------------------------------------------------------- the seat


def join(one: Who, the_call: Call, connected: Collection[UUID] = ()) -> Party | None:
    return rules.check_join(the_call, one, connected, {p.person: "王建国" for p in the_call.parties})


def test_a_free_seat_of_a_rung_unit() -> None:
    assert join(desk(), call(clerk())) is None
    assert join(officer(), call(clerk(), desk(), invited=(MARKET,))) is None


def test_a_seat_that_is_taken_says_by_whom() -> None:
    first, second = desk(), desk()
    with pytest.raises(refusals.CallTaken) as no:
        join(second, call(clerk(), first), {first.participant})
    assert no.value.details["by"] == "王建国"
    with pytest.raises(refusals.CallTaken):
        join(second, call(clerk(), first))  # its line is down: it may be back in a moment


def test_ones_own_seat_moves_to_another_tab_when_the_first_is_gone() -> None:
    first = desk()
    again = Who(uuid7(), first.person)
    running = call(clerk(), first)
    with pytest.raises(refusals.CallTaken):
        join(again, running, {first.participant})
    moved = join(again, running)
    assert moved is not None
    assert moved.participant == first.participant


def test_any_clerk_of_the_village_goes_on_when_nobody_is_at_the_line() -> None:
    first, colleague = clerk(), clerk()
    waiting = call(first)
    with pytest.raises(refusals.CallTaken):
        join(colleague, waiting, {first.participant})
    assert join(colleague, waiting) is not None


def test_who_is_not_rung_does_not_come_in() -> None:
    for other in (desk(WEST), officer(), officer(CIVIL)):
        with pytest.raises(refusals.NotRung):
            join(other, call(clerk(), desk()))
    with pytest.raises(refusals.CallsOnly):
        join(who(Role.SUPERVISOR, TOWN), call(clerk()))


def test_a_participants_id_is_its_persons() -> None:
    village = clerk()
    thief = Who(village.participant, desk().person)
    with pytest.raises(refusals.TabTaken):
        join(thief, call(village))
    assert rules.party_of(call(village), thief) is None


def test_who_comes_back_by_itself() -> None:
    gone, quit_ = clerk(), clerk()
    assert rules.returns_by_itself(call(parties=(party(gone, lost=True),)), gone)
    assert not rules.returns_by_itself(call(parties=(party(quit_, left=True),)), quit_)
    assert not rules.returns_by_itself(call(clerk(), parties=(party(gone, lost=True),)), gone)  # seat taken
    assert not rules.returns_by_itself(call(parties=(party(gone, lost=True),), ended=True), gone)
    assert not rules.returns_by_itself(call(parties=(party(gone, lost=True),)), Who(gone.participant, quit_.person))


@given(joins=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), max_size=6))
def test_the_round_of_a_unit_grows_with_each_coming_in(joins: list[tuple[int, int]]) -> None:
    """Two desks that saw the same call share a key; after any joining of their unit the key is another."""
    units = (TOWN, MARKET, VILLAGE)
    parties = tuple(party(who(Role.TOWN, units[n]), left=True, times=times) for n, times in joins)
    before = call(parties=parties)
    after = call(parties=(*parties, party(desk())))
    assert rules.join_round(after, TOWN) == rules.join_round(before, TOWN) + 1
    assert rules.join_round(after, MARKET) == rules.join_round(before, MARKET)


# ---------------------------------------------------------------- in the call


def test_only_who_is_in_does_anything() -> None:
    village, town = clerk(), desk()
    running = call(village, town)
    for outsider in (desk(), clerk(), officer()):
        for check in (rules.check_consent, rules.check_media, rules.check_end):
            with pytest.raises(refusals.NotInCall):
                check(running, outsider)
    gone = call(parties=(party(village, left=True),))
    with pytest.raises(refusals.NotInCall):
        rules.check_media(gone, village)


def test_consent_is_the_villages_to_record_and_media_wait_for_it() -> None:
    village, town = clerk(), desk()
    running = call(village, town)
    rules.check_consent(running, village)
    with pytest.raises(refusals.CallsOnly):
        rules.check_consent(running, town)
    with pytest.raises(refusals.ConsentFirst):
        rules.check_media(running, village)
    rules.check_media(running.model_copy(update={"consented": True}), village)


def test_the_town_invites_departments() -> None:
    village, town, guest = clerk(), desk(), officer()
    running = call(village, town)
    rules.check_invite(running, town, TREE[MARKET])
    for wrong in (TREE[WEST], TREE[VILLAGE], None, unit(CIVIL, "department", until=date(2026, 1, 1))):
        with pytest.raises(refusals.DepartmentOnly):
            rules.check_invite(running, town, wrong)
    with pytest.raises(refusals.CallsOnly):
        rules.check_invite(running, village, TREE[MARKET])
    with pytest.raises(refusals.AlreadyIn):
        rules.check_invite(call(village, town, guest), town, TREE[MARKET])
    with pytest.raises(refusals.NotInCall):
        rules.check_invite(running, desk(), TREE[MARKET])


def test_four_parties_fit() -> None:
    village, town, guest = clerk(), desk(), officer()
    running = call(village, town, guest, invited=(CIVIL,))
    tax = unit("519900000000-03", "department")
    with pytest.raises(refusals.CallFull):
        rules.check_invite(running, town, tax)
    rules.check_invite(running, town, TREE[CIVIL])  # rung already
    rules.check_invite(call(village, town, guest), town, tax)


def test_hanging_up_is_for_the_village_and_the_window() -> None:
    village, town, guest = clerk(), desk(), officer()
    running = call(village, town, guest)
    rules.check_end(running, village)
    rules.check_end(running, town)
    with pytest.raises(refusals.GuestsLeave):
        rules.check_end(running, guest)
    rules.check_end(call(village, guest), guest)  # nobody of the window is left


def test_the_last_desk_takes_the_call_with_it() -> None:
    village, town, guest = clerk(), desk(), officer()
    assert rules.ends_by_leaving(call(village, town), town)
    assert not rules.ends_by_leaving(call(village, town, guest), town)
    assert not rules.ends_by_leaving(call(village, town), village)
    assert rules.ends_by_leaving(call(village), village)


def test_a_desk_shows_pages_of_this_very_case() -> None:
    village, town = clerk(), desk()
    running = call(village, town)
    page = Page(
        page_id=uuid7(),
        file_id=uuid7(),
        material="id",
        name="id.jpg",
        original=BlobRef(sha256="0" * 64, size=1, media_type="image/jpeg"),
    )
    shown = case(running).model_copy(update={"pages": (page,)})
    rules.check_show(shown, running, town, page.page_id)
    rules.check_show(shown, running, town, None)
    with pytest.raises(NotFound):
        rules.check_show(shown, running, town, uuid7())
    with pytest.raises(refusals.CallsOnly):
        rules.check_show(shown, running, village, page.page_id)


def test_a_waiting_village_is_never_lost() -> None:
    village, town = clerk(), desk()
    assert not rules.is_lost(party(village), call(village), 10 * 3600)
    assert rules.is_lost(party(village), call(village, town), 61)
    assert not rules.is_lost(party(village), call(village, town), 60)
    assert rules.is_lost(party(town), call(village, town), 61)


@given(minutes=st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_everybody_in_a_line_has_a_place_of_their_own(minutes: list[int]) -> None:
    line = [call().model_copy(update={"since": NOON + timedelta(minutes=m)}) for m in minutes]
    places = [rules.line_place(one, [other for other in line if other is not one]) for one in line]
    assert sorted(places) == list(range(len(line)))
    other_window = call().model_copy(update={"unit": WEST})
    assert rules.line_place(other_window, line) == 0
    assert rules.line_place(call(clerk(), desk()), line) == 0


@pytest.mark.parametrize(
    ("rtt", "loss", "word"),
    [(20, 0, "good"), (300, 20, "good"), (-1, 0, "good"), (301, 0, "fair"), (60, 50, "fair"), (900, 0, "poor")],
)
def test_the_line_in_a_word(rtt: int, loss: int, word: str) -> None:
    assert rules.line_word(MediaStats(rtt, loss)) == word


def test_every_refusal_says_what_to_do() -> None:
    found = [one for one in vars(refusals).values() if isinstance(one, type) and issubclass(one, Refusal)]
    mine = [one for one in found if one.__module__ == refusals.__name__]
    assert len({one.code for one in mine}) == len(mine) > 10
    for one in mine:
        assert all((one.zh, one.en, one.todo_zh, one.todo_en))
        assert one.zh != Refusal.zh
        assert one.todo_zh != Refusal.todo_zh
