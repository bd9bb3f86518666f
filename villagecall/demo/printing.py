"""The demonstration's printers: a private spooler and one paired agent per village of the first town.

Where cupsd is not installed the villages print from the browser; the demonstration says so.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from villagecall.demo import cupsd
from villagecall.http.services import Services
from villagecall.journal import Actor
from villagecall.terminal.store import Store

LOGINS = ("village1", "village2")
_log = structlog.get_logger(__name__)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _started(command: list[str]) -> asyncio.subprocess.Process:
    """It ends with us, also when we are killed: an agent left behind would go on printing into a folder of before."""
    if shutil.which("setpriv"):  # util-linux
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*command, stdin=quiet, stdout=quiet, stderr=quiet)


async def _stopped(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def village_printers(services: Services, data: Path, url: str) -> AsyncIterator[str]:
    """Spooler and agents while the context lasts; gives the sentence that tells where paper comes out."""
    if cupsd.find() is None:
        yield "没有 CUPS,用浏览器打印 no CUPS here: from the browser"
        return
    # Not in the data folder: the spooler's backend runs as another user, who may not enter there.
    folder = Path(tempfile.mkdtemp(prefix="villagecall-cups-"))
    printed = data / "printed"
    if printed.is_symlink():  # the papers of the run before
        shutil.rmtree(printed.readlink().parent, ignore_errors=True)
        printed.unlink()
    printed.symlink_to(folder / "box")
    port = _free_port()
    running = [await _started(cupsd.prepare(folder, port, {"village": "村里的打印机"}))]
    try:
        for login in LOGINS:
            person = services.directory.by_login(login)
            if person is None:
                continue
            state = data / "agents" / login
            name = f"{services.directory.unit_name(person.unit)}打印机"
            command = [sys.executable, "-m", "villagecall", "terminal", "--server", url, "--name", name,
                       "--cups", f"127.0.0.1:{port}", "--state", str(state)]  # fmt: skip
            state.mkdir(parents=True, exist_ok=True)
            if Store(state).identity() is None:
                actor = Actor(str(person.person_id), person.unit, person.role.value)
                code, _ = await services.devices.open_pairing(person.unit, actor)
                command += ["--pair", code]
            running.append(await _started(command))
        yield f"村里的打印机把纸放在 paper comes out in {printed}"
    finally:
        for process in reversed(running):
            await _stopped(process)
