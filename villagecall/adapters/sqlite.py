"""SQLite for a server: one writing thread that commits in groups, a few reading threads.

A commit costs one fsync whoever shares it. While one runs, the next writes wait in the queue; then they go
into one transaction and are answered after its commit. Writes of one kind are handed over together: as one
statement that commits by itself if that goes, else with statements that they share. If one of them has to be
undone after it wrote, the group is run again, each by itself in a savepoint: that is rare, and savepoints for
all would cost a tenth.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import UUID

from villagecall.errors import Refusal, Unavailable

T = TypeVar("T")
Item = TypeVar("Item")
Work = Callable[[sqlite3.Connection], T]
Many = Callable[[sqlite3.Connection, Sequence[Item]], Sequence[T | Refusal]]
"""Work for several callers together: an answer or a refusal for each, in their order."""
AtOnce = Callable[[sqlite3.Connection, Sequence[Item]], Sequence[T] | None]
"""The same outside a transaction, durable when it returns. None or an exception: nothing was written."""

GROUP = 512
"""Writes of one transaction at most, so that nobody waits for an endless group."""


@lru_cache(maxsize=1024)
def dialect(sql: str) -> str:
    """``$1`` as SQLite counts its parameters."""
    return sql.replace("$", "?")


def bind(args: Sequence[object]) -> list[Any]:
    return [arg.bytes if isinstance(arg, UUID) else arg for arg in args]


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode: transactions are begun by name."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma secure_delete = on")  # what is erased is overwritten, not only unlinked
    connection.execute("pragma cache_size = -32768")
    connection.execute("pragma wal_autocheckpoint = 4000")
    return connection


@dataclass(slots=True)
class _Job:
    """``work``, or ``many`` that does it for ``item`` and for those of other callers."""

    work: Work[Any] | None
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    many: Many[Any, Any] | None = None
    at_once: AtOnce[Any, Any] | None = None
    item: Any = None
    result: Any = None
    error: BaseException | None = None

    def resolve(self) -> None:
        if self.answer.done():  # the caller has gone away
            return
        if self.error is not None:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


def _resolve(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.resolve()


class Undo(Exception):
    """Raised by a piece of work: what it wrote is undone, and ``answer`` is its result nevertheless."""

    def __init__(self, answer: object) -> None:
        super().__init__(answer)
        self.answer = answer


def _run(connection: sqlite3.Connection, job: _Job) -> bool:
    """Run a job by itself; True if what it wrote must be undone."""
    job.result = job.error = None
    try:
        if job.work is not None:
            job.result = job.work(connection)
        elif job.many is not None:
            _share([job], job.many(connection, [job.item]))
    except Undo as undo:
        job.result = undo.answer
    except Exception as error:
        if not connection.in_transaction:  # SQLite itself has rolled everything back
            raise
        job.error = _translated(error)
    else:
        return False
    return True


def _share(jobs: Sequence[_Job], answers: Sequence[object]) -> None:
    for job, answer in zip(jobs, answers, strict=True):
        if isinstance(answer, Refusal):
            job.error = answer
        else:
            job.result = answer


def _plain(connection: sqlite3.Connection, group: Sequence[_Job]) -> bool:
    """Work of one kind together, then the rest; False if somebody has to be undone.

    A job that is refused before it has written anything needs no undoing: most refusals are. Who waits for
    an answer before asking again keeps the order; writes of one group were asked for at the same time.
    """
    together: dict[Many[Any, Any], list[_Job]] = {}
    for job in group:
        if job.many is not None:
            together.setdefault(job.many, []).append(job)
    for many, jobs in together.items():
        try:
            _share(jobs, many(connection, [job.item for job in jobs]))
        except Exception:
            if not connection.in_transaction:
                raise
            return False
    for job in group:
        if job.work is not None:
            before = connection.total_changes
            if _run(connection, job) and connection.total_changes != before:
                return False
    return True


def _apart(connection: sqlite3.Connection, group: Sequence[_Job]) -> bool:
    """Each in a savepoint of its own."""
    for job in group:
        connection.execute("savepoint one")
        if _run(connection, job):
            connection.execute("rollback to one")
        connection.execute("release one")
    return True


class Sqlite:
    """See :class:`villagecall.adapters.journal_sql.Database`."""

    def __init__(self, path: Path, readers: int = 4) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._local = threading.local()
        self._reading: list[sqlite3.Connection] = []
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="sqlite-read")
        self._connection = connect(path)
        self._writer = threading.Thread(target=self._write, name="sqlite-write", daemon=True)
        self._writer.start()
        self._closed = False

    # -- writing

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in the next transaction; back when that is on the disk."""
        if self._closed:
            raise Unavailable(part="database")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, loop, answer))
        return await answer

    async def write_together(self, many: Many[Item, T], item: Item, *, at_once: AtOnce[Item, T] | None = None) -> T:
        """The same, by work that is done for all the callers who ask for it meanwhile.

        ``at_once`` is tried first where nothing else is in the group. ``many`` may raise: then it is asked again
        for each item by itself, and what it raises then (or the answer of an :class:`Undo`) is for this caller.
        """
        if self._closed:
            raise Unavailable(part="database")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(None, loop, answer, many, at_once, item))
        return await answer

    async def execute(self, sql: str, *args: object) -> Sequence[Sequence[Any]]:
        bound, said = bind(args), dialect(sql)
        return await self.write(lambda connection: connection.execute(said, bound).fetchall())

    def _write(self) -> None:
        while (job := self._jobs.get()) is not None:
            group = [job]
            stop = False
            while len(group) < GROUP and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    stop = True
                    break
                group.append(following)
            self._commit(group)
            self._answer(group)
            if stop:
                break
        self._connection.close()

    def _commit(self, group: list[_Job]) -> None:
        """One transaction for all, without savepoints as long as nobody has to be undone alone."""
        if not self._at_once(group) and not self._transaction(group, _plain):
            self._transaction(group, _apart)

    def _at_once(self, group: list[_Job]) -> bool:
        """True if all were done by one piece of work that commits by itself."""
        at_once = group[0].at_once
        if at_once is None or any(job.at_once != at_once for job in group):
            return False
        try:
            answers = at_once(self._connection, [job.item for job in group])
        except Exception:  # whatever it was, each write is looked at in a transaction, and gets its own error
            return False
        if answers is not None:
            _share(group, answers)
        return answers is not None

    def _transaction(self, group: list[_Job], run: Callable[[sqlite3.Connection, Sequence[_Job]], bool]) -> bool:
        """False: rolled back, because one job could not be undone alone."""
        connection = self._connection
        try:
            connection.execute("begin immediate")
            if not run(connection, group):
                connection.execute("rollback")
                return False
            connection.execute("commit")
        except Exception as error:  # the disk is full, another process holds the lock …
            with suppress(sqlite3.Error):
                connection.execute("rollback")
            for job in group:
                job.error = _translated(error)
        return True

    @staticmethod
    def _answer(group: list[_Job]) -> None:
        for loop in {job.loop for job in group}:
            with suppress(RuntimeError):  # a loop that was closed meanwhile has nobody waiting
                loop.call_soon_threadsafe(_resolve, [job for job in group if job.loop is loop])

    # -- reading

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` on a reading connection."""
        if self._closed:
            raise Unavailable(part="database")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            connection = cast("sqlite3.Connection | None", getattr(self._local, "connection", None))
            if connection is None:
                connection = connect(self._path)
                connection.execute("pragma query_only = on")
                self._local.connection = connection
                self._reading.append(connection)
            return work(connection)
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def fetch(self, sql: str, *args: object) -> Sequence[Sequence[Any]]:
        bound, said = bind(args), dialect(sql)
        return await self.read(lambda connection: connection.execute(said, bound).fetchall())

    async def ready(self) -> bool:
        try:
            return bool(await self.fetch("select 1"))
        except Unavailable:
            return False

    async def close(self) -> None:
        """What was handed in before is still committed."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            await asyncio.to_thread(self._writer.join)
            await asyncio.to_thread(self._readers.shutdown)
            for connection in self._reading:
                connection.close()


def _translated(error: Exception) -> Exception:
    """Disk full, I/O error, locked by another process: the part is unavailable; other errors are ours."""
    if isinstance(error, sqlite3.OperationalError):
        unavailable = Unavailable(part="database")
        unavailable.__cause__ = error
        return unavailable
    return error
