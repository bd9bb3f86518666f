"""Limits against an oracle, and a catalogue taken into a fresh installation (SQLite, synchronous=FULL)."""

from __future__ import annotations

import asyncio
import csv
import random
import tempfile
import time
from bisect import bisect_right
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar

from bench.figure import Figure
from tests.support.clock import FixedClock
from tests.support.county import small_county, small_vault
from villagecall.adapters.sql import open_journal
from villagecall.directory.calendar import Pause, shipped
from villagecall.directory.catalogue import read
from villagecall.directory.catalogue_import import Catalogue

LIMITS = 1_000_000
ITEMS = 581
"""As many as the published list of the district has."""
_DAY = timedelta(days=1)


def run() -> list[Figure]:
    return [_limits(), asyncio.run(_catalogue())]


def _limits() -> Figure:
    """Random limits with pauses; the oracle looks them up in the list of all working days."""
    first = date(2004, 1, 1)
    days = [first + _DAY * at for at in range((date(2026, 12, 31) - first).days + 1)]
    working = [day for day in days if chinese_calendar.is_workday(day)]
    rng, calendar = random.Random(20), shipped()
    wrong = monday_to_friday = 0
    for _ in range(LIMITS):
        start = days[rng.randrange(len(days) - 300)]
        pauses: list[Pause] = []
        for _ in range(rng.randrange(3)):
            begin = start + _DAY * rng.randrange(-3, 40)
            pauses.append((begin, begin + _DAY * rng.randrange(15)))
        limit = rng.choice((1, 5, 10, 20, 20, 30, 45))
        right = _oracle(working, start, limit, pauses)
        wrong += calendar.due(start, limit, pauses).due != right
        monday_to_friday += _monday_to_friday(start, limit, pauses) != right
    return Figure(
        name=f"limits computed wrong, of {LIMITS:,} random ones with pauses",
        ours=str(wrong),
        anchor="Monday to Friday",
        value=f"{monday_to_friday / LIMITS:.1%}",
        ratio=None,
        goal="0",
        met=wrong == 0,
    )


def _oracle(working: list[date], start: date, limit: int, pauses: list[Pause]) -> date:
    for day in working[bisect_right(working, start) :]:
        if not any(begin <= day <= end for begin, end in pauses):
            limit -= 1
            if limit == 0:
                return day
    raise AssertionError("the limit runs past the list")


def _monday_to_friday(start: date, limit: int, pauses: list[Pause]) -> date:
    day = start
    while limit:
        day += _DAY
        limit -= day.weekday() < 5 and not any(begin <= day <= end for begin, end in pauses)
    return day


async def _catalogue() -> Figure:
    """Reads the file and writes every item; then the same again must change nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = _published(Path(folder) / "items.csv")
        clock = FixedClock()
        journal, _ = await open_journal(f"sqlite:///{folder}/bench.db", clock=clock)
        county = await small_county(journal, small_vault(), clock)
        catalogue = Catalogue(journal, county.directory, clock)
        began = time.perf_counter()
        found = await catalogue.take(read(file))
        took = time.perf_counter() - began
        again = await catalogue.compare(read(file))
        await journal.close()
    exact = len(found.added) == ITEMS and again.unchanged == ITEMS and again.empty
    return Figure(
        name=f"catalogue of {ITEMS} items imported, durable",
        ours=f"{took:.2f} s, {'exact' if exact else 'NOT EXACT'}",
        anchor="",
        value="",
        ratio=None,
        goal="< 2 s, exact",
        met=took < 2 and exact,
    )


def _published(path: Path) -> Path:
    """A list with the size and the shapes of a published one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["department", "main_item", "name", "item_code", "task_type"])
        for number in range(ITEMS):
            code = f"511F{number:010}-511602000000-000-11511301008778490F-1-00"
            writer.writerow([f"县第{number % 7}局", "未分类", f"《第{number}号许可》核发、变更", code, "1"])
    return path
