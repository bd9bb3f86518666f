"""The bus between processes: Redis publish and subscribe.

Redis carries hints only and may be wiped or away: publishing then says ``Unavailable`` within seconds, and a
listener goes on listening by itself as soon as Redis is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from villagecall.adapters.bus_local import Hint, LocalBus, Mailbox
from villagecall.errors import SettingsError, Unavailable
from villagecall.journal import JSON
from villagecall.ports import Bus

ANSWER_S = 1.5
GIVE_UP_S = 2.0
AGAIN_S = 0.5
_PREFIX = "villagecall:"
_DOWN = (RedisError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


def _pattern(topic: str) -> str:
    """A topic prefix as Redis' glob, with what a glob would read taken literally."""
    literal = "".join("\\" + char if char in "*?[]\\^-" else char for char in topic.removesuffix("*"))
    return f"{_PREFIX}{literal}*"


class RedisBus:
    """See :class:`villagecall.ports.Bus`."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 1),
        )
        self._listening: set[asyncio.Task[None]] = set()

    async def publish(self, topic: str, message: Mapping[str, JSON]) -> None:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                await self._redis.publish(_PREFIX + topic, orjson.dumps(dict(message)))
        except _DOWN as error:
            raise Unavailable(part="bus") from error

    @asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncIterator[AsyncIterator[Hint]]:
        mailbox, listening = Mailbox(topics), asyncio.Event()
        task = asyncio.create_task(self._listen(topics, mailbox, listening))
        self._listening.add(task)
        try:
            # Wait until Redis has the subscription, so that nothing published from now on is missed; if
            # Redis is away, go on: the listener polls its cursor anyway.
            with suppress(TimeoutError):
                async with asyncio.timeout(GIVE_UP_S):
                    await listening.wait()
            yield mailbox.hints()
        finally:
            self._listening.discard(task)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self, topics: tuple[str, ...], mailbox: Mailbox, listening: asyncio.Event) -> None:
        while True:
            pubsub = self._redis.pubsub()
            try:
                await self._receive(pubsub, topics, mailbox, listening)
            except _DOWN as error:
                if listening.is_set():  # once an outage, however long it is
                    log.warning("bus.listening_again", error=type(error).__name__)
                listening.clear()
                await asyncio.sleep(AGAIN_S)
            finally:
                with suppress(*_DOWN):
                    await pubsub.aclose()

    async def _receive(
        self, pubsub: PubSub, topics: tuple[str, ...], mailbox: Mailbox, listening: asyncio.Event
    ) -> None:
        whole = [_PREFIX + topic for topic in topics if not topic.endswith("*")]
        prefixes = [_pattern(topic) for topic in topics if topic.endswith("*")]
        if whole:
            await pubsub.subscribe(*whole)
        if prefixes:
            await pubsub.psubscribe(*prefixes)
        confirmed, quiet = 0, 0
        while True:
            message = await pubsub.get_message(timeout=5)
            if message is None:
                # Nobody spoke: ask whether Redis is still there. A silent peer would never be noticed else.
                quiet += 1
                if quiet > 1:
                    raise TimeoutError
                await pubsub.ping()
                continue
            quiet = 0
            if message["type"] in ("subscribe", "psubscribe"):
                confirmed += 1
                if confirmed == len(whole) + len(prefixes):
                    listening.set()
            elif message["type"] in ("message", "pmessage"):
                mailbox.put(message["channel"].decode().removeprefix(_PREFIX), orjson.loads(message["data"]))

    async def ready(self) -> bool:
        try:
            async with asyncio.timeout(GIVE_UP_S):
                return bool(await self._redis.ping())
        except _DOWN:
            return False

    async def close(self) -> None:
        for task in list(self._listening):
            task.cancel()
        with suppress(*_DOWN):
            await self._redis.aclose()


def open_bus(url: str) -> Bus:
    """``redis://…``, or the bus in this process when ``url`` is empty. Connects when it is first used."""
    try:
        return RedisBus(url) if url else LocalBus()
    except ValueError as error:
        raise SettingsError("redis", "应为 redis://主机:端口/0", "is redis://host:port/0") from error
