"""The migrations make the tables that the code is written for, on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from tests.adapters.writing import add
from tests.real.postgres import PostgresServer
from villagecall.adapters import migrate
from villagecall.adapters.sql import open_journal
from villagecall.adapters.sql_schema import REVISION, metadata
from villagecall.ids import uuid7


def differences(connection: sa.Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def shape(connection: sa.Connection) -> set[tuple[str, str, str, bool]]:
    """Columns as the database has them; types compared by their SQL."""
    found = sa.inspect(connection)
    return {
        (table, column["name"], str(column["type"].compile(connection.dialect)), bool(column["nullable"]))
        for table in found.get_table_names()
        if table != "alembic_version"
        for column in found.get_columns(table)
    }


def wanted(connection: sa.Connection) -> set[tuple[str, str, str, bool]]:
    return {
        (table.name, column.name, str(column.type.compile(connection.dialect)), bool(column.nullable))
        for table in metadata.sorted_tables
        for column in table.columns
    }


def test_sqlite_gets_the_tables_of_the_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/folder/journal.db"
    migrate._sqlite(sa.make_url(url), upgrade=True)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert differences(connection) == []
        assert shape(connection) == wanted(connection)
    engine.dispose()


async def test_postgres_gets_the_tables_of_the_schema(postgres: PostgresServer) -> None:
    url = await postgres.database(empty=True)
    with pytest.raises(migrate.SchemaOutdated, match="villagecall migrate"):
        await open_journal(url)
    assert await migrate.upgrade(url) == REVISION
    assert await migrate.upgrade(url) == REVISION  # again does nothing
    await migrate.check(url)
    engine = create_async_engine(sa.make_url(url).set(drivername="postgresql+asyncpg"))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(shape) == await connection.run_sync(wanted)
    await engine.dispose()
    journal, _ = await open_journal(url)
    await add(journal, uuid7())
    await journal.close()
    await postgres.drop(url)


async def test_a_sqlite_of_a_newer_program_is_not_touched(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    await migrate.upgrade(url)
    connection = sqlite3.connect(tmp_path / "journal.db")
    connection.execute("update alembic_version set version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(migrate.SchemaOutdated, match="9999"):
        await open_journal(url)


async def test_a_database_of_a_newer_program_is_not_touched(postgres_url: str, postgres: PostgresServer) -> None:
    await postgres.execute("update alembic_version set version_num = '9999'", postgres_url.rsplit("/", 1)[1])
    with pytest.raises(migrate.SchemaOutdated, match="9999"):
        await open_journal(postgres_url)


async def test_opening_migrates_where_it_is_told_to(postgres: PostgresServer) -> None:
    url = await postgres.database(empty=True)
    journal, _ = await open_journal(url, migrate=True)
    assert await journal.ready()
    await journal.close()
    await postgres.drop(url)
