"""The private cupsd of ``villagecall.demo.cupsd``, and what a test does to its printer.

Works as root and as an ordinary user, without Avahi, without touching the machine's own CUPS.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from tests.real.process import Server, free_ports, own_folder, port_open
from villagecall.demo import cupsd

QUEUE: Final = "village"


class CupsServer(Server):
    """``host``/``port`` for IPP; ``printed()`` are the raw bytes of the jobs that came out, in order."""

    def __init__(self, queues: tuple[str, ...] = (QUEUE,), info: str = "") -> None:
        folder = own_folder("cups")
        self.host = "127.0.0.1"
        (self.port,) = free_ports(1)
        self.box = folder / "box"
        super().__init__(cupsd.prepare(folder, self.port, {name: info or name for name in queues}, self.host), folder)
        self.wait(lambda: port_open(self.port))

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    # ------------------------------------------------------------ what a test does to the printer

    def printed(self) -> list[bytes]:
        jobs = sorted(self.box.glob("job-*"), key=lambda path: int(path.name.split("-")[1]))
        return [path.read_bytes() for path in jobs]

    def titles(self) -> list[str]:
        found = sorted(self.box.glob("title-*"), key=lambda path: int(path.name.split("-")[1]))
        return [path.read_text().strip() for path in found]

    def trouble(self, reason: str) -> None:
        """``media-empty-warning``, ``media-jam-error``, ``cover-open-error`` … until :meth:`repair`."""
        fresh = self.box / ".reasons"
        fresh.write_text(reason)
        fresh.rename(self.box / "reasons")

    def repair(self) -> None:
        for name in ("reasons", "slow", "broken"):
            (self.box / name).unlink(missing_ok=True)

    def slow(self) -> None:
        """Jobs stay in ``processing`` until :meth:`repair`."""
        (self.box / "slow").touch()

    def break_down(self) -> None:
        """The next job stops the queue."""
        (self.box / "broken").touch()

    def wait_printed(self, count: int, seconds: float = 15) -> list[bytes]:
        """Raises ``AssertionError`` when so many did not come out in time."""
        self._until(lambda: len(self.printed()) >= count, seconds, f"{count} printed")
        return self.printed()

    def _until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                log = self.folder / "logs" / "error"
                tail = log.read_text(errors="replace")[-3000:] if log.exists() else ""
                raise AssertionError(f"not {what} within {seconds} s; the end of cupsd's log:\n{tail}")
            time.sleep(0.02)
