"""``villagecall calendar``, ``villagecall catalogue`` and ``villagecall county``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from villagecall.directory import catalogue, county, county_file
from villagecall.directory.calendar import Due, Pause, Year, shipped
from villagecall.directory.catalogue_import import Catalogue
from villagecall.directory.model import Unit
from villagecall.directory.service import Directory
from villagecall.errors import Hindrance, NotFound, Refusal, SettingsError, Unavailable
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
    """Add the three commands; ``open_app`` is asked only by what needs the database."""
    calendar = subparsers.add_parser(
        "calendar", help="国务院公布的工作日历 working days of the State Council's calendar"
    )
    actions = calendar.add_subparsers(dest="action", required=True)
    due = actions.add_parser("due", help="计算期限的最后一天 last day of a limit")
    due.add_argument(
        "--start", type=_date, required=True, metavar="DATE", help="起算日,当日不计 first day, not counted"
    )
    due.add_argument("--days", type=_days, required=True, metavar="N", help="工作日数 working days")
    due.add_argument(
        "--pause", type=_pause, action="append", default=[], metavar="FROM..TO", help="不计入的日子 days not counted"
    )
    due.set_defaults(run=_due)
    load = actions.add_parser("load", help="载入公布的一年 take a year that the State Council announced")
    load.add_argument(
        "file", type=Path, metavar="FILE", help='日历文件 JSON {"year", "holidays": {date: name}, "workdays"}'
    )
    load.add_argument("--config", type=Path, default=None, help="设置文件 settings file (TOML)")
    load.set_defaults(run=lambda args: asyncio.run(_load(args, open_app)))
    root = subparsers.add_parser("catalogue", help="事项目录 the catalogue of items")
    import_ = root.add_subparsers(dest="action", required=True).add_parser(
        "import", help="导入 CSV 或 XLSX take a CSV or XLSX"
    )
    import_.add_argument("file", type=Path, metavar="FILE", help="事项表 the table of items")
    import_.add_argument("--dry-run", action="store_true", help="只显示差别,不写入 print the difference only")
    import_.add_argument("--config", type=Path, default=None, help="设置文件 settings file (TOML)")
    import_.set_defaults(run=lambda args: asyncio.run(_import(args, open_app)))
    staff = subparsers.add_parser("county", help="单位和人员 units and staff").add_subparsers(
        dest="action", required=True
    )
    county_ = staff.add_parser(
        "load", help="载入单位和人员,新密码只显示一次 take units and staff from a file; prints new passwords once"
    )
    county_.add_argument(
        "file", type=Path, metavar="FILE", help="含 [[unit]] 和 [people] 的 TOML 文件 TOML with [[unit]] and [people]"
    )
    county_.add_argument("--dry-run", action="store_true", help="只显示差别,不写入 print the difference only")
    county_.add_argument("--config", type=Path, default=None, help="设置文件 settings file (TOML)")
    county_.set_defaults(run=lambda args: asyncio.run(_county(args, open_app)))
    password = staff.add_parser("password", help="重设密码并显示一次 give somebody a new password and print it once")
    password.add_argument("login", metavar="LOGIN", help="登录名 whose")
    password.add_argument("--config", type=Path, default=None, help="设置文件 settings file (TOML)")
    password.set_defaults(run=lambda args: asyncio.run(_password(args, open_app)))


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
    sys.stdout.flush()


def _say(refusal: Refusal) -> int:
    sys.stderr.write(f"{refusal.told()}\n")
    return 1


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
    except (Hindrance, Unavailable):
        raise
    except Refusal as refusal:
        return _say(refusal)
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
        except SettingsError as error:
            sys.stderr.write(f"{error}\n与空目录比较。 Compared with an empty catalogue.\n")
            return catalogue.difference((), sheet)
        return await Catalogue(parts.journal, parts.directory, parts.clock).compare(sheet)


async def _county(args: argparse.Namespace, open_app: OpenApp) -> int:
    """The difference first, then ``{login, password}`` of everybody who had no password, a line each."""
    try:
        text = args.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"{args.file}: {error.strerror if isinstance(error, OSError) else 'is not UTF-8'}\n")
        return 1
    try:
        async with AsyncExitStack() as stack:
            try:
                parts = await stack.enter_async_context(open_app(args.config))
            except SettingsError as error:
                if not args.dry_run:
                    raise
                file = county_file.parse(text, since=datetime.now().astimezone().date())  # no installation, no clock
                sys.stderr.write(f"{error}\n与空的县比较。 Compared with an empty county.\n")
                _print(county.Difference(len(file.units) + len(file.people), 0, 0).as_json())
                return 0
            known: dict[str, Unit] = dict(parts.directory.tree)
            file = county_file.parse(text, since=parts.clock.now().date(), known=known)
            _print(county.compare(file, parts.directory).as_json())
            if not args.dry_run:
                async for login, password in county.take(file, parts.directory):
                    _print({"login": login, "password": password})
    except (Hindrance, Unavailable):
        raise
    except Refusal as refusal:
        return _say(refusal)
    return 0


async def _password(args: argparse.Namespace, open_app: OpenApp) -> int:
    """Somebody forgot theirs. Whoever is signed in with the old one is signed out."""
    async with open_app(args.config) as parts:
        person = parts.directory.by_login(args.login)
        if person is None:
            return _say(NotFound(login=args.login))
        made = county.generated()
        await parts.directory.set_password(person.person_id, made)
    _print({"login": person.login, "password": made})
    return 0
