"""The composition root: settings in, a running application out. The only importer of ``adapters``."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import ClassVar

import structlog
import uvloop
from aiohttp import web

from villagecall.adapters.blobs_open import open_blobs
from villagecall.adapters.bus_local import LocalBus
from villagecall.adapters.bus_redis import open_bus
from villagecall.adapters.clock import SystemClock
from villagecall.adapters.sql import open_journal
from villagecall.approval.service import Approval
from villagecall.directory.service import Directory
from villagecall.errors import Hindrance, PartSilent, SettingsError, Unavailable
from villagecall.http import log
from villagecall.http.server import build_app
from villagecall.http.services import Services
from villagecall.http.unreadable import Runner
from villagecall.http.views import Views
from villagecall.issuing.devices import Devices
from villagecall.issuing.seal import PyHankoSigner, open_signer
from villagecall.issuing.seal_keys import SealError
from villagecall.issuing.service import Issuing
from villagecall.ledger.service import Ledger
from villagecall.outbox import Announcing, Outbox
from villagecall.ports import Clock
from villagecall.scan.duplicates import TOPIC as DUPLICATE
from villagecall.scan.duplicates import Duplicates
from villagecall.scan.pool import Pool
from villagecall.scan.service import Scans
from villagecall.scan.textreader import TextReader
from villagecall.scan.texts import TOPIC as TEXT
from villagecall.scan.texts import Texts
from villagecall.settings import Settings
from villagecall.signaling.hub import Hub
from villagecall.signaling.ice import ice_servers
from villagecall.signaling.node import AiortcNode
from villagecall.vault import Vault, VaultError

_log = structlog.get_logger(__name__)


class PortTaken(Hindrance):
    code: ClassVar[str] = "port_taken"
    zh: ClassVar[str] = "端口 {port} 不能使用(可能已有程序占用)。"
    en: ClassVar[str] = "{host}:{port} cannot be listened on ({why})."
    todo_zh: ClassVar[str] = "请换一个端口,例如 make demo PORT=8081。"
    todo_en: ClassVar[str] = "Please choose another port."


class FolderRefused(Hindrance):
    code: ClassVar[str] = "folder_not_writable"
    zh: ClassVar[str] = "数据文件夹 {folder} 不能写入({why})。"
    en: ClassVar[str] = "The data folder {folder} cannot be written to ({why})."
    todo_zh: ClassVar[str] = "请检查磁盘空间和权限,或在设置 data 里换一个文件夹。"
    todo_en: ClassVar[str] = "Look at the disk and the permissions, or name another folder in the setting data."


class WrongVaultKey(Hindrance):
    code: ClassVar[str] = "vault_key_wrong"
    zh: ClassVar[str] = "数据是用另一把密钥加密的,设置 vault_keys 里没有它。"
    en: ClassVar[str] = "What is stored was sealed with a key that vault_keys does not hold ({why})."
    todo_zh: ClassVar[str] = "请把建库时的密钥放回 vault_keys(新密钥写在前面);不要删除数据。"
    todo_en: ClassVar[str] = "Put the key it was sealed with back into vault_keys, newer ones in front; delete nothing."


def open_vault(settings: Settings) -> Vault:
    """The keys of this installation. Raises :class:`SettingsError`."""
    for name in ("vault_keys", "vault_token_key"):
        if not getattr(settings, name):
            raise SettingsError(
                name, "没有给出(openssl rand -hex 32 生成一把)", "is not set (openssl rand -hex 32 makes a key)"
            )
    try:
        pairs = [entry.split(":", 1) for entry in settings.vault_keys.split(",")]
        keys = {name.strip(): bytes.fromhex(value) for name, value in pairs}
        return Vault(keys, pairs[0][0].strip(), bytes.fromhex(settings.vault_token_key))
    except (ValueError, VaultError) as error:
        raise SettingsError(
            "vault_keys, vault_token_key",
            "vault_keys 应为 名称:密钥,名称:密钥,vault_token_key 是一把密钥;每把是 64 位十六进制数",
            "vault_keys is id:hex,id:hex and vault_token_key one hex key; each of 64 hexadecimal digits",
        ) from error


def open_seal(settings: Settings) -> PyHankoSigner:
    """The approval seal. Raises :class:`SettingsError`."""
    try:
        return open_signer(settings)
    except SealError as error:
        raise SettingsError("seal_pkcs12", f"审批印章不能用({error})", f"the seal cannot be used ({error})") from error


def ports_of(settings: Settings) -> tuple[int, int] | None:
    """The UDP range of ``media_ports``."""
    if not settings.media_ports:
        return None
    try:
        low, high = (int(part) for part in settings.media_ports.split("-"))
    except ValueError as error:
        raise SettingsError("media_ports", "应为 起-止,例如 40000-49999", "is low-high, as 40000-49999") from error
    return low, high


def make_folder(folder: Path) -> None:
    """The data folder, tried by writing. Raises :class:`FolderRefused`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise FolderRefused(folder=folder.absolute(), why=error.strerror) from error


@asynccontextmanager
async def open_services(
    settings: Settings, *, work: bool = True, clock: Clock | None = None
) -> AsyncIterator[Services]:
    """Everything that handlers and commands call. ``work``: consume the outbox and take part in calls.

    Closed in the reverse order of opening, so that nothing is asked of a part that is gone.
    """
    clock = clock or SystemClock()
    vault = open_vault(settings)
    await asyncio.to_thread(make_folder, settings.data)
    async with AsyncExitStack() as stack:
        bus = open_bus(settings.redis) if settings.redis else LocalBus()
        stack.push_async_callback(bus.close)
        stored, sessions = await open_journal(settings.database_url, clock=clock)
        journal = Announcing(stored, bus)
        stack.push_async_callback(journal.close)
        blobs = open_blobs(
            settings.blobs_spec,
            key=settings.s3_key,
            secret=settings.s3_secret,
            vault=vault,
        )
        stack.push_async_callback(blobs.close)
        directory = Directory(journal, vault, clock, bus, sessions)
        try:
            await directory.load()
        except VaultError as error:
            raise WrongVaultKey(why=error) from error
        approval = Approval(journal, vault, directory, clock, bus, settings)
        views = Views(approval, directory, clock)
        ledger = Ledger(journal, vault, directory, clock)
        pool = Pool(settings)
        stack.push_async_callback(pool.close)
        scans = Scans(approval, blobs, bus, pool, vault, clock, settings)
        texts = Texts(approval, blobs, TextReader(settings), settings)
        issuing = Issuing(approval, journal, blobs, open_seal(settings), directory, vault, clock, settings)
        devices = Devices(journal, directory, bus, clock)
        media = AiortcNode(
            settings.data / "recordings",
            [part.strip() for part in settings.media_addresses.split(",") if part.strip()],
            ports_of(settings),
            lambda: ice_servers(settings.turn_url, settings.turn_secret, "node", clock.now()),
        )
        stack.push_async_callback(media.close)
        hub = Hub(
            cases=approval,
            media=media,
            directory=directory,
            bus=bus,
            blobs=blobs,
            journal=journal,
            clock=clock,
            settings=settings,
            call_view=views.call_view,
            sessions=sessions,
        )
        outbox = Outbox(
            journal,
            bus,
            clock,
            {
                **approval.consumers(),
                **scans.consumers(),
                **Duplicates(approval, blobs, pool).consumers(),
                **texts.consumers(),
                **issuing.consumers(),
                **devices.consumers(),
                "recording": hub.consume,
            },
            parallel={TEXT: 1, DUPLICATE: 1},  # behind everything else, so one after the other
        )
        services = Services(
            settings=settings,
            clock=clock,
            journal=journal,
            sessions=sessions,
            bus=bus,
            blobs=blobs,
            vault=vault,
            directory=directory,
            approval=approval,
            pool=pool,
            scans=scans,
            hub=hub,
            issuing=issuing,
            devices=devices,
            ledger=ledger,
            outbox=outbox,
        )
        if work:
            await devices.start()
            stack.push_async_callback(devices.close)
            await hub.start()
            stack.push_async_callback(hub.close)
            warming = asyncio.create_task(scans.warm())
            stack.push_async_callback(_cancel, warming)
            await outbox.start()
            stack.push_async_callback(outbox.stop)
            stack.push_async_callback(texts.close)  # first of all: nobody waits at the end for a page to be read
            following = asyncio.create_task(directory.follow(bus))
            stack.push_async_callback(_cancel, following)
        yield services


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _taken(host: str, port: int, error: OSError) -> PortTaken:
    return PortTaken(host=host, port=port, why=os.strerror(error.errno or 0))


def _one_there_can_be(port: int) -> None:
    if not 0 <= port <= 65_535:  # uvloop would take what is left of it in 16 bits
        raise OSError(errno.EINVAL, "")


def try_port(settings: Settings) -> None:
    """For whoever has long work to do before listening. Raises :class:`PortTaken`."""
    try:
        _one_there_can_be(settings.port)
        socket.create_server((settings.host, settings.port)).close()
    except OSError as error:
        raise _taken(settings.host, settings.port, error) from error


@asynccontextmanager
async def listening(services: Services) -> AsyncIterator[int]:
    """The server on its port; gives the port (the setting 0 takes a free one)."""
    runner = Runner(build_app(services), access_log=None, shutdown_timeout=5.0, handle_signals=False)
    await runner.setup()
    try:
        host, wanted = services.settings.host, services.settings.port
        try:
            _one_there_can_be(wanted)
            await web.TCPSite(runner, host, wanted, backlog=1024).start()
        except OSError as error:
            raise _taken(host, wanted, error) from error
        port = runner.addresses[0][1]
        _log.info("listening", host=host, port=port)
        yield port
    finally:
        await runner.cleanup()


async def until_told_to_stop() -> None:
    """Returns on SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await stop.wait()


async def tell_silent(services: Services) -> list[str]:
    """Says in the log which of the parts that the server can wait for do not answer; gives their names.

    The server goes on: a county whose machines start all at once would else depend on their order, and each part
    is taken up by itself as soon as it answers (``/readyz`` tells).
    """
    asked = {"bus": services.bus.ready(), "blobs": services.blobs.ready()}
    silent = [part for part, ready in zip(asked, await asyncio.gather(*asked.values()), strict=True) if not ready]
    for part in silent:
        if told := PartSilent.of(Unavailable(part=part)):
            _log.error("part_silent", part=part, zh=told.say(told.zh), todo_zh=told.say(told.todo_zh))
    return silent


async def serve(settings: Settings) -> None:
    """Run the server until it is told to stop."""
    async with open_services(settings) as services, listening(services):
        await tell_silent(services)
        await until_told_to_stop()


def run(settings: Settings) -> int:
    """``villagecall serve``."""
    log.setup(settings.log_level)
    if settings.demo:
        _log.warning("demonstration", note="made-up secrets and a made-up seal: never for real cases")
    uvloop.run(serve(settings))
    return 0
