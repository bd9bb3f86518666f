"""The demonstration county holds together: every reference leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from villagecall.demo import papers, secrets, seed
from villagecall.demo.run import LOGINS
from villagecall.directory.model import Item, Role
from villagecall.scan.inspect import inspect_file

COUNTY = seed.load()
UNITS = {unit.code: unit for unit in COUNTY.units}
KINDS = [unit.kind for unit in COUNTY.units]


def test_it_is_as_large_as_promised() -> None:
    assert (KINDS.count("department"), KINDS.count("town"), KINDS.count("village")) == (5, 3, 8)
    assert len(COUNTY.items) == 30


def test_every_unit_hangs_below_another() -> None:
    assert [unit.name for unit in COUNTY.units if unit.kind != "county" and unit.parent not in UNITS] == []


def test_codes_are_unlike_any_real_ones_and_never_used_twice() -> None:
    assert len(UNITS) == len(COUNTY.units)
    assert all(code.startswith("5199") for code in UNITS)


def test_every_village_town_and_department_has_somebody() -> None:
    staffed = {person.unit for person in COUNTY.people}
    assert [unit.name for unit in COUNTY.units if unit.kind != "county" and unit.code not in staffed] == []


def test_the_logins_of_the_contract_are_there() -> None:
    assert set(LOGINS) <= {person.login for person in COUNTY.people}
    assert {person.role for person in COUNTY.people} >= {
        Role.CLERK,
        Role.TOWN,
        Role.DISTRICT,
        Role.SUPERVISOR,
        Role.ADMIN,
    }


@pytest.mark.parametrize("item", COUNTY.items, ids=lambda item: item.code)
def test_every_item_is_fully_described(item: Item) -> None:
    assert UNITS[item.department].kind == "department"
    assert item.materials and item.conditions and item.checkpoints and item.refusals and item.template
    assert any(material.necessary for material in item.materials)
    assert item.on_the_spot or item.promised_days
    assert item.promised_days <= item.legal_days
    assert not item.template.photo or any(material.photo for material in item.materials)


def test_four_eyes_items_can_be_decided() -> None:
    for item in COUNTY.items:
        if item.high_risk:
            assert len([person for person in COUNTY.people if person.unit == item.department]) >= 2


def test_a_demonstration_has_secrets_of_its_own(tmp_path: Path) -> None:
    one, other = secrets.load(tmp_path / "one"), secrets.load(tmp_path / "other")
    assert one != other
    assert secrets.load(tmp_path / "one") == one
    assert (tmp_path / "one" / "demonstration.json").stat().st_mode & 0o077 == 0


WHO = papers.Bearer("李桂芳", "519900195203042420", "青禾区东河镇柳溪村三组 18 号")


def test_a_paper_scanned_seven_degrees_askew_is_seen_as_that(tmp_path: Path) -> None:
    file = tmp_path / "form.jpg"
    file.write_bytes(papers.jpeg(papers.askew(papers.form("申请表", WHO), 7.0)))
    assert inspect_file(file)["angle"] == pytest.approx(7.0, abs=0.1)


def test_a_blurred_paper_is_told_to_be_scanned_again(tmp_path: Path) -> None:
    file = tmp_path / "form.jpg"
    file.write_bytes(papers.jpeg(papers.blurred(papers.form("申请表", WHO))))
    quality = inspect_file(file)["quality"]
    assert isinstance(quality, list)
    assert "blur" in quality
