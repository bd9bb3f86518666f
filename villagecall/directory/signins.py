"""Who signed in and who failed to, in the journal: one stream a day, without personal data.

A failed attempt carries keyed tokens of the login and of the address: attempts on one login or from one
place can be counted together, and neither can be read off.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from villagecall.directory.records import stream_id
from villagecall.errors import Conflict
from villagecall.ids import uuid7
from villagecall.journal import JSON, SYSTEM, Action, Actor, Head
from villagecall.ports import Append, Clock, Journal, Place
from villagecall.vault import Vault

_TRIES = 8
_LOCAL = timedelta(hours=8)
_log = structlog.get_logger(__name__)


class SignIns:
    def __init__(self, journal: Journal, vault: Vault, clock: Clock) -> None:
        self._journal, self._vault, self._clock = journal, vault, clock

    async def succeeded(self, actor: Actor) -> None:
        await self._record("signin.succeeded", actor, {})

    async def ended(self, actor: Actor) -> None:
        await self._record("signin.ended", actor, {})

    async def failed(self, login: str, address: str) -> None:
        """Somebody gave a wrong login or password."""
        tokens: dict[str, JSON] = {
            "login": self._vault.token("login", login).hex(),
            "address": self._vault.token("address", address).hex(),
        }
        await self._record("signin.failed", SYSTEM, tokens)

    async def _record(self, kind: str, actor: Actor, payload: dict[str, JSON]) -> None:
        now = self._clock.now()
        day = (now + _LOCAL).date().isoformat()
        stream, key = stream_id("signins", day), f"{kind}:{uuid7()}"
        for _ in range(_TRIES):
            snapshot = await self._journal.snapshot(stream)
            try:
                await self._journal.append(
                    Append(
                        stream=stream,
                        kind="signins",
                        expected=snapshot.head if snapshot else Head(),
                        actions=(Action(kind, actor, now, payload),),
                        state=b"{}",
                        key=key,
                        join=(Place("signins", day),),
                    )
                )
                return
            except Conflict:
                continue
        # A flood of attempts in the same instant: the count in the metrics is exact, this line is lost.
        _log.warning("signin_not_recorded", kind=kind)
