"""Pairing, jobs that survive, and news of printers."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from tests.support.office import actor
from tests.support.press import Press
from villagecall.errors import NotFound
from villagecall.ids import uuid7
from villagecall.issuing.devices import Device, Devices, device_actor
from villagecall.issuing.printers import Printer
from villagecall.issuing.refusals import DeviceUnknown, PairingRefused
from villagecall.journal import Actor
from villagecall.ports import Delivery


def clerk(press: Press) -> Actor:
    return actor(press.office.county.willow_clerk)


async def paired(press: Press, name: str = "柳溪村打印机") -> tuple[Device, str]:
    code, _ = await press.devices.open_pairing(press.office.county.willow.code, clerk(press))
    return await press.devices.pair(code, name)


async def outbox(press: Press) -> list[Delivery]:
    found = await press.office.journal.claim(["print"], 10, 60)
    for each in found:
        await press.devices.enqueue(each)
    return found


async def test_a_code_pairs_one_agent(press: Press) -> None:
    code, expires = await press.devices.open_pairing(press.office.county.willow.code, clerk(press))
    assert len(code) == 8 and code.isdigit()
    assert (expires - press.office.clock.now()).total_seconds() == 600
    device, secret = await press.devices.pair(f" {code} ", "柳溪村打印机")
    assert (device.unit, device.name) == (press.office.county.willow.code, "柳溪村打印机")
    assert await press.devices.authenticate(secret) == device
    with pytest.raises(PairingRefused):
        await press.devices.pair(code, "另一台")


async def test_of_many_agents_with_one_code_one_is_paired(press: Press) -> None:
    code, _ = await press.devices.open_pairing(press.office.county.willow.code, clerk(press))
    found = await asyncio.gather(*(press.devices.pair(code, str(n)) for n in range(8)), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in found) == 1


async def test_a_code_ends_after_ten_minutes(press: Press) -> None:
    code, _ = await press.devices.open_pairing(press.office.county.willow.code, clerk(press))
    press.office.clock.forward(minutes=10, seconds=1)
    with pytest.raises(PairingRefused):
        await press.devices.pair(code, "x")


async def test_wrong_codes_and_units_are_refused(press: Press) -> None:
    with pytest.raises(PairingRefused):
        await press.devices.pair("00000000", "x")
    with pytest.raises(NotFound):
        await press.devices.open_pairing("000000000000", clerk(press))


async def test_neither_code_nor_secret_is_stored(press: Press) -> None:
    code, _ = await press.devices.open_pairing(press.office.county.willow.code, clerk(press))
    _, secret = await press.devices.pair(code, "x")
    log = "".join(str(entry.action.payload) for entry in await press.office.journal.since(0, 1000))
    assert code not in log and secret not in log


async def test_a_revoked_agent_is_nobody(press: Press) -> None:
    device, secret = await paired(press)
    with press.devices.line(device) as line:
        await press.devices.revoke(device.device_id, clerk(press))
        assert (line.over.is_set(), line.code) == (True, 4401)
    assert await press.devices.authenticate(secret) is None
    assert await press.devices.of_units(None) == []
    with pytest.raises(DeviceUnknown):
        await press.devices.get(device.device_id)


async def test_devices_are_listed_by_unit(press: Press) -> None:
    first, _ = await paired(press, "一号")
    press.office.clock.forward(seconds=1)
    second, _ = await paired(press, "二号")
    county = press.office.county
    assert await press.devices.of_units({county.willow.code}) == [first, second]
    assert await press.devices.of_units({county.hill.code}) == []
    assert len(await press.devices.of_units(None)) == 2


async def test_a_ticket_for_a_device_becomes_its_job_once(press: Press) -> None:
    device, _ = await paired(press)
    case = await press.issued()
    await press.ticket(case, device=device.device_id)
    (delivery,) = await outbox(press)
    await press.devices.enqueue(delivery)  # delivered twice
    (job,) = (await press.devices.get(device.device_id)).jobs
    assert case.certificate is not None
    assert (job.case_id, job.title) == (case.case_id, f"{case.certificate.number} 第1份")
    await press.devices.taken(device.device_id, job.print_id)
    await press.devices.taken(device.device_id, job.print_id)
    assert (await press.devices.get(device.device_id)).jobs == ()


async def test_a_job_wakes_the_agents_line(press: Press) -> None:
    device, _ = await paired(press)
    with press.devices.line(device) as line:
        line.work.clear()
        await press.ticket(await press.issued(), device=device.device_id)
        await outbox(press)
        assert line.work.is_set()


async def test_a_job_for_a_device_that_is_gone_is_dropped(press: Press) -> None:
    await press.ticket(await press.issued(), device=UUID(int=5))
    assert len(await outbox(press)) == 1


async def test_a_second_connection_ends_the_first(press: Press) -> None:
    device, _ = await paired(press)
    with press.devices.line(device) as first, press.devices.line(device) as second:
        assert first.over.is_set() and first.code == 4409
        assert not second.over.is_set()


async def test_what_an_agent_says_of_its_printers_is_shown_until_it_is_silent(press: Press) -> None:
    device, _ = await paired(press)
    empty = Printer(name="HP", state="stopped", reasons=("media-empty-error",))
    assert not press.devices.presence(device.device_id).online
    await press.devices.alive(device, [empty])
    assert press.devices.presence(device.device_id).printers == (empty,)
    press.office.clock.forward(seconds=40)
    await press.devices.alive(device)
    press.office.clock.forward(seconds=40)
    assert press.devices.presence(device.device_id).online
    press.office.clock.forward(seconds=10)
    assert not press.devices.presence(device.device_id).online


async def test_pages_are_told_of_changes_only(press: Press) -> None:
    device, _ = await paired(press)
    async with press.office.bus.subscribe("device") as hints:
        await press.devices.alive(device, [Printer(name="HP")])
        await press.devices.alive(device)
        await press.devices.alive(device, [Printer(name="HP")])
        await press.devices.alive(device, online=False)
        for _ in range(2):
            topic, message = await asyncio.wait_for(anext(hints), 1)
            assert (topic, message["unit"]) == ("device", device.unit)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(hints), 0.05)


async def test_another_process_knows_the_same(press: Press) -> None:
    office = press.office
    other = Devices(office.journal, office.county.directory, office.bus, office.clock)
    await other.start()
    await asyncio.sleep(0)
    try:
        device, secret = await paired(press)
        assert await other.authenticate(secret) == device
        with other.line(device) as line:
            line.work.clear()
            await press.ticket(await press.issued(), device=device.device_id)
            await outbox(press)
            await asyncio.wait_for(line.work.wait(), 1)
        await press.devices.alive(device, [Printer(name="HP")])
        await asyncio.sleep(0.01)
        assert other.presence(device.device_id).online
        with other.line(device) as line:
            await press.devices.revoke(device.device_id, clerk(press))
            await asyncio.wait_for(line.over.wait(), 1)
    finally:
        await other.close()


async def test_an_unreadable_hint_is_passed_over(press: Press) -> None:
    office = press.office
    await press.devices.start()
    await asyncio.sleep(0)
    await office.bus.publish("device.alive", {"device": "x"})
    await office.bus.publish("device.alive", {"device": str(uuid7()), "online": True})
    device, _ = await paired(press)
    await office.bus.publish(
        "device.alive",
        {"device": str(device.device_id), "online": True, "seen": "2026-09-23T01:30:00.000000Z", "printers": []},
    )
    await asyncio.sleep(0.01)
    assert press.devices.presence(device.device_id).online
    await press.devices.close()


def test_a_device_acts_in_its_own_name() -> None:
    device = Device.model_validate(
        {"device_id": str(UUID(int=1)), "unit": "u", "name": "n", "paired": "2026-01-01T00:00:00Z"}
    )
    assert device_actor(device) == Actor(f"device:{UUID(int=1)}", "u", "device")
