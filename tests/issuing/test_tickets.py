"""A ticket prints once; a further copy has a reason; what the queue says is on record."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.support.office import actor, key
from tests.support.press import Press, message
from villagecall.case import Case, Print
from villagecall.errors import NotFound
from villagecall.ids import uuid7
from villagecall.issuing.refusals import NotIssuedYet, ReprintNeedsReason, TicketUnknown, TicketUsed
from villagecall.journal import Actor


def clerk(press: Press) -> Actor:
    return actor(press.office.county.willow_clerk)


async def the_print(press: Press, case: Case, at: int = -1) -> Print:
    return (await press.office.approval.get(case.case_id)).prints[at]


async def test_a_ticket_gives_the_issued_bytes_once(press: Press) -> None:
    case = await press.issued()
    secret = await press.ticket(case)
    assert await press.issuing.tickets.redeem(secret, clerk(press)) == await press.pdf(case)
    with pytest.raises(TicketUsed):
        await press.issuing.tickets.redeem(secret, clerk(press))
    assert (await the_print(press, case)).state == "fetched"


async def test_of_many_at_once_one_gets_the_document(press: Press) -> None:
    case = await press.issued()
    secret = await press.ticket(case)
    tries = (press.issuing.tickets.redeem(secret, clerk(press)) for _ in range(20))
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, bytes) for each in found) == 1
    assert sum(isinstance(each, TicketUsed) for each in found) == 19


async def test_no_ticket_before_the_certificate(press: Press) -> None:
    case = await press.approved()
    with pytest.raises(NotIssuedYet):
        await press.ticket(case)


async def test_the_same_request_again_is_the_same_ticket(press: Press) -> None:
    case, print_id = await press.issued(), uuid7()
    create = press.issuing.tickets.create
    first = await create(case.case_id, print_id, actor=clerk(press), reason="")
    again = await create(case.case_id, print_id, actor=clerk(press), reason="")
    assert first == again
    assert len((await press.office.approval.get(case.case_id)).prints) == 1


@pytest.mark.parametrize("reason", ["", " ", "卡"])
async def test_a_second_copy_needs_a_reason(press: Press, reason: str) -> None:
    case = await press.issued()
    await press.ticket(case)
    with pytest.raises(ReprintNeedsReason):
        await press.ticket(case, reason=reason)


async def test_a_second_copy_with_a_reason_withdraws_the_unused_ticket(press: Press) -> None:
    case = await press.issued()
    first = await press.ticket(case)
    second = await press.ticket(case, reason="卡纸,没有打出来")
    with pytest.raises(TicketUsed):
        await press.issuing.tickets.redeem(first, clerk(press))
    assert await press.issuing.tickets.redeem(second, clerk(press))
    states = [each.state for each in (await press.office.approval.get(case.case_id)).prints]
    assert states == ["canceled", "fetched"]
    assert (await the_print(press, case)).reason == "卡纸,没有打出来"


async def test_two_first_copies_at_once_are_one(press: Press) -> None:
    """Two tabs press the button: one prints, the other is told that a further copy needs a reason."""
    case = await press.issued()
    found = await asyncio.gather(*(press.ticket(case) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in found) == 1
    assert sum(isinstance(each, ReprintNeedsReason) for each in found) == 5
    assert len((await press.office.approval.get(case.case_id)).prints) == 1


async def test_fetch_and_replacement_at_once_have_one_outcome(press: Press) -> None:
    for _ in range(5):
        case = await press.issued()
        first = await press.ticket(case)
        fetched, second = await asyncio.gather(
            press.issuing.tickets.redeem(first, clerk(press)),
            press.ticket(case, reason="重打一份"),
            return_exceptions=True,
        )
        assert isinstance(second, str)
        state = (await the_print(press, case, 0)).state
        assert state == ("fetched" if isinstance(fetched, bytes) else "canceled")


async def test_an_unknown_ticket_is_told_so(press: Press) -> None:
    with pytest.raises(TicketUnknown):
        await press.issuing.tickets.redeem("0" * 24, clerk(press))


async def test_only_the_digest_is_stored(press: Press) -> None:
    case = await press.issued()
    secret = await press.ticket(case)
    log = "".join(str(entry.action.payload) for entry in await press.office.journal.entries(case.case_id))
    assert secret not in log and (await the_print(press, case)).digest in log
    assert len(secret) == 24


async def test_the_queues_word_is_on_record_and_done_prints_the_case(press: Press) -> None:
    case, device = await press.issued(), uuid4()
    secret = await press.ticket(case, device=device)
    by = Actor(f"device:{device}", case.village, "device")
    await press.issuing.tickets.redeem(secret, by)
    told = (await the_print(press, case)).print_id
    for state, reasons in (
        ("queued", ()),
        ("printing", ()),
        ("stopped", ("media-empty-error",)),
        ("printing", ()),
        ("done", ()),
    ):
        await press.issuing.tickets.report(told, state, actor=by, device=device, job=7, reasons=reasons)
        now = await the_print(press, case)
        assert (now.state, now.job, now.reasons) == (state, 7, reasons)
    assert (await press.office.approval.get(case.case_id)).state == "printed"


async def test_the_same_word_again_writes_nothing_and_an_end_is_an_end(press: Press) -> None:
    case, device = await press.issued(), uuid4()
    await press.issuing.tickets.redeem(await press.ticket(case, device=device), clerk(press))
    told, by = (await the_print(press, case)).print_id, Actor(f"device:{device}", case.village, "device")
    report = press.issuing.tickets.report
    done = await report(told, "done", actor=by, device=device, job=7)
    for state in ("done", "printing", "aborted"):
        assert (await report(told, state, actor=by, device=device, job=7)).seq == done.seq


async def test_a_foreign_device_and_an_odd_state_are_refused(press: Press) -> None:
    case, device = await press.issued(), uuid4()
    await press.ticket(case, device=device)
    told, by = (await the_print(press, case)).print_id, Actor("device:x", case.village, "device")
    for wrong in ((uuid4(), "done"), (device, "fetched"), (device, "printed")):
        with pytest.raises(NotFound):
            await press.issuing.tickets.report(told, wrong[1], actor=by, device=wrong[0])
    with pytest.raises(NotFound):
        await press.issuing.tickets.report(uuid4(), "done", actor=by, device=device)


async def test_an_agent_that_could_not_fetch_ends_the_ticket(press: Press) -> None:
    case, device = await press.issued(), uuid4()
    secret = await press.ticket(case, device=device)
    told, by = (await the_print(press, case)).print_id, Actor(f"device:{device}", case.village, "device")
    await press.issuing.tickets.report(told, "aborted", actor=by, device=device, reasons=("fetch-failed",))
    with pytest.raises(TicketUsed):
        await press.issuing.tickets.redeem(secret, by)


async def test_a_voucher_is_printed_like_a_certificate(press: Press) -> None:
    case = await press.refused()
    await press.issuing.voucher(message("voucher", case))
    pdf = await press.issuing.tickets.redeem(await press.ticket(case), clerk(press))
    case = await press.office.approval.get(case.case_id)
    assert case.voucher is not None and pdf == await press.blobs.get(case.voucher.blob.sha256)


async def test_browser_print_is_confirmed_by_handing_over(press: Press) -> None:
    """The server cannot see the paper of a browser print: it stays fetched, and that is enough to deliver."""
    case = await press.issued()
    await press.issuing.tickets.redeem(await press.ticket(case), clerk(press))
    delivered, _ = await press.office.approval.deliver(case.case_id, "", "按手印", actor=clerk(press), key=key())
    assert (delivered.state, delivered.prints[-1].state) == ("delivered", "fetched")
