"""Signed-in browsers in the journal's database."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from villagecall.adapters.journal_sql import Database, uuid_of
from villagecall.adapters.sql_schema import micros, moment
from villagecall.ports import Session


class SqlSessions:
    """See :class:`villagecall.ports.Sessions`. ``get`` gives what is stored; the caller looks at ``expires``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, session: Session) -> None:
        await self._database.execute(
            "insert into sessions (digest, person, csrf, created, expires) values ($1, $2, $3, $4, $5)"
            " on conflict (digest) do update set person = excluded.person, csrf = excluded.csrf,"
            " created = excluded.created, expires = excluded.expires",
            session.digest,
            session.person,
            session.csrf,
            micros(session.created),
            micros(session.expires),
        )

    async def get(self, digest: bytes) -> Session | None:
        rows = await self._database.fetch(
            "select digest, person, csrf, created, expires from sessions where digest = $1", digest
        )
        if not rows:
            return None
        found, person, csrf, created, expires = rows[0]
        return Session(bytes(found), uuid_of(person), csrf, moment(created), moment(expires))

    async def extend(self, digest: bytes, expires: datetime) -> None:
        await self._database.execute("update sessions set expires = $2 where digest = $1", digest, micros(expires))

    async def drop(self, digest: bytes) -> None:
        await self._database.execute("delete from sessions where digest = $1", digest)

    async def drop_person(self, person: UUID) -> list[bytes]:
        rows = await self._database.execute("delete from sessions where person = $1 returning digest", person)
        return [bytes(row[0]) for row in rows]

    async def sweep(self, now: datetime) -> int:
        rows = await self._database.execute("delete from sessions where expires <= $1 returning digest", micros(now))
        return len(rows)
