"""Hand-over, rating, day book, and what anyone with a receipt number may see."""

from __future__ import annotations

from villagecall.approval import deadlines
from villagecall.case_words import STATES, local_day
from villagecall.directory.model import Role
from villagecall.errors import BadRequest
from villagecall.http.context import Context, handles
from villagecall.http.models import case as c
from villagecall.http.models import public as t
from villagecall.http.models.base import Ok
from villagecall.http.views import deadline_view, views


@handles("deliver")
async def deliver(context: Context) -> c.DeliverReply:
    """The rating token goes to the page in front of the applicant, and nowhere else."""
    body, caller = context.body(c.Deliver), context.caller
    done, token = await context.services.approval.deliver(
        context.the_case.case_id, body.signature, body.without, actor=caller.actor, key=context.key
    )
    shown = await views(context.services).case(done, caller.person)
    return c.DeliverReply(case=shown, rating_token=token)


@handles("rate")
async def rate(context: Context) -> Ok:
    """By whoever holds the token: once per case."""
    body, token = context.body(c.Rate), context.request.match_info["token"]
    await context.services.approval.rate(token, body.level, body.comment, body.name, key=context.key)
    return Ok()


@handles("progress")
async def progress(context: Context) -> t.ProgressReply:
    """No name and no paper: the number, the item, where it stands, what to do."""
    services = context.services
    found = await services.ledger.progress(context.request.match_info["number"])
    item, now = services.approval.item(found.case), services.clock.now()
    due = deadlines.promised(services.directory.calendar, item, found.case, now)
    return t.ProgressReply(
        number=found.case.number,
        item_name=found.item_name,
        state_zh=found.state.zh,
        state_en=found.state.en,
        todo_zh=found.todo.zh,
        todo_en=found.todo.en,
        village_name=found.village_name,
        promised=deadline_view(due),
        steps=[t.ProgressStep(zh=step.words.zh, en=step.words.en, at=step.at, done=step.done) for step in found.steps],
        defects=list(found.defects),
    )


@handles("daybook")
async def daybook(context: Context) -> t.DaybookReply:
    """A village's ledger of one day; a clerk reads the own village's, a supervisor names one."""
    services, person = context.services, context.caller.person
    village = context.query("village") or (person.unit if person.role is Role.CLERK else "")
    if not village:
        raise BadRequest(fields={"village": "请选择村"})
    day = context.query("date") or local_day(services.clock.now())
    book, show = await services.ledger.daybook(village, day), views(services)
    return t.DaybookReply(
        date=day,
        lines=[
            t.DaybookLine(
                seq=entry.line.seq,
                at=entry.line.at,
                number=entry.case.number,
                case_id=entry.case.case_id,
                item_name=services.approval.item(entry.case).name,
                applicant=await show.applicant_name(entry.case),
                what_zh=entry.line.words.zh,
                what_en=entry.line.words.en,
                by=entry.line.by,
                state_zh=STATES[entry.case.state].zh,
            )
            for entry in book.lines
        ],
        counts=dict(book.counts),
    )
