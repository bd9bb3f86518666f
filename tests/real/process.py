"""Starting real servers for a test run: free ports, an ordinary user, gone when the run is gone."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class MissingProgram(Exception):
    """A program that the tests run for real is not installed: the run fails by its name."""


def program(name: str, *folders: str) -> str:
    """Where ``name`` is: on the path, beside this Python, or in ``folders`` (globs)."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name) or (str(beside) if beside.exists() else None)
    for folder in folders:
        anchor, pattern = folder.split("*", 1) if "*" in folder else (folder, "")
        matches = sorted(Path(anchor).glob("*" + pattern + "/" + name)) if pattern else [Path(anchor) / name]
        found = found or next((str(match) for match in reversed(matches) if match.exists()), None)
    if found is None:
        raise MissingProgram(f"{name} is not installed (tools/setup.sh installs it)")
    return found


def free_ports(count: int) -> list[int]:
    """Different free TCP ports on the loopback."""
    held = []
    for _ in range(count):
        held.append(socket.socket())
        held[-1].bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def ordinary_user() -> str | None:
    """Who runs what refuses root: ``postgres`` or ``nobody``; None when we are nobody special ourselves."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in known)


def own_folder(prefix: str) -> Path:
    """A folder under the system's temporary one that the ordinary user may enter and owns."""
    folder = Path(tempfile.mkdtemp(prefix=f"villagecall-{prefix}-"))
    if user := ordinary_user():
        shutil.chown(folder, user)
    return folder


def supervised(command: Sequence[str], *, stop: str = "TERM", ordinary: bool = False) -> list[str]:
    """``command``, which gets the signal ``stop`` when this process dies; as the ordinary user if it must."""
    head = [program("setpriv"), "--pdeathsig", stop]
    if ordinary and (user := ordinary_user()):
        entry = pwd.getpwnam(user)
        head += ["--reuid", str(entry.pw_uid), "--regid", str(entry.pw_gid), "--clear-groups"]
    return [*head, "--", *command]


class Server:
    """A running server; :meth:`stop` ends it and removes its folder."""

    def __init__(self, command: Sequence[str], folder: Path, *, stop: str = "TERM", ordinary: bool = False) -> None:
        self.command = supervised(command, stop=stop, ordinary=ordinary)
        self.folder, self._stop = folder, stop
        self.log = folder / "log"
        self.log.touch()
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                env={**os.environ, "HOME": str(self.folder)},
            )

    def wait(self, answers: Callable[[], bool], seconds: float = 60) -> None:
        """Until ``answers``; says what the server said if it does not come."""
        until = time.monotonic() + seconds
        while not answers():
            if self.process.poll() is not None or time.monotonic() > until:
                tail = self.log.read_text(errors="replace")[-3000:]
                self.stop()
                raise RuntimeError(f"{' '.join(self.command)} did not start:\n{tail}")
            time.sleep(0.03)

    def restart(self) -> None:
        self.process = self._start()

    def send(self, number: signal.Signals) -> None:
        """To the server and its children."""
        os.killpg(self.process.pid, number)

    def kill(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End the process and wait for it."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(15)

    def stop(self) -> None:
        self.kill(signal.Signals[f"SIG{self._stop}"])
        shutil.rmtree(self.folder, ignore_errors=True)


def port_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
