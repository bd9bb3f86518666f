"""Sessions, foreign pages, readable requests, keys and limits: what stands before every handler."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import orjson
import pytest
import pytest_asyncio

from tests.support.plant import plant
from tests.support.site import Browser, Site
from villagecall.http.guard import BODY_LIMIT, COOKIE, LIMITS, lifetime
from villagecall.ids import uuid7

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL = {"name": "李桂芳", "id_number": "11010519491231002X", "phone": "13800130000", "address": "柳溪村3组"}


@pytest_asyncio.fixture(loop_scope="module")
async def clerk(site: Site) -> Browser:
    site.client.app[LIMITS].public.forget("127.0.0.1")
    return await site.browser(site.county.willow_clerk)


async def open_case(browser: Browser, **more: object) -> int:
    body = {"case_id": str(uuid7()), "item": "LN-001"}
    return (await browser.post("/api/v1/cases", body, **more)).status


async def test_a_session_is_who_you_are(site: Site, clerk: Browser) -> None:
    answer = await clerk.get("/api/v1/session")
    assert answer.status == 200
    assert (answer.json()["name"], answer.json()["role"], answer.json()["unit_name"]) == ("张晓梅", "clerk", "柳溪村")
    assert answer.json()["csrf"] == clerk.csrf


async def test_a_cookie_of_nobodys_is_not_signed_in(site: Site) -> None:
    for cookie in ("x", "", "é"[:0] + "a" * 4000):
        answer = await Browser(site.client, cookie).get("/api/v1/session")
        assert (answer.status, answer.code) == (401, "not_signed_in")
        assert answer.json()["todo_zh"]


async def test_a_change_needs_the_sessions_token(site: Site, clerk: Browser) -> None:
    assert await open_case(clerk) == 201
    for wrong in ("", "x", clerk.csrf + "x", (await site.browser(site.county.willow_clerk)).csrf):
        answer = await clerk.post(
            "/api/v1/cases", {"case_id": str(uuid7()), "item": "LN-001"}, headers={"X-CSRF-Token": wrong}
        )
        assert (answer.status, answer.code) == (403, "csrf_missing")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({}, 201),
    ],
)
async def test_a_foreign_page_changes_nothing(clerk: Browser, headers: dict[str, str], status: int) -> None:
    assert await open_case(clerk, headers=headers) == status


async def test_our_own_page_may(site: Site, clerk: Browser) -> None:
    own = f"http://{site.client.host}:{site.client.port}"
    assert await open_case(clerk, headers={"Origin": own}) == 201
    assert await open_case(clerk, headers={"Origin": own.replace("http:", "https:")}) == 201, "behind the TLS proxy"


async def test_reading_from_elsewhere_gives_what_the_cookie_allows(clerk: Browser) -> None:
    assert (await clerk.get("/api/v1/session", headers={"Origin": "https://evil.example"})).status == 200


async def test_sign_in_from_a_foreign_page_is_refused(site: Site) -> None:
    answer = await site.nobody().post(
        "/api/v1/session", {"login": "willow", "password": "x"}, headers={"Origin": "https://evil.example"}
    )
    assert (answer.status, answer.code) == (403, "origin_refused")


ODD = {
    "a cookie that is no UTF-8": (b"GET /api/v1/session", b"Cookie: vc_session=\xff\xfe", 401),
    "an agent's secret that is no UTF-8": (b"GET /api/v1/print/t", b"Authorization: Device \xff", 401),
    "an origin that is no address": (b"POST /api/v1/session", b"Origin: http://[::1", 403),
    "a body packed otherwise than it says": (b"POST /api/v1/session", b"Content-Encoding: gzip", 400),
    "a file's name of any length": (b"GET /assets/" + b"a" * 5000, b"Accept: */*", 400),
}


async def say(site: Site, line: bytes, *headers: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to bytes that no client library would send."""
    reader, writer = await asyncio.open_connection(site.client.host, site.client.port)
    head = (b"Host: localhost", b"Connection: close", b"Content-Type: application/json", b"Content-Length: 2", *headers)
    writer.write(b"\r\n".join((line + b" HTTP/1.1", *head, b"", b"{}")))
    answer, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(answer.split()[1]), body


@pytest.mark.parametrize("odd", ODD)
async def test_no_request_is_odd_enough_for_an_incident(site: Site, odd: str) -> None:
    line, header, status = ODD[odd]
    found, body = await say(site, line, header)
    assert (found, bool(orjson.loads(body)["todo_zh"])) == (status, True)


async def test_a_token_that_is_no_utf8_is_not_ours(site: Site, clerk: Browser) -> None:
    cookie = f"Cookie: {COOKIE}={clerk.cookie}".encode()
    found, body = await say(site, b"POST /api/v1/cases", cookie, b"X-CSRF-Token: \xff")
    assert (found, orjson.loads(body)["code"]) == (403, "csrf_missing")


async def test_what_comes_with_an_upload_is_base64_or_is_told(site: Site, clerk: Browser) -> None:
    case_id = await plant(site, village=site.county.willow, clerk=site.county.willow_clerk, item=site.county.card)
    headers = (f"Cookie: {COOKIE}={clerk.cookie}".encode(), b"X-CSRF-Token: " + clerk.csrf.encode(),
               b"Upload-Length: 2", "Upload-Metadata: file_id 中文".encode())  # fmt: skip
    found, body = await say(site, f"POST /api/v1/cases/{case_id}/files".encode(), *headers)
    assert (found, orjson.loads(body)["details"]) == (400, {"field": "Upload-Metadata"})


async def test_a_session_slides_while_it_is_used_and_ends_all_the_same(site: Site) -> None:
    browser = await site.browser(site.county.willow_clerk)
    began = site.clock.now()
    try:
        site.clock.forward(minutes=30)
        answer = await browser.get("/api/v1/session")
        assert "Set-Cookie" not in answer.headers, "the store is not written to at every request"
        site.clock.forward(hours=8)
        answer = await browser.get("/api/v1/session")
        assert answer.headers["Set-Cookie"].startswith(f"{COOKIE}={browser.cookie};")
        assert "Max-Age=36000" in answer.headers["Set-Cookie"]
        site.clock.forward(hours=9)
        answer = await browser.get("/api/v1/session")
        assert answer.status == 200, "idle for less than ten hours"
        assert lifetime(site.services, began) == began + timedelta(hours=20)
        site.clock.set(began + timedelta(hours=20, seconds=1))
        assert (await browser.get("/api/v1/session")).status == 401, "a day's work, and no more"
    finally:
        site.clock.set(began)


async def test_an_idle_session_ends(site: Site) -> None:
    browser = await site.browser(site.county.willow_clerk)
    began = site.clock.now()
    site.clock.forward(hours=10, seconds=1)
    assert (await browser.get("/api/v1/session")).status == 401
    site.clock.set(began)


async def test_whoever_leaves_is_signed_out_at_once(site: Site) -> None:
    browser = await site.browser(site.county.hill_clerk)
    person = site.services.directory.person(site.county.hill_clerk.person_id)
    await site.services.directory.put_person(person.model_copy(update={"active": False}))
    assert (await browser.get("/api/v1/session")).status == 401
    late = await site.browser(person)
    assert (await late.get("/api/v1/session")).status == 401, "a session stored in the same moment opens nothing"
    await site.services.directory.put_person(person)
    assert (await browser.get("/api/v1/session")).status == 401, "who comes back signs in anew"
    assert (await (await site.browser(person)).get("/api/v1/session")).status == 200


async def test_a_clerk_who_moves_acts_for_the_new_village_from_then_on(site: Site) -> None:
    county = site.county
    case_id = await plant(site, village=county.hill, clerk=county.hill_clerk, item=county.card)
    browser = await site.browser(county.hill_clerk)
    assert (await browser.get(f"/api/v1/cases/{case_id}")).status == 200
    moved = county.hill_clerk.model_copy(update={"unit": county.stone.code})
    await site.services.directory.put_person(moved)
    assert (await browser.get(f"/api/v1/cases/{case_id}")).status == 404
    await site.services.directory.put_person(county.hill_clerk)


async def test_an_agent_is_known_by_its_secret_only_where_agents_go(site: Site, clerk: Browser) -> None:
    code = (await clerk.post("/api/v1/devices/pairing")).json()["code"]
    secret = (await site.nobody().post("/api/v1/devices/pair", {"code": code, "name": "电脑"})).json()["secret"]
    agent = Browser(site.client, device=secret)
    assert (await agent.get("/api/v1/print/nothing")).status not in (401, 403)
    assert (await agent.get("/api/v1/session")).status == 401
    for wrong in ("x", secret + "x"):
        assert (await Browser(site.client, device=wrong).get("/api/v1/print/nothing")).status == 401


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"case_id", "item"}),
        ({"case_id": "x", "item": "LN-001"}, {"case_id"}),
        ({"case_id": "01920000-0000-7000-8000-000000000000", "item": ""}, {"item"}),
        ({"case_id": "01920000-0000-7000-8000-000000000000", "item": "a" * 65}, {"item"}),
        ({"case_id": "01920000-0000-7000-8000-000000000000", "item": "a", "more": 1}, {"more"}),
        ([], {"body"}),
    ],
)
async def test_a_wrong_body_is_explained_field_by_field(clerk: Browser, body: object, fields: set[str]) -> None:
    answer = await clerk.post("/api/v1/cases", body)
    assert (answer.status, answer.code) == (400, "bad_request")
    said = answer.json()["details"]["fields"]
    assert set(said) == fields
    assert all(any("一" <= char <= "鿿" for char in sentence) for sentence in said.values())


async def test_what_was_typed_is_not_repeated_in_the_answer(clerk: Browser) -> None:
    body = {"applicant": {**FULL, "phone": ["13800130000"]}, "secret": "11010519491231002X"}
    case_id = str(uuid7())
    await clerk.post("/api/v1/cases", {"case_id": case_id, "item": "LN-001"})
    answer = await clerk.put(f"/api/v1/cases/{case_id}/applicant", body)
    assert answer.status == 400
    assert b"13800130000" not in answer.raw
    assert b"11010519491231002X" not in answer.raw


async def test_a_body_that_is_no_json_or_too_large_or_of_another_kind(clerk: Browser) -> None:
    broken = await clerk.request("POST", "/api/v1/cases", data=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status, broken.json()["details"]["fields"]) == (400, {"body": "内容不是有效的 JSON"})
    huge = orjson.dumps({"case_id": "x", "item": "x" * BODY_LIMIT})
    large = await clerk.request("POST", "/api/v1/cases", data=huge, headers={"Content-Type": "application/json"})
    assert (large.status, large.code) == (413, "too_large")
    form = await clerk.request("POST", "/api/v1/cases", data=b"a=b", headers={"Content-Type": "text/plain"})
    assert (form.status, form.code) == (415, "media_type")
    nothing = await clerk.request("POST", "/api/v1/cases", data=b"", headers={"Content-Type": "application/json"})
    assert nothing.status == 400


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/items?limit=0", "limit"),
        ("/api/v1/items?limit=many", "limit"),
        ("/api/v1/items?limit=201", "limit"),
        ("/api/v1/items?level=province", "level"),
        ("/api/v1/items?described=maybe", "described"),
        ("/api/v1/items?q=" + "长" * 201, "q"),
        ("/api/v1/items?q=a%00b", "q"),
        ("/api/v1/items?after=nothing", "after"),
        ("/api/v1/items/LN-001?version=0", "version"),
        ("/api/v1/units?kind=planet", "kind"),
        ("/api/v1/cases/not-a-case", "case_id"),
        ("/api/v1/items/" + "x" * 65, "code"),
    ],
)
async def test_parameters_are_what_the_description_says(clerk: Browser, path: str, field: str) -> None:
    answer = await clerk.get(path)
    assert (answer.status, list(answer.json()["details"]["fields"])) == (400, [field])


async def test_an_empty_parameter_is_none(clerk: Browser) -> None:
    assert (await clerk.get("/api/v1/items?q=&level=&limit=&described=")).status == 200


async def test_a_retried_request_is_one_request_and_anothers_key_is_not_mine(site: Site, clerk: Browser) -> None:
    body = {"case_id": str(uuid7()), "item": "LN-001"}
    for _ in range(3):
        assert (await clerk.post("/api/v1/cases", body, headers={"Idempotency-Key": "k-1"})).status == 201
    history = (await clerk.get(f"/api/v1/cases/{body['case_id']}/history")).json()["lines"]
    assert len(history) == 1
    other = await site.browser(site.county.stone_clerk)
    mine = {"case_id": str(uuid7()), "item": "LN-001"}
    assert (await other.post("/api/v1/cases", mine, headers={"Idempotency-Key": "k-1"})).status == 201


async def test_a_key_reused_for_another_thing_is_told(clerk: Browser) -> None:
    first, second = ({"case_id": str(uuid7()), "item": "LN-001"} for _ in range(2))
    assert (await clerk.post("/api/v1/cases", first, headers={"Idempotency-Key": "k-2"})).status == 201
    answer = await clerk.post("/api/v1/cases", second, headers={"Idempotency-Key": "k-2"})
    assert (answer.status, answer.code) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["x" * 129, "a b"])
async def test_a_key_is_short_and_visible(clerk: Browser, key: str) -> None:
    assert await open_case(clerk, headers={"Idempotency-Key": key}) == 400


async def test_who_does_not_sign_in_has_a_limit_and_staff_have_none(site: Site, clerk: Browser) -> None:
    nobody = site.nobody()
    statuses = [(await nobody.get("/api/v1/progress/N0")).status for _ in range(130)]
    assert set(statuses) == {404, 429}
    refused = await nobody.get("/api/v1/certificates/none")
    assert (refused.status, refused.code) == (429, "too_many_requests")
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await nobody.get("/healthz")).status == 200
    assert (await clerk.get("/api/v1/progress/N0")).status == 404
    site.client.app[LIMITS].public.forget("127.0.0.1")


async def test_pairing_codes_cannot_be_guessed_at(site: Site) -> None:
    nobody = site.nobody()
    limits = site.client.app[LIMITS].pairing
    limits.forget("127.0.0.1")
    codes = [f"{number:08}" for number in range(12)]
    statuses = [(await nobody.post("/api/v1/devices/pair", {"code": code, "name": "x"})).status for code in codes]
    assert statuses[-1] == 429
    limits.forget("127.0.0.1")
