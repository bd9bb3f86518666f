"""Sign in, who am I, sign out, and those who try."""

from __future__ import annotations

import asyncio
import statistics
import time
from http.cookies import SimpleCookie

import pytest
import pytest_asyncio

from tests.support.county import PASSWORD
from tests.support.site import Answer, Browser, Site
from villagecall.directory.records import stream_id
from villagecall.http.guard import COOKIE, LIMITS, digest

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG = "nicht-das-wort"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def passwords(site: Site) -> None:
    for person in (site.county.willow_clerk, site.county.east_officer):
        await site.services.directory.set_password(person.person_id, PASSWORD)


@pytest.fixture(autouse=True)
def fresh_limits(site: Site) -> None:
    limits = site.client.app[LIMITS]
    for buckets in (limits.login_of, limits.login_from, limits.public):
        for key in ("willow", "east1", "nobody", "root", "127.0.0.1"):
            buckets.forget(key)


async def sign_in(browser: Browser, login: str = "willow", password: str = PASSWORD, **more: object) -> Answer:
    answer = await browser.post("/api/v1/session", {"login": login, "password": password}, **more)
    if answer.status == 200:
        browser.cookie = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE].value
        browser.csrf = answer.json()["csrf"]
    return answer


async def kinds(site: Site) -> list[str]:
    entries = await site.services.journal.entries(stream_id("signins", "2026-09-23"))
    return [entry.action.kind for entry in entries]


async def test_sign_in_gives_a_cookie_that_no_script_and_no_other_site_sees(site: Site) -> None:
    browser = site.nobody()
    answer = await sign_in(browser)
    assert answer.status == 200
    assert answer.json()["name"] == "张晓梅"
    assert answer.json()["demo"] is True
    cookie = SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Strict", "/", "")
    assert len(cookie.value) >= 40
    assert await site.services.sessions.get(digest(cookie.value)) is not None
    assert await site.services.sessions.get(cookie.value.encode()) is None, "the store knows only its digest"
    assert (await browser.get("/api/v1/session")).json()["csrf"] == browser.csrf
    assert (await kinds(site))[-1] == "signin.succeeded"


async def test_sign_out_ends_the_session_and_tells_the_hub(site: Site) -> None:
    browser = site.nobody()
    await sign_in(browser)
    async with site.services.bus.subscribe("session.closed") as told:
        answer = await browser.delete("/api/v1/session")
        assert answer.status == 200
        assert SimpleCookie(answer.headers["Set-Cookie"])[COOKIE]["max-age"] == "0"
        topic, message = await asyncio.wait_for(anext(told), 5)
    assert (topic, message["digest"]) == ("session.closed", digest(browser.cookie).hex())
    assert (await browser.get("/api/v1/session")).status == 401
    assert (await kinds(site))[-1] == "signin.ended"


async def test_a_new_password_and_leaving_end_every_session_of_that_person(site: Site) -> None:
    directory, admin = site.services.directory, site.county.admin
    for why, change in (
        ("password_changed", lambda: directory.set_password(admin.person_id, "青山绿水-2027")),
        ("person_left", lambda: directory.put_person(admin.model_copy(update={"active": False}))),
    ):
        theirs = [await site.browser(admin), await site.browser(admin)]
        other = await site.browser(site.county.east_officer)
        async with site.services.bus.subscribe("session.closed") as told:
            await change()
            _, message = await asyncio.wait_for(anext(told), 5)
        assert message == {"person": str(admin.person_id), "why": why}
        for browser in theirs:
            assert await site.services.sessions.get(digest(browser.cookie)) is None
            assert (await browser.get("/api/v1/session")).status == 401
        assert (await other.get("/api/v1/session")).status == 200


async def test_another_window_leaves_people_signed_in(site: Site) -> None:
    admin = site.county.admin
    browser = await site.browser(admin)
    await site.services.directory.put_person(admin.model_copy(update={"window": "3号窗口"}))
    assert (await browser.get("/api/v1/session")).json()["window"] == "3号窗口"


async def test_sign_out_needs_the_token_too(site: Site) -> None:
    browser = site.nobody()
    await sign_in(browser)
    assert (await browser.delete("/api/v1/session", headers={"X-CSRF-Token": ""})).status == 403
    assert (await browser.get("/api/v1/session")).status == 200


async def test_signing_in_again_ends_the_session_before(site: Site) -> None:
    browser = site.nobody()
    await sign_in(browser)
    old = browser.cookie
    assert (await sign_in(browser, "east1")).json()["role"] == "town"
    assert browser.cookie != old
    assert (await Browser(site.client, old).get("/api/v1/session")).status == 401


async def test_a_wrong_password_an_unknown_login_and_one_without_password_sound_the_same(site: Site) -> None:
    answers = [await sign_in(site.nobody(), login, WRONG) for login in ("willow", "nobody", "root")]
    assert {answer.status for answer in answers} == {401}
    assert len({answer.raw for answer in answers}) == 1
    assert answers[0].code == "wrong_password"
    assert all("Set-Cookie" not in answer.headers for answer in answers)


async def test_a_wrong_password_an_unknown_login_take_the_same_time(site: Site) -> None:
    """Both cost one Argon2; the medians differ by far less than it."""

    async def took(login: str) -> float:
        began = time.perf_counter()
        await site.services.directory.verify_password(login, WRONG)
        return time.perf_counter() - began

    pairs = [(await took("willow"), await took("nobody")) for _ in range(7)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert unknown > known / 3


async def test_failed_attempts_are_on_record_without_login_and_address(site: Site) -> None:
    await sign_in(site.nobody(), "nobody", WRONG)
    stream = stream_id("signins", "2026-09-23")
    assert (await kinds(site))[-1] == "signin.failed"
    raw = b"".join(raw for _, raw, _ in await site.services.journal.raw(stream))
    for secret in (b"nobody", b"127.0.0.1", WRONG.encode()):
        assert secret not in raw


async def test_guessing_is_slowed_down_by_login_and_a_success_forgives(site: Site) -> None:
    for _ in range(9):
        assert (await sign_in(site.nobody(), password=WRONG)).status == 401
    assert (await sign_in(site.nobody())).status == 200
    for _ in range(10):
        assert (await sign_in(site.nobody(), password=WRONG)).status == 401
    slowed = await sign_in(site.nobody())
    assert (slowed.status, slowed.code) == (429, "too_many_requests")
    assert int(slowed.headers["Retry-After"]) <= 30
    assert (await sign_in(site.nobody(), "east1")).status == 200, "others at the same place go on"


async def test_guessing_at_many_logins_is_slowed_down_by_address(site: Site) -> None:
    limits = site.client.app[LIMITS]
    for number in range(30):
        limits.login_from.take("127.0.0.1")
        assert limits.login_of.wait(f"login-{number}") == 0
    assert (await sign_in(site.nobody(), "east1")).status == 429


@pytest.mark.parametrize(
    "body", [{}, {"login": "willow"}, {"login": "", "password": "x"}, {"login": "a", "password": 1}]
)
async def test_an_incomplete_form_is_told_what_is_missing(site: Site, body: object) -> None:
    answer = await site.nobody().post("/api/v1/session", body)
    assert (answer.status, answer.code) == (400, "bad_request")
    assert answer.json()["details"]["fields"]
