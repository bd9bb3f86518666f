"""Story 1: a senior citizens' card. Town item, decided in the call, printed in the village, rated."""

from __future__ import annotations

import hashlib
import io
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import pypdfium2
import pytest
import zxingcpp

from tests.journeys.county import County, json_lines
from tests.journeys.people import Clerk, Officer, Sit
from tests.real.plaintext import found_in

NAME, ID_NUMBER = "李桂芳", "519900195203042420"


@pytest.mark.timeout(300)
def test_a_villager_gets_her_card_without_leaving_the_village(
    county: County, sit_down: Sit, scans: dict[str, Path], tmp_path: Path
) -> None:
    clerk: Clerk = sit_down(Clerk, county, "village1")
    officer: Officer = sit_down(Officer, county, "town1")
    colleague: Officer = sit_down(Officer, county, "town2")

    clerk.opens("QH-WJ-0001", "优待")
    clerk.enters(NAME, ID_NUMBER)
    clerk.scans("idcard", scans["idcard"])
    clerk.scans("photo", scans["photo"])
    number = clerk.submits()

    clerk.calls()
    colleague.sees("ring")
    officer.answers()
    colleague.at("ring").wait_for(state="hidden")
    clerk.until("call-stage", "data-media", "up")
    clerk.has_moving_picture(clerk.at("remote-video"))
    officer.has_moving_picture(officer.page.locator('[data-test="remote"] video'))

    officer.sees("applicant", "李*芳")
    officer.at("next-page").click()
    clerk.sees("page-shown")
    officer.page.wait_for_timeout(2500)  # something to be on record
    officer.decides("approve")
    clerk.sees("decision", "准予")
    officer.at("hang-up").click()

    clerk.at("step-print").click()
    clerk.sees("certificate-number")
    clerk.prints()
    clerk.hands_over()
    clerk.rates(5)

    case = clerk.case()
    assert case["state"] == "closed"
    assert case["number"] == number

    # The bytes in the print queue are the issued PDF, sealed validly, and its QR leads to the check page.
    pdf = county.printed(1)[-1]
    assert hashlib.sha256(pdf).hexdigest() == case["certificate"]["blob"]["sha256"]
    certificate = tmp_path / "certificate.pdf"
    certificate.write_bytes(pdf)
    said = subprocess.run(["pdfsig", "-nocert", str(certificate)], capture_output=True, text=True, check=False).stdout
    assert "Signature is Valid" in said
    picture = pypdfium2.PdfDocument(io.BytesIO(pdf))[0].render(scale=3).to_numpy()
    codes = [found.text for found in zxingcpp.read_barcodes(np.ascontiguousarray(picture[:, :, :3]))]
    assert f"{county.url}/v/{case['certificate']['code']}" in codes
    checked = county.command("certificate", "verify", str(certificate))
    assert checked.returncode == 0, checked.stdout + checked.stderr

    # Anybody may check it, in a browser without script.
    plain = clerk.browser.new_context(java_script_enabled=False).new_page()
    plain.goto(codes[0])
    assert case["certificate"]["number"] in plain.content()
    assert NAME not in plain.content()
    plain.close()

    # The call is on record: sound and picture, playable, chained.
    recordings = _recordings(clerk)
    assert len(recordings) == 2
    for at, recording in enumerate(recordings):
        file = tmp_path / f"recording{at}.webm"
        file.write_bytes(_fetch(clerk, recording["url"]))
        with av.open(str(file)) as played:
            kinds = {stream.type for stream in played.streams}
            frames = sum(1 for _ in played.decode(video=0))
        assert kinds == {"audio", "video"}
        assert frames > 25
    verified = county.command("ledger", "verify")
    assert verified.returncode == 0, verified.stdout
    assert json_lines(verified.stdout)[-1]

    # Nothing personal lies in the clear: neither in the data folder nor in the log.
    assert found_in(county.data, [NAME, ID_NUMBER, "13812345678", "柳溪村三组18号"]) == []

    progress = clerk.asks(f"/api/v1/progress/{number}")
    assert NAME not in str(progress)
    assert progress["state_zh"] == "办结"


def _recordings(clerk: Clerk) -> list[dict[str, Any]]:
    """The recordings of the case, once the ended call has been sealed."""
    for _ in range(100):
        found: list[dict[str, Any]] = clerk.case()["recordings"]
        if len(found) >= 2:
            return found
        clerk.page.wait_for_timeout(200)
    return found


def _fetch(clerk: Clerk, url: str) -> bytes:
    answer = clerk.context.request.get(clerk.county.url + url)
    assert answer.ok
    return answer.body()
