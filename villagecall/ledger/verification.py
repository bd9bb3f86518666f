"""Does the journal still say what was written? Chain, snapshots and commitments of every stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from villagecall import case as cases
from villagecall.case import Case
from villagecall.case_fold import fold
from villagecall.directory import records
from villagecall.directory.model import Unit
from villagecall.journal import JSON, BrokenChain, Entry, parse_body, verify
from villagecall.ports import Journal, Snapshot
from villagecall.vault import Vault, VaultError

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not verify. ``seq`` is the first bad entry of its stream, 0 = the stream's row."""

    stream: UUID
    seq: int
    why: str

    def as_json(self) -> dict[str, JSON]:
        return {"stream": str(self.stream), "seq": self.seq, "why": self.why}


@dataclass(slots=True)
class Report:
    """How much was checked, and what was wrong. ``erased``: records whose time was over, lawfully gone."""

    streams: int = 0
    entries: int = 0
    records: int = 0
    erased: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, JSON]:
        first = self.problems[0].as_json() if self.problems else None
        return {
            "ok": self.ok,
            "streams": self.streams,
            "entries": self.entries,
            "records": self.records,
            "erased": self.erased,
            "problems": len(self.problems),
            "first_bad": first,
        }


async def verify_journal(journal: Journal, vault: Vault) -> Report:
    """Every stream in order of id. Writers may go on meanwhile: what they add later is simply not seen."""
    report, after = Report(), None
    while True:
        page = await journal.streams(after, _PAGE)
        for stream in page:
            await _verify_stream(journal, vault, stream, report)
        if len(page) < _PAGE:
            return report
        after = page[-1]


async def _verify_stream(journal: Journal, vault: Vault, stream: UUID, report: Report) -> None:
    snapshot = await journal.snapshot(stream)  # before the entries, so that they reach at least as far
    raw = await journal.raw(stream)
    report.streams += 1
    report.entries += len(raw)
    try:
        verify(stream, raw)
    except BrokenChain as broken:
        report.problems.append(Problem(stream, broken.seq, broken.why))
        return
    entries = [_entry(raw_entry, digest) for _, raw_entry, digest in raw]
    why = _snapshot_fault(snapshot, entries)
    if why:
        report.problems.append(Problem(stream, 0, why))
    await _verify_commitments(journal, vault, stream, entries, report)


def _entry(raw: bytes, digest: bytes) -> Entry:
    stream, seq, action = parse_body(raw)
    return Entry(stream, seq, action, b"", digest)


def _fold_case(entries: Sequence[Entry]) -> Case:
    return fold(cases.empty(entries[0].stream), entries)


FOLDS: dict[str, tuple[Callable[[Sequence[Entry]], object], Callable[[bytes], object]]] = {
    "case": (_fold_case, cases.load),
    "unit": (records.fold_unit, Unit.model_validate_json),
    "item": (records.fold_item, records.ItemHistory.model_validate_json),
    "person": (records.fold_person, records.PersonState.model_validate_json),
}
"""How each kind of stream is folded, and how its snapshot row is read."""


def _snapshot_fault(snapshot: Snapshot | None, entries: Sequence[Entry]) -> str:
    """Empty when the snapshot row is the fold of the entries up to its head."""
    if snapshot is None:
        return "no snapshot"
    if snapshot.head.seq > len(entries):
        return f"entries behind {len(entries)} are missing (the snapshot stands at {snapshot.head.seq})"
    if entries[snapshot.head.seq - 1].hash != snapshot.head.hash:
        return "the snapshot's head is not the chain's"
    if snapshot.kind not in FOLDS:
        return ""
    folded, read = FOLDS[snapshot.kind]
    try:
        same = folded(entries[: snapshot.head.seq]) == read(snapshot.state)
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        return f"does not fold ({type(error).__name__})"
    return "" if same else "the snapshot is not the fold of its entries"


def commitments(value: JSON) -> Iterator[tuple[UUID, str]]:
    """Every ``{record, commitment}`` inside a payload."""
    if isinstance(value, dict):
        if value.keys() == {"record", "commitment"}:
            yield UUID(str(value["record"])), str(value["commitment"])
        else:
            for item in value.values():
                yield from commitments(item)
    elif isinstance(value, list):
        for item in value:
            yield from commitments(item)


async def _verify_commitments(
    journal: Journal, vault: Vault, stream: UUID, entries: Sequence[Entry], report: Report
) -> None:
    """A record matches the newest commitment to it; an erased one tells nothing, which is its purpose."""
    newest: dict[UUID, tuple[int, str]] = {}
    for entry in entries:
        for record_id, commitment in commitments(dict(entry.action.payload)):
            newest[record_id] = (entry.seq, commitment)
    for record_id, (seq, commitment) in newest.items():
        record = await journal.record(record_id)
        report.records += 1
        if record is None:
            report.problems.append(Problem(stream, seq, f"vault record {record_id} is missing"))
        elif record.erased:
            report.erased += 1
        else:
            try:
                same = vault.commitment(record) == commitment
            except VaultError:
                same = False
            if not same:
                report.problems.append(Problem(stream, seq, f"vault record {record_id} is not what was committed to"))
