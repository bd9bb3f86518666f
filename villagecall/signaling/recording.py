"""A participant's recording on disk: whole clusters, each durable and chained within a second.

``<participant>.webm`` grows only; ``<participant>.webm.chain`` beside it holds the hash chain
(:mod:`villagecall.signaling.chain`). After ``kill -9`` :func:`recover` closes both where the data ends.
"""

from __future__ import annotations

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from villagecall.signaling import chain, matroska
from villagecall.signaling.chain import Holes
from villagecall.signaling.matroska import AUDIO, VIDEO, Block
from villagecall.signaling.rtp import vp8_size

log = structlog.get_logger(__name__)

CLUSTER_MS = 1000
SUFFIX = ".chain"
BLOCK_SPAN_MS = 30_000
"""A block's time is 16 bits relative to its cluster."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed recording: ms, head of its chain (hex), seconds ``[from, to)`` without sound or picture."""

    path: Path
    ms: int
    chain: str
    gaps: tuple[tuple[int, int], ...]


def sidecar(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


class ChainedFile:
    """The two files, opened for appending. Every method blocks on the disk. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._data = os.open(path, flags, 0o600)
        self._lines = os.open(sidecar(path), flags, 0o600)
        _sync_folder(path.parent)
        self._size = 0
        self._lines_size = 0
        self._seq = 0
        self._hash = chain.ZERO
        self._holes = Holes()

    def begin(self, width: int, height: int) -> None:
        self._append(matroska.header(width, height), {"ms": 0})

    def cluster(self, start_ms: int, blocks: list[Block]) -> None:
        """Write a cluster; when this returns, it survives power loss."""
        holes = Holes(dict(self._holes.last), list(self._holes.found))
        fields: dict[str, object] = {"ms": start_ms}
        new = holes.add(blocks)
        if new:
            fields["gaps"] = [list(span) for span in new]
        self._append(matroska.cluster(start_ms, blocks), fields)
        self._holes = holes

    def _append(self, piece: bytes, fields: dict[str, object]) -> None:
        fields = {"seq": self._seq, "offset": self._size, "length": len(piece), **fields}
        value, text = chain.line(self._hash, piece, fields)
        try:
            if piece:
                _write(self._data, piece)
                os.fsync(self._data)
            _write(self._lines, text)
            os.fsync(self._lines)
        except OSError:
            # Half a cluster must not stand before the next one.
            os.ftruncate(self._data, self._size)
            os.ftruncate(self._lines, self._lines_size)
            raise
        self._size += len(piece)
        self._lines_size += len(text)
        self._seq += 1
        self._hash = value

    def close(self, ms: int) -> Closed:
        gaps = self._holes.close(ms)
        try:
            self._append(b"", {"ms": ms, "closed": True, "gaps": [list(span) for span in gaps]})
        finally:
            os.close(self._data)
            os.close(self._lines)
        return Closed(self.path, ms, self._hash.hex(), gaps)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Recording:
    """Collects frames on the event loop and has one thread write them, in order."""

    def __init__(self, path: Path, disk: ThreadPoolExecutor, started: float) -> None:
        self.path = path
        self.started = started
        """Monotonic s of its time 0."""
        self._disk = disk
        self._file: ChainedFile | None = None
        self._blocks: list[Block] = []
        self._start = 0
        self._end = 0
        self._size: tuple[int, int] | None = None
        self._closed: asyncio.Future[Closed | None] | None = None

    def frame(self, track: int, ms: int, data: bytes, key: bool) -> None:
        """A whole frame at ``ms``; a second's worth goes to disk."""
        if self._closed is not None:
            return
        if track == VIDEO and key and self._size is None:
            self._size = vp8_size(data)
        if self._blocks and not -CLUSTER_MS < ms - self._start < CLUSTER_MS:
            self._cut()
        if not self._blocks or ms < self._start:
            self._start = ms
        self._blocks.append(Block(track, ms, key, data))
        self._end = max(self._end, ms)

    def tick(self, now: float) -> None:
        """Cut a cluster that nothing more came for."""
        if self._blocks and (now - self.started) * 1000 - self._start > CLUSTER_MS + 200:
            self._cut()

    def _cut(self) -> None:
        blocks, self._blocks = self._blocks, []
        if blocks and self._closed is None:
            self._disk.submit(self._store, self._start, blocks)

    def _store(self, start: int, blocks: list[Block]) -> None:
        try:
            if self._file is None:
                self._file = ChainedFile(self.path)
                self._file.begin(*(self._size or (640, 480)))
            self._file.cluster(start, blocks)
        except OSError as error:
            # The call goes on; the hole is in the chain of what follows, and this line is for the operator.
            log.error("recording_not_written", error=error.strerror, ms=start)

    async def close(self, now: float) -> Closed | None:
        """Write the rest and the closing line. None when there was never a frame. The same answer twice."""
        if self._closed is None:
            self._cut()
            loop = asyncio.get_running_loop()
            ms = max(self._end, round((now - self.started) * 1000))
            self._closed = loop.run_in_executor(self._disk, self._finish, ms)
        return await asyncio.shield(self._closed)

    def _finish(self, ms: int) -> Closed | None:
        if self._file is None:
            return None
        try:
            return self._file.close(ms)
        except OSError as error:
            log.error("recording_not_closed", error=error.strerror)
            return None


# ---------------------------------------------------------------- reading back


@dataclass(slots=True)
class Report:
    """What a verifier says. ``bad`` names the first piece that does not fit: ``{seq, offset, second, why}``."""

    clusters: int = 0
    ms: int = 0
    closed: bool = False
    recovered: bool = False
    chain: str = ""
    gaps: tuple[tuple[int, int], ...] = ()
    bad: dict[str, object] | None = None
    size: int = 0
    """Bytes of the file that the chain covers."""
    lines_size: int = 0
    holes: Holes = field(default_factory=Holes)

    @property
    def ok(self) -> bool:
        """Intact and complete."""
        return self.bad is None and self.closed

    def as_json(self, file: str) -> dict[str, object]:
        return {
            "file": file,
            "ok": self.ok,
            "closed": self.closed,
            "recovered": self.recovered,
            "clusters": self.clusters,
            "ms": self.ms,
            "gaps": [list(span) for span in self.gaps],
            "chain": self.chain,
            "bad": self.bad,
        }


def verify(path: Path) -> Report:
    """Hold a recording against its chain; needs nothing but the two files. OSError: one is missing."""
    data = path.read_bytes()
    report = _read(data, sidecar(path).read_bytes())
    if report.bad is None and report.closed and report.size != len(data):
        report.bad = _bad(report, "bytes after the end")
    if not report.closed:
        report.gaps = report.holes.close(report.ms)
    return report


def _bad(report: Report, why: str) -> dict[str, object]:
    seq = report.clusters + (1 if report.size else 0)
    return {"seq": seq, "offset": report.size, "second": report.ms // 1000, "why": why}


def _read(data: bytes, lines: bytes) -> Report:
    """Follow the chain up to its end or the first piece that does not fit."""
    report = Report()
    value = chain.ZERO
    for seq, text in enumerate(lines.splitlines(keepends=True)):
        if not text.endswith(b"\n"):
            break
        why = ""
        piece = b""
        fields: dict[str, Any] = {}
        said = ""
        try:
            fields = json.loads(text)
            said = fields.pop("hash")
            offset, length, ms = (int(fields[name]) for name in ("offset", "length", "ms"))
            piece = data[offset : offset + length]
            if report.closed:
                why = "line after the end"
            elif fields["seq"] != seq or offset != report.size:
                why = "out of order"
            elif len(piece) != length:
                why = "bytes missing"
            elif chain.bind(value, piece, fields).hex() != said:
                why = "changed"
            else:
                value = bytes.fromhex(said)
                _accept(report, fields, piece, ms)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            why = f"unreadable: {type(error).__name__}"
        if why:
            report.bad = _bad(report, why)
            break
        report.lines_size += len(text)
    report.chain = value.hex()
    return report


def _accept(report: Report, fields: dict[str, Any], piece: bytes, ms: int) -> None:
    if fields.get("closed"):
        report.closed = True
        report.recovered = bool(fields.get("recovered"))
        report.ms = ms
        report.gaps = tuple((int(a), int(b)) for a, b in fields["gaps"])
        if report.gaps != report.holes.close(ms):
            raise ValueError("gaps")
    elif fields["seq"]:
        blocks = list(matroska.blocks(piece))
        report.holes.add(blocks)
        report.clusters += 1
        report.ms = max([report.ms, *(block.ms for block in blocks)])
    report.size += len(piece)


def recover(path: Path) -> Closed | None:
    """Close a recording that a killed process left open: cut to whole clusters, chain what was whole.

    None when it is closed already, holds nothing, or does not fit its chain (then it is left as it is, for
    a person to look at). Raises OSError.
    """
    lines_path = sidecar(path)
    data = path.read_bytes()
    lines = lines_path.read_bytes() if lines_path.exists() else b""
    report = _read(data, lines)
    if report.closed:
        return None
    if report.bad is not None:
        log.error("recording_damaged", **report.bad)
        return None
    if not report.clusters and matroska.whole_cluster(data, report.size) is None:
        if not report.size and matroska.CLUSTER_MARK in data:
            # The chain is gone, the recording is not: never delete evidence.
            log.error("recording_damaged", why="no chain")
            return None
        path.unlink()
        lines_path.unlink(missing_ok=True)
        return None
    with path.open("r+b") as file, lines_path.open("r+b") as chained:
        chained.truncate(report.lines_size)
        chained.seek(report.lines_size)
        value = bytes.fromhex(report.chain)
        seq = report.clusters + 1
        # The process may have died between a cluster and its line: a whole cluster is kept.
        while (end := matroska.whole_cluster(data, report.size)) is not None:
            piece = data[report.size : end]
            blocks = list(matroska.blocks(piece))
            fields: dict[str, Any] = {"seq": seq, "offset": report.size, "length": len(piece)}
            fields |= {"ms": min((b.ms for b in blocks), default=report.ms)}
            new = Holes(dict(report.holes.last), []).add(blocks)
            if new:
                fields["gaps"] = [list(span) for span in new]
            value, text = chain.line(value, piece, fields)
            chained.write(text)
            _accept(report, fields, piece, 0)
            seq += 1
        file.truncate(report.size)
        os.fsync(file.fileno())
        gaps = report.holes.close(report.ms)
        fields = {"seq": seq, "offset": report.size, "length": 0, "ms": report.ms}
        fields |= {"closed": True, "recovered": True, "gaps": [list(span) for span in gaps]}
        value, text = chain.line(value, b"", fields)
        chained.write(text)
        chained.flush()
        os.fsync(chained.fileno())
    return Closed(path, report.ms, value.hex(), gaps)


def reread(path: Path) -> Closed | None:
    """A recording that was closed but not taken away, as its file tells it; None when it does not fit its
    chain (then it is left as it is, for a person to look at). Raises OSError."""
    report = verify(path)
    if not report.ok:
        log.error("recording_damaged", **(report.bad or {}))
        return None
    return Closed(path, report.ms, report.chain, report.gaps)


def is_open(path: Path) -> bool:
    """Whether a recording has no closing line yet (cheap: reads the end of the chain)."""
    lines = sidecar(path)
    if not lines.exists():
        return True
    text = lines.read_bytes()[-4096:]
    return b'"closed":true' not in text.rpartition(b"\n")[0].rpartition(b"\n")[2]


__all__ = ["AUDIO", "VIDEO", "Closed", "Recording", "Report", "is_open", "recover", "reread", "verify"]
