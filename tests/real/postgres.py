"""A real PostgreSQL for the test run."""

from __future__ import annotations

import asyncio
import subprocess
from itertools import count
from uuid import uuid4

import asyncpg

from tests.real.process import Server, free_ports, own_folder, program, supervised
from villagecall.adapters import migrate

_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/local/bin")


class PostgresServer(Server):
    """One cluster; :meth:`database` gives a fresh migrated database, quickly, by copying one."""

    def __init__(self, *, durable: bool = False) -> None:
        folder = own_folder("postgres")
        initdb = program("initdb", *_FOLDERS)
        subprocess.run(
            supervised(
                [initdb, "-D", str(folder / "data"), "-U", "village", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
                ordinary=True,
            ),
            check=True,
            capture_output=True,
            cwd=folder,
        )
        (self.port,) = free_ports(1)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(folder),
            "shared_buffers": "64MB",
            "max_connections": "200",
            "fsync": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
            "max_wal_size": "2GB",
            "autovacuum_naptime": "5s",
        }
        command = [program("postgres", *_FOLDERS), "-D", str(folder / "data")]
        super().__init__(
            command + [f"--{name}={value}" for name, value in options.items()], folder, stop="INT", ordinary=True
        )
        self._numbers = count(1)
        self._run = uuid4().hex[:8]
        self.wait(lambda: asyncio.run(self._answers()))
        asyncio.run(self.execute("create database template_village"))
        asyncio.run(migrate.upgrade(self.url("template_village")))

    def url(self, database: str) -> str:
        return f"postgresql://village@127.0.0.1:{self.port}/{database}"

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.url("postgres"), timeout=2)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True

    def wait_again(self) -> None:
        """After :meth:`restart`."""
        self.wait(lambda: asyncio.run(self._answers()))

    async def execute(self, sql: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.url(database))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def database(self, *, empty: bool = False) -> str:
        """The URL of a new database, migrated unless ``empty``."""
        name = f"v{self._run}_{next(self._numbers)}"
        await self.execute(f"create database {name}" + ("" if empty else " template template_village"))
        return self.url(name)

    async def drop(self, url: str) -> None:
        await self.execute(f"drop database if exists {url.rsplit('/', 1)[1]} with (force)")
