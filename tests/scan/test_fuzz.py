"""A few thousand of the broken files that ``python -m bench fuzz`` feeds by the hundred thousand, and the bombs."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from bench._fuzzed import outcome
from bench.fuzz import fed
from tests.support.mutants import BOMBS, bases, mutant
from villagecall.scan.decode import Document
from villagecall.scan.pool import Pool
from villagecall.scan.refusals import ScanRefusal
from villagecall.settings import Settings

RESERVED = 10_000_000
"""Seeds from here on are the tests' own."""


@pytest.mark.parametrize("at", range(len(bases())))
def test_what_the_mutants_are_made_of_is_valid(at: int) -> None:
    kind, data = bases()[at]
    expected = {"pdf_active_content", "pdf_locked"} if at >= len(bases()) - 2 else {"decoded"}
    assert outcome(data) in expected
    if expected == {"decoded"}:
        assert Document(data).claim.kind == kind


def test_a_mutant_is_made_again_from_its_seed() -> None:
    assert [mutant(seed) for seed in range(40)] == [mutant(seed) for seed in range(40)]


@pytest.mark.parametrize("part", range(4))
def test_broken_files_end_as_pixels_or_as_a_refusal(part: int) -> None:
    seen, failures = fed(RESERVED + 500 * part, 500)
    assert failures == []
    assert sum(seen.values()) == 500
    assert seen["decoded"] > 25 and len(seen) >= 4, Counter(seen)


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_costs_seconds_and_its_own_worker_at_most(name: str) -> None:
    """Time and memory have their bounds in the worker; whoever comes next finds one."""
    data = BOMBS[name]()
    pool = Pool(Settings(scan_memory_mib=700, scan_timeout_s=4))
    try:
        began = time.monotonic()
        try:
            assert await pool.frames(name, data) >= 1
            await pool.judge(name, data, 0)
        except ScanRefusal as refusal:
            assert refusal.code in ("truncated", "unreadable", "too_many_pixels", "pdf_active_content")
        assert time.monotonic() - began < 60
        assert await pool.frames("fine", bases()[0][1]) == 1
    finally:
        await pool.close()
