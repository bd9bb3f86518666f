"""``villagecall county load`` and ``county password``: what is printed, what is written, exit codes."""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path

import pytest

from tests.directory.test_commands import Shell
from tests.directory.test_county_file import SMALL
from villagecall.directory import county
from villagecall.directory.commands import Parts, register
from villagecall.directory.county_file import parse
from villagecall.directory.service import Directory
from villagecall.errors import SettingsError

Capture = pytest.CaptureFixture[str]


class Town(Shell):
    """A command line over a county that has nothing yet but what its file says."""

    def __init__(self, folder: Path) -> None:
        super().__init__(furnished=False)
        self.file = folder / "county.toml"

    def load(self, text: str, *args: str) -> int:
        self.file.write_text(text, encoding="utf-8")
        return self.run("county", "load", str(self.file), *args)

    async def directory(self) -> Directory:
        found = Directory(self.journal, self.vault, self.clock)
        await found.load()
        return found


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def printed(capsys: Capture) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_first_load_adds_all_and_prints_each_password_once(town: Town, capsys: Capture) -> None:
    assert town.load(SMALL) == 0
    difference, *people = printed(capsys)
    assert difference == {"added": 5, "changed": 0, "unchanged": 0}
    assert [person["login"] for person in people] == ["village1", "town1"]
    assert len({person["password"] for person in people}) == 2
    assert town.load(SMALL) == 0
    assert printed(capsys) == [{"added": 0, "changed": 0, "unchanged": 5}]


async def test_with_the_printed_password_one_can_sign_in(tmp_path: Path) -> None:
    """The parts behind the command, as a pytest-asyncio test may not start a second loop."""
    town = Town(tmp_path)
    directory = await town.directory()
    made = [pair async for pair in county.take(parse(SMALL, since=date(2026, 1, 1)), directory)]
    for login, password in made:
        person = await directory.verify_password(login, password)
        assert person is not None
        assert person.login == login
    assert len(made) == 2


def test_a_dry_run_prints_and_writes_nothing(town: Town, capsys: Capture) -> None:
    for _ in range(2):
        assert town.load(SMALL, "--dry-run") == 0
        assert printed(capsys) == [{"added": 5, "changed": 0, "unchanged": 0}]


def test_changes_are_counted_and_known_people_keep_their_passwords(town: Town, capsys: Capture) -> None:
    town.load(SMALL)
    capsys.readouterr()
    changed = (
        SMALL.replace("1号窗口", "2号窗口").replace("柳溪村", "柳溪新村")
        + 'admin = ["林晓东", "admin", "519900000000"]\n'
    )
    assert town.load(changed) == 0
    difference, *people = printed(capsys)
    assert difference == {"added": 1, "changed": 2, "unchanged": 3}
    assert [person["login"] for person in people] == ["admin"]


def test_whoever_has_left_stays_on_record_and_may_come_back(town: Town, capsys: Capture) -> None:
    town.load(SMALL)
    gone = SMALL[: SMALL.index("town1")] + 'town1 = "left"\n'
    capsys.readouterr()
    for difference in ({"added": 0, "changed": 1, "unchanged": 4}, {"added": 0, "changed": 0, "unchanged": 5}):
        assert town.load(gone) == 0
        assert printed(capsys) == [difference]
    assert town.load(SMALL) == 0
    assert printed(capsys) == [{"added": 0, "changed": 1, "unchanged": 4}]


def test_what_was_cut_short_is_finished_by_loading_again(town: Town, capsys: Capture) -> None:
    """Somebody who was written, but had no password yet when the power went, gets one."""

    async def half() -> None:
        directory, file = await town.directory(), parse(SMALL, since=town.clock.now().date())
        for unit in file.units:
            await directory.put_unit(unit)
        await directory.put_person(file.people[0])

    asyncio.run(half())
    assert town.load(SMALL) == 0
    difference, *people = printed(capsys)
    assert difference == {"added": 1, "changed": 0, "unchanged": 4}
    assert [person["login"] for person in people] == ["village1", "town1"]


def test_a_fault_writes_nothing_and_is_told_with_its_line(town: Town, capsys: Capture) -> None:
    assert town.load(SMALL.replace('"clerk"', '"mayor"')) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "line 21: village1: role 'mayor'" in err
    assert "nothing was written" in err
    assert town.load(SMALL, "--dry-run") == 0
    assert printed(capsys) == [{"added": 5, "changed": 0, "unchanged": 0}]


def test_a_file_that_is_not_there_or_not_text_is_one(town: Town, capsys: Capture) -> None:
    assert town.run("county", "load", str(town.file)) == 1
    assert "No such file" in capsys.readouterr().err
    town.file.write_bytes(b"\xff\xfe")
    assert town.run("county", "load", str(town.file)) == 1
    assert "not UTF-8" in capsys.readouterr().err


def test_without_an_installation_only_a_dry_run_answers(tmp_path: Path, capsys: Capture) -> None:
    def none(config: Path | None) -> AbstractAsyncContextManager[Parts]:
        raise SettingsError("vault_keys", "没有给出", "is not set")

    file = tmp_path / "county.toml"
    file.write_text(SMALL, encoding="utf-8")
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True), none)
    dry = parser.parse_args(["county", "load", str(file), "--dry-run"])
    assert dry.run(dry) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"added": 5, "changed": 0, "unchanged": 0}
    assert "empty county" in err
    real = parser.parse_args(["county", "load", str(file)])
    with pytest.raises(SettingsError, match="vault_keys"):
        real.run(real)


def test_a_forgotten_password_is_replaced(town: Town, capsys: Capture) -> None:
    town.load(SMALL)
    old = {person["login"]: person["password"] for person in printed(capsys)[1:]}
    assert town.run("county", "password", "town1") == 0
    (new,) = printed(capsys)
    assert new["login"] == "town1"
    assert new["password"] != old["town1"]
    assert town.run("county", "password", "nobody") == 1
    assert capsys.readouterr().out == ""


def test_generated_passwords_are_long_and_easy_to_read_out() -> None:
    made = {county.generated() for _ in range(200)}
    assert len(made) == 200
    assert all(len(one) == 17 and not set(one) & set("il1o0") for one in made)
