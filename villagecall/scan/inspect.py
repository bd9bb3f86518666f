"""A file judged in this process, as ``villagecall scan inspect`` tells it: for benchmarks and tests."""

from __future__ import annotations

import time
from pathlib import Path

from villagecall.scan.batch import seen
from villagecall.scan.decode import Document
from villagecall.scan.page import judge


def inspect_file(path: Path, frame: int = 0) -> dict[str, object]:
    """:func:`villagecall.scan.batch.seen` of a page; raises a refusal for what is no page."""
    began = time.perf_counter()
    found = judge(Document(path.read_bytes()).picture(frame))
    return seen(path, found.verdict, found.angle, found.quad, round((time.perf_counter() - began) * 1000))
