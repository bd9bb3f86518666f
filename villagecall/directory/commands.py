"""``villagecall calendar`` and ``villagecall catalogue``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import date
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from villagecall.directory import catalogue
from villagecall.directory.calendar import Due, Pause, Year, shipped
from villagecall.directory.catalogue_import import Catalogue
from villagecall.directory.service import Directory
from villagecall.errors import Refusal, VillagecallError
from villagecall.ports import Clock, Journal


class Parts(Protocol):
    """What the commands need of a running composition."""

    @property
    def journal(self) -> Journal: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def directory(self) -> Directory: ...


OpenApp = Callable[[Path | None], AbstractAsyncContextManager[Parts]]
_MOST_DAYS = 10_000


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], open_app: OpenApp) -> None:
    """Add the two commands; ``open_app`` is asked only by what needs the database."""
    calendar = subparsers.add_parser("calendar", help="working days of the State Council's calendar")
    actions = calendar.add_subparsers(dest="action", required=True)
    due = actions.add_parser("due", help="last day of a limit")
    due.add_argument("--start", type=_date, required=True, metavar="DATE", help="first day, not counted")
    due.add_argument("--days", type=_days, required=True, metavar="N", help="working days")
    due.add_argument("--pause", type=_pause, action="append", default=[], metavar="FROM..TO", help="days not counted")
    due.set_defaults(run=_due)
    load = actions.add_parser("load", help="take a year that the State Council announced")
    load.add_argument("file", type=Path, metavar="FILE", help='JSON {"year", "holidays": {date: name}, "workdays"}')
    load.add_argument("--config", type=Path, default=None, help="settings file")
    load.set_defaults(run=lambda args: asyncio.run(_load(args, open_app)))
    root = subparsers.add_parser("catalogue", help="the catalogue of items")
    import_ = root.add_subparsers(dest="action", required=True).add_parser("import", help="take a CSV or XLSX")
    import_.add_argument("file", type=Path, metavar="FILE")
    import_.add_argument("--dry-run", action="store_true", help="print the difference only")
    import_.add_argument("--config", type=Path, default=None, help="settings file")
    import_.set_defaults(run=lambda args: asyncio.run(_import(args, open_app)))


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date (YYYY-MM-DD)") from None


def _days(text: str) -> int:
    if not text.isdigit() or int(text) > _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 0 to {_MOST_DAYS}")
    return int(text)


def _pause(text: str) -> Pause:
    first, dots, last = text.partition("..")
    if not dots:
        raise argparse.ArgumentTypeError(f"{text!r} is not FROM..TO")
    pause = _date(first), _date(last)
    if pause[1] < pause[0]:
        raise argparse.ArgumentTypeError(f"{text!r} ends before it begins")
    return pause


def due_json(due: Due) -> dict[str, object]:
    """The answer of ``calendar due``: ``{due, provisional, days: [{date, counted, why}]}``."""
    return {
        "due": due.due.isoformat(),
        "provisional": due.provisional,
        "days": [{"date": day.date.isoformat(), "counted": day.counted, "why": day.reason} for day in due.days],
    }


def _print(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def _due(args: argparse.Namespace) -> int:
    try:
        due = shipped().due(args.start, args.days, args.pause)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    _print(due_json(due))
    return 0


async def _load(args: argparse.Namespace, open_app: OpenApp) -> int:
    """Put a year into the installation's calendar: limits that were provisional become exact."""
    try:
        year = Year.model_validate_json(args.file.read_bytes())
    except (OSError, ValidationError) as error:
        count = error.error_count() if isinstance(error, ValidationError) else 1
        sys.stderr.write(f"the file is not a year of the calendar ({count} faults)\n")
        return 1
    async with open_app(args.config) as parts:
        await parts.directory.put_calendar(year)
        years = list(parts.directory.calendar.years)
    _print({"year": year.year, "holidays": len(year.holidays), "workdays": len(year.workdays), "years": years})
    return 0


async def _import(args: argparse.Namespace, open_app: OpenApp) -> int:
    try:
        sheet = catalogue.read(args.file)
        found = await (_compare(args, sheet, open_app) if args.dry_run else _take(args, sheet, open_app))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.say(refusal.en)} {refusal.say(refusal.todo_en)}\n")
        return 1
    _print(found.as_json())
    if found.refused:
        sys.stderr.write(f"{len(found.refused)} lines were refused; the others are taken\n")
    return 0


async def _take(args: argparse.Namespace, sheet: catalogue.Sheet, open_app: OpenApp) -> catalogue.Difference:
    async with open_app(args.config) as parts:
        return await Catalogue(parts.journal, parts.directory, parts.clock).take(sheet)


async def _compare(args: argparse.Namespace, sheet: catalogue.Sheet, open_app: OpenApp) -> catalogue.Difference:
    """The difference to this installation's catalogue; where none is set up, to an empty one."""
    async with AsyncExitStack() as stack:
        try:
            parts = await stack.enter_async_context(open_app(args.config))
        except Refusal:
            raise
        except VillagecallError as error:
            sys.stderr.write(f"no installation ({error}): compared with an empty catalogue\n")
            return catalogue.difference((), sheet)
        return await Catalogue(parts.journal, parts.directory, parts.clock).compare(sheet)
