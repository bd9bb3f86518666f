"""Brings a database's schema up to now (``villagecall migrate``), or says that it is not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.ext.asyncio import create_async_engine

from villagecall.adapters.postgres import DOWN
from villagecall.adapters.sql_schema import REVISION
from villagecall.errors import Hindrance, SettingsError, Unavailable

_LOCK = 0x76696C6C  # any constant: processes that migrate at the same time wait for each other


class SchemaOutdated(Hindrance):
    """The database is older or newer than this program."""

    code: ClassVar[str] = "schema_outdated"
    zh: ClassVar[str] = "数据库的版本是 {found},程序的版本是 {wanted}。"
    en: ClassVar[str] = "The database is at {found}, the program at {wanted}."
    todo_zh: ClassVar[str] = "请先运行 villagecall migrate;数据库比程序新时,请装回较新的程序。"
    todo_en: ClassVar[str] = "Run villagecall migrate first; is the database newer, install the newer program."


def address(url: str) -> sa.URL:
    """A database's URL, read. Raises :class:`villagecall.errors.SettingsError`, which never shows its password."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # its text may quote what stands before the @
        parsed = sa.make_url("unreadable://")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError(
            "database",
            "应为 sqlite:///文件 或 postgresql://用户:密码@主机:端口/库名",
            "is sqlite:///file or postgresql://user:password@host:port/name",
        )
    return parsed


def _upgrade(connection: sa.Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "villagecall.adapters:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # a revision that this program does not know
        raise SchemaOutdated(found=_revision(connection), wanted=REVISION) from error


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
    except sa.exc.DBAPIError as error:
        raise Unavailable(part="database") from (error.orig or error)
    except (*DOWN, asyncpg.PostgresError) as error:
        raise Unavailable(part="database") from error
    finally:
        await engine.dispose()


async def _reached(url: str, *, upgrade: bool) -> str | None:
    parsed = address(url)
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
        raise SchemaOutdated(found=found or "空 empty", wanted=REVISION)
