"""Whether a sheet that was scanned twice is found, and a form of somebody else left alone: pairs drawn from seeds,
through the whole recipe. The two scans differ in skew, place, pull, resolution, light, grain, compression, way up
and colour mode. Times are CPU time of one thread, a page's decoding and judging left out.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from bench._scan_truth import first_seed
from bench.drawn import sheets
from bench.figure import Figure
from tests.support import pages
from tests.support import sheets as forms
from villagecall.scan import same
from villagecall.scan.alike import Likeness, near
from villagecall.scan.decode import Document
from villagecall.scan.page import PageResult, judge

Image = NDArray[np.uint8]
PAIRS = 200
WRITTEN = ("form", "letter", "redhead", "table", "ledger", "hand")
AGAIN = ("same", "twin", *(f"drawn {kind}" for kind in WRITTEN))
FILLED = ("person", "name", "figure", "strokes")
OTHER = ("another drawn page",)
TURNS = (AGAIN, FILLED, AGAIN, FILLED, AGAIN, FILLED, AGAIN, FILLED, AGAIN, OTHER)
DPI = 200
MS = 60


@dataclass(frozen=True, slots=True)
class Pair:
    """Two judged scans; ``again``: of one sheet."""

    kind: str
    again: bool
    one: PageResult
    other: PageResult


def _sheets(seed: int, kind: str, rng: np.random.Generator) -> tuple[Image, Image]:
    """Two sheets as printed, at :data:`DPI`."""
    if kind in OTHER:
        drawn = str(rng.choice(WRITTEN))
        return sheets.sheet(seed, drawn, DPI), sheets.sheet(seed + 10**6, drawn, DPI)
    if kind.startswith("drawn "):
        page = sheets.sheet(seed, kind.removeprefix("drawn "), DPI)
        return page, page
    return forms.pair(seed, kind)


def _scanned(sheet: Image, seed: int, rng: np.random.Generator) -> PageResult:
    data = forms.scanned(sheet, seed)
    mode = str(rng.choice(("colour", "grey", "black and white"), p=(0.5, 0.3, 0.2)))
    if mode != "colour":
        grey = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)
        dpi = Document(data).picture(0).dpi
        if mode == "black and white" and dpi >= DPI:
            level = float(np.median(grey)) * float(rng.uniform(0.6, 0.75))
            grey = np.asarray(cv2.threshold(grey, level, 255, cv2.THRESH_BINARY)[1], np.uint8)
        data = pages.encoded(grey, ".png" if mode == "black and white" else ".jpg", dpi=dpi)
    return judge(Document(data).picture(0))


def pairs(first: int, count: int) -> Iterator[Pair]:
    """``count`` pairs drawn from seed ``first`` on: half of one sheet, the others mostly of one form."""
    for at in range(count):
        rng = np.random.default_rng((first + at, 31))
        kinds = TURNS[at % len(TURNS)]
        kind = str(rng.choice(kinds))
        one, other = _sheets(first + at, kind, rng)
        scans = [_scanned(sheet, 2 * (first + at) + side, rng) for side, sheet in enumerate((one, other))]
        yield Pair(kind, kinds is AGAIN, scans[0], scans[1])


def run() -> list[Figure]:
    cv2.setNumThreads(1)
    seed = first_seed()
    told: list[tuple[Pair, Likeness | None]] = []
    times: list[float] = []
    for pair in pairs(seed, PAIRS):
        if not near(pair.one.phash, pair.other.phash):
            told.append((pair, None))
            continue
        began = time.process_time()
        told.append((pair, same.compared(pair.one.view, pair.other.view)))
        times.append((time.process_time() - began) * 1000)
    again = [likeness for pair, likeness in told if pair.again]
    others = [likeness for pair, likeness in told if not pair.again]
    sure = sum(each is not None and each.sure for each in again)
    found = sure + sum(each is not None and each.perhaps for each in again)
    wrong = sum(each is not None and each.sure for each in others)
    hints = sum(each is not None and each.perhaps for each in others)
    median = statistics.median(times)
    return [
        Figure(
            f"the same sheet scanned again, told (seed {seed})",
            f"{found} of {len(again)} ({sure} for certain)",
            "",
            "",
            None,
            "≥ 99 %",
            found >= 0.99 * len(again),
        ),
        Figure(
            "two pages called one for certain (hints)",
            f"{wrong} of {len(others)} ({hints})",
            "",
            "",
            None,
            "none",
            wrong == 0,
        ),
        Figure("one comparison, CPU", f"{median:.0f} ms", "", "", None, f"≤ {MS} ms", median <= MS),
    ]
