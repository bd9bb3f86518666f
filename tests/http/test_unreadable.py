"""What is no request gets a sentence too: status, code, both languages, and nothing of what answers here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
import structlog

from tests.support.site import settings_for
from villagecall.app import listening, open_services


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    async with open_services(settings_for(tmp_path, port=0), work=False) as services, listening(services) as port:
        yield port


async def answered(port: int, raw: bytes) -> tuple[int, dict[str, str], dict[str, str]]:
    """Status, headers and body of what a server says to these bytes before it closes the line."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    async with asyncio.timeout(10):
        told = await reader.read()
    writer.close()
    head, _, body = told.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, orjson.loads(body)


UNREADABLE = {
    "not_http": [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS, spoken to a port without
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
    ],
    "header_too_long": [
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"a" * 9000 + b"\r\n\r\n",
    ],
}


@pytest.mark.parametrize(("code", "raw"), [(code, raw) for code, raws in UNREADABLE.items() for raw in raws])
async def test_it_is_refused_as_everything_is(port: int, code: str, raw: bytes) -> None:
    with structlog.testing.capture_logs() as logs:
        status, headers, body = await answered(port, raw)
    assert (status, body["code"]) == ({"not_http": 400, "header_too_long": 431}[code], code)
    assert body["zh"].endswith("。") and body["todo_zh"] and body["en"] and body["todo_en"]
    assert headers["Server"] == "villagecall"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert [line["log_level"] for line in logs if line["event"] == "request_unreadable"] == ["info"]


async def test_a_readable_one_goes_its_usual_way(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()
