"""Files that no scanner makes: each is answered by its own sentence on the page, and the case goes on."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pikepdf
import pytest
from playwright.sync_api import expect

from tests.journeys.county import County
from tests.journeys.errands import CARD
from tests.journeys.people import PATIENCE, Clerk, Sit


def wide_png(width: int, height: int) -> bytes:
    """A PNG that says it is enormous, and is a hundred bytes (PNG specification, section 11.2.1)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def pdf_with_script() -> bytes:
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(595, 842))
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
        made = io.BytesIO()
        pdf.save(made)
    return made.getvalue()


@pytest.mark.timeout(240)
def test_each_hostile_file_gets_its_sentence_and_the_case_goes_on(
    county: County, sit_down: Sit, scans: dict[str, Path], tmp_path: Path
) -> None:
    page = scans["idcard"].read_bytes()
    files = {
        "not_an_image": ("说明.jpg", b"MZ" + bytes(5000), "不是图片或 PDF"),
        "truncated": ("断了.jpg", page[: len(page) // 3], "不完整"),
        "too_many_pixels": ("极大.png", wide_png(30_000, 30_000), "30000 × 30000"),
        "pdf_active_content": ("带脚本.pdf", pdf_with_script(), "有脚本或附件"),
        "empty_file": ("空的.jpg", b"", "是空的"),
    }
    clerk: Clerk = sit_down(Clerk, county, "village3")
    clerk.opens(CARD, "优待")
    clerk.enters("何秀云", "519900195007213026")

    for code, (name, data, words) in files.items():
        file = tmp_path / name
        file.write_bytes(data)
        clerk.at("material-idcard").click()
        clerk.at("file-input").set_input_files(file)
        told, text = _told(clerk, code)
        assert words in text, (code, text)
        assert told == code
        assert not any(part in text for part in ("Traceback", "Error", ".py", str(county.data))), text
        clerk.until("material-idcard", "data-state", "missing")

    # The case goes on with real papers. The same page twice is noticed, and taken out again.
    clerk.scans("idcard", scans["idcard"])
    clerk.at("material-photo").click()
    clerk.at("file-input").set_input_files(scans["idcard"])
    clerk.until("material-photo", "data-state", "fault")
    clerk.sees("verdict", "扫了两次")
    assert "duplicate" in [fault["code"] for page in clerk.case()["pages"] for fault in page["faults"]]
    clerk.at("remove-page").click()
    clerk.scans("photo", scans["photo"])
    assert clerk.submits()
    assert clerk.case()["state"] in ("submitted", "accepted", "in_review")


def _told(clerk: Clerk, code: str) -> tuple[str, str]:
    """The refusal, at the door (a strip with the error) or by the worker (beside the file's name); put away."""
    strip = clerk.page.locator(
        f'[data-test="refused-file"][data-code="{code}"], [data-test="error"][data-code="{code}"]'
    )
    expect(strip).to_have_count(1, timeout=PATIENCE)
    text = strip.inner_text()
    strip.get_by_role("button").last.click()
    expect(strip).to_have_count(0)
    return code, text
