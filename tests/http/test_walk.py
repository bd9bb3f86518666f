"""Every route with every role, own and foreign units: what the table says is what happens.

The requests are made from the table, so a new route is walked the moment it stands there.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.support.plant import plant
from tests.support.site import Answer, Browser, Site
from villagecall.directory.model import Role
from villagecall.http.guard import LIMITS
from villagecall.http.parameters import path_of
from villagecall.http.table import ROUTES, Route
from villagecall.ids import uuid7
from villagecall.issuing.devices import Devices

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODIES: dict[str, Any] = {
    "login": {"login": "nobody", "password": "nothing"},
    "pair": {"code": "00000000", "name": "PC"},
    "open_case": {"case_id": str(uuid7()), "item": "LN-001"},
    "applicant": {"applicant": {"name": "李桂芳"}},
    "form": {"values": {"phone": "13800130000"}},
    "reveal": {"purpose": "核对电话"},
    "withdraw": {"reason": "申请人不办了"},
    "turn_page": {"degrees": 90},
    "pass_up": {"opinion": "齐全"},
    "approve": {"opinion": "同意"},
    "refuse": {"reasons": ["age"]},
    "return_case": {"defects": [{"code": "missing", "material": "id"}]},
    "print_case": {"print_id": str(uuid7())},
    "deliver": {"without": "按手印"},
    "rate": {"level": 5},
}
HEADERS = {
    "create_file": {"Tus-Resumable": "1.0.0", "Upload-Length": "3", "Upload-Metadata": ""},
    "append_file": {"Tus-Resumable": "1.0.0", "Upload-Offset": "0"},
    "file": {"Tus-Resumable": "1.0.0"},
}
OTHER_PARAMETERS = {"code": "LN-001", "number": "N0", "ticket": "t", "token": "t", "path": "nothing.js"}

BY_THE_GUARD = ("forbidden", "not_signed_in", "csrf_missing", "origin_refused", "incident")

BY_ROLE = [(route, role) for route in ROUTES for role in Role]
SCOPED = [route for route in ROUTES if route.scope == "case" and "{case_id}" in route.path]
WITH_OWN_CASES = (Role.CLERK, Role.TOWN, Role.DISTRICT)


@dataclass
class Staff:
    """A browser for each role, an own and a foreign case for those who have cases."""

    site: Site
    browsers: dict[Role, Browser]
    own: dict[Role, UUID] = field(default_factory=dict)
    foreign: dict[Role, UUID] = field(default_factory=dict)

    async def ask(self, route: Route, role: Role, case_id: UUID | None = None, query: str = "") -> Answer:
        """Ask as the pages would."""
        path, names = path_of(route)
        values = {name: OTHER_PARAMETERS.get(name) or str(uuid7()) for name in names}
        values["case_id"] = str(case_id or uuid7())
        body = BODIES.get(route.op)
        raw = b"abc" if route.body == "bytes" else None
        headers = dict(HEADERS.get(route.op, {}))
        if raw is not None:
            headers["Content-Type"] = "application/offset+octet-stream"
        return await self.browsers[role].request(
            route.method, path.format(**values) + query, json=body, data=raw, headers=headers
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def staff(site: Site) -> Staff:
    county = site.county
    people = {
        Role.CLERK: county.willow_clerk,
        Role.TOWN: county.east_officer,
        Role.DISTRICT: county.civil_officer,
        Role.SUPERVISOR: county.supervisor,
        Role.ADMIN: county.admin,
    }
    browsers = {role: await site.browser(person) for role, person in people.items()}
    browsers[Role.PUBLIC] = site.nobody()
    browsers[Role.DEVICE] = Browser(site.client, device=await pair(site.services.devices, site))
    found = Staff(site, browsers)
    east = await plant(site, village=county.willow, clerk=county.willow_clerk, item=county.subsidy, stage="district")
    found.own = dict.fromkeys((*WITH_OWN_CASES, Role.SUPERVISOR), east)
    west = await plant(site, village=county.hill, clerk=county.hill_clerk, item=county.filing, stage="district")
    found.foreign = dict.fromkeys(WITH_OWN_CASES, west)
    return found


async def pair(devices: Devices, site: Site) -> str:
    clerk = await site.browser(site.county.willow_clerk)
    code = (await clerk.post("/api/v1/devices/pairing")).json()["code"]
    answer = await site.nobody().post("/api/v1/devices/pair", {"code": code, "name": "柳溪村电脑"})
    return str(answer.json()["secret"])


@pytest.fixture(autouse=True)
def no_limits(site: Site) -> None:
    """The walk asks more often than anybody does; limits have tests of their own."""
    limits = site.client.app[LIMITS]
    limits.login_of.forget("nobody")
    for buckets in (limits.public, limits.pairing, limits.login_from):
        buckets.forget("127.0.0.1")


def name(value: object) -> str:
    return value.op if isinstance(value, Route) else value.value if isinstance(value, Role) else str(value)


@pytest.mark.parametrize(("route", "role"), [pair for pair in BY_ROLE if pair[1] not in pair[0].roles], ids=name)
async def test_a_role_that_is_not_in_the_table_is_refused(staff: Staff, route: Route, role: Role) -> None:
    answer = await staff.ask(route, role, staff.own.get(role, staff.own[Role.CLERK]))
    nobody = role in (Role.PUBLIC, Role.DEVICE)
    if nobody and route.open:
        assert answer.code not in BY_THE_GUARD, "open to everybody, an agent included"
    else:
        assert answer.status == (401 if nobody else 403)
        assert answer.code == ("not_signed_in" if nobody else "forbidden") or route.method == "HEAD"


@pytest.mark.parametrize(("route", "role"), [pair for pair in BY_ROLE if pair[1] in pair[0].roles], ids=name)
async def test_a_role_in_the_table_gets_past_the_guard(staff: Staff, route: Route, role: Role) -> None:
    if route.op == "logout":
        return await leave(staff, role)
    answer = await staff.ask(route, role, staff.own.get(role))
    assert answer.code not in BY_THE_GUARD, answer.raw
    assert answer.status not in (401, 403) or route.method != "HEAD"
    if route.scope == "case" and "{case_id}" in route.path and "{page_id}" not in route.path and route.body is None:
        assert answer.status != 404 or route.op in NOT_THERE_YET, answer.raw
    return None


NOT_THERE_YET = {"recording", "certificate_png", "casefile", "receipt"}
"""Own case, and yet 404: the case has no such thing."""


async def leave(staff: Staff, role: Role) -> None:
    person = staff.site.services.directory.people()
    mine = next(each for each in person if each.role is role)
    browser = await staff.site.browser(mine)
    assert (await browser.delete("/api/v1/session")).status == 200
    assert (await browser.get("/api/v1/session")).status == 401


@pytest.mark.parametrize(
    ("route", "role"), [(route, role) for route in SCOPED for role in WITH_OWN_CASES if role in route.roles], ids=name
)
async def test_a_foreign_units_case_is_answered_like_one_that_does_not_exist(
    staff: Staff, route: Route, role: Role
) -> None:
    foreign = await staff.ask(route, role, staff.foreign[role])
    nowhere = await staff.ask(route, role, uuid7())
    assert (foreign.status, foreign.raw) == (nowhere.status, nowhere.raw)
    assert foreign.status == 404


@pytest.mark.parametrize("route", [route for route in SCOPED if Role.SUPERVISOR in route.roles], ids=name)
async def test_a_supervisor_reads_every_units_case(staff: Staff, route: Route) -> None:
    for case_id in (staff.own[Role.CLERK], staff.foreign[Role.CLERK]):
        answer = await staff.ask(route, Role.SUPERVISOR, case_id)
        assert answer.status != 403
        assert answer.status != 404 or route.op in NOT_THERE_YET or "{page_id}" in route.path


async def test_an_upload_belongs_to_its_village(staff: Staff) -> None:
    county, site = staff.site.county, staff.site
    case_id = await plant(site, village=county.willow, clerk=county.willow_clerk, item=county.card)
    file_id = str(uuid7())
    meta = {"file_id": file_id, "material": "household", "name": "a.jpg"}
    coded = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in meta.items())
    tus = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    own, foreign = staff.browsers[Role.CLERK], await site.browser(county.hill_clerk)
    created = await own.request(
        "POST",
        f"/api/v1/cases/{case_id}/files",
        data=b"abc",
        headers={**tus, "Upload-Length": "6", "Upload-Metadata": coded},
    )
    assert created.status == 201, created.raw
    path, rest = f"/api/v1/files/{file_id}", {**tus, "Upload-Offset": "3"}
    assert (await foreign.request("HEAD", path, headers=tus)).status == 404
    assert (await foreign.request("PATCH", path, data=b"def", headers=rest)).status == 404
    assert (await own.request("HEAD", path, headers=tus)).headers["Upload-Offset"] == "3"
    assert (await own.request("PATCH", path, data=b"def", headers=rest)).status == 204


async def test_lists_of_a_foreign_unit_are_not_found(staff: Staff) -> None:
    county = staff.site.county
    clerk, supervisor = staff.browsers[Role.CLERK], staff.browsers[Role.SUPERVISOR]
    assert (await clerk.get(f"/api/v1/daybook?village={county.hill.code}")).status == 404
    assert (await clerk.get(f"/api/v1/daybook?village={county.willow.code}")).status == 200
    assert (await supervisor.get(f"/api/v1/daybook?village={county.hill.code}")).status == 200
    assert (await clerk.post(f"/api/v1/devices/pairing?unit={county.hill.code}")).status == 404
    assert (await staff.browsers[Role.ADMIN].post(f"/api/v1/devices/pairing?unit={county.hill.code}")).status == 200


async def test_the_lists_show_own_cases_only(staff: Staff) -> None:
    for role in WITH_OWN_CASES:
        answer = await staff.browsers[role].get("/api/v1/cases")
        assert str(staff.foreign[role]) not in answer.raw.decode()


async def test_every_operation_has_what_the_walk_needs() -> None:
    with_body = {route.op for route in ROUTES if isinstance(route.body, type)}
    assert with_body == set(BODIES)
    assert {route.op for route in ROUTES if route.body == "bytes"} <= set(HEADERS)
