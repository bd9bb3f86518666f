"""Logs: JSON lines on stderr, without personal data.

Nothing of a request but its operation, status and time is ever logged: no body, no query, no path with
its parameters. What slips into an event all the same is caught by :func:`redact`; a traceback keeps its
type and places, and loses its message, for messages quote values.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import structlog

Event = MutableMapping[str, Any]

_SECRET_KEYS = frozenset(
    {
        "name",
        "applicant",
        "agent",
        "id_number",
        "phone",
        "address",
        "password",
        "secret",
        "token",
        "ticket",
        "csrf",
        "cookie",
        "body",
        "query",
        "form",
        "values",
        "login",
        "sdp",
        "candidate",
        "authorization",
        "signature",
        "comment",
        "value",
        "input",
        "holder",
    }
)
_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{2}\d{7}[\dXx]|(?<![0-9A-Za-z])[1-9]\d{16}[\dXx]")
_PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_PACKAGE = Path(__file__).parents[1]


def clean(text: str) -> str:
    """Without ID and phone numbers."""
    return _PHONE.sub("[phone]", _ID_NUMBER.sub("[id]", text))


def redact(_logger: Any, _method: str, event: Event) -> Event:
    """The last guard before a line is written."""
    for key, value in event.items():
        if key in _SECRET_KEYS:
            event[key] = "[withheld]"
        elif isinstance(value, str):
            event[key] = clean(value)
        elif isinstance(value, bytes | dict | list | tuple | set):
            event[key] = f"[{type(value).__name__} of {len(value)}]"
    return event


def places(tb: TracebackType | None) -> list[str]:
    """Where an error went through: file, line and function, paths of this machine cut off."""
    return [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(tb)]


def _short(filename: str) -> str:
    path = Path(filename)
    if path.is_relative_to(_PACKAGE):
        return str(path.relative_to(_PACKAGE.parent))
    return "/".join(path.parts[-2:])


def describe_error(_logger: Any, _method: str, event: Event) -> Event:
    """``exc_info`` becomes the types of the chain and the places of the innermost error."""
    info = event.pop("exc_info", None)
    if not info:
        return event
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        chain: list[str] = []
        each: BaseException | None = error
        while each is not None and len(chain) < 8:
            chain.append(type(each).__qualname__)
            each = each.__cause__ or each.__context__
        event["error"] = " < ".join(chain)
        event["at"] = " | ".join(places(error.__traceback__))
    return event


def setup(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Once at start. Lines of the libraries go the same way, from WARNING up."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_error,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:3], _foreign, describe_error, redact],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("villagecall").setLevel(level)


def _foreign(_logger: Any, _method: str, event: Event) -> Event:
    """A library's line: its arguments may be anything, so only who spoke and the bare template are kept."""
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["event"] = str(record.msg)
        event["logger"] = record.name
        if record.exc_info:
            event["exc_info"] = record.exc_info
    return event
