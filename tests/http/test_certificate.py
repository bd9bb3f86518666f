"""Preview, tickets, devices and the check page, as browsers and agents meet them."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.press import Press, press_at
from tests.support.site import Browser, Site, open_site
from villagecall.case import Case
from villagecall.ids import uuid7

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder: Path = tmp_path_factory.mktemp("site")
    async with open_site(folder) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def press(site: Site) -> Press:
    return press_at(site)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issued(press: Press) -> Case:
    """One that no test changes."""
    return await press.issued()


@pytest_asyncio.fixture(loop_scope="module")
async def clerk(site: Site) -> Browser:
    return await site.browser(site.county.willow_clerk)


def code_of(case: Case) -> str:
    assert case.certificate is not None
    return case.certificate.code


async def printing(browser: Browser, case: Case, **more: str) -> str:
    answer = await browser.post(f"/api/v1/cases/{case.case_id}/print", {"print_id": str(uuid7()), **more})
    assert answer.status == 200, answer.raw
    return str(answer.json()["url"])


async def test_the_preview_is_a_picture_for_those_who_may_see_the_case(
    site: Site, clerk: Browser, issued: Case
) -> None:
    path = f"/api/v1/cases/{issued.case_id}/certificate.png"
    shown = await clerk.get(path)
    assert (shown.status, shown.headers["Content-Type"]) == (200, "image/png")
    assert "private" in shown.headers["Cache-Control"]
    assert (await (await site.browser(site.county.hill_clerk)).get(path)).status == 404


async def test_browser_print_gives_the_sealed_bytes_once(press: Press, clerk: Browser) -> None:
    case = await press.issued()
    url = await printing(clerk, case)
    first = await clerk.get(url)
    assert (first.status, first.headers["Content-Type"]) == (200, "application/pdf")
    assert first.raw == await press.pdf(case)
    assert first.headers["Cache-Control"] == "no-store"
    again = await clerk.get(url)
    assert (again.status, again.code) == (410, "ticket_used")


async def test_a_reprint_needs_a_reason(press: Press, clerk: Browser) -> None:
    case = await press.issued()
    await printing(clerk, case)
    refused = await clerk.post(f"/api/v1/cases/{case.case_id}/print", {"print_id": str(uuid7())})
    assert (refused.status, refused.code) == (422, "reprint_needs_reason")
    assert await printing(clerk, case, reason="卡纸了")


async def test_nothing_is_printed_before_the_certificate(press: Press, clerk: Browser) -> None:
    case = await press.approved()
    refused = await clerk.post(f"/api/v1/cases/{case.case_id}/print", {"print_id": str(uuid7())})
    assert (refused.status, refused.code) == (409, "not_issued")


async def test_a_ticket_is_for_its_village_and_its_device_only(site: Site, press: Press, clerk: Browser) -> None:
    case = await press.issued()
    url = await printing(clerk, case)
    hill = await site.browser(site.county.hill_clerk)
    assert (await hill.get(url)).status == 404
    code = (await clerk.post("/api/v1/devices/pairing")).json()["code"]
    agent = site.nobody()
    agent.device = (await agent.post("/api/v1/devices/pair", {"code": code, "name": "一号"})).json()["secret"]
    assert (await agent.get(url)).code == "ticket_unknown"
    assert (await site.nobody().get(url)).status == 401
    assert (await clerk.get("/api/v1/print/" + "0" * 24)).code == "ticket_unknown"
    assert (await clerk.get(url)).status == 200


async def test_pairing_is_for_ones_own_village(site: Site, clerk: Browser) -> None:
    made = await clerk.post("/api/v1/devices/pairing")
    assert made.status == 200 and re.fullmatch(r"\d{8}", made.json()["code"])
    admin = await site.browser(site.county.admin)
    assert (await admin.post("/api/v1/devices/pairing")).status == 400
    unit = site.county.hill.code
    code = (await admin.post(f"/api/v1/devices/pairing?unit={unit}")).json()["code"]
    paired = (await site.nobody().post("/api/v1/devices/pair", {"code": code, "name": "高坡"})).json()
    assert (paired["unit"], paired["unit_name"]) == (unit, "高坡村")
    listed = [each["name"] for each in (await clerk.get("/api/v1/devices")).json()["devices"]]
    assert "高坡" not in listed
    assert "高坡" in [each["name"] for each in (await admin.get("/api/v1/devices")).json()["devices"]]


async def test_a_wrong_pairing_code_is_refused(site: Site) -> None:
    refused = await site.nobody().post("/api/v1/devices/pair", {"code": "00000000", "name": "x"})
    assert (refused.status, refused.code) == (403, "pairing_refused")


# ---------------------------------------------------------------- check


async def test_the_check_answers_with_masked_facts(site: Site, issued: Case) -> None:
    found = (await site.nobody().get(f"/api/v1/certificates/{code_of(issued)}")).json()
    assert found["valid"] is True
    assert (found["holder"], found["title"]) == ("李*芳", "老年人优待证")
    assert "李桂芳" not in str(found) and "1949" not in str(found)


async def test_an_unknown_code_is_an_answer_too(site: Site) -> None:
    found = (await site.nobody().get("/api/v1/certificates/0000-0000")).json()
    assert (found["valid"], found["number"], found["issued"]) == (False, "", None)
    assert "伪造" in found["zh"]


async def test_the_check_page_is_small_and_has_no_script(site: Site, issued: Case) -> None:
    shown = await site.nobody().get(f"/v/{code_of(issued)}", headers={"Accept": "text/html"})
    text = shown.raw.decode()
    assert shown.status == 200
    assert len(gzip.compress(shown.raw)) <= 2048
    assert "<script" not in text and "是真的" in text and "李*芳" in text
    policy = shown.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script" not in policy


async def test_the_check_page_speaks_english(site: Site, issued: Case) -> None:
    shown = await site.nobody().get(f"/v/{code_of(issued)}?lang=en", headers={"Accept": "text/html"})
    assert "Genuine" in shown.raw.decode() and shown.headers["Content-Language"] == "en"


async def test_the_check_page_of_an_unknown_code_escapes_what_was_typed(site: Site) -> None:
    shown = await site.nobody().get("/v/%3Cb%3E%22x", headers={"Accept": "text/html"})
    text = shown.raw.decode()
    assert shown.status == 404 and "查不到" in text
    assert "<b>" not in text and "&lt;b&gt;" in text
