"""Killed at any point, a print comes out once, or a person is asked: against a real cupsd."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.cups import QUEUE, CupsServer
from villagecall.ids import uuid7
from villagecall.terminal.jobs import Fetch, Jobs, TicketGone, job_name
from villagecall.terminal.printer import Cups, Job, Queue
from villagecall.terminal.store import Print, Store

PDF = b"%PDF-1.7\ncertificate\n%%EOF\n"


class Killed(BaseException):
    """What ``kill -9`` looks like from inside: nothing after it runs."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def print_id() -> str:
    return str(uuid7())


class Shop:
    """A server's tickets: each gives the document once."""

    def __init__(self) -> None:
        self.given: list[str] = []

    async def fetch(self, ticket: str) -> bytes:
        if ticket in self.given:
            raise TicketGone("ticket_used")
        self.given.append(ticket)
        return PDF


async def finish(jobs: Jobs, store: Store, cups: Cups, print_id: str, state: str = "done") -> Print:
    for _ in range(200):
        await jobs.step(await cups.printers())
        job = store.get(print_id)
        assert job is not None
        if job.stage == "ended":
            assert job.state == state
            return job
        await asyncio.sleep(0.02)
    raise AssertionError(f"{job} did not end")


async def test_a_ticket_becomes_paper(store: Store, cups: Cups, cupsd: CupsServer, print_id: str) -> None:
    jobs = Jobs(store, cups, Shop().fetch)
    jobs.ask(print_id, "t", "", "优〔2026〕0001号 第1份")
    done = await finish(jobs, store, cups, print_id)
    assert cupsd.printed() == [PDF]
    assert cupsd.titles() == [job_name(print_id)]
    assert (done.printer, done.job) == (QUEUE, 1)
    with pytest.raises(FileNotFoundError):
        store.pdf(print_id)


async def test_told_twice_is_printed_once(store: Store, cups: Cups, cupsd: CupsServer, print_id: str) -> None:
    jobs = Jobs(store, cups, Shop().fetch)
    for _ in range(3):
        jobs.ask(print_id, "t", "", "")
        await finish(jobs, store, cups, print_id)
    assert len(cupsd.printed()) == 1


WRITES = [1, 2, 3, 4, 5, 6]
"""Stages are written fetched, creating, created, sent and ended; 6 = killed nowhere."""


def killing_at(store: Store, count: int, *, after: bool) -> Callable[[Print], Print]:
    """A ``put`` that is killed at its ``count``-th write, before or after the bytes are on disk."""
    real, seen = store.put, 0

    def put(job: Print) -> Print:
        nonlocal seen
        seen += 1
        if seen == count and not after:
            raise Killed
        real(job)
        if seen == count:
            raise Killed
        return job

    return put


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("count", WRITES)
async def test_killed_at_any_write_it_is_printed_at_most_once(
    store: Store, cups: Cups, cupsd: CupsServer, print_id: str, count: int, after: bool
) -> None:
    shop = Shop()
    Jobs(store, cups, shop.fetch).ask(print_id, "t", "", "")
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(store, "put", killing_at(store, count, after=after))
        await finish(Jobs(store, cups, shop.fetch), store, cups, print_id)
    again = Jobs(Store(store._folder), cups, shop.fetch)
    lost = (count, after) == (1, False)  # the document was fetched and is not on disk
    await finish(again, store, cups, print_id, "aborted" if lost else "done")
    assert cupsd.printed() == ([] if lost else [PDF])


@pytest.mark.parametrize("step", ["create", "send"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_around_a_call_to_the_spooler_it_is_printed_once(
    store: Store, cups: Cups, cupsd: CupsServer, print_id: str, step: str, after: bool
) -> None:
    shop, real = Shop(), getattr(cups, step)

    async def die(*args: object) -> object:
        if after:
            await real(*args)
        raise Killed

    jobs = Jobs(store, cups, shop.fetch)
    jobs.ask(print_id, "t", "", "")
    setattr(cups, step, die)
    with pytest.raises(Killed):
        await jobs.step(await cups.printers())
    setattr(cups, step, real)
    await finish(Jobs(store, cups, shop.fetch), store, cups, print_id)
    assert cupsd.printed() == [PDF]


async def test_a_job_the_spooler_forgot_is_not_printed_again(
    store: Store, cups: Cups, cupsd: CupsServer, print_id: str
) -> None:
    """Its history was cleared while we were away: perhaps it is printed, so a person decides."""
    store.put(Print(print_id, "t", QUEUE, "", stage="created", job=77))
    store.put_pdf(print_id, PDF)
    ended = await finish(Jobs(store, cups, Shop().fetch), store, cups, print_id, "aborted")
    assert ended.reasons == ("unsure",)
    assert cupsd.printed() == []


async def test_a_used_ticket_ends_the_print(store: Store, cups: Cups, print_id: str) -> None:
    shop = Shop()
    shop.given.append("t")
    jobs = Jobs(store, cups, shop.fetch)
    jobs.ask(print_id, "t", "", "")
    assert (await finish(jobs, store, cups, print_id, "aborted")).reasons == ("fetch-failed", "ticket_used")


async def test_a_server_that_is_away_is_waited_for(store: Store, cups: Cups, cupsd: CupsServer, print_id: str) -> None:
    away, shop = True, Shop()

    async def fetch(ticket: str) -> bytes:
        if away:
            raise OSError("no route")
        return await shop.fetch(ticket)

    asked: Fetch = fetch
    jobs = Jobs(store, cups, asked)
    jobs.ask(print_id, "t", "", "")
    await jobs.step(await cups.printers())
    job = store.get(print_id)
    assert job is not None and job.stage == "asked"
    away = False
    await finish(jobs, store, cups, print_id)
    assert cupsd.printed() == [PDF]


async def test_an_unknown_printer_holds_the_print_and_says_so(store: Store, cups: Cups, print_id: str) -> None:
    jobs = Jobs(store, cups, Shop().fetch)
    jobs.ask(print_id, "t", "gone", "")
    await jobs.step(await cups.printers())
    job = store.get(print_id)
    assert job is not None and (job.stage, job.state, job.reasons) == ("fetched", "held", ("no-such-printer",))
    await jobs.step([])
    job = store.get(print_id)
    assert (job is not None and job.reasons == ("no-printer",)) or (job and job.reasons == ("no-such-printer",))


async def test_paper_out_is_the_jobs_trouble_until_paper_is_in(
    store: Store, cups: Cups, cupsd: CupsServer, print_id: str
) -> None:
    cupsd.trouble("media-empty-warning")
    jobs = Jobs(store, cups, Shop().fetch)
    jobs.ask(print_id, "t", "", "")
    job = store.get(print_id)
    for _ in range(100):
        await jobs.step(await cups.printers())
        job = store.get(print_id)
        if job is not None and job.reasons:
            break
        await asyncio.sleep(0.02)
    assert job is not None
    assert (job.state, job.reasons) == ("printing", ("media-empty-warning",))
    cupsd.repair()
    await finish(jobs, store, cups, print_id)
    assert cupsd.printed() == [PDF]


def test_a_stopped_printer_stops_its_job() -> None:
    from villagecall.terminal.jobs import _shown

    job = Job(1, "x", "queued", (), True)
    assert _shown(job, Queue("q", "stopped", ("paused",), True)) == ("stopped", ("paused",))
    assert _shown(job, None) == ("queued", ())
