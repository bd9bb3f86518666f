"""The printer's side: CUPS by IPP. Knows printers and jobs, nothing of tickets or servers.

A document is printed in two steps, Create-Job and Send-Document (RFC 8011 4.2.4 and 4.3.1), so that the
job's number is on disk before a single byte could come out of the printer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from pyipp import IPP
from pyipp.enums import IppOperation
from pyipp.exceptions import IPPError

USER: Final = "villagecall"
NOT_FOUND: Final = 0x0406
_JOB_STATES: Final = {
    3: "queued",
    4: "held",
    5: "printing",
    6: "stopped",
    7: "canceled",
    8: "aborted",
    9: "done",
}
_PRINTER_STATES: Final = {3: "idle", 4: "printing", 5: "stopped"}
_JOB_ATTRIBUTES: Final = [
    "job-id",
    "job-name",
    "job-state",
    "job-state-reasons",
    "job-k-octets",
    "number-of-documents",
    "job-printer-uri",
]
_PRINTER_ATTRIBUTES: Final = [
    "printer-name",
    "printer-info",
    "printer-location",
    "printer-state",
    "printer-state-reasons",
    "color-supported",
]


class CupsUnreachable(Exception):
    """The spooler does not answer, or says something that is not IPP."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A printer as its queue shows it; ``state`` is idle, printing or stopped, ``reasons`` are keywords."""

    name: str
    state: str
    reasons: tuple[str, ...]
    colour: bool
    label: str = ""
    """What people call it: the description in CUPS with its location; empty where nobody wrote one."""

    def as_json(self) -> dict[str, object]:
        about = {"name": self.name, "state": self.state, "colour": self.colour, "label": self.label}
        return {**about, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class Job:
    """A print job. ``filled``: it has got a document; if not, nothing of it can have been printed."""

    number: int
    name: str
    state: str
    reasons: tuple[str, ...]
    filled: bool


def _many(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value] if value else []
    return tuple(sorted(str(each) for each in values if each and str(each) != "none"))


def _queue(found: Mapping[str, Any]) -> Queue:
    name = str(found.get("printer-name", ""))
    # CUPS repeats the queue's name where no description was written.
    said = (str(found.get(f"printer-{about}") or "").strip() for about in ("info", "location"))
    return Queue(
        name=name,
        label=" · ".join(words for words in said if words and words != name)[:200],
        state=_PRINTER_STATES.get(int(found.get("printer-state", 0)), "stopped"),
        reasons=_many(found.get("printer-state-reasons")),
        colour=bool(found.get("color-supported", True)),
    )


def _job(found: Mapping[str, Any]) -> Job:
    # CUPS counts documents down to 0 again when it removes their files; the size stays.
    return Job(
        number=int(found["job-id"]),
        name=str(found.get("job-name", "")),
        state=_JOB_STATES.get(int(found.get("job-state", 0)), "held"),
        reasons=_many(found.get("job-state-reasons")),
        filled=bool(found.get("number-of-documents") or found.get("job-k-octets")),
    )


class Cups:
    """The spooler at ``host:port``. Every method raises :class:`CupsUnreachable`."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self._host, _, port = address.rpartition(":")
        self._port, self._session = int(port), session

    async def printers(self) -> list[Queue]:
        """All queues, the default one first."""
        wanted = {"requested-attributes": _PRINTER_ATTRIBUTES}
        answer = await self._ask(IppOperation.CUPS_GET_PRINTERS, "/", wanted)
        queues = [_queue(found) for found in answer["printers"] or []] if answer else []
        default = await self._ask(IppOperation.CUPS_GET_DEFAULT, "/", {"requested-attributes": ["printer-name"]})
        first = str(default["printers"][0].get("printer-name", "")) if default and default["printers"] else ""
        return sorted(queues, key=lambda queue: (queue.name != first, queue.name))

    async def create(self, printer: str, name: str) -> int:
        """An empty job; it prints nothing until :meth:`send`. Gives its number."""
        answer = await self._ask(IppOperation.CREATE_JOB, f"/printers/{printer}", {"job-name": name})
        if not answer or not answer["jobs"]:
            raise CupsUnreachable(f"the queue {printer!r} takes no job")
        return int(answer["jobs"][0]["job-id"])

    async def send(self, printer: str, number: int, pdf: bytes) -> None:
        """The job's one document, as it is."""
        about = {"job-id": number, "document-name": "certificate", "document-format": "application/pdf"}
        about["last-document"] = True
        if await self._ask(IppOperation.SEND_DOCUMENT, f"/printers/{printer}", about, pdf) is None:
            raise CupsUnreachable(f"job {number} is gone")

    async def job(self, number: int) -> Job | None:
        """None when the spooler has forgotten it."""
        about = {"job-id": number, "requested-attributes": _JOB_ATTRIBUTES}
        answer = await self._ask(IppOperation.GET_JOB_ATTRIBUTES, "/", about)
        return _job(answer["jobs"][0]) if answer and answer["jobs"] else None

    async def named(self, name: str) -> Job | None:
        """The newest job of this name, finished ones included."""
        about = {"which-jobs": "all", "requested-attributes": _JOB_ATTRIBUTES}
        answer = await self._ask(IppOperation.GET_JOBS, "/", about)
        found = [_job(job) for job in (answer["jobs"] or [] if answer else []) if job.get("job-name") == name]
        return max(found, key=lambda job: job.number, default=None)

    async def _ask(
        self, operation: IppOperation, path: str, about: Mapping[str, object], data: bytes = b""
    ) -> dict[str, Any] | None:
        """The parsed answer; None when what was asked for does not exist."""
        ipp = IPP(host=self._host, port=self._port, base_path=path, session=self._session, request_timeout=15)
        message: dict[str, Any] = {
            "operation-attributes-tag": {
                "printer-uri": f"ipp://{self._host}:{self._port}{path}",
                "requesting-user-name": USER,
                **about,
            }
        }
        if data:
            message["data"] = data
        try:
            return dict(await ipp.execute(operation, message))
        except IPPError as error:
            details = error.args[1] if len(error.args) > 1 else {}
            if isinstance(details, dict) and details.get("status-code") == NOT_FOUND:
                return None
            raise CupsUnreachable(str(error)) from error
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise CupsUnreachable(str(error)) from error
