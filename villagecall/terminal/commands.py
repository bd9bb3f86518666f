"""``villagecall terminal``: the agent on a village PC."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], open_app: object = None) -> None:
    parser = subparsers.add_parser(
        "terminal", help="村级电脑上的代理:配对、打印 the agent on a village PC: pairs with the server, prints"
    )
    parser.add_argument("--server", metavar="URL", help="服务器网址,配对后记住 where the server is; kept after pairing")
    parser.add_argument("--pair", metavar="CODE", help="页面上的八位配对码 the eight digits that the page shows")
    parser.add_argument(
        "--name", default=socket.gethostname(), help="设备在页面上的名称 what the device is called on the page"
    )
    parser.add_argument("--cups", metavar="HOST:PORT", default="localhost:631", help="打印服务 the print spooler")
    parser.add_argument(
        "--state",
        metavar="DIR",
        type=Path,
        default=None,
        help="存放密钥和待打印文件的文件夹 folder for the secret and the spool",
    )
    parser.set_defaults(run=run)


def default_state() -> Path:
    """``$XDG_STATE_HOME/villagecall``, as the XDG base directories have it."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "villagecall"


def run(args: argparse.Namespace) -> int:
    if importlib.util.find_spec("pyipp") is None:
        return _no("the printer part is missing: pip install 'villagecall[terminal]'", 2)
    host, _, port = args.cups.rpartition(":")
    if not host or not port.isdigit():
        return _no(f"--cups {args.cups}: HOST:PORT", 2)
    return asyncio.run(_run(args))


def _no(text: str, code: int) -> int:
    print(f"terminal: {text}", file=sys.stderr)
    return code


def _event(what: str, about: Mapping[str, object]) -> None:
    print(json.dumps({"event": what, **about}, ensure_ascii=False), flush=True)


async def _run(args: argparse.Namespace) -> int:
    import aiohttp
    import structlog

    from villagecall.terminal.agent import Agent, NotPaired, PairingFailed, pair
    from villagecall.terminal.printer import Cups
    from villagecall.terminal.store import StateBusy, Store

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    store = Store(args.state or default_state())
    timeout = aiohttp.ClientTimeout(total=60, sock_connect=10)
    try:
        with store.held():
            async with aiohttp.ClientSession(timeout=timeout) as session:
                identity = store.identity()
                if args.pair:
                    server = args.server or (identity.server if identity else "")
                    if not server:
                        return _no("--pair needs --server", 2)
                    identity = await pair(session, server, args.pair, args.name)
                    store.remember(identity)
                    _event("paired", {"device_id": identity.device_id, "unit": identity.unit_name})
                if identity is None:
                    return _no("not paired: --server URL --pair CODE", 2)
                agent = Agent(identity, store, Cups(args.cups, session), session, args.name, _event)
                await _until_signal(agent.run())
    except StateBusy as busy:
        return _no(f"another agent works in {busy}", 1)
    except PairingFailed as failed:
        return _no(str(failed), 1)
    except NotPaired:
        return _no("the server does not know this device (any more): pair it again", 1)
    return 0


async def _until_signal(work: Coroutine[None, None, None]) -> None:
    """Until the work ends by itself, or somebody stops the agent; what is printing goes on in the spooler."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task
