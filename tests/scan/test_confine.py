"""What a decoding process may no longer do (tried in processes of their own: it cannot be undone)."""

from __future__ import annotations

import subprocess
import sys

TRY = """
import socket, subprocess
from pathlib import Path
from villagecall.scan.confine import bounded, without_network
{given}
attempts = dict(
    connect=lambda: socket.create_connection(("127.0.0.1", 9), 1),
    local=lambda: socket.socketpair(),
    program=lambda: subprocess.run(["/bin/true"]),
    write=lambda: Path({path!r}).write_bytes(b"x" * 10),
    memory=lambda: bytearray(64 * 2**20),
)
for name, attempt in attempts.items():
    try:
        attempt()
    except (OSError, MemoryError) as error:
        print(name)
"""


def refused(given: str, path: str) -> set[str]:
    code = TRY.format(given=given, path=path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_no_socket_and_no_program(tmp_path: object) -> None:
    found = refused("assert without_network()", f"{tmp_path}/file")
    assert {"connect", "local", "program"} <= found
    assert "memory" not in found


def test_no_memory_without_end_and_no_file(tmp_path: object) -> None:
    assert {"memory", "write"} <= refused("bounded(16)", f"{tmp_path}/file")
