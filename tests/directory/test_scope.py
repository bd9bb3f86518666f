"""Which cases a person may touch, role by role, merges and calls included."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from tests.support.clock import FixedClock
from tests.support.county import County, small_county, small_vault
from villagecall.adapters.memory import MemoryJournal
from villagecall.case import Call, Case, Party, Step
from villagecall.directory.model import Person, Role, Unit
from villagecall.directory.scope import covers, may_touch, present, town_of
from villagecall.ids import uuid7

NOW = datetime(2026, 9, 23, tzinfo=UTC)


@pytest.fixture
async def county() -> County:
    return await small_county(MemoryJournal(), small_vault(), FixedClock())


def case_of(county: County, **changes: object) -> Case:
    """A case of 柳溪村 for the item of the civil affairs bureau, in the town's hands."""
    facts: dict[str, object] = {
        "case_id": uuid7(),
        "village": county.willow.code,
        "town": county.east.code,
        "department": county.civil.code,
        "level": "district",
        "state": "accepted",
        "stage": "town",
    }
    return Case.model_validate({**facts, **changes})


def touchers(county: County, case: Case) -> set[str]:
    return {person.login for person in county.everybody if may_touch(person, county.directory.tree, case)}


async def test_a_town_case_is_its_villages_its_towns_and_the_supervisors(county: County) -> None:
    assert touchers(county, case_of(county)) == {"willow", "east1", "east2", "watch"}


async def test_a_case_that_stands_at_the_district_is_its_departments_too(county: County) -> None:
    case = case_of(county, stage="district")
    assert touchers(county, case) == {"willow", "east1", "east2", "watch", "civil1", "civil2"}


async def test_a_department_keeps_what_was_passed_up_to_it(county: County) -> None:
    step = Step(level="town", unit=county.east.code, person=uuid7(), at=NOW, result="passed")
    assert "civil1" in touchers(county, case_of(county, stage="town", steps=(step,)))


async def test_a_department_brought_into_a_call_may_see_the_case(county: County) -> None:
    party = Party(participant=uuid7(), person=uuid7(), unit=county.market.code, role="district", joined=NOW)
    call = Call(call_id=uuid7(), state="ended", unit=county.east.code, since=NOW, parties=(party,))
    case = case_of(county, calls=(call,))
    assert "market1" in touchers(county, case)
    assert "civil1" not in touchers(county, case)


async def test_an_administrator_and_a_stranger_touch_nothing(county: County) -> None:
    case = case_of(county, stage="district")
    assert not may_touch(county.admin, county.directory.tree, case)
    nobody = Person(person_id=UUID(int=1), login="x", name="x", role=Role.PUBLIC, unit=county.willow.code)
    assert not may_touch(nobody, county.directory.tree, case)


async def test_after_a_merger_the_successor_keeps_the_old_cases(county: County) -> None:
    """石门村 is merged into 柳溪村, which then answers for its cases; its own clerk has moved on."""
    merged = county.stone.model_copy(update={"until": date(2026, 9, 1), "successor": county.willow.code})
    await county.directory.put_unit(merged)
    case = case_of(county, village=county.stone.code)
    assert "willow" in touchers(county, case)
    assert county.stone not in county.directory.units("village")
    assert county.directory.unit(county.stone.code) == merged


async def test_a_village_that_moves_to_another_town_is_touched_by_both(county: County) -> None:
    """The old town decided it, the new one answers for it."""
    await county.directory.put_unit(county.willow.model_copy(update={"parent": county.west.code}))
    assert touchers(county, case_of(county)) >= {"willow", "east1", "west1"}


async def test_a_line_of_successors_is_followed_to_its_end_and_a_circle_ends() -> None:
    def unit(code: str, successor: str) -> Unit:
        return Unit(unit_id=uuid7(), code=code, name=code, kind="village", since=date(2020, 1, 1), successor=successor)

    tree = {unit.code: unit for unit in (unit("a", "b"), unit("b", "c"), unit("c", ""), unit("x", "y"), unit("y", "x"))}
    assert present(tree, "a") == "c"
    assert present(tree, "x") in ("x", "y")
    assert present(tree, "unknown") == "unknown"
    assert town_of(tree, "a") == ""


async def test_lists_of_a_unit(county: County) -> None:
    tree = county.directory.tree
    assert covers(tree, county.willow_clerk, county.willow.code)
    assert not covers(tree, county.willow_clerk, county.stone.code)
    assert not covers(tree, county.willow_clerk, county.east.code)
    assert covers(tree, county.east_officer, county.stone.code)
    assert not covers(tree, county.east_officer, county.hill.code)
    assert not covers(tree, county.civil_officer, county.market.code)
    assert covers(tree, county.supervisor, county.hill.code)
    assert covers(tree, county.admin, county.hill.code)
    assert not covers(tree, county.admin, "000000000000")
