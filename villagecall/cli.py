"""Every command. Each room brings its own (``<room>/commands.py``); this file puts them together.

JSON goes to stdout, one object a line where there are several; messages go to stderr; exit 0 = done,
1 = the answer is no, 2 = wrong use, a setting that cannot be read, a part that does not answer.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from villagecall import __version__
from villagecall.errors import Hindrance, PartSilent, Refusal, Unavailable, VillagecallError
from villagecall.usage import Parser

if TYPE_CHECKING:
    from villagecall.http.services import Services

ROOMS = ("adapters", "directory", "scan", "signaling", "issuing", "ledger", "terminal", "demo")


def open_services(config: Path | None) -> AbstractAsyncContextManager[Services]:
    """The composition for a command that reads or writes the installation, without serving it."""
    from villagecall import app, settings

    return app.open_services(settings.load(config), work=False)


def _serve(args: argparse.Namespace) -> int:
    from villagecall import app, settings

    return app.run(settings.load(args.config))


def parser(rooms: Sequence[str] = ROOMS) -> argparse.ArgumentParser:
    """The command line, whole or of some ``rooms``."""
    top = Parser(prog="villagecall", description="村能办:不出村,能办事。 Errands finished in the village.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="COMMAND", title="命令 commands")
    serve = commands.add_parser("serve", help="启动服务器 the server")
    serve.add_argument("--config", type=Path, help="设置文件 settings file (TOML)")
    serve.set_defaults(run=_serve)
    for room in rooms:
        module = importlib.import_module(f"villagecall.{room}.commands")
        module.register(commands, open_services)
    return top


def _refused(refusal: Refusal) -> int:
    """Says a refusal, both languages with the way on; gives the exit status: 2 where nothing could be answered."""
    if isinstance(refusal, Unavailable):
        refusal = PartSilent.of(refusal) or refusal
    print(f"villagecall: {refusal.code}: {refusal.told()}", file=sys.stderr)
    return 2 if isinstance(refusal, Hindrance | Unavailable) else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit status."""
    words = sys.argv[1:] if argv is None else argv
    # The scan engine's parent is to be small: the other rooms would bring 130 MB of libraries it never uses.
    args = parser(("scan",) if words[:1] == ["scan"] else ROOMS).parse_args(words)
    try:
        status: int = args.run(args)
    except Refusal as refusal:
        return _refused(refusal)
    except VillagecallError as error:
        print(f"villagecall: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(f"villagecall: {error}", file=sys.stderr)  # a folder, a disk, a line: its text names what it is about
        return 2
    return status
