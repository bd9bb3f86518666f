"""A backup holds everything, says when it does not, and comes back into either database."""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.adapters.writing import START, add, note, verified
from tests.real.plaintext import found_in
from tests.real.postgres import PostgresServer
from villagecall.adapters import commands
from villagecall.adapters.backup import BackupRefused, backup, check, restore
from villagecall.adapters.blobs_open import open_blobs
from villagecall.adapters.sql import open_journal
from villagecall.ids import uuid7
from villagecall.ports import Blobs, Journal, Place, Session
from villagecall.settings import Settings
from villagecall.vault import Vault

OLD = Vault({"k1": b"\1" * 32}, "k1", b"\3" * 32)
BOTH = Vault({"k2": b"\2" * 32, "k1": b"\1" * 32}, "k2", b"\3" * 32)
NEW = Vault({"k2": b"\2" * 32}, "k2", b"\3" * 32)


@dataclass
class Installation:
    """Two streams, a record, a page, a promise, a session."""

    settings: Settings
    streams: list[object]
    blob: str


async def filled(settings: Settings, *, migrate: bool = False) -> Installation:
    journal, sessions = await open_journal(settings.database_url, migrate=migrate)
    blobs = open_blobs(settings.blobs_spec, vault=OLD)
    first, second = uuid7(), uuid7()
    sealed = OLD.seal(uuid7(), first, {"name": "李桂芳", "id_number": "11010519491231002X"})
    blob = await blobs.put("申请人 李桂芳".encode() * 50, "text/plain")
    tokens = tuple(OLD.tokens(name="李桂芳"))
    await add(journal, first, "a", "b", records=(sealed.record,), tokens=tokens, names=("number:1",))
    await add(journal, first, "c", outbox=(note("issue", "1"),), join=(Place("q", "1"),))
    await add(journal, second)
    await journal.reserve("2026", "a")
    await sessions.put(Session(b"d", uuid7(), "csrf", START, START))
    await journal.close()
    (settings.data / "recordings").mkdir(parents=True, exist_ok=True)
    (settings.data / "recordings" / "open.webm").write_bytes(b"half a call")
    return Installation(settings, [first, second], blob.sha256)


async def the_same(one: Installation, settings: Settings, vault: Vault = OLD) -> None:
    """Everything of ``one`` is in ``settings``, and it goes on from there."""
    journal, sessions = await open_journal(settings.database_url)
    before, _ = await open_journal(one.settings.database_url)
    for stream in await before.streams(None, 10):
        assert await journal.raw(stream) == await before.raw(stream)
        assert await journal.snapshot(stream) == await before.snapshot(stream)
        await verified(journal, stream)
    assert await journal.records(None, 10) == await before.records(None, 10)
    await before.close()
    (found,) = await journal.search(vault.query("桂芳"), ["q"], 10)
    assert found.stream == one.streams[0]
    assert await journal.by_name("number:1") == found
    assert await journal.backlog() == {"issue": 1}
    assert await journal.reserve("2026", "b") == 2
    assert await sessions.get(b"d") is not None
    entries = await journal.since(0, 10)
    answer = await add(journal, found.stream, outbox=(note("issue", "2"),))
    assert answer.position > entries[-1].position
    assert [entry.seq for entry in await journal.since(entries[-1].position, 10)] == [4]
    assert len(await journal.claim(["issue"], 10, 1)) == 2
    await journal.close()
    blobs = open_blobs(settings.blobs_spec, vault=vault)
    assert (await blobs.get(one.blob)).startswith("申请人".encode())
    assert (settings.data / "recordings" / "open.webm").read_bytes() == b"half a call"


async def test_sqlite_there_and_back(tmp_path: Path) -> None:
    one = await filled(Settings(data=tmp_path / "one"))
    answer = await backup(one.settings, tmp_path / "copy")
    assert answer == {"streams": 2, "actions": 4, "blobs": 1, "files": 3, "verified": True}
    other = Settings(data=tmp_path / "other")
    assert await restore(other, tmp_path / "copy") == answer
    await the_same(one, other)
    with pytest.raises(BackupRefused, match="there already"):
        await restore(other, tmp_path / "copy")


async def test_postgres_there_and_back(tmp_path: Path, postgres_url: str, postgres: PostgresServer) -> None:
    one = await filled(Settings(data=tmp_path / "one", database=postgres_url))
    await backup(one.settings, tmp_path / "copy")
    url = await postgres.database(empty=True)
    other = Settings(data=tmp_path / "other", database=url)
    await restore(other, tmp_path / "copy")
    await the_same(one, other)
    with pytest.raises(BackupRefused, match="not empty"):
        await restore(other, tmp_path / "copy")
    await postgres.drop(url)


async def test_from_sqlite_to_postgres_and_from_postgres_to_sqlite(tmp_path: Path, postgres_url: str) -> None:
    one = await filled(Settings(data=tmp_path / "one"))
    await backup(one.settings, tmp_path / "copy")
    grown = Settings(data=tmp_path / "grown", database=postgres_url)
    await restore(grown, tmp_path / "copy")
    await backup(grown, tmp_path / "second")
    again = Settings(data=tmp_path / "again")
    await restore(again, tmp_path / "second")
    await the_same(one, again)


async def test_a_backup_made_while_the_server_writes_is_consistent(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "one")
    one = await filled(settings)
    journal, _ = await open_journal(settings.database_url)
    for _ in range(5):  # still in the write-ahead log
        await add(journal, uuid7())
    answer = await backup(one.settings, tmp_path / "copy")
    assert answer["streams"] == 7
    await journal.close()


@pytest.mark.parametrize("what", ["blob", "journal", "missing", "manifest"])
async def test_a_changed_backup_is_refused(tmp_path: Path, what: str) -> None:
    one = await filled(Settings(data=tmp_path / "one"))
    copy = tmp_path / "copy"
    await backup(one.settings, copy)
    (blob,) = [path for path in (copy / "blobs").rglob("*") if path.is_file()]
    target = {"blob": blob, "missing": blob, "journal": copy / "journal.db", "manifest": copy / "manifest.json"}[what]
    target.chmod(0o600)
    if what == "missing":
        target.unlink()
    else:
        data = target.read_bytes()
        target.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:] if what != "manifest" else b"{")
    with pytest.raises(BackupRefused):
        await check(copy)
    with pytest.raises(BackupRefused):
        await restore(Settings(data=tmp_path / "other"), copy)
    assert not (tmp_path / "other" / "villagecall.db").exists()


async def test_a_journal_whose_chain_is_broken_is_told(tmp_path: Path) -> None:
    """Somebody changed the database itself before the backup: the copy is whole, its contents are not."""
    one = await filled(Settings(data=tmp_path / "one"))
    connection = sqlite3.connect(tmp_path / "one" / "villagecall.db")
    connection.execute("update actions set raw = replace(cast(raw as text), 'system', 'nobody') where seq = 2")
    connection.commit()
    connection.close()
    with pytest.raises(BackupRefused, match="entry 2"):
        await backup(one.settings, tmp_path / "copy")


async def test_no_backup_of_nothing_nor_over_something(tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="no database"):
        await backup(Settings(data=tmp_path / "none"), tmp_path / "copy")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(BackupRefused, match="not empty"):
        await backup(Settings(data=tmp_path / "none"), tmp_path / "full")
    with pytest.raises(BackupRefused, match="not a backup"):
        await check(tmp_path / "full")


async def test_no_plaintext_in_database_blobs_or_backup(tmp_path: Path) -> None:
    one = await filled(Settings(data=tmp_path / "one"))
    await backup(one.settings, tmp_path / "copy")
    assert found_in(tmp_path, ["李桂芳", "桂芳", "11010519491231002X"]) == []


async def test_rotation_leaves_nothing_under_the_old_key(tmp_path: Path) -> None:
    one = await filled(Settings(data=tmp_path / "one"))
    journal, _ = await open_journal(one.settings.database_url)
    assert await commands.rotate(journal, open_blobs(one.settings.blobs_spec, vault=BOTH), BOTH) == {
        "key": "k2",
        "records": 1,
        "blobs": 1,
    }
    again = await commands.rotate(journal, open_blobs(one.settings.blobs_spec, vault=BOTH), BOTH)
    assert again == {"key": "k2", "records": 0, "blobs": 0}
    (record,) = await journal.records(None, 10)
    assert NEW.open(record)["name"] == "李桂芳"
    assert await open_blobs(one.settings.blobs_spec, vault=NEW).get(one.blob)
    assert len(await journal.search(NEW.query("李桂芳"), [], 10)) == 1  # the tokens stayed
    await journal.close()


@dataclass
class Parts:
    journal: Journal
    blobs: Blobs
    vault: Vault


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def open_app(config: Path | None) -> AsyncIterator[Parts]:
        settings = Settings(data=tmp_path / "one")
        journal, _ = await open_journal(settings.database_url)
        yield Parts(journal, open_blobs(settings.blobs_spec, vault=BOTH), BOTH)
        await journal.close()

    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers(), open_app)

    def run(*words: str) -> dict[str, object]:
        args = parser.parse_args(words)
        assert args.run(args) == 0
        answer: dict[str, object] = json.loads(capsys.readouterr().out)
        return answer

    monkeypatch.setenv("VILLAGECALL_DATA", str(tmp_path / "one"))
    assert run("migrate") == {"revision": "0001"}
    assert run("vault", "rotate") == {"key": "k2", "records": 0, "blobs": 0}
    assert run("backup", str(tmp_path / "copy"))["verified"] is True
    shutil.rmtree(tmp_path / "one")
    assert run("restore", str(tmp_path / "copy"))["verified"] is True
