"""A running server over the small county, and browsers that talk to it as a page would."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from tests.support.clock import FixedClock
from tests.support.county import County, small_county
from tests.support.office import Office
from villagecall.app import open_services
from villagecall.directory.model import Person
from villagecall.http import guard
from villagecall.http.server import build_app
from villagecall.http.services import Services
from villagecall.ports import Session
from villagecall.settings import Settings

Client = TestClient[Request, Application]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers, and the body read."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    def json(self) -> Any:
        return orjson.loads(self.raw)

    @property
    def code(self) -> str:
        """The code of a refusal, empty where the answer is none."""
        if not self.raw or "json" not in self.headers.get("Content-Type", ""):
            return ""
        doc = self.json()
        return str(doc.get("code", "")) if isinstance(doc, dict) and self.status >= 400 else ""


@dataclass
class Browser:
    """One person's browser, or nobody's: keeps cookie and CSRF token as the pages do."""

    client: Client
    cookie: str = ""
    csrf: str = ""
    device: str = ""

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Redirects are not followed. A header given as empty is not sent."""
        sent = {"Accept": "application/json"}
        if self.cookie:
            sent["Cookie"] = f"{guard.COOKIE}={self.cookie}"
        if self.csrf and method not in ("GET", "HEAD"):
            sent[guard.CSRF_HEADER] = self.csrf
        if self.device:
            sent["Authorization"] = f"Device {self.device}"
        if json is not None:
            data, sent["Content-Type"] = orjson.dumps(json), "application/json"
        sent |= headers or {}
        sent = {name: value for name, value in sent.items() if value}
        async with self.client.request(method, path, data=data, headers=sent, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await _body(response))

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.request("GET", path, **more)

    async def post(self, path: str, json: object = None, **more: Any) -> Answer:
        return await self.request("POST", path, json=json, **more)

    async def put(self, path: str, json: object = None, **more: Any) -> Answer:
        return await self.request("PUT", path, json=json, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.request("DELETE", path, **more)


async def _body(response: ClientResponse) -> bytes:
    return b"" if response.status == 101 else await response.read()


@dataclass(frozen=True, slots=True)
class Site:
    services: Services
    county: County
    clock: FixedClock
    client: Client

    def nobody(self) -> Browser:
        return Browser(self.client)

    def office(self) -> Office:
        """The hands of the tests of the case service, at work on the running server."""
        all_ = self.services
        return Office(self.county, all_.approval, all_.bus, all_.journal, all_.vault, self.clock)

    async def browser(self, person: Person) -> Browser:
        """Signed in without the second that a password takes."""
        token = secrets.token_urlsafe(16)
        now = self.clock.now()
        ends = guard.lifetime(self.services, now)
        session = Session(guard.digest(token), person.person_id, secrets.token_urlsafe(8), now, ends)
        await self.services.sessions.put(session)
        return Browser(self.client, token, session.csrf)


def settings_for(folder: Path, **changes: Any) -> Settings:
    """A demonstration's settings with keys of its own."""
    facts: dict[str, Any] = {
        "data": folder,
        "database": "memory:",
        "demo": True,
        "port": 0,
        "scan_text": False,  # a second of computing for every page; tests that look at the text turn it on
        "vault_keys": f"k1:{secrets.token_hex(32)}",
        "vault_token_key": secrets.token_hex(32),
    }
    return Settings(**(facts | changes))


@asynccontextmanager
async def open_site(
    folder: Path, *, passwords: bool = False, work: bool = False, **changes: Any
) -> AsyncIterator[Site]:
    """The real composition, its journal in memory, the rest in ``folder``.

    ``work``: the outbox is consumed and calls can be made.
    """
    clock = FixedClock()
    async with open_services(settings_for(folder, **changes), work=work, clock=clock) as services:
        county = await small_county(
            services.journal, services.vault, clock, passwords=passwords, directory=services.directory
        )
        server = TestServer(build_app(services))
        async with TestClient(server, cookie_jar=DummyCookieJar()) as client:
            yield Site(services, county, clock, client)
