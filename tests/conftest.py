"""Real servers for the tests that name them: one of each per test process, started when first asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from tests.real.postgres import PostgresServer
from tests.real.redis import RedisServer
from tests.real.s3 import S3Server

# How long one example takes says how busy the machine is; a test that hangs is ended by its own timeout.
settings.register_profile("villagecall", deadline=None)
settings.load_profile("villagecall")


SLOW_FIRST = (
    *("scan", "signaling", "http", "issuing", "adapters"),
    *("test_power_cut", "test_second_screen_and_public", "test_desks", "test_town_case"),
)
"""Rooms and journeys that take longest: begun first, so that no process is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: at for at, name in enumerate(SLOW_FIRST)}
    items.sort(key=lambda item: places.get(item.path.parent.name, places.get(item.path.stem, len(places))))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The cluster. A test that stops or kills it starts its own instead."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture
async def postgres_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """A fresh migrated database."""
    url = await postgres.database()
    yield url
    await postgres.drop(url)


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis: RedisServer) -> str:
    return redis.url


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def s3_spec(s3: S3Server) -> str:
    """An empty place in a bucket, as the setting ``blobs`` names it."""
    return s3.spec()
