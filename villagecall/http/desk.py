"""The desk: its queue, claiming, passing up, deciding, returning."""

from __future__ import annotations

from villagecall.case import Case
from villagecall.http.context import Context, handles
from villagecall.http.models import case as c
from villagecall.http.views import views


async def _reply(context: Context, case: Case) -> c.CaseReply:
    return await views(context.services).reply(case, context.caller.person)


@handles("queue")
async def queue(context: Context) -> c.QueueReply:
    """Calls in the order of request, then overdue and due today, then the rest by what is due."""
    person, show = context.caller.person, views(context.services)
    found = await context.services.approval.queue(
        person.unit, after=context.query("after") or None, limit=context.number("limit", 50, 1, 200)
    )
    return c.QueueReply(
        video=await show.lines(found.video, person),
        today=await show.lines(found.today, person),
        general=await show.lines(found.general, person),
        next=found.next,
        counts=dict(found.counts),
    )


@handles("claim")
async def claim(context: Context) -> c.CaseReply:
    approval, case = context.services.approval, context.the_case
    return await _reply(context, await approval.claim(case.case_id, actor=context.caller.actor, key=context.key))


@handles("release")
async def release(context: Context) -> c.CaseReply:
    approval, case = context.services.approval, context.the_case
    return await _reply(context, await approval.release(case.case_id, actor=context.caller.actor, key=context.key))


@handles("pass_up")
async def pass_up(context: Context) -> c.CaseReply:
    opinion = context.body(c.PassUp).opinion
    done = await context.services.approval.pass_up(
        context.the_case.case_id, opinion, actor=context.caller.actor, key=context.key
    )
    return await _reply(context, done)


@handles("approve")
async def approve(context: Context) -> c.CaseReply:
    opinion = context.body(c.Approve).opinion
    done = await context.services.approval.approve(
        context.the_case.case_id, opinion, actor=context.caller.actor, key=context.key
    )
    return await _reply(context, done)


@handles("refuse")
async def refuse(context: Context) -> c.CaseReply:
    body = context.body(c.Refuse)
    done = await context.services.approval.refuse(
        context.the_case.case_id, body.reasons, body.opinion, actor=context.caller.actor, key=context.key
    )
    return await _reply(context, done)


@handles("return_case")
async def return_case(context: Context) -> c.CaseReply:
    body = context.body(c.ReturnCase)
    done = await context.services.approval.return_case(
        context.the_case.case_id, body.defects, actor=context.caller.actor, key=context.key
    )
    return await _reply(context, done)
