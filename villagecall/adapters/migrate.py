"""Brings a database's schema up to now (``villagecall migrate``), or says that it is not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.ext.asyncio import create_async_engine

from villagecall.adapters.sql_schema import REVISION
from villagecall.errors import Unavailable, VillagecallError

_LOCK = 0x76696C6C  # any constant: processes that migrate at the same time wait for each other


class SchemaOutdated(VillagecallError):
    """The database is older or newer than this program; the text says what to run."""


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "villagecall.adapters:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # a revision that this program does not know
        raise SchemaOutdated(f"the database is at {_revision(connection)}, the program at {REVISION}") from error


def _revision(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _sqlite(url: sa.URL, *, upgrade: bool) -> str | None:
    """SQLite in one transaction: the driver's own habit of committing before DDL is switched off."""
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"isolation_level": None, "timeout": 30})
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.commit()
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if upgrade:
                _upgrade(connection)
            found = _revision(connection)
            connection.exec_driver_sql("COMMIT")
            return found
    except sa.exc.OperationalError as error:
        raise Unavailable(part="database") from error
    finally:
        engine.dispose()


async def _postgres(url: sa.URL, *, upgrade: bool) -> str | None:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"), poolclass=sa.NullPool, connect_args={"timeout": 10}
    )
    try:
        async with engine.begin() as connection:
            if upgrade:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                await connection.run_sync(_upgrade)
            return await connection.run_sync(_revision)
    except (OSError, TimeoutError) as error:
        raise Unavailable(part="database") from error
    finally:
        await engine.dispose()


async def _reached(url: str, *, upgrade: bool) -> str | None:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return await asyncio.to_thread(_sqlite, parsed, upgrade=upgrade)
    return await _postgres(parsed, upgrade=upgrade)


async def upgrade(url: str) -> str:
    """Run every migration that is missing; gives the revision reached."""
    return await _reached(url, upgrade=True) or ""


async def upgrade_if_needed(url: str) -> None:
    """The same, without loading the migrations when there is nothing to do: most starts are that."""
    if await _reached(url, upgrade=False) != REVISION:
        await upgrade(url)


async def check(url: str) -> None:
    """Raises :class:`SchemaOutdated` unless the schema is the one this program was written for."""
    found = await _reached(url, upgrade=False)
    if found != REVISION:
        raise SchemaOutdated(f"the database is at {found or 'nothing'}, the program at {REVISION}: villagecall migrate")
