"""The spooler as the agent sees it, against a real private cupsd."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from tests.real.cups import QUEUE, CupsServer
from villagecall.terminal.printer import Cups, CupsUnreachable, Job, Queue

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 40 + b"\n%%EOF\n"


async def until(look: Callable[[], Awaitable[bool]], seconds: float = 10) -> float:
    """Seconds until ``look`` is true."""
    began = time.monotonic()
    while not await look():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def the(cups: Cups) -> Queue:
    (queue,) = await cups.printers()
    return queue


async def known(cups: Cups, number: int) -> Job:
    job = await cups.job(number)
    assert job is not None
    return job


async def test_a_queue_is_found_idle(cups: Cups) -> None:
    queue = await the(cups)
    assert (queue.name, queue.state, queue.reasons) == (QUEUE, "idle", ())
    assert queue.label == "", "CUPS repeats the name where nobody wrote a description"


async def test_a_queue_goes_by_the_description_people_wrote_in_cups() -> None:
    server = CupsServer(("HP_M403",), info="窗口旁的打印机")
    try:
        async with aiohttp.ClientSession() as session:
            assert (await the(Cups(server.address, session))).label == "窗口旁的打印机"
    finally:
        server.stop()


async def test_the_bytes_come_out_as_they_went_in(cups: Cups, cupsd: CupsServer) -> None:
    number = await cups.create(QUEUE, "villagecall x")
    assert not (await known(cups, number)).filled
    await asyncio.sleep(0.3)
    assert cupsd.printed() == [], "an empty job prints nothing"
    await cups.send(QUEUE, number, PDF)
    await asyncio.to_thread(cupsd.wait_printed, 1)

    async def done() -> bool:
        return (await known(cups, number)).state == "done"

    await until(done)
    assert cupsd.printed() == [PDF]
    assert (await known(cups, number)).filled


async def test_a_job_is_found_by_its_name_also_when_it_is_over(cups: Cups, cupsd: CupsServer) -> None:
    number = await cups.create(QUEUE, "villagecall a")
    await cups.send(QUEUE, number, PDF)
    await asyncio.to_thread(cupsd.wait_printed, 1)
    await cups.create(QUEUE, "villagecall b")
    found = await cups.named("villagecall a")
    assert found is not None and found.number == number
    assert await cups.named("villagecall c") is None


async def test_a_forgotten_job_is_none(cups: Cups) -> None:
    assert await cups.job(9999) is None


@pytest.mark.parametrize("reason", ["media-empty-warning", "media-jam-error", "cover-open-error", "toner-low-warning"])
async def test_trouble_is_seen_within_a_second_and_goes_away(cups: Cups, cupsd: CupsServer, reason: str) -> None:
    cupsd.trouble(reason)
    await cups.send(QUEUE, await cups.create(QUEUE, "x"), PDF)

    async def in_trouble() -> bool:
        return (await the(cups)).reasons == (reason,)

    async def fine() -> bool:
        return (await the(cups)).reasons == ()

    assert await until(in_trouble) < 1
    cupsd.repair()
    await until(fine)
    assert await asyncio.to_thread(cupsd.wait_printed, 1) == [PDF]


async def test_a_broken_printer_stops_and_keeps_the_job(cups: Cups, cupsd: CupsServer) -> None:
    cupsd.break_down()
    number = await cups.create(QUEUE, "x")
    await cups.send(QUEUE, number, PDF)

    async def stopped() -> bool:
        return (await the(cups)).state == "stopped"

    await until(stopped)
    assert (await known(cups, number)).state in ("queued", "stopped", "held")
    assert cupsd.printed() == []


async def test_an_unknown_queue_and_a_dead_spooler_are_unreachable(cups: Cups, cupsd: CupsServer) -> None:
    with pytest.raises(CupsUnreachable):
        await cups.create("nobody", "x")
    cupsd.kill()
    with pytest.raises(CupsUnreachable):
        await cups.printers()


async def test_the_default_queue_comes_first() -> None:
    server = CupsServer(("zebra", "apple"))
    try:
        async with aiohttp.ClientSession() as session:
            assert [queue.name for queue in await Cups(server.address, session).printers()] == ["zebra", "apple"]
    finally:
        server.stop()
