"""A case in the village: open, fill, submit, receipt; reading it for everybody who may."""

from __future__ import annotations

import io

import segno

from villagecall.approval import deadlines
from villagecall.directory.codes import Advice
from villagecall.errors import NotFound
from villagecall.http.context import Context, handles
from villagecall.http.models import base
from villagecall.http.models import case as c
from villagecall.http.views import deadline_view, full, views


def _advice(found: list[Advice]) -> list[base.Advice]:
    return [base.Advice(code=one.code, field=one.field, zh=one.zh, en=one.en) for one in found]


@handles("open_case")
async def open_case(context: Context) -> c.CaseReply:
    """The browser made the id: the same request again opens nothing new."""
    body, caller = context.body(c.OpenCase), context.caller
    case = await context.services.approval.open(body.case_id, body.item, actor=caller.actor, key=context.key)
    return await views(context.services).reply(case, caller.person)


@handles("cases")
async def cases(context: Context) -> c.CasesReply:
    """``view``: ``open``, ``done``, ``today``, ``all``. A search (``q``) has one page."""
    person = context.caller.person
    page = await context.services.approval.cases(
        person,
        view=context.query("view", "all"),
        q=context.query("q"),
        after=context.query("after") or None,
        limit=context.number("limit", 50, 1, 200),
    )
    return c.CasesReply(cases=await views(context.services).lines(page.cases, person), next=page.next)


@handles("case")
async def case(context: Context) -> c.CaseReply:
    return await views(context.services).reply(context.the_case, context.caller.person)


@handles("history")
async def history(context: Context) -> c.HistoryReply:
    """Every action with its hash: what the ledger verifies."""
    lines = await context.services.ledger.history(context.the_case.case_id)
    return c.HistoryReply(
        lines=[
            c.HistoryLine(
                seq=line.seq,
                at=line.at,
                kind=line.kind,
                zh=line.words.zh,
                en=line.words.en,
                by=line.by,
                unit_name=line.unit_name,
                hash=line.hash,
            )
            for line in lines
        ]
    )


@handles("applicant")
async def applicant(context: Context) -> c.CaseReply:
    """Advice comes back beside the case; it never stops anything."""
    body, caller = context.body(c.EnterApplicant), context.caller
    agent = body.agent.model_dump() if body.agent else None
    entered, found = await context.services.approval.enter_applicant(
        context.the_case.case_id, body.applicant.model_dump(), agent, actor=caller.actor, key=context.key
    )
    shown = await views(context.services).case(entered, caller.person)
    return c.CaseReply(case=shown, warnings=_advice(found))


@handles("form")
async def form(context: Context) -> c.CaseReply:
    body, caller = context.body(c.FillForm), context.caller
    filled = await context.services.approval.fill_form(
        context.the_case.case_id, body.values, actor=caller.actor, key=context.key
    )
    return await views(context.services).reply(filled, caller.person)


@handles("reveal")
async def reveal(context: Context) -> c.RevealReply:
    """Personal data in clear; the purpose is on record before the answer leaves."""
    body = context.body(c.Reveal)
    who, agent = await context.services.approval.reveal(
        context.the_case.case_id, body.purpose, actor=context.caller.actor, key=context.key
    )
    context.headers["Cache-Control"] = "no-store"
    return c.RevealReply(applicant=full(who) if who else None, agent=full(agent) if agent else None)


@handles("submit")
async def submit(context: Context) -> c.CaseReply:
    done = await context.services.approval.submit(context.the_case.case_id, actor=context.caller.actor, key=context.key)
    return await views(context.services).reply(done, context.caller.person)


@handles("withdraw")
async def withdraw(context: Context) -> c.CaseReply:
    reason = context.body(c.Why).reason
    done = await context.services.approval.withdraw(
        context.the_case.case_id, reason, actor=context.caller.actor, key=context.key
    )
    return await views(context.services).reply(done, context.caller.person)


@handles("defects")
async def defects(context: Context) -> c.DefectsReply:
    """The complete list as it is now, before anybody submits."""
    return c.DefectsReply(defects=list(await context.services.approval.defects(context.the_case)))


@handles("receipt")
async def receipt(context: Context) -> c.ReceiptReply:
    """The dated receipt; its QR leads to the progress page, which tells nothing personal."""
    case, services = context.the_case, context.services
    if not case.number or case.submitted is None:
        raise NotFound
    url = f"{services.settings.base_url}/r/{case.number}"
    item, now = services.approval.item(case), services.clock.now()
    return c.ReceiptReply(
        number=case.number,
        item_name=item.name,
        applicant=await views(services).applicant_name(case),
        village_name=services.directory.unit_name(case.village),
        submitted=case.submitted,
        promised=deadline_view(deadlines.promised(services.directory.calendar, item, case, now)),
        url=url,
        qr_svg=qr_svg(url),
    )


def qr_svg(text: str) -> str:
    """A QR code as SVG without fixed size, error correction M."""
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4)
    return out.getvalue().decode()
