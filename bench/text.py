"""How well and at what cost pages are read: letters and ID cards whose words are known, through the real recipe
(judged, straightened, read in its own process). The anchor is rapidocr as it comes, on the same straight pages."""

from __future__ import annotations

import asyncio
import difflib
import statistics
import time
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rapidocr import RapidOCR

from bench.drawn import texts
from bench.figure import Figure
from villagecall.case import Verdict
from villagecall.scan.decode import Document
from villagecall.scan.idcard import cards
from villagecall.scan.page import judge
from villagecall.scan.text import Line
from villagecall.scan.textreader import TextReader
from villagecall.scan.textworker import page_of
from villagecall.settings import Settings

LETTERS, CARDS, ANCHORED = 12, 24, 3


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def share(wanted: Sequence[str], found: Sequence[Line]) -> float:
    """Share of the wanted characters that were read, line by line with the line most like it."""
    read = [_plain(line.text) for line in found] or [""]
    right = total = 0
    for line in map(_plain, wanted):
        best = max(read, key=lambda other: difflib.SequenceMatcher(None, line, other, autojunk=False).quick_ratio())
        blocks = difflib.SequenceMatcher(None, line, best, autojunk=False).get_matching_blocks()
        right, total = right + sum(block.size for block in blocks), total + len(line)
    return right / total


def _cpu(pid: int) -> float:
    """Seconds of computing of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _peak_mib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) // 1024


async def _read(written: Sequence[texts.Written]) -> tuple[list[tuple[Line, ...]], list[float], list[Verdict], int]:
    reader, found, spent, verdicts, peak = TextReader(Settings()), [], [], [], 0
    try:
        for each in written:
            verdict = judge(Document(each.jpeg).picture(0)).verdict
            before = _cpu(reader.pid) if reader.pid else 0.0
            found.append(await reader.read(each.jpeg, 0, verdict))
            spent.append(_cpu(reader.pid) - before)
            verdicts.append(verdict)
            peak = _peak_mib(reader.pid)
    finally:
        await reader.close()
    return found, spent[1:], verdicts, peak


def _as_it_comes(written: Sequence[texts.Written], verdicts: Sequence[Verdict]) -> float:
    """Median seconds of computing of rapidocr with its own settings, on one thread."""
    threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1}
    plain = RapidOCR(params={"Global.log_level": "critical", **threads})
    plain(np.full((200, 600, 3), 255, np.uint8))
    spent = []
    for each, verdict in zip(written, verdicts, strict=True):
        page = cv2.cvtColor(page_of(Document(each.jpeg), 0, verdict, 0), cv2.COLOR_GRAY2BGR)
        before = time.process_time()
        plain(np.asarray(page, np.uint8))
        spent.append(time.process_time() - before)
    return statistics.median(spent)


def run() -> list[Figure]:
    cv2.setNumThreads(1)
    letters = [texts.letter(seed) for seed in range(100, 100 + LETTERS)]
    copies = [texts.idcard(seed) for seed in range(500, 500 + CARDS)]
    read, spent, verdicts, peak = asyncio.run(_read([*letters, *copies]))
    shares = [share(page.lines, lines) for page, lines in zip(letters, read, strict=False)]
    found = [cards(lines) for lines in read[LETTERS:]]
    numbers = sum(
        bool(one) and one[0].id_number == each.card.id_number
        for one, each in zip(found, copies, strict=True)
        if each.card
    )
    whole = sum(bool(one) and one[0] == each.card for one, each in zip(found, copies, strict=True))
    wrong = sum(
        value != getattr(each.card, key)
        for one, each in zip(found, copies, strict=True)
        for card in one
        for key, value in card.entries().items()
    )
    plain = _as_it_comes(letters[:ANCHORED], verdicts[:ANCHORED])
    ours = statistics.median(spent[: LETTERS - 1])
    return [
        Figure(
            "text, characters read, letters",
            f"{statistics.mean(shares):.2%} worst {min(shares):.1%}",
            "",
            "",
            None,
            "",
            None,
        ),
        Figure(
            "text, a letter, computing",
            f"{ours:.2f} s",
            "rapidocr as it comes",
            f"{plain:.2f} s",
            ours / plain,
            "",
            None,
        ),
        Figure("text, ID numbers read", f"{numbers} of {CARDS}", "", "", None, "", None),
        Figure("text, cards read whole", f"{whole} of {CARDS}, {wrong} entries wrong", "", "", None, "", None),
        Figure("text, memory of the process", f"{peak} MiB", "", "", None, "", None),
    ]
