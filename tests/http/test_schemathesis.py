"""The server against its own description, asked by a machine: nothing it sends is an incident, and every
answer is one that the description knows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from tests.support.plant import plant
from tests.support.site import Site, open_site
from villagecall.directory.model import Role
from villagecall.http import openapi
from villagecall.http.guard import COOKIE, CSRF_HEADER, LIMITS
from villagecall.http.table import ROUTES

BY_OP = {route.op: route for route in ROUTES}
APART = ("socket", "device_socket", "logout", "login")
"""Not spoken by plain requests, or they end the session that the others need (login: a second of Argon2 each)."""

checks.load_all_checks()
CHECKS: list[Any] = [
    checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]


@schemathesis.serializer("application/offset+octet-stream")
def upload(context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A piece of a file is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


SCHEMA = schemathesis.openapi.from_dict(openapi.describe()).exclude(operation_id=list(APART))


@dataclass(frozen=True)
class Running:
    """A server in a thread of its own, with a signed-in session of each role."""

    url: str
    sessions: dict[Role, dict[str, str]]
    case_id: str
    site: Site

    def headers(self, op: str) -> dict[str, str]:
        route = BY_OP[op]
        return next((found for role, found in self.sessions.items() if role in route.roles), {})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("site")
    begun, over = threading.Event(), asyncio.Event()
    found: list[Running] = []
    loop = asyncio.new_event_loop()

    async def live() -> None:
        async with open_site(folder) as site:
            found.append(await _sign_in_everybody(site))
            begun.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        assert begun.wait(30)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(30)
        loop.close()


async def _sign_in_everybody(site: Site) -> Running:
    county = site.county
    sessions = {}
    for person in (county.willow_clerk, county.east_officer, county.civil_officer, county.supervisor, county.admin):
        browser = await site.browser(person)
        sessions[person.role] = {"Cookie": f"{COOKIE}={browser.cookie}", CSRF_HEADER: browser.csrf}
    case_id = await plant(site, village=county.willow, clerk=county.willow_clerk, item=county.card)
    return Running(f"http://{site.client.host}:{site.client.port}", sessions, str(case_id), site)


@SCHEMA.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_every_answer_is_one_that_the_description_knows(case: schemathesis.Case[Any], running: Running) -> None:
    op = case.operation.definition.raw["operationId"]
    if "case_id" in case.path_parameters:
        case.path_parameters["case_id"] = running.case_id
    for buckets in (running.site.client.app[LIMITS].public, running.site.client.app[LIMITS].pairing):
        buckets.forget("127.0.0.1")
    with requests.Session() as session:
        case.call_and_validate(
            base_url=running.url,
            session=session,
            headers=running.headers(op),
            checks=CHECKS,
            allow_redirects=False,
        )
