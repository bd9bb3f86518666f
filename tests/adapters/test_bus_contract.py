"""What every bus promises, and what Redis does when it is away."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.real.process import free_ports
from tests.real.redis import RedisServer
from villagecall.adapters.bus_redis import open_bus
from villagecall.errors import Unavailable
from villagecall.journal import JSON
from villagecall.ports import Bus

Hint = tuple[str, dict[str, JSON]]


@pytest.fixture(params=["local", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    opened = open_bus("" if request.param == "local" else request.getfixturevalue("redis_url"))
    yield opened
    await opened.close()


async def heard(hints: AsyncIterator[Hint], count: int) -> list[Hint]:
    return [await asyncio.wait_for(anext(hints), 5) for _ in range(count)]


async def test_a_listener_hears_its_topics_in_order(bus: Bus) -> None:
    async with bus.subscribe("case", "presence:*") as hints:
        await bus.publish("case", {"case": "1", "seq": 3, "名": ["甲", None, True]})
        await bus.publish("cases", {})
        await bus.publish("presence:town 1", {"here": True})
        await bus.publish("presence", {})
        await bus.publish("case", {"case": "2"})
        assert await heard(hints, 3) == [
            ("case", {"case": "1", "seq": 3, "名": ["甲", None, True]}),
            ("presence:town 1", {"here": True}),
            ("case", {"case": "2"}),
        ]


async def test_every_listener_hears(bus: Bus) -> None:
    async with bus.subscribe("a") as first, bus.subscribe("*") as second:
        await bus.publish("a", {"n": 1})
        assert await heard(first, 1) == await heard(second, 1) == [("a", {"n": 1})]


async def test_a_prefix_is_taken_literally(bus: Bus) -> None:
    async with bus.subscribe("a[b]?*", "end") as hints:
        await bus.publish("ab?c", {})
        await bus.publish("a[b]xc", {})
        await bus.publish("a[b]?c", {})
        await bus.publish("end", {})
        assert [topic for topic, _ in await heard(hints, 2)] == ["a[b]?c", "end"]


async def test_who_left_hears_nothing_more(bus: Bus) -> None:
    async with bus.subscribe("a"):
        pass
    await bus.publish("a", {})  # to nobody
    async with bus.subscribe("a") as hints:
        await bus.publish("a", {"n": 2})
        assert await heard(hints, 1) == [("a", {"n": 2})]


async def test_a_thousand_hints_arrive(bus: Bus) -> None:
    async with bus.subscribe("n") as hints:
        for n in range(1000):
            await bus.publish("n", {"n": n})
        assert [message["n"] for _, message in await heard(hints, 1000)] == list(range(1000))


async def test_the_bus_is_ready(bus: Bus) -> None:
    assert await bus.ready()


async def test_without_redis_publishing_is_unavailable_and_listening_goes_on() -> None:
    bus = open_bus(f"redis://127.0.0.1:{free_ports(1)[0]}/0")
    assert not await bus.ready()
    with pytest.raises(Unavailable):
        await bus.publish("a", {})
    async with bus.subscribe("a"):
        pass
    await bus.close()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


async def test_a_listener_hears_again_when_redis_is_back(own_redis: RedisServer) -> None:
    bus = open_bus(own_redis.url)
    async with bus.subscribe("a") as hints:
        await bus.publish("a", {"n": 1})
        await heard(hints, 1)
        await asyncio.to_thread(own_redis.kill, signal.SIGKILL)
        with pytest.raises(Unavailable):
            await bus.publish("a", {"n": 2})
        own_redis.restart()
        await asyncio.to_thread(own_redis.wait_again)

        async def publish_until_heard() -> None:
            while True:
                await bus.publish("a", {"n": 3})
                await asyncio.sleep(0.1)

        publishing = asyncio.create_task(publish_until_heard())
        assert await heard(hints, 1) == [("a", {"n": 3})]
        publishing.cancel()
    await bus.close()


async def test_a_silent_redis_does_not_hang_anybody(own_redis: RedisServer) -> None:
    bus = open_bus(own_redis.url)
    await bus.publish("a", {})
    own_redis.send(signal.SIGSTOP)
    started = time.monotonic()
    try:
        with pytest.raises(Unavailable):
            await bus.publish("a", {})
        assert not await bus.ready()
        assert time.monotonic() - started < 12
    finally:
        own_redis.send(signal.SIGCONT)
    await bus.publish("a", {})
    await bus.close()
