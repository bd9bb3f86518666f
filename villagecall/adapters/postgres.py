"""PostgreSQL through asyncpg: a pool that never hangs, and says ``Unavailable`` when the server does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import sqlalchemy as sa

from villagecall.errors import Unavailable

ANSWER_S = 10.0
"""A statement that takes longer is given up."""

CONNECT_S = 5.0

DOWN = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke between preparing and running a statement
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


class _Connection(asyncpg.Connection):  # type: ignore[misc]
    def get_reset_query(self) -> str:
        """Nothing is ever set on a connection here, so giving it back needs no round trip."""
        return ""


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Turns a server that is down, full or silent into :class:`Unavailable`."""
    try:
        async with asyncio.timeout(ANSWER_S + CONNECT_S):
            yield
    except DOWN as error:
        raise Unavailable(part="database") from error


class Postgres:
    """See :class:`villagecall.adapters.journal_sql.Database`."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self.pool = pool

    @classmethod
    async def open(cls, url: str, connections: int = 16) -> Postgres:
        """``url`` as ``postgresql://user:password@host:port/name``."""
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        async with answering():
            pool = await asyncpg.create_pool(
                plain,
                min_size=min(2, connections),
                max_size=connections,
                max_inactive_connection_lifetime=600,
                timeout=CONNECT_S,
                command_timeout=ANSWER_S,
                statement_cache_size=512,
                max_cached_statement_lifetime=0,
                connection_class=_Connection,
                server_settings={
                    "application_name": "villagecall",
                    "default_transaction_isolation": "read committed",
                    "jit": "off",  # compiling takes longer than any of these statements
                },
            )
        return cls(pool)

    async def fetch(self, sql: str, *args: object) -> Sequence[Sequence[Any]]:
        async with answering():
            rows: list[asyncpg.Record] = await self.pool.fetch(sql, *args)
        return rows

    async def execute(self, sql: str, *args: object) -> Sequence[Sequence[Any]]:
        return await self.fetch(sql, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        async with answering(), self.pool.acquire(timeout=CONNECT_S) as connection, connection.transaction():
            yield connection

    async def ready(self) -> bool:
        try:
            return bool(await self.fetch("select 1"))
        except Unavailable:
            return False

    async def close(self) -> None:
        try:
            await asyncio.wait_for(self.pool.close(), CONNECT_S)
        except DOWN:
            self.pool.terminate()
