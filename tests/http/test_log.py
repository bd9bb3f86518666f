"""Logs: JSON lines, places of errors, and no personal data whatever slips in."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from villagecall.http import log

ID, PHONE = "11010519491231002X", "13800130000"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Logs into memory, and everything as it was afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    level = logging.getLogger("villagecall").level
    stream = io.StringIO()
    log.setup("INFO", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before
    logging.getLogger("villagecall").setLevel(level)


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_and_level(lines: io.StringIO) -> None:
    structlog.get_logger("villagecall.http.outer").info("request", op="items", status=200, ms=1.5)
    (line,) = read(lines)
    assert (line["event"], line["op"], line["status"], line["ms"], line["level"]) == (
        "request",
        "items",
        200,
        1.5,
        "info",
    )
    assert line["timestamp"].endswith("Z")


def test_personal_data_is_withheld_by_its_name_and_by_its_looks(lines: io.StringIO) -> None:
    structlog.get_logger("villagecall.x").warning(
        f"applicant {ID} called {PHONE}", name="李桂芳", form={"a": PHONE}, note=f"see {ID}", raw=PHONE.encode()
    )
    text = lines.getvalue()
    for secret in (ID, PHONE, "李桂芳"):
        assert secret not in text
    assert read(lines)[0]["event"] == "applicant [id] called [phone]"


def test_an_error_keeps_its_type_and_places_and_loses_its_message(lines: io.StringIO) -> None:
    def read_paper() -> None:
        try:
            raise ValueError(f"applicant {ID} 李桂芳")
        except ValueError as error:
            raise RuntimeError("李桂芳") from error

    try:
        read_paper()
    except RuntimeError:
        structlog.get_logger("villagecall.x").exception("incident", incident="abc")
    (line,) = read(lines)
    assert line["error"] == "RuntimeError < ValueError"
    assert "read_paper" in line["at"]
    assert "李桂芳" not in lines.getvalue()
    assert "/work" not in lines.getvalue()


def test_libraries_speak_from_warning_up_and_without_their_arguments(lines: io.StringIO) -> None:
    library = logging.getLogger("aiohttp.server")
    library.info("quiet")
    library.warning("Error handling %s", f"request of {PHONE}")
    try:
        raise OSError(f"cannot open {PHONE}")
    except OSError:
        library.exception("broken")
    first, second = read(lines)
    assert (first["event"], first["logger"], first["level"]) == ("Error handling %s", "aiohttp.server", "warning")
    assert second["error"] == "OSError"
    assert PHONE not in lines.getvalue()


def test_the_level_is_the_settings(lines: io.StringIO) -> None:
    log.setup("WARNING", lines)
    structlog.get_logger("villagecall.y").info("quiet")
    structlog.get_logger("villagecall.y").warning("heard")
    assert [line["event"] for line in read(lines)] == ["heard"]


@given(st.from_regex(r"[1-9][0-9]{5}(19|20)[0-9]{9}[0-9X]", fullmatch=True), st.text(alphabet="公民证 :,;", max_size=5))
def test_no_id_number_survives(number: str, around: str) -> None:
    assert number not in log.clean(f"{around}{number}{around}")


def test_codes_and_times_survive() -> None:
    for text in ("519900101201", "2026-09-23T01:30:00Z", "01a204116a9f7526", "LN-001"):
        assert log.clean(text) == text
