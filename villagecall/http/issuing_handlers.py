"""Certificate preview, print tickets, devices and their pairing."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web

from villagecall.directory.model import Role
from villagecall.errors import BadRequest, NotFound
from villagecall.http.context import Context, handles
from villagecall.http.guard import require_case
from villagecall.http.models import case as c
from villagecall.http.models import directory as d
from villagecall.issuing.devices import Device, Presence, device_actor
from villagecall.issuing.printers import sentence, trouble
from villagecall.issuing.refusals import DeviceUnknown, TicketUnknown


@handles("certificate_png")
async def certificate_png(context: Context) -> web.Response:
    """The picture of the sealed document. It never changes, but it is personal: only this browser keeps it."""
    png = await context.services.issuing.picture(context.the_case)
    return web.Response(body=png, content_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


@handles("print_case")
async def print_case(context: Context) -> c.TicketReply:
    """A ticket; with a device the agent is told, and the ticket is not for the browser."""
    body, case = context.body(c.PrintCase), context.the_case
    if body.device is not None:
        device = await context.services.devices.get(body.device)
        if device.unit != case.village:
            raise DeviceUnknown
    ticket = await context.services.issuing.tickets.create(
        case.case_id,
        body.print_id,
        actor=context.caller.actor,
        device=body.device,
        printer=body.printer,
        reason=body.reason,
    )
    url = f"/api/v1/print/{ticket.secret}" if body.device is None else ""
    return c.TicketReply(print_id=ticket.print_id, copy_no=ticket.copy_no, url=url)


@handles("print_ticket")
async def print_ticket(context: Context) -> web.Response:
    """The sealed PDF, byte for byte as it was issued, once: to the clerk's browser or to the agent it is for."""
    services, secret = context.services, context.request.match_info["ticket"]
    case, ticket = await services.issuing.tickets.find(secret)
    if ticket.device != context.device:
        raise TicketUnknown
    if context.device is not None:
        actor = device_actor(await services.devices.get(context.device))
    else:
        require_case(context, case)
        actor = context.caller.actor
    pdf = await services.issuing.tickets.redeem(secret, actor)
    if context.device is not None:
        await services.devices.taken(context.device, ticket.print_id)
    paper = case.certificate or case.voucher
    name = quote(f"{paper.number if paper else ''}.pdf")
    headers = {"Cache-Control": "no-store", "Content-Disposition": f"inline; filename*=UTF-8''{name}"}
    return web.Response(body=pdf, content_type="application/pdf", headers=headers)


@handles("devices")
async def devices(context: Context) -> d.DevicesReply:
    """Those of one's own village; the administrator and the supervisor see all."""
    services, person = context.services, context.caller.person
    units = {person.unit} if person.role is Role.CLERK else None
    found = await services.devices.of_units(units)
    return d.DevicesReply(devices=[_device(each, services.devices.presence(each.device_id)) for each in found])


def _device(device: Device, now: Presence) -> d.DeviceReply:
    printers = [
        d.PrinterReply(
            name=printer.name,
            state=printer.state,
            reasons=list(printer.reasons),
            colour=printer.colour,
            trouble=trouble(printer.state, printer.reasons),
            label=printer.label,
            zh=zh,
            en=en,
        )
        for printer in now.printers
        for zh, en in [sentence(printer.state, printer.reasons)]
    ]
    return d.DeviceReply(
        device_id=device.device_id,
        unit=device.unit,
        name=device.name,
        online=now.online,
        seen=now.seen,
        printers=printers,
    )


@handles("pairing")
async def pairing(context: Context) -> d.PairingReply:
    """A clerk pairs for the own village; the administrator says for which one (``unit``)."""
    caller = context.caller
    unit = context.query("unit") or (caller.person.unit if caller.person.role is Role.CLERK else "")
    if not unit:
        raise BadRequest(fields={"unit": "请选择要配对的村"})
    if context.services.directory.unit(unit).kind not in ("village", "town"):
        raise NotFound
    code, expires = await context.services.devices.open_pairing(unit, caller.actor)
    return d.PairingReply(code=code, expires=expires)


@handles("pair")
async def pair(context: Context) -> d.PairedReply:
    """The agent's first word. The secret is in this answer and nowhere else."""
    body, services = context.body(d.Pair), context.services
    device, secret = await services.devices.pair(body.code, body.name)
    return d.PairedReply(
        device_id=device.device_id,
        secret=secret,
        unit=device.unit,
        unit_name=services.directory.unit(device.unit).name,
    )
