"""One plain question to a server of our own on this machine, without a session."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection


def status(port: int, path: str, *, timeout: float = 2) -> int:
    """The status of its answer to GET ``path``. Raises OSError where nobody listens or the answer takes longer."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=timeout)) as connection:
        connection.request("GET", path)
        with connection.getresponse() as answer:
            answer.read()
            return answer.status
