"""What was read on the papers, offered to who may see it: never entered by itself."""

from __future__ import annotations

import asyncio

from villagecall.case import Case
from villagecall.directory.model import Role
from villagecall.http.context import Context, handles
from villagecall.http.models import base
from villagecall.http.models import papers as m
from villagecall.http.services import Services
from villagecall.http.views import masked
from villagecall.scan.idcard import A4, Card, cards, differences
from villagecall.scan.text import read


async def _cards(services: Services, case: Case) -> list[tuple[str, Card]]:
    """Page id and card, of the pages that count."""
    found: list[tuple[str, Card]] = []
    for page in case.live_pages():
        if page.text is not None:
            lines = read(await services.approval.text_of(page))
            ratio = page.width / page.height if page.height else A4
            found += [(str(page.page_id), card) for card in await asyncio.to_thread(cards, lines, ratio)]
    return found


def _view(page_id: str, card: Card, *, full: bool) -> m.CardView:
    entries = card.entries()
    if not full:
        shown = masked(entries)
        entries = {"name": shown.name, "id_number": shown.id_number, "address": shown.address}
    names = ("name", "id_number", "address", "sex", "people", "birth")
    return m.CardView.model_validate({"page_id": page_id, **{name: entries.get(name, "") for name in names}})


@handles("suggestions")
async def suggestions(context: Context) -> m.SuggestionsReply:
    """For the clerk while the entries can still be made, in full; for a desk masked, with what differs."""
    services, caller, case = context.services, context.caller, context.the_case
    clerk = caller.person.role is Role.CLERK
    context.headers["Cache-Control"] = "no-store"
    if clerk and "applicant" not in services.approval.actions(case, caller.person):
        return m.SuggestionsReply(cards=[])  # nothing can be entered any more, so nothing is shown
    found = await _cards(services, case)
    applicant = await services.approval.personal(case.applicant)
    agent = await services.approval.personal(case.agent)
    only = [card for _, card in found]
    # A card that is the agent's says nothing about the applicant.
    own = [card for card in only if not agent.get("id_number") or card.id_number != agent["id_number"]]
    hints = differences(own, applicant)
    return m.SuggestionsReply(
        cards=[_view(page_id, card, full=clerk) for page_id, card in found],
        hints=[base.Advice(code=one.code, field=one.field, zh=one.zh, en=one.en) for one in hints],
    )
