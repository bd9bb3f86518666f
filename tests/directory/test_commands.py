"""``villagecall calendar`` and ``villagecall catalogue``: exact output, exit codes 0, 1 and 2."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.clock import FixedClock
from tests.support.county import small_county, small_vault
from villagecall.adapters.memory import MemoryJournal
from villagecall.directory.commands import Parts, register
from villagecall.directory.service import Directory
from villagecall.errors import SettingsError


@dataclass(frozen=True)
class Running:
    journal: MemoryJournal
    clock: FixedClock
    directory: Directory


class Shell:
    """The command line over one memory journal; ``furnished`` with the small county."""

    def __init__(self, *, furnished: bool = True) -> None:
        self.journal, self.clock, self.vault = MemoryJournal(), FixedClock(), small_vault()
        self.furnished = furnished

    def run(self, *args: str) -> int:
        parser = argparse.ArgumentParser()
        register(parser.add_subparsers(required=True), self._open)
        parsed = parser.parse_args(args)
        code: int = parsed.run(parsed)
        return code

    def _open(self, config: Path | None) -> AbstractAsyncContextManager[Parts]:
        @asynccontextmanager
        async def running() -> AsyncIterator[Parts]:
            if self.furnished and await self.journal.count("units") == 0:
                await small_county(self.journal, self.vault, self.clock)
            directory = Directory(self.journal, self.vault, self.clock)
            await directory.load()
            yield Running(self.journal, self.clock, directory)

        return running()


@pytest.fixture
def shell() -> Shell:
    return Shell()


def test_calendar_due_prints_one_object(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        shell.run("calendar", "due", "--start", "2026-09-30", "--days", "2", "--pause", "2026-10-08..2026-10-08") == 0
    )
    out, err = capsys.readouterr()
    assert err == ""
    answer = json.loads(out)
    assert list(answer) == ["due", "provisional", "days"]
    assert (answer["due"], answer["provisional"]) == ("2026-10-10", False)
    assert answer["days"][0] == {"date": "2026-09-30", "counted": False, "why": "first day"}
    assert answer["days"][1] == {"date": "2026-10-01", "counted": False, "why": "holiday (国庆节)"}
    assert answer["days"][-3:] == [
        {"date": "2026-10-08", "counted": False, "why": "paused"},
        {"date": "2026-10-09", "counted": True, "why": "working day"},
        {"date": "2026-10-10", "counted": True, "why": "make-up day (国庆节)"},
    ]


def test_a_limit_beyond_the_calendar_says_provisional(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run("calendar", "due", "--start", "2026-12-28", "--days", "20") == 0
    assert json.loads(capsys.readouterr().out)["provisional"] is True


@pytest.mark.parametrize(
    "args",
    [
        ("--start", "2026-02-30", "--days", "1"),
        ("--start", "tomorrow", "--days", "1"),
        ("--start", "2026-01-01", "--days", "-1"),
        ("--start", "2026-01-01", "--days", "99999"),
        ("--start", "2026-01-01", "--days", "1", "--pause", "2026-01-05"),
        ("--start", "2026-01-01", "--days", "1", "--pause", "2026-01-05..2026-01-04"),
        ("--days", "1"),
    ],
)
def test_wrong_use_is_two(shell: Shell, capsys: pytest.CaptureFixture[str], args: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as left:
        shell.run("calendar", "due", *args)
    assert left.value.code == 2
    assert capsys.readouterr().out == ""


def test_a_limit_past_the_last_day_of_time_is_wrong_use(shell: Shell) -> None:
    assert shell.run("calendar", "due", "--start", "9999-12-30", "--days", "10") == 2


def test_catalogue_import_dry_run_then_real(shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "items.csv"
    file.write_text(
        "department,main_item,name,item_code,task_type\n县民政局,a,甲事项,A1,20\n县民政局,a,乙事项,A2,20\n县民政局,a,,A3,20\n",
        encoding="utf-8",
    )
    refused = [{"line": 4, "code": "A3", "why": "name is empty"}]
    for args in (("--dry-run",), ("--dry-run",), ()):
        assert shell.run("catalogue", "import", str(file), *args) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer == {"added": 2, "changed": 0, "removed": 0, "unchanged": 0, "refused": refused}
    assert shell.run("catalogue", "import", str(file)) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"added": 0, "changed": 0, "removed": 0, "unchanged": 2, "refused": refused}
    assert "1 lines were refused" in err


def test_a_file_that_is_no_catalogue_is_one(shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n", encoding="utf-8")
    assert shell.run("catalogue", "import", str(file)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "columns are missing" in err


def test_a_year_is_loaded_and_counts(shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "2027.json"
    file.write_text('{"year": 2027, "holidays": {"2027-01-01": "元旦"}, "workdays": {}}', encoding="utf-8")
    assert shell.run("calendar", "load", str(file)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["year"], answer["holidays"], answer["years"][-1]) == (2027, 1, 2027)
    file.write_text('{"year": "next"}', encoding="utf-8")
    assert shell.run("calendar", "load", str(file)) == 1
    assert shell.run("calendar", "load", str(tmp_path / "nothing")) == 1
    assert "not a year" in capsys.readouterr().err


def test_a_dry_run_needs_no_installation_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "items.csv"
    file.write_text("department,name,item_code\n县民政局,甲事项,A1\n", encoding="utf-8")

    def no_installation(config: Path | None) -> AbstractAsyncContextManager[Parts]:
        raise SettingsError("vault_keys", "没有给出", "is not set")

    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True), no_installation)
    args = parser.parse_args(["catalogue", "import", str(file), "--dry-run"])
    assert args.run(args) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["added"] == 1
    assert "empty catalogue" in err


def test_items_need_a_county(shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @asynccontextmanager
    async def empty(config: Path | None) -> AsyncIterator[Parts]:
        yield Running(shell.journal, shell.clock, Directory(shell.journal, shell.vault, shell.clock))

    file = tmp_path / "items.csv"
    file.write_text("department,name,item_code\n县民政局,甲事项,A1\n", encoding="utf-8")
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(required=True), empty)
    args = parser.parse_args(["catalogue", "import", str(file)])
    assert args.run(args) == 1
    assert "Set up the county first" in capsys.readouterr().err
