"""Print tickets: one ticket gives one document once, and everything that became of it is on record.

The secret of a ticket is derived from the installation's token key, so that it can be told again to an
agent that reconnects although only its digest is stored. The first report of a ticket decides: *fetched*
and *canceled* are written under one idempotency key, so that of a hundred racers exactly one wins.

Browser print: the server can know that the page fetched the document, and no more. Such a print stays
``fetched``; that paper came out is what the clerk says by handing it over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from villagecall.case import Case, Certificate, Print
from villagecall.errors import Conflict, NotFound
from villagecall.ids import uuid7
from villagecall.issuing.refusals import NotIssuedYet, ReprintNeedsReason, TicketUnknown, TicketUsed
from villagecall.journal import JSON, Actor
from villagecall.ports import Blobs, Cases, Journal, Message, Stored
from villagecall.vault import Vault

PRINT_TOPIC: Final = "print"
FINAL: Final = frozenset({"done", "aborted", "canceled"})
REPORTS: Final = frozenset({"queued", "printing", "held", "stopped", "done", "aborted", "canceled"})
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Ticket:
    """``secret`` goes to whoever prints, and nowhere else."""

    print_id: UUID
    copy_no: int
    secret: str


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def document(case: Case) -> Certificate:
    """What is printed of a case: its certificate, or the voucher of a refusal. Raises ``NotIssuedYet``."""
    paper = case.certificate or case.voucher
    if paper is None:
        raise NotIssuedYet
    return paper


class Tickets:
    """Use cases of printing; actions ``print.ticketed`` and ``print.reported``."""

    def __init__(self, cases: Cases, journal: Journal, blobs: Blobs, vault: Vault) -> None:
        self._cases, self._journal, self._blobs, self._vault = cases, journal, blobs, vault

    def secret(self, case_id: UUID, print_id: UUID) -> str:
        """The ticket of a print: 96 bits that only this installation can make."""
        return self._vault.token("print-ticket", f"{case_id}:{print_id}").hex()

    async def create(
        self, case_id: UUID, print_id: UUID, *, actor: Actor, device: UUID | None = None, printer: str = "", reason: str
    ) -> Ticket:
        """A ticket for the case's document; the same ``print_id`` again gives the same ticket.

        Every copy but the first needs a ``reason`` (``reprint_needs_reason``); a new ticket withdraws those
        that were never used. With a ``device`` the agent is told through the outbox (topic ``print``).
        """
        for _ in range(_TRIES):
            case = await self._cases.get(case_id)
            paper = document(case)
            known = next((each for each in case.prints if each.print_id == print_id), None)
            if known is not None:
                return Ticket(print_id, known.copy_no, self.secret(case_id, print_id))
            copy_no = len(case.prints) + 1
            if copy_no > 1 and len(reason.strip()) < 2:
                raise ReprintNeedsReason(copy_no=copy_no)
            case = await self._ticket(case, print_id, copy_no, paper, actor, device, printer, reason)
            if any(each.print_id == print_id for each in case.prints):
                await self._withdraw_others(case, print_id, actor)
                return Ticket(print_id, copy_no, self.secret(case_id, print_id))
            # Somebody else's ticket became this copy: ours is a further one and needs a reason.
        raise Conflict

    async def _ticket(
        self,
        case: Case,
        print_id: UUID,
        copy_no: int,
        paper: Certificate,
        actor: Actor,
        device: UUID | None,
        printer: str,
        reason: str,
    ) -> Case:
        mark = digest(self.secret(case.case_id, print_id))
        ticket: dict[str, JSON] = {
            "print_id": str(print_id),
            "digest": mark,
            "device": str(device) if device else None,
            "copy_no": copy_no,
            "reason": reason.strip(),
        }
        message = Message(
            PRINT_TOPIC,
            str(print_id),
            {
                "device": str(device),
                "print_id": str(print_id),
                "case_id": str(case.case_id),
                "printer": printer,
                "title": f"{paper.number} 第{copy_no}份",
            },
        )
        return await self._cases.record(
            case.case_id,
            "print.ticketed",
            {"print": ticket, "sha256": paper.blob.sha256},
            actor=actor,
            key=f"ticket:{case.case_id}:{copy_no}",
            stored=Stored(
                names=(f"ticket:{mark}", f"print:{print_id}"),
                outbox=(message,) if device else (),
            ),
        )

    async def _withdraw_others(self, case: Case, print_id: UUID, actor: Actor) -> None:
        for other in case.prints:
            if other.print_id != print_id and other.state == "ticketed":
                await self._first(case.case_id, other.print_id, "canceled", actor, ("replaced",))

    async def _first(
        self, case_id: UUID, print_id: UUID, state: str, actor: Actor, reasons: Sequence[str] = ()
    ) -> bool:
        """Write the first report of a ticket; False when another one was first."""
        attempt = str(uuid7())
        payload: dict[str, JSON] = {
            "print_id": str(print_id),
            "state": state,
            "reasons": list(reasons),
            "attempt": attempt,
        }
        await self._cases.record(case_id, "print.reported", payload, actor=actor, key=f"ticket-end:{print_id}")
        for entry in await self._journal.entries(case_id):
            said = entry.action.payload
            if entry.action.kind == "print.reported" and said.get("print_id") == str(print_id):
                return said.get("attempt") == attempt
        return False

    async def find(self, secret: str) -> tuple[Case, Print]:
        """The print a ticket is for. Raises ``TicketUnknown``."""
        mark = digest(secret)
        case = await self._cases.find(f"ticket:{mark}")
        found = next((each for each in case.prints if each.digest == mark), None) if case else None
        if case is None or found is None:
            raise TicketUnknown
        return case, found

    async def redeem(self, secret: str, actor: Actor) -> bytes:
        """The PDF, once. Raises ``TicketUnknown``, ``TicketUsed``."""
        case, ticket = await self.find(secret)
        if ticket.state != "ticketed":
            raise TicketUsed
        pdf = await self._blobs.get(document(case).blob.sha256)  # before the ticket is spent
        if not await self._first(case.case_id, ticket.print_id, "fetched", actor):
            raise TicketUsed
        return pdf

    async def report(
        self, print_id: UUID, state: str, *, actor: Actor, device: UUID, job: int = 0, reasons: Sequence[str] = ()
    ) -> Case:
        """What the agent's queue says of a print; the same again changes nothing, an end is an end.

        Raises :class:`~villagecall.errors.NotFound` for a print of another device.
        """
        case = await self._cases.find(f"print:{print_id}")
        known = next((each for each in case.prints if each.print_id == print_id), None) if case else None
        if case is None or known is None or known.device != device or state not in REPORTS:
            raise NotFound
        said = (state, job, tuple(reasons))
        if known.state in FINAL or (known.state, known.job, known.reasons) == said:
            return case
        if known.state == "ticketed":  # it failed before it was fetched, or was fetched just now
            if await self._first(case.case_id, print_id, state, actor, reasons):
                return await self._cases.get(case.case_id)
            case = await self._cases.get(case.case_id)
        payload: dict[str, JSON] = {
            "print_id": str(print_id),
            "state": state,
            "job": job,
            "reasons": list(reasons),
        }
        key = f"report:{print_id}:{case.seq}:{state}"
        return await self._cases.record(case.case_id, "print.reported", payload, actor=actor, key=key)
