"""The county file: what it says, and how its faults are told."""

from __future__ import annotations

from datetime import date

import pytest

from villagecall.directory.county_file import LEFT, PARENTS, WORKPLACES, BadCountyFile, CountyFile, parse
from villagecall.directory.model import Role, Unit
from villagecall.directory.records import stream_id

TODAY = date(2026, 9, 23)
SMALL = """\
# Children may stand before their parents.
[[unit]]
code = "519900101201"
name = "柳溪村"
kind = "village"
parent = "519900101000"

[[ unit ]]   # spaces and remarks are TOML, too
code = "519900101000"
name = "东河镇"
kind = "town"
parent = "519900000000"
since = 2024-05-01

[[unit]]
code = "519900000000"
name = "青禾区"
kind = "county"

[people]
village1 = ["张晓梅", "clerk", "519900101201"]
town1 = ["王建国", "town", "519900101000", "1号窗口"]
"""
"""Lines 2, 8 and 15 begin units; 21 and 22 are people."""


def small(text: str = SMALL) -> CountyFile:
    return parse(text, since=TODAY)


def faults(text: str) -> str:
    with pytest.raises(BadCountyFile) as refused:
        small(text)
    return str(refused.value.details["faults"])


def test_units_come_with_parents_first_and_ids_that_follow_from_codes() -> None:
    assert [unit.name for unit in small().units] == ["青禾区", "东河镇", "柳溪村"]
    assert [unit.unit_id for unit in small().units] == [stream_id("unit", unit.code) for unit in small().units]


def test_a_unit_begins_when_the_file_says_or_with_the_loading() -> None:
    assert {unit.name: unit.since for unit in small().units} == {
        "青禾区": TODAY,
        "东河镇": date(2024, 5, 1),
        "柳溪村": TODAY,
    }


def test_a_unit_that_is_known_keeps_its_beginning() -> None:
    known = {unit.code: unit.model_copy(update={"since": date(2020, 1, 1)}) for unit in small().units}
    found = {unit.name: unit.since for unit in parse(SMALL, since=TODAY, known=known).units}
    assert found == {"青禾区": date(2020, 1, 1), "东河镇": date(2024, 5, 1), "柳溪村": date(2020, 1, 1)}


def test_people_have_a_name_a_role_a_unit_and_perhaps_a_window() -> None:
    clerk, officer = small().people
    assert (clerk.login, clerk.name, clerk.role, clerk.unit, clerk.window) == (
        "village1", "张晓梅", Role.CLERK, "519900101201", "",
    )  # fmt: skip
    assert (officer.role, officer.window, officer.active) == (Role.TOWN, "1号窗口", True)


def test_whoever_has_left_is_named_as_that() -> None:
    assert small(SMALL + f'town9 = "{LEFT}"\n').left == ("town9",)


def test_a_file_may_add_to_what_the_installation_has() -> None:
    known: dict[str, Unit] = {unit.code: unit for unit in small().units}
    more = '[people]\ntown2 = ["陈红", "town", "519900101000"]\n'
    assert [person.login for person in parse(more, since=TODAY, known=known).people] == ["town2"]
    assert "line 2: town2: town works in a town, and '519900101000' is none" in faults(more)


def test_every_role_of_staff_has_a_place_of_work() -> None:
    assert set(WORKPLACES) == set(Role) - {Role.PUBLIC, Role.DEVICE}
    assert set(WORKPLACES.values()) == set(PARENTS)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "东河镇"', "", "line 8: unit 519900101000: name (Field required)"),
        ('name = "东河镇"', 'name = ""', "line 8: unit 519900101000: name is empty"),
        ('"town"\nparent', '"city"\nparent', "line 8: unit 519900101000: kind (Input should be"),
        ("since = 2024-05-01", 'telephone = "1"', "line 8: unit 519900101000: telephone (Extra inputs"),
        ("since = 2024-05-01", "until = 2020-01-01", "line 8: unit 519900101000: until is before since"),
        ("since = 2024-05-01", 'successor = "519900109000"', "successor '519900109000' is not another unit"),
        ('code = "519900101000"', 'code = "51990010"', "line 8: unit '51990010': a code is 12 digits"),
        ('code = "519900101201"', 'code = "519900101000"', "line 8: unit 519900101000: stands in line 2 already"),
        ('parent = "519900101000"', 'parent = "519900000000"', "line 2: unit 519900101201: parent '519900000000' is"),
        ('kind = "county"', 'kind = "county"\nparent = "519900101000"', "line 15: unit 519900000000: a county has no"),
        ('"张晓梅"', '" "', "line 21: village1: name is empty"),
        ('"clerk"', '"mayor"', "line 21: village1: role 'mayor' is none of clerk, town"),
        ('"clerk"', '"device"', "line 21: village1: role 'device' is none of"),
        ('"519900101201"]', '"519900101000"]', "line 21: village1: clerk works in a village"),
        ("town1 =", '"town 1" =', "line 1: 'town 1': a login is letters"),
        ('["王建国", "town", "519900101000", "1号窗口"]', '"王建国"', "line 22: town1: written as [name, role"),
        ('["王建国", "town", "519900101000", "1号窗口"]', "[1, 2, 3]", "line 22: town1: written as [name, role"),
        ("[people]", "[staff]", "'staff' is neither [[unit]] nor [people]"),
        ("[people]", "[people", "line 20"),
    ],
)
def test_a_fault_is_told_with_its_line(old: str, new: str, told: str) -> None:
    assert old in SMALL
    assert told in faults(SMALL.replace(old, new, 1))


def test_all_faults_are_told_at_once_in_the_order_of_the_file() -> None:
    told = faults(SMALL.replace('"clerk"', '"mayor"').replace('name = "东河镇"', 'name = ""'))
    assert [part.split(":")[0] for part in told.split("; ")] == ["line 8", "line 21"]


@pytest.mark.parametrize("text", ['unit = "x"', "unit = [1]", 'people = "x"', "people = []"])
def test_another_shape_is_refused_in_words(text: str) -> None:
    assert "written" in faults(text)


def test_an_empty_file_is_an_empty_county() -> None:
    assert small("") == CountyFile((), ())
