"""Items, units and people, as the pages see them."""

from __future__ import annotations

from collections import Counter

from villagecall.directory.model import Item, Person, Unit
from villagecall.directory.search import described
from villagecall.directory.service import Directory
from villagecall.errors import BadRequest
from villagecall.http.context import Context, handles
from villagecall.http.models import directory as d


def summary(item: Item, directory: Directory) -> d.ItemSummary:
    """A line of the item list."""
    return d.ItemSummary(
        code=item.code,
        version=item.version,
        name=item.name,
        name_en=item.name_en,
        field=item.field,
        level=item.level,
        department=item.department,
        department_name=directory.unit_name(item.department),
        promised_days=item.promised_days,
        legal_days=item.legal_days,
        on_the_spot=item.on_the_spot,
        described=described(item),
    )


@handles("items")
async def items(context: Context) -> d.ItemsReply:
    """Newest versions, best match first. ``after`` is the code of the last item seen."""
    directory = context.services.directory
    wanted = context.query("described")
    found = directory.items(
        context.query("q"),
        field=context.query("field"),
        level=context.query("level"),
        described_only=wanted == "true" if wanted else None,
    )
    limit, begin = context.number("limit", 50, 1, 200), 0
    after = context.query("after")
    if after:
        begin = next((at + 1 for at, item in enumerate(found) if item.code == after), 0)
        if not begin:
            raise BadRequest(fields={"after": "列表已更新,请从头查看"})
    page = found[begin : begin + limit]
    more = begin + limit < len(found)
    return d.ItemsReply(
        items=[summary(item, directory) for item in page],
        next=page[-1].code if more else None,
        total=len(found),
    )


@handles("item")
async def item(context: Context) -> d.ItemReply:
    """The whole guide; ``version`` asks for the one that a case is pinned to."""
    directory = context.services.directory
    version = context.query("version")
    found = directory.item(context.request.match_info["code"], int(version) if version else None)
    return d.ItemReply(item=found, department_name=directory.unit_name(found.department))


@handles("fields")
async def fields(context: Context) -> d.FieldsReply:
    counts = Counter(item.field for item in context.services.directory.items() if item.field)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return d.FieldsReply(fields=[d.FieldCount(field=field, items=count) for field, count in ordered])


def unit_reply(unit: Unit) -> d.UnitReply:
    return d.UnitReply(**unit.model_dump(exclude={"unit_id"}))


@handles("units")
async def units(context: Context) -> d.UnitsReply:
    """Units that stand today; closed ones are found by their code in old cases only."""
    found = context.services.directory.units(context.query("kind"), context.query("parent"))
    return d.UnitsReply(units=[unit_reply(unit) for unit in found])


def person_reply(person: Person, directory: Directory) -> d.PersonReply:
    return d.PersonReply(unit_name=directory.unit_name(person.unit), **person.model_dump(exclude={"credential"}))


@handles("people")
async def people(context: Context) -> d.PeopleReply:
    directory = context.services.directory
    found = directory.people(context.query("unit"))
    return d.PeopleReply(people=[person_reply(person, directory) for person in found])
