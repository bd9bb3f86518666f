"""What the agent remembers on disk: its secret, and every print it was told, until long after its end."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

KEEP_DAYS: Final = 30
"""How long a finished print is remembered, so that it is never printed again by mistake."""

Stage = Literal["asked", "fetched", "creating", "created", "sent", "ended"]


class StateBusy(Exception):
    """Another agent works in this folder."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this agent is at which server."""

    server: str
    device_id: str
    secret: str
    unit_name: str = ""


@dataclass(frozen=True, slots=True)
class Print:
    """A print and how far it is; see ``jobs`` for the stages. ``told`` is what the server has confirmed."""

    print_id: str
    ticket: str
    printer: str
    title: str
    stage: Stage = "asked"
    job: int = 0
    state: str = ""
    reasons: tuple[str, ...] = ()
    told: str = ""

    @property
    def said(self) -> str:
        """The state as one word, to compare with what was told."""
        return f"{self.state} {self.job} {','.join(self.reasons)}" if self.state else ""


def _write(path: Path, data: bytes) -> None:
    """All or nothing, readable by the owner only, on the disk when this returns."""
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Store:
    """The agent's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._spool = folder, folder / "spool"
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Only one agent at a time: two would print twice. Raises :class:`StateBusy`."""
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise StateBusy(str(self._folder)) from error
            yield

    # ------------------------------------------------------------ identity

    @property
    def _identity(self) -> Path:
        return self._folder / "device.json"

    def identity(self) -> Identity | None:
        if not self._identity.exists():
            return None
        return Identity(**json.loads(self._identity.read_bytes()))

    def remember(self, identity: Identity) -> None:
        _write(self._identity, json.dumps(asdict(identity), ensure_ascii=False).encode())

    def forget(self) -> None:
        self._identity.unlink(missing_ok=True)

    # ------------------------------------------------------------ prints

    def prints(self) -> list[Print]:
        """All that are remembered, in the order they were asked for (ids are UUIDv7)."""
        return [self._read(path) for path in sorted(self._spool.glob("*.json"))]

    def get(self, print_id: str) -> Print | None:
        path = self._spool / f"{print_id}.json"
        return self._read(path) if path.exists() else None

    def _read(self, path: Path) -> Print:
        doc = json.loads(path.read_bytes())
        return Print(**{**doc, "reasons": tuple(doc["reasons"])})

    def put(self, job: Print) -> Print:
        _write(self._spool / f"{job.print_id}.json", json.dumps(asdict(job), ensure_ascii=False).encode())
        return job

    def change(self, old: Print, /, **news: Any) -> Print:
        """Store and give the changed print; no change, no write."""
        new = replace(old, **news)
        return old if new == old else self.put(new)

    def put_pdf(self, print_id: str, pdf: bytes) -> None:
        _write(self._spool / f"{print_id}.pdf", pdf)

    def pdf(self, print_id: str) -> bytes:
        return (self._spool / f"{print_id}.pdf").read_bytes()

    def drop_pdf(self, print_id: str) -> None:
        """Personal data stays no longer than the printing takes."""
        (self._spool / f"{print_id}.pdf").unlink(missing_ok=True)

    def sweep(self, now: float | None = None) -> None:
        """Forget prints that ended long ago."""
        oldest = (time.time() if now is None else now) - KEEP_DAYS * 86400
        for path in self._spool.glob("*.json"):
            if path.stat().st_mtime < oldest and self._read(path).stage == "ended":
                path.unlink()
