"""The composition root: settings in, a running application out. The only importer of ``adapters``."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

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
from villagecall.errors import VillagecallError
from villagecall.http import log
from villagecall.http.server import build_app
from villagecall.http.services import Services
from villagecall.http.views import Views
from villagecall.issuing.devices import Devices
from villagecall.issuing.seal import open_signer
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
from villagecall.vault import Vault

_log = structlog.get_logger(__name__)


class NotConfigured(VillagecallError):
    """A setting that production needs is missing; the text says which."""


class PortTaken(VillagecallError):
    """The port cannot be listened on; the text says which, and what to do."""


def open_vault(settings: Settings) -> Vault:
    """The keys of this installation. Raises :class:`NotConfigured`."""
    if not settings.vault_keys or not settings.vault_token_key:
        raise NotConfigured("vault_keys and vault_token_key are not set (openssl rand -hex 32 makes a key)")
    try:
        pairs = [entry.split(":", 1) for entry in settings.vault_keys.split(",")]
        keys = {name.strip(): bytes.fromhex(value) for name, value in pairs}
        return Vault(keys, pairs[0][0].strip(), bytes.fromhex(settings.vault_token_key))
    except ValueError as error:
        raise NotConfigured("vault_keys is id:hex,id:hex and vault_token_key is hex") from error


def ports_of(settings: Settings) -> tuple[int, int] | None:
    """The UDP range of ``media_ports``."""
    if not settings.media_ports:
        return None
    try:
        low, high = (int(part) for part in settings.media_ports.split("-"))
    except ValueError as error:
        raise NotConfigured("media_ports is low-high") from error
    return low, high


@asynccontextmanager
async def open_services(
    settings: Settings, *, work: bool = True, clock: Clock | None = None
) -> AsyncIterator[Services]:
    """Everything that handlers and commands call. ``work``: consume the outbox and take part in calls.

    Closed in the reverse order of opening, so that nothing is asked of a part that is gone.
    """
    clock = clock or SystemClock()
    settings.data.mkdir(parents=True, exist_ok=True)
    vault = open_vault(settings)
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
        await directory.load()
        approval = Approval(journal, vault, directory, clock, bus, settings)
        views = Views(approval, directory, clock)
        ledger = Ledger(journal, vault, directory, clock)
        pool = Pool(settings)
        stack.push_async_callback(pool.close)
        scans = Scans(approval, blobs, bus, pool, vault, clock, settings)
        texts = Texts(approval, blobs, TextReader(settings), settings)
        issuing = Issuing(approval, journal, blobs, open_signer(settings), directory, vault, clock, settings)
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


@asynccontextmanager
async def listening(services: Services) -> AsyncIterator[int]:
    """The server on its port; gives the port (the setting 0 takes a free one)."""
    runner = web.AppRunner(build_app(services), access_log=None, shutdown_timeout=5.0, handle_signals=False)
    await runner.setup()
    try:
        host, wanted = services.settings.host, services.settings.port
        try:
            if not 0 <= wanted <= 65_535:  # uvloop would take what is left of it in 16 bits
                raise OSError(errno.EINVAL, "")
            await web.TCPSite(runner, host, wanted, backlog=1024).start()
        except OSError as error:
            raise PortTaken(
                f"端口 {wanted} 不能使用(可能已有程序占用),请换一个端口,例如 make demo PORT=8081。"
                f" {host}:{wanted} cannot be listened on ({os.strerror(error.errno or 0)}); choose another port."
            ) from error
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


async def serve(settings: Settings) -> None:
    """Run the server until it is told to stop."""
    async with open_services(settings) as services, listening(services):
        await until_told_to_stop()


def run(settings: Settings) -> int:
    """``villagecall serve``."""
    log.setup(settings.log_level)
    if settings.demo:
        _log.warning("demonstration", note="made-up secrets and a made-up seal: never for real cases")
    uvloop.run(serve(settings))
    return 0
