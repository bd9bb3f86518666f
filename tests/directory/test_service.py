"""The directory as a reading of the journal, and its writes."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from tests.support.clock import FixedClock
from tests.support.county import PASSWORD, County, small_county, small_vault
from villagecall.adapters.bus_local import LocalBus
from villagecall.adapters.memory import MemoryJournal
from villagecall.directory.calendar import Year
from villagecall.directory.model import Person, Role
from villagecall.directory.passwords import WeakPassword
from villagecall.directory.records import (
    ItemHistory,
    PersonState,
    fold_item,
    fold_person,
    fold_unit,
    stream_id,
)
from villagecall.directory.service import Directory
from villagecall.directory.signins import SignIns
from villagecall.errors import Conflict, NameTaken, NotFound
from villagecall.journal import Actor, canonical, verify
from villagecall.vault import Vault


class World:
    """One installation with its journal, and as many processes of it as a test wants."""

    def __init__(self) -> None:
        self.clock, self.vault, self.bus = FixedClock(), small_vault(), LocalBus()
        self.journal = MemoryJournal(self.clock)

    async def county(self, *, passwords: bool = False) -> County:
        return await small_county(self.journal, self.vault, self.clock, bus=self.bus, passwords=passwords)

    async def process(self) -> Directory:
        directory = Directory(self.journal, self.vault, self.clock, self.bus)
        await directory.load()
        return directory


@pytest.fixture
def world() -> World:
    return World()


async def test_a_new_process_reads_what_was_written(world: World) -> None:
    county = await world.county()
    other = await world.process()
    assert other.units() == county.directory.units()
    assert other.people() == county.directory.people()
    assert other.items() == county.directory.items()
    assert other.by_login("willow") == county.willow_clerk
    assert other.person(county.admin.person_id).name == "郑工"
    assert [unit.name for unit in other.units("village", county.east.code)] == ["柳溪村", "石门村"]
    assert [person.login for person in other.people(county.east.code)] == ["east1", "east2"]
    assert other.unit_name(county.willow.code) == "柳溪村"
    assert other.unit_name("000") == "000"


async def test_what_is_not_there_is_not_found(world: World) -> None:
    directory = (await world.county()).directory
    for ask in (
        lambda: directory.unit("0"),
        lambda: directory.person(stream_id("person", "nobody")),
        lambda: directory.item("0"),
        lambda: directory.item("LN-001", 7),
    ):
        with pytest.raises(NotFound):
            ask()
    assert directory.by_login("nobody") is None


async def test_pinned_versions_stay_readable_everywhere(world: World) -> None:
    county = await world.county()
    second = await county.directory.put_item(county.card.model_copy(update={"promised_days": 2}))
    assert second.version == 2
    for directory in (county.directory, await world.process()):
        assert directory.item("LN-001") == second
        assert directory.item("LN-001", 1) == county.card
        assert directory.item("LN-001", 2).promised_days == 2


async def test_the_same_again_writes_nothing(world: World) -> None:
    county = await world.county()
    before = await world.journal.since(0, 1000)
    await county.directory.put_item(county.card)
    await county.directory.put_unit(county.willow)
    await county.directory.put_person(county.admin)
    assert await world.journal.since(0, 1000) == before


async def test_an_inactive_item_is_offered_no_more_but_stays_readable(world: World) -> None:
    county = await world.county()
    await county.directory.put_item(county.card.model_copy(update={"active": False}))
    assert county.card.name not in [item.name for item in county.directory.items()]
    assert county.directory.item("LN-001", 1) == county.card


async def test_another_process_follows_by_refresh_and_by_hint(world: World) -> None:
    county = await world.county()
    other = await world.process()
    assert await other.refresh() == 0
    await county.directory.put_unit(county.willow.model_copy(update={"phone": "0000-1"}))
    assert await other.refresh() == 1
    assert other.unit(county.willow.code).phone == "0000-1"
    task = asyncio.create_task(other.follow(world.bus, every_s=60))
    await asyncio.sleep(0)
    await county.directory.put_unit(county.willow.model_copy(update={"phone": "0000-2"}))
    async with asyncio.timeout(5):
        while other.unit(county.willow.code).phone != "0000-2":
            await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_lost_hint_is_made_up_for_by_the_clock(world: World) -> None:
    county = await world.county()
    other = await world.process()
    task = asyncio.create_task(other.follow(LocalBus(), every_s=0.01))
    await county.directory.put_unit(county.willow.model_copy(update={"phone": "0000-3"}))
    async with asyncio.timeout(5):
        while other.unit(county.willow.code).phone != "0000-3":
            await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_more_changes_than_a_page_are_all_taken(world: World) -> None:
    county = await world.county()
    other = await world.process()
    for number in range(50):
        await county.directory.put_item(county.card.model_copy(update={"code": f"N-{number:02}", "version": 1}))
        world.clock.forward(seconds=1)
    assert await other.refresh() == 50
    assert len(other.items()) == 53


async def test_who_writes_on_an_old_reading_is_told(world: World) -> None:
    county = await world.county()
    other = await world.process()
    await county.directory.put_unit(county.willow.model_copy(update={"phone": "1"}))
    with pytest.raises(Conflict):
        await other.put_unit(county.willow.model_copy(update={"phone": "2"}))
    await other.refresh()
    await other.put_unit(county.willow.model_copy(update={"phone": "2"}))


async def test_a_login_belongs_to_one_person(world: World) -> None:
    county = await world.county()
    twin = county.stone_clerk.model_copy(update={"person_id": stream_id("person", "another"), "login": "willow"})
    with pytest.raises(NameTaken):
        await county.directory.put_person(twin)
    assert county.directory.by_login("willow") == county.willow_clerk


async def test_a_new_login_replaces_the_old_one_in_memory(world: World) -> None:
    county = await world.county()
    await county.directory.put_person(county.admin.model_copy(update={"login": "root2"}))
    for directory in (county.directory, await world.process()):
        assert directory.by_login("root") is None
        found = directory.by_login("root2")
        assert found is not None
        assert found.person_id == county.admin.person_id


async def test_staff_belong_to_a_unit_that_exists(world: World) -> None:
    county = await world.county()
    with pytest.raises(NotFound):
        await county.directory.put_person(
            Person(person_id=stream_id("person", "x"), login="x", name="某人", role=Role.CLERK, unit="000")
        )


async def test_passwords_are_verified_and_lie_in_the_vault_only(world: World) -> None:
    county = await world.county()
    directory = county.directory
    await directory.set_password(county.admin.person_id, PASSWORD)
    person = await directory.verify_password("root", PASSWORD)
    assert person == directory.person(county.admin.person_id)
    assert await directory.verify_password("root", PASSWORD + "x") is None
    assert await directory.verify_password("willow", PASSWORD) is None, "no password was ever set"
    assert await directory.verify_password("nobody", PASSWORD) is None
    credential = directory.person(county.admin.person_id).credential
    assert credential is not None
    record = await world.journal.record(credential)
    assert record is not None
    assert str(world.vault.open(record)["argon2"]).startswith("$argon2id$")
    everything = b"".join(
        canonical(dict(entry.action.payload)) for entry in await world.journal.since(0, 1000)
    ) + b"".join([snapshot.state for snapshot in (await world.journal.page("people")).snapshots])
    for secret in (b"argon2", PASSWORD.encode(), "郑工".encode()):
        assert secret not in everything


async def test_whoever_has_left_cannot_sign_in(world: World) -> None:
    county = await world.county()
    await county.directory.set_password(county.admin.person_id, PASSWORD)
    await county.directory.put_person(county.admin.model_copy(update={"active": False}))
    assert await county.directory.verify_password("root", PASSWORD) is None


async def test_a_new_password_replaces_the_old_one_and_erases_its_hash(world: World) -> None:
    county = await world.county()
    await county.directory.set_password(county.admin.person_id, PASSWORD)
    old = county.directory.person(county.admin.person_id).credential
    assert old is not None
    await county.directory.set_password(county.admin.person_id, "another-one")
    record = await world.journal.record(old)
    assert record is not None
    assert record.erased
    assert await county.directory.verify_password("root", PASSWORD) is None
    assert await county.directory.verify_password("root", "another-one") is not None
    with pytest.raises(WeakPassword):
        await county.directory.set_password(county.admin.person_id, "short")


async def test_a_new_name_replaces_the_old_one_and_a_new_window_leaves_it(world: World) -> None:
    county = await world.county()
    first = {record.id for record in await world.journal.records(None, 1000)}
    await county.directory.put_person(county.admin.model_copy(update={"window": "3号窗口"}))
    assert {record.id for record in await world.journal.records(None, 1000)} == first
    renamed = await county.directory.put_person(county.admin.model_copy(update={"name": "郑国安"}))
    assert renamed.name == (await world.process()).person(renamed.person_id).name == "郑国安"
    everyone = await world.journal.records(None, 1000)
    assert sum(record.erased for record in everyone) <= 1
    living = {str(world.vault.open(record)["name"]) for record in everyone if not record.erased}
    assert "郑国安" in living
    assert "郑工" not in living


async def test_every_state_is_the_fold_of_its_stream_and_every_chain_verifies(world: World) -> None:
    county = await world.county()
    await county.directory.put_item(county.card.model_copy(update={"promised_days": 2}))
    await county.directory.set_password(county.admin.person_id, PASSWORD)
    await county.directory.put_person(county.admin.model_copy(update={"window": "3号窗口"}))
    for kind, fold, model in (
        ("units", fold_unit, None),
        ("people", fold_person, PersonState),
        ("items", fold_item, ItemHistory),
    ):
        for snapshot in (await world.journal.page(kind)).snapshots:
            entries = await world.journal.entries(snapshot.stream)
            state = fold(entries)
            assert state is not None
            assert state.model_dump_json().encode() == snapshot.state, (kind, model)
            assert verify(snapshot.stream, await world.journal.raw(snapshot.stream)) == snapshot.head


async def test_a_year_that_the_administrator_loads_reaches_every_process(world: World) -> None:
    county = await world.county()
    other = await world.process()
    assert other.calendar.due(date(2026, 12, 31), 1).provisional
    year = Year(year=2027, holidays={date(2027, 1, 1): "元旦"}, workdays={})
    await county.directory.put_calendar(year)
    await other.refresh()
    for directory in (county.directory, other, await world.process()):
        due = directory.calendar.due(date(2026, 12, 31), 1)
        assert (due.due, due.provisional) == (date(2027, 1, 4), False)


async def test_sign_ins_are_on_record_without_personal_data(world: World) -> None:
    signins = SignIns(world.journal, world.vault, world.clock)
    clerk = Actor("p-1", "u-1", "clerk")
    await asyncio.gather(*(signins.failed("village1", "192.0.2.7") for _ in range(5)))
    await signins.succeeded(clerk)
    await signins.ended(clerk)
    entries = await world.journal.entries(stream_id("signins", "2026-09-23"))
    kinds = [entry.action.kind for entry in entries]
    assert kinds == ["signin.failed"] * 5 + ["signin.succeeded", "signin.ended"]
    tokens = {str(entry.action.payload["login"]) for entry in entries[:5]}
    assert tokens == {world.vault.token("login", "village1").hex()}
    raw = b"".join(raw for _, raw, _ in await world.journal.raw(stream_id("signins", "2026-09-23")))
    assert b"village1" not in raw
    assert b"192.0.2.7" not in raw
    assert tokens != {Vault({"k": bytes(32)}, "k", bytes(32)).token("login", "village1").hex()}
