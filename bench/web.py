"""Screens: a page opened on a village's line and computer, what it weighs, the verdict on a scanned page, memory.

Real Chromium against the running demonstration. The anchor of the openings, taken in turns with them, is the smallest
page that Vue can make, built with the same tools and served the same way.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import sync_playwright

from bench import _bare_vue
from bench._chrome import chrome
from bench._opening import opening, weight
from bench._verdict import verdicts
from bench.figure import Figure
from tests.journeys.county import County
from tests.journeys.people import CHROMIUM, FLAGS, Clerk
from tests.support.asking import status
from villagecall.http.check import page as check_page
from villagecall.issuing.number import new_code
from villagecall.issuing.service import Check

ROUNDS = 9
VERDICTS = 20
USABLE_MS = 1200
VERDICT_MS = 1000
REST_MB = 250
CHECK_BYTES = 2000
SCRIPT_KB = {"terminal": 50, "desk": 60, "admin": 180, "public": None, "second": None}
Cookies = Sequence[Mapping[str, Any]]


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        county = County(folder / "county", printer=False)
        county.start()
        try:
            rest = _memory("server of the demonstration at rest", county)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
                clerk = Clerk(browser, county, "village1")
                cookies: Cookies = [dict(one) for one in clerk.context.cookies()]
                clerk.close()
                shown = _verdicts(*verdicts(browser, county, folder, VERDICTS))
                browser.close()
            (folder / "bare").mkdir()
            with _bare_vue.served(_bare_vue.build(folder / "bare")) as bare:
                opened = asyncio.run(_openings(county.url, bare, cookies))
            scanned = _memory(f"the same after {VERDICTS} scanned pages", county, goal=False)
        finally:
            county.stop()
    return [*opened, *_weights(), _check(), *shown, rest, scanned]


# ---------------------------------------------------------------- opening


async def _openings(url: str, bare: str, cookies: Cookies) -> list[Figure]:
    """Each round opens every page once, each time in a browser without anything kept."""
    terminal: list[float] = []
    login: list[float] = []
    anchor: list[float] = []
    async with chrome() as browser:
        for at in range(ROUNDS + 1):
            rounds = (
                await opening(browser, f"{url}/terminal", "item-search", "clear-search", cookies),
                await opening(browser, f"{url}/terminal", "login", ""),
                await opening(browser, f"{bare}/", "box", "answer"),
            )
            if at:  # the first one also starts Chromium's own parts
                for kept, one in zip((terminal, login, anchor), rounds, strict=True):
                    kept.append(one.usable)
    return [
        _opened("terminal, signed in, until the search answers", terminal, anchor, goal=True),
        _opened("login page, until it answers", login, anchor, goal=False),
    ]


def _opened(name: str, times: list[float], anchor: list[float], *, goal: bool) -> Figure:
    middle = statistics.median(times)
    return Figure(
        f"{name} (1 Mbps, 60 ms, CPU ÷ 4)",
        f"{middle:.0f} ms (p95 {_p95(times):.0f}, best {min(times):.0f}, n {len(times)})",
        "bare Vue 3 page",
        f"{statistics.median(anchor):.0f} ms (best {min(anchor):.0f})",
        statistics.median(a / b for a, b in zip(times, anchor, strict=True)),
        f"≤ {USABLE_MS} ms" if goal else "measured",
        middle <= USABLE_MS if goal else None,
    )


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


# ---------------------------------------------------------------- bytes


def _weights() -> list[Figure]:
    figures = []
    for name, limit in SCRIPT_KB.items():
        found = weight(name)
        figures.append(
            Figure(
                f"script of /{'' if name == 'public' else name}, gz, at once (with all that may follow)",
                f"{found.first / 1000:.1f} kB ({found.all / 1000:.1f})",
                "",
                "",
                None,
                "measured" if limit is None else f"≤ {limit} kB",
                None if limit is None else found.first <= limit * 1000,
            )
        )
    return figures


def _check() -> Figure:
    """The check page with every fact filled in, as it is: uncompressed."""
    found = Check(
        state="valid", number="青禾(老优)〔2026〕00001号", title="老年人优待证", holder="李*芳",
        unit_name="青禾区东河镇人民政府", valid_until="长期",
    )  # fmt: skip
    html = check_page(found, new_code(), english=False)
    scripts = len(re.findall(r"<script|\son\w+=|javascript:", html))
    size = len(html.encode())
    return Figure(
        "certificate check page: all bytes; scripts",
        f"{size} B; {scripts}",
        "",
        "",
        None,
        f"≤ {CHECK_BYTES} B; 0",
        size <= CHECK_BYTES and not scripts,
    )


# ---------------------------------------------------------------- verdict


def _verdicts(seen: Sequence[Any], size: float) -> list[Figure]:
    answered = [one.since_answered for one in seen]
    sent = [one.since_sent for one in seen]
    p95 = _p95(answered)
    return [
        Figure(
            f"verdict on the screen after the last byte, A4 300 dpi colour, {size / 1e6:.1f} MB, p95",
            f"{p95:.0f} ms (p50 {statistics.median(answered):.0f}, n {len(seen)})",
            "",
            "",
            None,
            f"≤ {VERDICT_MS} ms",
            p95 <= VERDICT_MS,
        ),
        Figure(
            "the same since the last piece began to leave the browser, p95",
            f"{_p95(sent):.0f} ms (p50 {statistics.median(sent):.0f})",
            "",
            "",
            None,
            "measured",
            None,
        ),
    ]


# ---------------------------------------------------------------- memory


def _memory(name: str, county: County, *, goal: bool = True) -> Figure:
    """Resident, workers apart."""
    assert status(county.port, "/readyz", timeout=5) == 200
    mine = psutil.Process(os.getpid()).children()
    server = next(one for one in mine if str(county.port) in one.cmdline())
    workers = [one.memory_info().rss for one in server.children(recursive=True)]
    resident = server.memory_info().rss
    return Figure(
        name,
        f"{resident / 1e6:.0f} MB (+ {len(workers)} workers {sum(workers) / 1e6:.0f} MB)",
        "",
        "",
        None,
        f"≤ {REST_MB} MB" if goal else "measured",
        resident <= REST_MB * 1e6 if goal else None,
    )
