"""Behind the TLS proxy: the cookie is Secure, the address is the one the proxy saw."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.county import PASSWORD
from tests.support.site import Site, open_site
from villagecall.http.guard import LIMITS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("tls")
    async with open_site(folder, behind_tls=True, public_url="https://cun.example.gov") as opened:
        await opened.services.directory.set_password(opened.county.willow_clerk.person_id, PASSWORD)
        yield opened


async def test_the_cookie_travels_over_tls_only_and_browsers_are_told_so(site: Site) -> None:
    answer = await site.nobody().post("/api/v1/session", {"login": "willow", "password": PASSWORD})
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


async def test_the_public_address_is_ours(site: Site) -> None:
    browser = await site.browser(site.county.willow_clerk)
    assert (await browser.delete("/api/v1/session", headers={"Origin": "https://cun.example.gov"})).status == 200


async def test_limits_go_by_the_address_that_the_proxy_added_last(site: Site) -> None:
    """Whatever a caller writes into the header himself stands before it."""
    limits = site.client.app[LIMITS].public
    nobody, before = site.nobody(), len(limits)
    for forged in ("10.0.0.1", "10.0.0.2", "10.0.0.3"):
        await nobody.get("/api/v1/fields", headers={"X-Forwarded-For": f"{forged}, 192.0.2.5"})
    assert limits.wait("192.0.2.5") == 0
    assert len(limits) == before + 1
