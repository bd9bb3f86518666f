"""Every way in which a journal may have been tampered with is found, and the first bad entry named."""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import pytest

from tests.support.office import Office, actor, key
from villagecall.adapters.memory import MemoryJournal
from villagecall.case import Case, dump
from villagecall.ids import uuid7
from villagecall.journal import JSON, body, parse_body
from villagecall.ledger import commands
from villagecall.ledger.service import Ledger
from villagecall.ledger.verification import Problem, commitments


def stored(office: Office) -> MemoryJournal:
    """What lies behind the office's journal, for whoever has the database in hand."""
    assert isinstance(office.journal, MemoryJournal)
    return office.journal


async def bad(ledger: Ledger) -> Problem:
    report = await ledger.verify()
    assert not report.ok
    return report.problems[0]


def change(office: Office, case: Case, seq: int, raw: bytes) -> None:
    """What somebody with the database file in hand would do."""
    chain = stored(office)._chains[case.case_id]
    chain[seq - 1] = (chain[seq - 1][0], raw)


async def test_a_whole_life_verifies(office: Office, ledger: Ledger) -> None:
    case = await office.printed()
    by = actor(office.county.willow_clerk)
    _, token = await office.approval.deliver(case.case_id, "M1 2", "", actor=by, key=key())
    await office.approval.rate(token, 1, "慢", "", key=key())
    report = await ledger.verify()
    assert report.ok
    assert report.problems == []
    county = 8 + 11 + 3
    assert report.streams == county + 1
    assert report.entries >= county + 20
    assert report.records == 11 + 4  # names of staff; applicant, form, signature, comment
    assert report.as_json()["first_bad"] is None


async def test_a_changed_word_is_named(office: Office, ledger: Ledger) -> None:
    case = await office.approved()
    _, seq, action = parse_body((await office.journal.raw(case.case_id))[4][1])
    forged = replace(action, payload={**action.payload, "note": "forged"})
    change(office, case, seq, body(case.case_id, seq, forged))
    assert await bad(ledger) == Problem(case.case_id, 5, "hash does not match")


async def test_a_dropped_entry_is_named(office: Office, ledger: Ledger) -> None:
    case = await office.approved()
    del stored(office)._chains[case.case_id][2]
    problem = await bad(ledger)
    assert (problem.stream, problem.seq) == (case.case_id, 3)


async def test_swapped_entries_are_named(office: Office, ledger: Ledger) -> None:
    case = await office.approved()
    chain = stored(office)._chains[case.case_id]
    first, second = chain[3][1], chain[4][1]
    change(office, case, 4, second)
    change(office, case, 5, first)
    problem = await bad(ledger)
    assert (problem.stream, problem.seq) == (case.case_id, 4)


async def test_a_cut_off_end_is_found_by_the_snapshot(office: Office, ledger: Ledger) -> None:
    case = await office.approved()
    del stored(office)._chains[case.case_id][-1]
    problem = await bad(ledger)
    assert (problem.stream, problem.seq) == (case.case_id, 0)
    assert "missing" in problem.why


async def test_a_snapshot_that_says_something_else_is_found(office: Office, ledger: Ledger) -> None:
    case = await office.accepted()
    snapshot = stored(office)._snapshots[case.case_id]
    forged = dump(case.model_copy(update={"state": "approved"}))
    stored(office)._snapshots[case.case_id] = replace(snapshot, state=forged)
    assert (await bad(ledger)).why == "the snapshot is not the fold of its entries"


async def test_personal_data_that_was_exchanged_is_found(office: Office, ledger: Ledger) -> None:
    case = await office.accepted()
    assert case.applicant is not None
    other = office.vault.seal(case.applicant.record, case.case_id, {"name": "王五"})
    stored(office)._records[case.applicant.record] = other.record
    problem = await bad(ledger)
    entered = [e.seq for e in await office.journal.entries(case.case_id) if e.action.kind == "applicant.entered"]
    assert (problem.stream, problem.seq) == (case.case_id, entered[-1])


async def test_personal_data_that_is_gone_without_being_erased_is_found(office: Office, ledger: Ledger) -> None:
    case = await office.accepted()
    assert case.applicant is not None
    del stored(office)._records[case.applicant.record]
    assert "missing" in (await bad(ledger)).why


async def test_lawfully_erased_data_leaves_the_chain_whole(office: Office, ledger: Ledger) -> None:
    case = await office.accepted()
    assert case.applicant is not None
    await office.journal.erase(case.applicant.record)
    report = await ledger.verify()
    assert report.ok
    assert report.erased == 1


async def test_rotated_keys_change_nothing(office: Office, ledger: Ledger) -> None:
    case = await office.accepted()
    assert case.applicant is not None
    record = await office.journal.record(case.applicant.record)
    assert record is not None
    stored(office)._records[record.id] = office.vault.rotate(record)
    assert (await ledger.verify()).ok


async def test_every_problem_is_told_not_only_the_first(office: Office, ledger: Ledger) -> None:
    for _ in range(3):
        case = await office.draft()
        change(office, case, 1, b"{}")
    report = await ledger.verify()
    assert len(report.problems) == 3
    assert report.as_json()["problems"] == 3


def test_commitments_are_found_at_any_depth() -> None:
    first, second = uuid7(), uuid7()
    payload: JSON = {
        "a": {"record": str(first), "commitment": "x"},
        "b": [{"c": {"record": str(second), "commitment": "y"}}],
        "d": {"record": "other", "commitment": "z", "more": 1},
    }
    assert list(commitments(payload)) == [(first, "x"), (second, "y")]


@dataclass
class App:
    ledger: Ledger


class TestCommand:
    def parser(self, ledger: Ledger) -> argparse.ArgumentParser:
        @asynccontextmanager
        async def open_app(config: Path | None) -> AsyncIterator[App]:
            yield App(ledger)

        parser = argparse.ArgumentParser()
        commands.register(parser.add_subparsers(), open_app)
        return parser

    async def run(self, ledger: Ledger) -> int:
        @asynccontextmanager
        async def open_app(config: Path | None) -> AsyncIterator[App]:
            yield App(ledger)

        return await commands.run_verify(None, open_app)

    async def test_yes_is_zero_and_one_line(
        self, office: Office, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        await office.approved()
        assert await self.run(ledger) == 0
        (line,) = capsys.readouterr().out.splitlines()
        assert json.loads(line)["ok"] is True

    async def test_no_is_one_and_names_the_first_bad_entry(
        self, office: Office, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        case = await office.approved()
        change(office, case, 2, b"{}")
        assert await self.run(ledger) == 1
        problem, summary = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        assert problem == summary["first_bad"]
        assert (UUID(problem["stream"]), problem["seq"]) == (case.case_id, 2)

    def test_the_command_line(self, ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
        args = self.parser(ledger).parse_args(["ledger", "verify"])
        assert args.run(args) == 0
        assert json.loads(capsys.readouterr().out)["ok"] is True
