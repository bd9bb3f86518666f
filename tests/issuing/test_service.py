"""Exactly one certificate, never before the decision, whatever the outbox and the machine do."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from tests.support.office import LI, actor, key
from tests.support.press import Press, demo_keys, message
from villagecall.case import Case
from villagecall.errors import NotFound
from villagecall.issuing import preview
from villagecall.issuing.verify import Verdict, verify
from villagecall.journal import Entry
from villagecall.ports import Blob

ROOTS = [root.dump() for root in demo_keys().roots]


async def checked(pdf: bytes) -> Verdict:
    return await asyncio.to_thread(verify, pdf, ROOTS)


async def actions(press: Press, case: Case, kind: str) -> list[Entry]:
    return [each for each in await press.office.journal.entries(case.case_id) if each.action.kind == kind]


def files(press: Press) -> int:
    return sum(1 for path in Path(press.settings.data / "blobs").rglob("*") if path.is_file())


async def test_an_approved_case_gets_its_certificate(press: Press) -> None:
    case = await press.issued()
    assert case.state == "issued"
    assert case.certificate is not None
    assert case.certificate.number == "优〔2026〕0001号"
    verdict = await checked(await press.pdf(case))
    assert (verdict.valid, verdict.number, verdict.code) == (True, case.certificate.number, case.certificate.code)
    assert verdict.unit == "青山县东河镇人民政府"
    shown = preview.words(await press.pdf(case))
    assert LI["name"] in shown and LI["id_number"] in shown and "照片" not in shown.split("持证须知")[0]


async def test_the_portrait_is_on_the_card(press: Press) -> None:
    with pikepdf.open(io.BytesIO(await press.pdf(await press.issued()))) as doc:
        images = list(doc.pages[0].get_images() if hasattr(doc.pages[0], "get_images") else doc.pages[0].images)
    assert images


async def test_every_use_of_the_seal_is_on_record(press: Press) -> None:
    case = await press.issued()
    (entry,) = await actions(press, case, "certificate.issued")
    assert entry.action.actor.person == "system"
    seal = entry.action.payload["seal"]
    assert isinstance(seal, dict)
    assert (seal["serial"], seal["unit"]) == (press.signer.serial, press.office.county.east.code)
    assert LI["name"] not in str(entry.action.payload) and LI["id_number"] not in str(entry.action.payload)


async def test_nothing_is_issued_before_the_decision(press: Press) -> None:
    case = await press.office.accepted()
    await press.issuing.issue(message("issue", case))
    assert (await press.office.approval.get(case.case_id)).certificate is None
    assert files(press) == 0


async def test_delivered_ten_times_at_once_is_one_certificate(press: Press) -> None:
    case = await press.approved()
    before = files(press)
    await asyncio.gather(*(press.issuing.issue(message("issue", case)) for _ in range(10)))
    await press.issuing.issue(message("issue", case))
    assert len(await actions(press, case, "certificate.issued")) == 1
    assert files(press) - before == 2, "the bytes of the attempts that lost are dropped"
    issued = await press.office.approval.get(case.case_id)
    assert (await checked(await press.pdf(issued))).valid


async def test_killed_between_number_and_action_keeps_the_number(press: Press) -> None:
    first, second = await press.approved(), await press.approved()

    class Killed(BaseException):
        """What a kill looks like from inside."""

    async def die(data: bytes | Path, media_type: str) -> Blob:
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(press.blobs, "put", die)
        await press.issuing.issue(message("issue", first))
    await press.issuing.issue(message("issue", second))
    await press.issuing.issue(message("issue", first))
    numbers = []
    for case in (first, second):
        certificate = (await press.office.approval.get(case.case_id)).certificate
        assert certificate is not None
        numbers.append(certificate.number)
    assert numbers == ["优〔2026〕0001号", "优〔2026〕0002号"]


async def test_killed_after_storing_the_bytes_issues_once(press: Press) -> None:
    case = await press.approved()

    async def die(*_: object, **__: object) -> Case:
        raise ConnectionError("killed")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(press.office.approval, "record", die)
        await press.issuing.issue(message("issue", case))
    await press.issuing.issue(message("issue", case))
    assert len(await actions(press, case, "certificate.issued")) == 1


async def test_an_answer_lost_after_the_commit_keeps_the_bytes(press: Press) -> None:
    """The append was committed and the answer was not heard: the certificate must still be there."""
    case = await press.approved()
    record = press.office.approval.record

    async def lose(*args: Any, **more: Any) -> Case:
        await record(*args, **more)
        raise ConnectionError("the answer was lost")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ConnectionError):
        patch.setattr(press.office.approval, "record", lose)
        await press.issuing.issue(message("issue", case))
    await press.issuing.issue(message("issue", case))
    issued = await press.office.approval.get(case.case_id)
    assert (await checked(await press.pdf(issued))).valid


async def test_a_refusal_gets_its_sealed_decision_with_reasons(press: Press) -> None:
    case = await press.refused()
    await press.issuing.voucher(message("voucher", case))
    await press.issuing.voucher(message("voucher", case))
    case = await press.office.approval.get(case.case_id)
    assert (case.state, case.certificate) == ("refused", None)
    assert case.voucher is not None
    pdf = await press.blobs.get(case.voucher.blob.sha256)
    assert (await checked(pdf)).title == "不予办理决定书"
    shown = preview.words(pdf)
    assert "申请人未满六十周岁" in shown and "行政复议" in shown and case.number in shown
    assert (await press.issuing.check(case.voucher.code)).title == "不予办理决定书"


async def test_the_preview_is_a_picture(press: Press) -> None:
    assert (await press.issuing.picture(await press.issued())).startswith(b"\x89PNG")


async def test_no_preview_before_there_is_a_certificate(press: Press) -> None:
    with pytest.raises(NotFound):
        await press.issuing.picture(await press.approved())


async def test_a_code_tells_masked_facts(press: Press) -> None:
    case = await press.issued()
    assert case.certificate is not None
    code = case.certificate.code
    for typed in (code, code.lower(), f"{code[:4]}-{code[4:8]} {code[8:]}"):
        found = await press.issuing.check(typed)
        assert (found.state, found.number, found.holder) == ("valid", case.certificate.number, "李*芳")
        assert found.title == "老年人优待证" and found.sha256 == case.certificate.blob.sha256


@pytest.mark.parametrize("typed", ["", "0000-0000-0000", "查不到", "T8JEEKDPZDB4", "../../etc"])
async def test_a_wrong_code_tells_nothing(press: Press, typed: str) -> None:
    await press.issued()
    found = await press.issuing.check(typed)
    assert (found.state, found.number, found.holder, found.sha256) == ("unknown", "", "", "")


async def test_a_certificate_ends_with_its_validity(press: Press) -> None:
    office = press.office
    case = await office.accepted(office.county.filing)
    town, market = actor(office.county.east_officer), actor(office.county.market_officer)
    await office.approval.claim(case.case_id, actor=town, key=key())
    await office.approval.pass_up(case.case_id, "符合", actor=town, key=key())
    await office.approval.claim(case.case_id, actor=market, key=key())
    case = await office.approval.approve(case.case_id, "同意", actor=market, key=key())
    await press.issuing.issue(message("issue", case))
    case = await office.approval.get(case.case_id)
    assert case.certificate is not None
    found = await press.issuing.check(case.certificate.code)
    assert (found.state, found.valid_until, found.unit_name) == ("valid", "2029-09-22", "青山县市场监督管理局")
    office.clock.forward(days=3 * 366)
    assert (await press.issuing.check(case.certificate.code)).state == "expired"
