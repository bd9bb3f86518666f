"""What every store of sessions promises."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.adapters.writing import START
from villagecall.ids import uuid7
from villagecall.ports import Session, Sessions


def session(digest: bytes, **changes: Any) -> Session:
    given: dict[str, Any] = {
        "digest": digest,
        "person": uuid7(),
        "csrf": "csrf",
        "created": START,
        "expires": START + timedelta(hours=10, microseconds=3),
    }
    return Session(**{**given, **changes})


async def test_a_session_is_found_by_its_digest(sessions: Sessions) -> None:
    one = session(b"\1" * 32)
    await sessions.put(one)
    assert await sessions.get(one.digest) == one
    assert await sessions.get(b"\2" * 32) is None


async def test_putting_again_replaces(sessions: Sessions) -> None:
    await sessions.put(session(b"a"))
    other = session(b"a", csrf="new")
    await sessions.put(other)
    assert await sessions.get(b"a") == other


async def test_a_session_can_be_extended(sessions: Sessions) -> None:
    one = session(b"a")
    await sessions.put(one)
    later = START + timedelta(hours=20)
    await sessions.extend(b"a", later)
    await sessions.extend(b"nobody", later)
    found = await sessions.get(b"a")
    assert found is not None
    assert found.expires == later


async def test_logout_drops_one_or_all_of_a_person(sessions: Sessions) -> None:
    person = uuid7()
    for digest in (b"a", b"b", b"c"):
        await sessions.put(session(digest, person=person))
    await sessions.put(session(b"other"))
    await sessions.drop(b"a")
    await sessions.drop(b"a")
    assert await sessions.get(b"a") is None
    assert sorted(await sessions.drop_person(person)) == [b"b", b"c"]
    assert await sessions.drop_person(person) == []
    assert await sessions.get(b"other") is not None


async def test_ended_sessions_are_swept(sessions: Sessions) -> None:
    await sessions.put(session(b"old", expires=START))
    await sessions.put(session(b"new"))
    assert await sessions.sweep(START) == 1
    assert await sessions.sweep(START) == 0
    assert await sessions.get(b"old") is None
    assert await sessions.get(b"new") is not None
