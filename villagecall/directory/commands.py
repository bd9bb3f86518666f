"""``villagecall calendar`` and ``villagecall catalogue``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from pathlib import Path
from typing import Protocol

from villagecall.directory import catalogue
from villagecall.directory.calendar import Due, Pause, shipped
from villagecall.directory.catalogue_import import Catalogue
from villagecall.directory.service import Directory
from villagecall.errors import Refusal
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
    due = calendar.add_subparsers(dest="action", required=True).add_parser("due", help="last day of a limit")
    due.add_argument("--start", type=_date, required=True, metavar="DATE", help="first day, not counted")
    due.add_argument("--days", type=_days, required=True, metavar="N", help="working days")
    due.add_argument("--pause", type=_pause, action="append", default=[], metavar="FROM..TO", help="days not counted")
    due.set_defaults(run=_due)
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


async def _import(args: argparse.Namespace, open_app: OpenApp) -> int:
    try:
        sheet = catalogue.read(args.file)
        async with open_app(args.config) as parts:
            task = Catalogue(parts.journal, parts.directory, parts.clock)
            found = await (task.compare(sheet) if args.dry_run else task.take(sheet))
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.say(refusal.en)} {refusal.say(refusal.todo_en)}\n")
        return 1
    _print(found.as_json())
    if found.refused:
        sys.stderr.write(f"{len(found.refused)} lines were refused; the others are taken\n")
    return 0
