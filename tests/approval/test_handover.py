"""The last step: the signature, the rating, the end."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.office import Office, actor, key
from villagecall.approval import numbers
from villagecall.approval.refusals import RatedAlready
from villagecall.approval.store import RATING_DAYS
from villagecall.case import Case
from villagecall.errors import BadRequest, NotFound
from villagecall.journal import canonical

SIGNATURE = "M10 20L30 40Q5 5 6 6C60 10 90 110 130 60S210 30 260 70h-3.5"


async def delivered(office: Office) -> tuple[Case, str]:
    case = await office.printed()
    return await office.approval.deliver(
        case.case_id, SIGNATURE, "", actor=actor(office.county.willow_clerk), key=key()
    )


class TestHandingOver:
    async def test_the_signature_is_sealed(self, office: Office) -> None:
        case, _ = await delivered(office)
        assert case.delivery is not None
        assert await office.approval.personal(case.delivery.signature) == {"signature": SIGNATURE}
        told = canonical([dict(entry.action.payload) for entry in await office.journal.entries(case.case_id)])
        assert SIGNATURE.encode() not in told

    async def test_a_retry_gets_the_same_token(self, office: Office) -> None:
        case, same = await office.printed(), key()
        by = actor(office.county.willow_clerk)
        first = await office.approval.deliver(case.case_id, SIGNATURE, "", actor=by, key=same)
        assert await office.approval.deliver(case.case_id, SIGNATURE, "", actor=by, key=same) == first

    async def test_the_journal_holds_only_the_tokens_digest(self, office: Office) -> None:
        case, token = await delivered(office)
        assert case.rating_digest == numbers.rating_digest(token)
        told = canonical([dict(entry.action.payload) for entry in await office.journal.entries(case.case_id)])
        assert token.encode() not in told

    async def test_no_signature_has_a_reason(self, office: Office) -> None:
        case, by = await office.printed(), actor(office.county.willow_clerk)
        with pytest.raises(BadRequest):
            await office.approval.deliver(case.case_id, "", " ", actor=by, key=key())
        after, _ = await office.approval.deliver(case.case_id, "", "纸上按了手印", actor=by, key=key())
        assert after.delivery is not None
        assert after.delivery.signature is None

    async def test_a_signature_is_a_path_and_nothing_else(self, office: Office) -> None:
        case, by = await office.printed(), actor(office.county.willow_clerk)
        for bad in ('M1 2"/><script>', "url(x)", "M1 2 javascript:"):
            with pytest.raises(BadRequest):
                await office.approval.deliver(case.case_id, bad, "", actor=by, key=key())


class TestRating:
    async def test_the_rating_closes_the_case(self, office: Office) -> None:
        case, token = await delivered(office)
        after = await office.approval.rate(token, 5, "很快,谢谢", "李桂芳", key=key())
        assert (after.state, after.closed) == ("closed", office.clock.now())
        assert after.rating is not None
        assert await office.approval.personal(after.rating.comment) == {"comment": "很快,谢谢", "name": "李桂芳"}
        assert [entry.action.actor.person for entry in (await office.journal.entries(case.case_id))[-2:]] == [
            "applicant",
            "system",
        ]

    async def test_one_rating_per_act(self, office: Office) -> None:
        _, token = await delivered(office)
        await office.approval.rate(token, 5, "", "", key=key())
        with pytest.raises(RatedAlready):
            await office.approval.rate(token, 1, "", "", key=key())
        assert (await office.approval.rate(token, 5, "", "", key=key())).state == "closed"

    async def test_of_many_at_once_one_counts(self, office: Office) -> None:
        case, token = await delivered(office)
        await asyncio.gather(
            *(office.approval.rate(token, level, "", "", key=key()) for level in (1, 2, 3, 4, 5)),
            return_exceptions=True,
        )
        kinds = [entry.action.kind for entry in await office.journal.entries(case.case_id)]
        assert (kinds.count("case.rated"), kinds.count("case.closed")) == (1, 1)

    async def test_a_made_up_token_rates_nothing(self, office: Office) -> None:
        await delivered(office)
        with pytest.raises(NotFound):
            await office.approval.rate("0" * 24, 5, "", "", key=key())

    @pytest.mark.parametrize("level", [0, 6, -1])
    async def test_there_are_five_levels(self, office: Office, level: int) -> None:
        _, token = await delivered(office)
        with pytest.raises(BadRequest):
            await office.approval.rate(token, level, "", "", key=key())


class TestTheEnd:
    async def test_a_case_nobody_rates_is_closed_after_its_time(self, office: Office) -> None:
        case, token = await delivered(office)
        assert await office.journal.claim(["close"], 10, 60) == []
        office.clock.forward(days=RATING_DAYS)
        (due,) = await office.journal.claim(["close"], 10, 60)
        consumer = office.approval.consumers()["close"]
        for _ in range(2):  # at least once means twice
            await consumer(due)
        after = await office.approval.get(case.case_id)
        assert (after.state, after.rating) == ("closed", None)
        after = await office.approval.rate(token, 4, "", "", key=key())
        assert after.rating is not None
        assert after.state == "closed"

    async def test_a_rated_case_is_left_alone(self, office: Office) -> None:
        _, token = await delivered(office)
        rated = await office.approval.rate(token, 5, "", "", key=key())
        office.clock.forward(days=RATING_DAYS)
        (due,) = await office.journal.claim(["close"], 10, 60)
        await office.approval.close_unrated(due)
        assert await office.approval.get(rated.case_id) == rated
