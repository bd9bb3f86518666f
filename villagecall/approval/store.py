"""Writing a case: read, check against the state table, append, announce; again when somebody was first.

The one place where actions of a case enter the journal. What follows from an action by rule (certificate,
voucher, closing) is promised in the same append, so it happens if and only if the action was committed.
"""

from __future__ import annotations

import asyncio
import random
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from villagecall.approval import deadlines, queue, rules
from villagecall.approval.refusals import ClaimedByOther
from villagecall.case import Case, Page, Ref, dump, empty, load
from villagecall.case_fold import fold
from villagecall.directory.model import Item, Person
from villagecall.directory.service import Directory
from villagecall.errors import Conflict, NotFound, Refusal
from villagecall.journal import JSON, SYSTEM, Action, Actor, Entry, Head, link
from villagecall.ports import Append, Bus, Clock, Journal, Message, Snapshot, Stored
from villagecall.settings import Settings
from villagecall.vault import Vault

KIND = "case"
TOPIC = "case"
TRIES = 40
"""How often a write is tried anew after a conflict; each waits a little longer than the one before."""
HINT_S = 0.3
"""How long an action waits for the bus to take its hint."""
RATING_DAYS = 15
"""A delivered case that nobody rates is closed after so many days."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One action about to be done."""

    kind: str
    actor: Actor
    payload: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions for one append with what goes with them."""

    steps: tuple[Step, ...]
    stored: Stored = field(default_factory=Stored)


Planner = Callable[[Case], Awaitable[Plan | None]]
"""Makes the plan for the case as it is now; None = nothing is left to do. May raise a refusal."""


@dataclass(eq=False)
class CaseStore:
    """Implements :class:`villagecall.ports.Cases`."""

    journal: Journal
    vault: Vault
    directory: Directory
    clock: Clock
    bus: Bus
    settings: Settings
    _locks: weakref.WeakValueDictionary[UUID, asyncio.Lock] = field(default_factory=weakref.WeakValueDictionary)

    # ------------------------------------------------------------ reading

    async def get(self, case_id: UUID) -> Case:
        case, _ = await self._load(case_id)
        if case.seq == 0:
            raise NotFound
        return case

    async def find(self, name: str) -> Case | None:
        """The case that a unique name points at: ``number:…``, ``ticket:…``, ``rating:…``."""
        return as_case(await self.journal.by_name(name))

    async def _load(self, case_id: UUID) -> tuple[Case, Head]:
        snapshot = await self.journal.snapshot(case_id)
        if snapshot is None:
            return empty(case_id), Head()
        case = as_case(snapshot)
        if case is None:
            raise NotFound
        return case, snapshot.head

    def item(self, case: Case) -> Item:
        """The item in the version the case is pinned to."""
        return self.directory.item(case.item, case.item_version)

    def notice_until(self, case: Case) -> datetime | None:
        """Until when defects may still be told (Licensing Law art. 32)."""
        return deadlines.notice_until(self.directory.calendar, case.accepted)

    def actions(self, case: Case, person: Person) -> list[str]:
        """What this person may do with the case now, by the names of ``CaseView.actions``."""
        return rules.available_actions(
            case,
            person,
            self.clock.now(),
            self.item(case),
            tree=self.directory.tree,
            notice_until=self.notice_until(case),
        )

    def check(self, case: Case, kind: str, actor: Actor) -> None:
        """Raises the state table's refusal, before work is done that the table would refuse at its end."""
        ask = rules.Ask(
            case,
            actor,
            self.clock.now(),
            self.item(case),
            tree=self.directory.tree,
            notice_until=self.notice_until(case),
        )
        rules.check(kind, ask)

    async def personal(self, ref: Ref | None) -> dict[str, str]:
        """The entries of a vault record in clear; empty when there is none or it was erased."""
        record = await self.journal.record(ref.record) if ref else None
        if record is None or record.erased:
            return {}
        return {key: str(value) for key, value in self.vault.open(record).items()}

    async def text_of(self, page: Page) -> Mapping[str, JSON]:
        """What was read on a page; empty when nothing was (yet), or it was erased."""
        record = await self.journal.record(page.text.record) if page.text else None
        return self.vault.open(record) if record is not None and not record.erased else {}

    async def text_tokens(self, case: Case) -> set[bytes]:
        """What a case is found by on its papers."""
        words = [str((await self.text_of(page)).get("words", "")) for page in case.pages if page.text is not None]
        # Some milliseconds a page: a case with long papers would hold everybody else up.
        return await asyncio.to_thread(self.vault.text_tokens, "\n".join(words))

    def name_of(self, person: UUID) -> str:
        """The name of a member of staff, empty for one the directory does not know."""
        try:
            return self.directory.person(person).name
        except NotFound:
            return ""

    # ------------------------------------------------------------ writing

    async def record(
        self,
        case_id: UUID,
        kind: str,
        payload: Mapping[str, JSON],
        *,
        actor: Actor,
        key: str,
        stored: Stored | None = None,
    ) -> Case:
        """See :class:`villagecall.ports.Cases`."""
        plan = Plan((Step(kind, actor, payload),), stored or Stored())

        async def as_it_is(case: Case) -> Plan:
            return plan

        return await self.write(case_id, kind, key, as_it_is)

    async def write(self, case_id: UUID, kind: str, key: str, planner: Planner) -> Case:
        """Do what ``planner`` plans; ``kind`` is that of its first action. Gives the case afterwards.

        A replayed ``key`` answers the present case. Raises :class:`villagecall.errors.Refusal`, also
        :class:`~villagecall.errors.Conflict` when others were faster every time.
        """
        lock = self._locks.setdefault(case_id, asyncio.Lock())
        async with lock:  # spares writers of one process the conflict; between processes it is retried
            for attempt in range(TRIES):
                try:
                    return await self._try(case_id, kind, key, planner)
                except Conflict:
                    await asyncio.sleep(random.uniform(0, 0.002 * (attempt + 1)))
            raise Conflict

    async def _try(self, case_id: UUID, kind: str, key: str, planner: Planner) -> Case:
        old, head = await self._load(case_id)
        now = self.clock.now()
        try:
            plan = await planner(old)
            if plan is None:
                return old
            new, actions = self._fold(old, head, plan.steps, now)
        except Conflict:
            raise
        except Refusal:
            # The state may say no because this very request was done before: then it is answered again.
            if head.seq and await self._done_before(case_id, kind, key, now):
                return await self.get(case_id)
            raise
        appended = await self.journal.append(self._append(old, new, head, actions, plan.stored, key, now))
        if appended.replayed:
            return await self.get(case_id)
        await self._announce(old, new, actions)
        return new

    def _fold(self, old: Case, head: Head, steps: Sequence[Step], now: datetime) -> tuple[Case, tuple[Action, ...]]:
        """Check each step against the state that the one before left, and fold it in."""
        case, actions = old, list[Action]()
        for step in steps:
            self._check(case, step, now)
            action = Action(step.kind, step.actor, now, dict(step.payload))
            entry: Entry = link(old.case_id, head, [action])[0]
            case, head = fold(case, [entry]), entry.head
            actions.append(action)
        return case, tuple(actions)

    def _check(self, case: Case, step: Step, now: datetime) -> None:
        code, version = case.item, case.item_version
        if step.kind == "case.opened" and case.seq == 0:
            code, version = str(step.payload["item"]), int(str(step.payload["item_version"]))
        elif case.seq == 0:
            raise NotFound
        ask = rules.Ask(
            case,
            step.actor,
            now,
            self.directory.item(code, version),
            step.payload,
            self.directory.tree,
            self.notice_until(case),
        )
        try:
            rules.check(step.kind, ask)
        except ClaimedByOther as no:
            raise ClaimedByOther(**{**no.details, "name": self.name_of(UUID(str(no.details["person"])))}) from None

    async def _done_before(self, case_id: UUID, kind: str, key: str, now: datetime) -> bool:
        """Was ``key`` committed? Asked by an append behind no head: it can only be a replay or a conflict."""
        probe = Append(case_id, KIND, Head(), (Action(kind, SYSTEM, now, {}),), b"", key)
        try:
            return (await self.journal.append(probe)).replayed
        except Conflict:
            return False

    def _append(
        self, old: Case, new: Case, head: Head, actions: tuple[Action, ...], stored: Stored, key: str, now: datetime
    ) -> Append:
        join, leave = queue.moves(old, new, actions)
        kinds = frozenset(action.kind for action in actions)
        return Append(
            stream=new.case_id,
            kind=KIND,
            expected=head,
            actions=actions,
            state=dump(new),
            key=key,
            outbox=(*stored.outbox, *follows(new, kinds, self.item(new), now)),
            names=stored.names,
            join=join,
            leave=leave,
            records=stored.records,
            tokens=stored.tokens,
            more_tokens=stored.more_tokens,
        )

    async def _announce(self, old: Case, new: Case, actions: Sequence[Action]) -> None:
        """Hint to whoever shows this case or a line it stands in; the journal is the truth, so a bus that
        does not answer costs a look at the clock, never the action."""
        message: dict[str, JSON] = {
            "case_id": str(new.case_id),
            "seq": new.seq,
            "kinds": list(dict.fromkeys(action.kind for action in actions)),
            "state": new.state,
            "village": new.village,
            "town": new.town,
            "units": list(queue.touched(old, new)),
        }
        try:
            async with asyncio.timeout(HINT_S):
                await self.bus.publish(TOPIC, message)
        except Exception as error:
            _log.warning("case_not_announced", case=str(new.case_id), seq=new.seq, error=type(error).__name__)


def follows(case: Case, kinds: frozenset[str], item: Item, now: datetime) -> tuple[Message, ...]:
    """What must happen because of these actions (pure). Keys are the case's id: each happens once.

    ``issue``: the certificate of an approval. ``voucher``: the written refusal (Licensing Law art. 38).
    ``close``: end of a delivered case that nobody has rated.
    """
    key, payload = str(case.case_id), {"case_id": str(case.case_id)}
    found = []
    if "case.approved" in kinds and item.template is not None:
        found.append(Message("issue", key, payload))
    if "case.refused" in kinds:
        found.append(Message("voucher", key, payload))
    if case.state == "delivered" and "case.delivered" in kinds:
        found.append(Message("close", key, payload, now + timedelta(days=RATING_DAYS)))
    return tuple(found)


def as_case(snapshot: Snapshot | None) -> Case | None:
    if snapshot is None or snapshot.kind != KIND:
        return None
    return load(snapshot.state)
