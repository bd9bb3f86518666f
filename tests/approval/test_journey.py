"""A case from the first word in the village to its end, by the use cases alone."""

from __future__ import annotations

import re

from tests.support.office import Office, actor, key


async def test_a_senior_citizen_card_from_draft_to_rating(office: Office) -> None:
    approval, county = office.approval, office.county
    case = await office.accepted()
    assert case.state == "accepted"
    assert re.fullmatch(r"519900101201-20260923-0001-[A-HJKMNP-RT-Y]{4}", case.number)

    officer = actor(county.east_officer)
    case = await approval.claim(case.case_id, actor=officer, key=key())
    assert case.state == "in_review"
    case = await approval.approve(case.case_id, "符合条件", actor=officer, key=key())
    assert case.state == "approved"
    assert [d.message.topic for d in await office.journal.claim(["issue"], 10, 60)] == ["issue"]

    case = await office.printed(await office.issued(case))
    assert case.state == "printed"
    by = actor(county.willow_clerk)
    case, token = await approval.deliver(case.case_id, "M1 2L3 4", "", actor=by, key=key())
    assert case.state == "delivered"
    case = await approval.rate(token, 5, "很快", "", key=key())
    assert (case.state, case.rating and case.rating.level) == ("closed", 5)


async def test_a_shop_filing_is_reviewed_by_the_town_and_decided_by_the_department(office: Office) -> None:
    approval, county = office.approval, office.county
    case = await office.accepted(county.filing)
    town, market = actor(county.east_officer), actor(county.market_officer)
    assert [line.case.case_id for line in (await approval.queue(county.east.code)).general] == [case.case_id]
    assert not (await approval.queue(county.market.code)).general

    case = await approval.pass_up(case.case_id, "材料齐全", actor=town, key=key())
    assert (case.stage, case.queue_unit) == ("district", county.market.code)
    assert not (await approval.queue(county.east.code)).general
    assert [line.case.case_id for line in (await approval.queue(county.market.code)).general] == [case.case_id]

    await approval.claim(case.case_id, actor=market, key=key())
    case = await approval.approve(case.case_id, "", actor=market, key=key())
    assert case.state == "approved"
    assert [step.level for step in case.steps] == ["town", "district"]
