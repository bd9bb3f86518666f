"""The demonstration county as its own process, the way ``make demo`` runs it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.asking import status

STARTS_S = 90
QUIET = {"VILLAGECALL_SCAN_TEXT": "0"}
"""Reading every page is computing that only the journey about it looks at."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class County:
    """A running demonstration. ``box`` is where the print spooler's backend puts what was printed."""

    data: Path
    printer: bool = True
    port: int = field(default_factory=free_port)
    extra: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    password: str = ""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def box(self) -> Path:
        return self.data / "printed"

    def start(self) -> None:
        (self.data / "logins.json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "villagecall", "demo", "--port", str(self.port), "--data", str(self.data),
                   "--no-day"]  # fmt: skip
        if not self.printer:
            command.append("--no-printer")
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "stderr.txt").open("ab") as errors:
            self._process = subprocess.Popen(
                command, stdout=errors, stderr=errors, start_new_session=True, env={**os.environ, **QUIET, **self.extra}
            )
        deadline = time.monotonic() + STARTS_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise AssertionError((self.data / "stderr.txt").read_text(encoding="utf-8")[-3000:])
            if (self.data / "logins.json").exists() and self.ready():
                told = json.loads((self.data / "logins.json").read_text(encoding="utf-8"))
                self.password = told["password"]
                return
            time.sleep(0.1)
        raise AssertionError("the demonstration did not come up")

    def ready(self) -> bool:
        try:
            return status(self.port, "/readyz") == 200
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9 of the server: no goodbye, no flush."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """``villagecall …`` on this county's installation."""
        secrets = json.loads((self.data / "demonstration.json").read_text(encoding="utf-8"))
        env = {
            **os.environ,
            "VILLAGECALL_DATA": str(self.data),
            "VILLAGECALL_DEMO": "1",
            "VILLAGECALL_VAULT_KEYS": secrets["vault_keys"],
            "VILLAGECALL_VAULT_TOKEN_KEY": secrets["vault_token_key"],
        }
        return subprocess.run(
            [sys.executable, "-m", "villagecall", *words], capture_output=True, text=True, env=env, check=False
        )

    def printed(self, count: int, seconds: float = 20) -> list[bytes]:
        """What came out of the queue, once there are ``count`` papers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            jobs = sorted(self.box.glob("job-*"), key=lambda path: int(path.name.split("-")[1]))
            if len(jobs) >= count:
                return [job.read_bytes() for job in jobs]
            time.sleep(0.1)
        raise AssertionError(f"{count} papers did not come out in {seconds} s")


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]
