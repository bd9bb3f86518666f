"""Decoding apart: real worker processes that are killed, stopped, starved, and have no way out."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import pytest_asyncio

from tests.support import hostile, pages
from villagecall.case import Verdict
from villagecall.scan import flat
from villagecall.scan.pool import Pool
from villagecall.scan.refusals import EmptyFile, NotAnImage, ScanRefusal, TooManyPixels, Truncated
from villagecall.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
LETTER = pages.encoded(pages.askew(pages.letter(11, (620, 877)), 3.0), dpi=75)
FEEDER = hostile.tiff([pages.form(at, (620, 877)) for at in range(3)])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    made = Pool(Settings(scan_timeout_s=20))
    await made.warm()
    yield made
    await made.close()


def resident(pid: int) -> int:
    """Memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


class TestAsked:
    async def test_a_page_comes_back_judged(self, pool: Pool) -> None:
        assert await pool.frames("letter", LETTER) == 1
        judged = await pool.judge("letter", LETTER, 0)
        assert judged.verdict.angle_mdeg == pytest.approx(3000, abs=100)
        assert flat.picture(judged.view).shape[:2] == (judged.height, judged.width)
        assert judged.thumb[:3] == b"\xff\xd8\xff"
        assert len(judged.phash) == 16

    async def test_corners_are_told_as_they_were_found(self, pool: Pool) -> None:
        photo, _ = pages.photographed(pages.form(12, (620, 877)), 12)
        judged = await pool.judge("photo", pages.encoded(photo, dpi=0), 0)
        assert judged.quad is not None
        assert judged.verdict.quad == tuple((round(x), round(y)) for x, y in judged.quad)
        assert any(x != round(x) for x, _ in judged.quad)

    async def test_each_page_of_a_feeder(self, pool: Pool) -> None:
        assert await pool.frames("feeder", FEEDER) == 3
        hashes = [(await pool.judge("feeder", FEEDER, at)).phash for at in range(3)]
        assert len(set(hashes)) == 3

    async def test_what_the_clerk_turned_stays_turned(self, pool: Pool) -> None:
        upright, turned = [await pool.judge("letter", LETTER, 0, turned) for turned in (0, 90)]
        assert (upright.width, upright.height) == (turned.height, turned.width)

    async def test_the_magnifier_shows_a_piece_of_the_original(self, pool: Pool) -> None:
        verdict = Verdict(ok=True, angle_mdeg=3000)
        raw = await pool.region("letter", LETTER, 0, verdict, 0, (250, 250, 500, 250))
        piece = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
        assert piece is not None
        assert piece.shape[1] > piece.shape[0] > 150

    async def test_a_refusal_crosses_the_pipe_with_its_details(self, pool: Pool) -> None:
        with pytest.raises(NotAnImage):
            await pool.frames("zip", b"PK\x03\x04" + bytes(40))
        with pytest.raises(TooManyPixels) as refused:
            await pool.frames("bomb", hostile.png_bomb())
        assert refused.value.details["width"] == 30_000
        assert (await pool.judge("letter", LETTER, 0)).verdict is not None

    async def test_an_empty_file_is_not_taken_for_the_one_before(self, pool: Pool) -> None:
        await pool.frames("letter", LETTER)
        for _ in range(3):  # whichever worker has the letter
            with pytest.raises(EmptyFile):
                await pool.frames("empty", b"")

    async def test_a_page_that_is_not_there_costs_nothing(self, pool: Pool) -> None:
        with pytest.raises(Truncated):
            await pool.judge("letter", LETTER, 7)
        assert await pool.frames("letter", LETTER) == 1


class TestConfined:
    async def test_it_is_in_a_network_of_its_own_or_may_not_make_sockets(self, pool: Pool) -> None:
        (pid,) = pool.pids
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        assert "Seccomp:\t2" in status or Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()

    async def test_it_gets_no_secrets_by_its_surroundings(self, pool: Pool) -> None:
        (pid,) = pool.pids
        names = {each.split(b"=")[0] for each in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if each}
        assert names <= {b"PATH", b"OMP_NUM_THREADS", b"PYTHONDONTWRITEBYTECODE", b"LC_CTYPE"}

    async def test_a_colour_page_at_three_hundred_dots_stays_small(self, pool: Pool) -> None:
        data = pages.encoded(pages.form(5, (2480, 3508)), dpi=300)
        await pool.judge("large", data, 0)
        assert max(resident(pid) for pid in pool.pids) < 500


class TestLost:
    async def test_killed_in_the_middle_the_page_is_judged_by_another(self, pool: Pool) -> None:
        before, lost = pool.pids, pool.lost
        asked = asyncio.create_task(pool.judge("letter", LETTER + b"1", 0))
        await asyncio.sleep(0.02)
        os.kill(before[0], signal.SIGKILL)
        assert (await asked).verdict.angle_mdeg == pytest.approx(3000, abs=100)
        assert pool.lost == lost + 1
        assert pool.pids != before

    async def test_dead_between_two_pages_is_noticed(self, pool: Pool) -> None:
        await pool.frames("letter", LETTER)
        os.kill(pool.pids[0], signal.SIGKILL)
        assert await pool.frames("letter", LETTER) == 1

    async def test_a_worker_that_hangs_is_replaced(self) -> None:
        pool = Pool(Settings(scan_timeout_s=2))
        try:
            await pool.warm()
            hanging = pool.pids[0]
            os.kill(hanging, signal.SIGSTOP)
            assert await pool.frames("letter", LETTER) == 1
            assert hanging not in pool.pids
            assert pool.lost == 1
        finally:
            await pool.close()

    async def test_what_asks_for_more_memory_than_there_is_is_refused_and_others_go_on(self) -> None:
        pool = Pool(Settings(scan_memory_mib=48))
        try:
            flat = np.zeros((7000, 8000, 3), np.uint8)
            with pytest.raises(ScanRefusal):
                await pool.judge("flat", pages.encoded(flat, ".png"), 0)
            assert await pool.frames("letter", LETTER) == 1
        finally:
            await pool.close()

    async def test_closing_leaves_no_process(self) -> None:
        pool = Pool(Settings())
        await pool.warm()
        pids = pool.pids
        await pool.close()
        assert pids and not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_pages_go_before_comparisons_that_nobody_waits_for() -> None:
    pool = Pool(Settings(), lull_s=0.5)
    try:
        view = (await pool.judge("letter", LETTER, 0)).view
        comparing = asyncio.create_task(pool.alike(view, view))
        for at in range(3):
            await pool.judge("feeder", FEEDER, at)
            assert not comparing.done()
        assert (await comparing).features > 0
    finally:
        await pool.close()
