"""The machine room and the built pages, and what becomes of our own faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.support.site import Site
from villagecall.errors import VillagecallError
from villagecall.http import metrics, server, system
from villagecall.http.context import HANDLERS, Context
from villagecall.http.models.base import Ok

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = ("public", "terminal", "second", "desk", "admin")
PATHS = {"/": "public", "/terminal": "terminal", "/terminal/second": "second", "/desk": "desk", "/admin": "admin"}


@pytest.fixture
def pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of built pages."""
    for name in PAGES:
        (tmp_path / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>", encoding="utf-8")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "desk-1a2b.js").write_text("export {}\n" * 100)
    (tmp_path / "assets" / "desk-1a2b.js.br").write_bytes(b"br-bytes")
    (tmp_path / "assets" / "desk-1a2b.js.gz").write_bytes(b"gz-bytes")
    (tmp_path / "assets" / "sw.js").write_text("self")
    (tmp_path / "secret.txt").write_text("secret")
    monkeypatch.setattr(system, "PAGES", tmp_path)
    return tmp_path


async def test_alive_and_ready(site: Site) -> None:
    nobody = site.nobody()
    alive = await nobody.get("/healthz")
    assert (alive.status, alive.raw) == (200, b"ok\n")
    ready = await nobody.get("/readyz")
    assert (ready.status, ready.json()) == (
        200,
        {"ready": True, "parts": {"journal": True, "bus": True, "blobs": True}},
    )


async def test_a_part_that_does_not_answer_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf() -> bool:
        return False

    monkeypatch.setattr(site.services.blobs, "ready", deaf)
    answer = await site.nobody().get("/readyz")
    assert (answer.status, answer.json()["parts"]["blobs"]) == (503, False)


async def test_metrics_count_by_operation_and_show_the_backlog(site: Site) -> None:
    nobody = site.nobody()
    await nobody.get("/healthz")
    text = (await nobody.get("/metrics")).raw.decode()
    assert 'villagecall_requests_total{method="GET",op="healthz",status="200"}' in text
    assert 'villagecall_request_seconds_bucket{le="0.005",op="healthz"}' in text
    assert "villagecall_outbox_backlog" in text
    assert "process_resident_memory_bytes" in text
    assert "/healthz" not in text, "operations, not paths"


def figures(text: str) -> dict[str, float]:
    """The samples of an exposition, ``name{labels}`` to value."""
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}


async def test_metrics_say_how_work_stands(site: Site) -> None:
    before = figures((await site.nobody().get("/metrics")).raw.decode())
    await site.office().accepted()
    after = figures((await site.nobody().get("/metrics")).raw.decode())
    gained = {name: value - before.get(name, 0) for name, value in after.items()}
    assert gained['villagecall_journal_appends_total{result="appends"}'] >= 1
    assert gained['villagecall_queue_cases{level="town"}'] == 1
    zero = ['villagecall_queue_cases{level="district"}', 'villagecall_calls{state="waiting"}',
            'villagecall_calls{state="ringing"}', 'villagecall_calls{state="active"}',
            'villagecall_connections{kind="desk"}', 'villagecall_connections{kind="terminal"}',
            "villagecall_desks_on_duty", "villagecall_devices_online", "villagecall_recordings_open",
            "villagecall_scan_workers_lost_total", 'villagecall_scan_workers{state="busy"}']  # fmt: skip
    assert [name for name in zero if after[name] != 0] == []
    assert after['villagecall_scan_workers{state="idle"}'] == 1


async def test_no_label_of_a_metric_names_a_person_a_unit_or_a_case(site: Site) -> None:
    await site.office().accepted()
    text = (await site.nobody().get("/metrics")).raw.decode()
    labels = set(re.findall(r"[{,](\w+)=", text))
    assert labels <= {"op", "method", "status", "le", "topic", "level", "state", "kind", "result"}
    assert re.search(r"\d{6}|[\u4e00-\u9fff]|[0-9a-f]{8}-", re.sub(r"(?m) [-+.e\d]+$", "", text)) is None


async def test_every_metric_is_described_for_whoever_watches() -> None:
    text = (Path(__file__).parents[2] / "docs/OPERATIONS.md").read_text(encoding="utf-8")
    source = Path(metrics.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'"(villagecall_\w+)"', source))
    assert len(named) > 12
    assert [name for name in sorted(named) if f"`{name}" not in text] == []


@pytest.mark.parametrize(("path", "name"), PATHS.items())
async def test_pages_are_served_and_asked_for_again(site: Site, pages: Path, path: str, name: str) -> None:
    answer = await site.nobody().get(path, headers={"Accept": "text/html"})
    assert answer.status == 200
    assert f"<title>{name}</title>" in answer.raw.decode()
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    again = await site.nobody().get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


async def test_pages_that_are_not_built_say_so(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "PAGES", tmp_path / "nothing")
    answer = await site.nobody().get("/desk", headers={"Accept": "text/html"})
    assert answer.status == 503
    assert "make pages" in answer.raw.decode()


async def test_assets_are_kept_for_ever_and_sent_compressed_to_who_takes_it(site: Site, pages: Path) -> None:
    nobody = site.nobody()
    plain = await nobody.get("/assets/desk-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert (plain.status, plain.headers["Content-Type"]) == (200, "text/javascript")
    assert "immutable" in plain.headers["Cache-Control"]
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert len(plain.raw) == 1000
    async with site.client.request(
        "GET", "/assets/desk-1a2b.js", headers={"Accept-Encoding": "gzip"}, auto_decompress=False
    ) as packed:
        assert (packed.headers["Content-Encoding"], await packed.read()) == ("gzip", b"gz-bytes")
    async with site.client.request(
        "GET", "/assets/desk-1a2b.js", headers={"Accept-Encoding": "gzip, br"}, auto_decompress=False
    ) as packed:
        assert packed.headers["Content-Encoding"] == "br"
        assert packed.headers["Content-Type"] == "text/javascript"
    worker = await nobody.get("/assets/sw.js")
    assert (worker.headers["Service-Worker-Allowed"], worker.headers["Cache-Control"]) == ("/", "no-cache")


@pytest.mark.parametrize(
    "path", ["nothing.js", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt", "%2fetc/passwd", ".", "a%00b"]
)
async def test_nothing_outside_the_assets_is_served(site: Site, pages: Path, path: str) -> None:
    answer = await site.nobody().get(f"/assets/{path}")
    assert answer.status in (400, 404)
    assert b"secret" not in answer.raw


async def test_a_link_out_of_the_assets_is_not_followed(site: Site, pages: Path) -> None:
    (pages / "assets" / "link.js").symlink_to(pages / "secret.txt")
    assert (await site.nobody().get("/assets/link.js")).status == 404


async def test_a_receipts_code_leads_to_its_progress(site: Site) -> None:
    answer = await site.nobody().get("/r/QH2026-0001")
    assert (answer.status, answer.headers["Location"]) == (302, "/?n=QH2026-0001#progress")
    odd = await site.nobody().get("/r/%22%3E%0d%0ax")
    assert (odd.status, odd.headers["Location"]) == (302, "/?n=%22%3E%0D%0Ax#progress")


async def test_every_answer_carries_the_security_headers(site: Site) -> None:
    for path in ("/healthz", "/api/v1/session", "/nowhere", "/api/openapi.json"):
        headers = (await site.nobody().get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "img-src 'self' blob: data:" in policy
        assert "unsafe" not in policy
        assert headers["Server"] == "villagecall"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "microphone=(self)" in headers["Permissions-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


async def test_an_address_or_method_that_there_is_not(site: Site) -> None:
    nobody = site.nobody()
    missing = await nobody.get("/api/v1/nothing")
    assert (missing.status, missing.code) == (404, "not_found")
    page = await nobody.get("/nothing", headers={"Accept": "text/html"})
    assert page.status == 404
    assert page.headers["Content-Type"].startswith("text/html")
    method = await nobody.request("PUT", "/api/v1/session")
    assert (method.status, method.code) == (405, "method_not_allowed")
    assert set(method.headers["Allow"].split(",")) >= {"GET", "POST", "DELETE"}


@pytest.fixture
def broken(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The list of fields fails with a fault of ours; gives the log."""

    def fail(self: object, *args: object, **more: object) -> None:
        raise ZeroDivisionError("of 李桂芳")

    monkeypatch.setattr(type(site.services.directory), "items", fail)
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_a_fault_of_ours_is_an_incident_that_log_and_metrics_know(site: Site, broken: list[Any]) -> None:
    answer = await site.nobody().get("/api/v1/fields")
    assert (answer.status, answer.code) == (503, "incident")
    incident = answer.json()["details"]["incident"]
    assert incident in answer.json()["zh"]
    assert b"ZeroDivision" not in answer.raw
    assert "李桂芳".encode() not in answer.raw
    (line,) = [line for line in broken if line["event"] == "incident"]
    assert (line["incident"], line["op"], line["log_level"]) == (incident, "fields", "error")
    metrics = (await site.nobody().get("/metrics")).raw.decode()
    assert 'villagecall_incidents_total{op="fields"} 1.0' in metrics


async def test_requests_are_logged_by_operation_without_path_and_query(site: Site) -> None:
    with structlog.testing.capture_logs() as lines:
        await site.nobody().get("/api/v1/progress/QH-SECRET?x=secret")
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["op"], line["status"]) == ("progress", 404)
    assert "ecret" not in str(lines).lower().replace("secrets", "")


async def ok(context: Context) -> Ok:
    return Ok()


async def test_a_route_without_a_handler_stops_the_start_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    server.check_handlers()
    handlers = dict(HANDLERS)
    without = {op: handler for op, handler in handlers.items() if op != "fields"}
    monkeypatch.setattr(server, "HANDLERS", without)
    with pytest.raises(VillagecallError, match=r"without a handler: fields; .*: -"):
        server.check_handlers()
    monkeypatch.setattr(server, "HANDLERS", {**handlers, "surprise": ok})
    with pytest.raises(VillagecallError, match=r"without a handler: -; .*: surprise"):
        server.check_handlers()
