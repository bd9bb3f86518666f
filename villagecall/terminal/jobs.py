"""From a ticket to paper, never twice: one step at a time, each on disk before the next.

| stage | what is certain | after a crash |
|---|---|---|
| asked | we were told | fetch; a used ticket means that the document was lost on the way: aborted |
| fetched | the PDF is here | go on |
| creating | we are about to make a job | look for a job of our name; none = go on |
| created | the job's number is here | it has a document = sent; it has none = send |
| sent | the spooler has it all | watch it |
| ended | done, aborted or canceled | – |

A job that the spooler has forgotten may have been printed: it is reported ``aborted`` with the reason
``unsure``, and a person decides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from villagecall.terminal.printer import Cups, CupsUnreachable, Job, Queue
from villagecall.terminal.store import Print, Store

FINAL: Final = frozenset({"done", "aborted", "canceled"})
Fetch = Callable[[str], Awaitable[bytes]]
"""The PDF of a ticket. Raises :class:`TicketGone`; anything else it raises means: try later."""

_log = structlog.get_logger(__name__)


class TicketGone(Exception):
    """The server will not give this document (any more); ``args[0]`` is its code."""


def job_name(print_id: str) -> str:
    """What our job is called in the queue: no name, no number, only the print."""
    return f"villagecall {print_id}"


class Jobs:
    """Moves every print on. ``step`` is called again and again by one task only."""

    def __init__(self, store: Store, cups: Cups, fetch: Fetch) -> None:
        self._store, self._cups, self._fetch = store, cups, fetch

    def ask(self, print_id: str, ticket: str, printer: str, title: str) -> None:
        """The server wants this printed. Told twice is printed once."""
        if self._store.get(print_id) is None:
            self._store.put(Print(print_id, ticket, printer, title))

    async def step(self, queues: Sequence[Queue]) -> None:
        """One round over all prints that are not at their end."""
        for job in self._store.prints():
            if job.stage == "ended":
                continue
            try:
                await self._move(job, queues)
            except (CupsUnreachable, OSError) as error:
                _log.warning("print_waits", print_id=job.print_id, stage=job.stage, why=type(error).__name__)

    async def _move(self, job: Print, queues: Sequence[Queue]) -> None:
        if job.stage == "asked":
            job = await self._bring(job)
        if job.stage in ("fetched", "creating"):
            job = await self._create(job, queues)
        if job.stage == "created":
            job = await self._send(job)
        if job.stage == "sent":
            await self._watch(job, queues)

    async def _bring(self, job: Print) -> Print:
        try:
            pdf = await self._fetch(job.ticket)
        except TicketGone as gone:
            return self._end(job, "aborted", ("fetch-failed", str(gone.args[0])))
        self._store.put_pdf(job.print_id, pdf)
        return self._store.change(job, stage="fetched")

    async def _create(self, job: Print, queues: Sequence[Queue]) -> Print:
        printer = job.printer or (queues[0].name if queues else "")
        if printer not in {queue.name for queue in queues}:
            return self._store.change(job, state="held", reasons=("no-such-printer",) if queues else ("no-printer",))
        known = await self._cups.named(job_name(job.print_id)) if job.stage == "creating" else None
        job = self._store.change(job, stage="creating", printer=printer)
        number = known.number if known else await self._cups.create(printer, job_name(job.print_id))
        return self._store.change(job, stage="created", job=number)

    async def _send(self, job: Print) -> Print:
        known = await self._cups.job(job.job)
        if known is None:
            return self._end(job, "aborted", ("unsure",))
        if not known.filled:
            if known.state in FINAL:  # the spooler gave up waiting for the document: nothing was printed
                return self._store.change(job, stage="fetched", job=0)
            await self._cups.send(job.printer, job.job, self._store.pdf(job.print_id))
        return self._store.change(job, stage="sent", state="queued", reasons=())

    async def _watch(self, job: Print, queues: Sequence[Queue]) -> None:
        known = await self._cups.job(job.job)
        if known is None:
            self._end(job, "aborted", ("unsure",))
        elif known.state in FINAL:
            self._end(job, known.state, known.reasons if known.state != "done" else ())
        else:
            state, reasons = _shown(known, next((q for q in queues if q.name == job.printer), None))
            self._store.change(job, state=state, reasons=reasons)

    def _end(self, job: Print, state: str, reasons: tuple[str, ...]) -> Print:
        self._store.drop_pdf(job.print_id)
        return self._store.change(job, stage="ended", state=state, reasons=reasons)


def _shown(job: Job, queue: Queue | None) -> tuple[str, tuple[str, ...]]:
    """What the clerk is told of a job that is not over: the printer's trouble is the job's trouble."""
    if queue is None:
        return job.state, job.reasons
    return "stopped" if queue.state == "stopped" else job.state, queue.reasons
