"""``villagecall ledger verify``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from villagecall.ledger.service import Ledger


class HasLedger(Protocol):
    """The part of the running application that these commands need."""

    @property
    def ledger(self) -> Ledger: ...


OpenApp = Callable[[Path | None], AbstractAsyncContextManager[HasLedger]]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], open_app: OpenApp) -> None:
    """Add the commands of this room."""
    parser = subparsers.add_parser("ledger", help="台账 readings of the journal")
    commands = parser.add_subparsers(dest="ledger_command", required=True)
    verify = commands.add_parser(
        "verify", help="校验台账,指出第一处不符 check chains, snapshots and commitments; names the first bad entry"
    )
    verify.add_argument("--config", type=Path, default=None, help="设置文件 settings file (TOML)")
    verify.set_defaults(run=lambda args: asyncio.run(run_verify(args.config, open_app)))


async def run_verify(config: Path | None, open_app: OpenApp) -> int:
    """One JSON line per problem, then the summary. 0 = everything verifies, 1 = something does not."""
    async with open_app(config) as app:
        report = await app.ledger.verify()
    for problem in report.problems:
        sys.stdout.write(json.dumps(problem.as_json(), ensure_ascii=False) + "\n")
    sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    return 0 if report.ok else 1
