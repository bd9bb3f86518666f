"""What a decoding process gives up: the network, other programs, memory without end, files to write.

Two walls, since either may be forbidden where the server runs: a network namespace of its own, and a filter
that refuses the system calls by which sockets and programs are made (seccomp(2), Linux).
"""

from __future__ import annotations

import ctypes
import platform
import resource
import struct
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
_NO_NEW_PRIVILEGES = 38
_SET_FILTER, _EVERY_THREAD = 1, 1
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # refused: EPERM
_LOAD, _EQUAL, _GIVE = 0x20, 0x15, 0x06  # BPF: load a word, jump if equal, return
_CALLS: dict[str, tuple[int, int, tuple[int, ...]]] = {
    # machine: audit architecture, number of seccomp, and of socket, socketpair, execve, execveat, ptrace
    "x86_64": (0xC000003E, 317, (41, 53, 59, 322, 101)),
    "aarch64": (0xC00000B7, 277, (198, 199, 221, 281, 117)),
}


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def _steps(architecture: int, refused: tuple[int, ...]) -> bytes:
    """The program: another architecture is killed, the ``refused`` calls answer EPERM, the rest is allowed."""

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    program = step(_LOAD, 4) + step(_EQUAL, architecture, 1, 0) + step(_GIVE, _KILL) + step(_LOAD, 0)
    for at, call in enumerate(refused):
        program += step(_EQUAL, call, len(refused) - at, 0)
    return program + step(_GIVE, _ALLOW) + step(_GIVE, _REFUSE)


def without_network() -> bool:
    """No way out of this process from here on, for none of its threads; says whether either wall stands."""
    libc = ctypes.CDLL(None, use_errno=True)
    alone = bool(libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
    known = _CALLS.get(platform.machine())
    if known is None:
        return alone
    architecture, seccomp, refused = known
    steps = _steps(architecture, refused)
    held = ctypes.create_string_buffer(steps, len(steps))
    program = _Filter(len(steps) // 8, ctypes.addressof(held))
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    filtered = bool(libc.syscall(seccomp, _SET_FILTER, _EVERY_THREAD, ctypes.byref(program)) == 0)
    return alone or filtered


def bounded(memory_mib: int) -> None:
    """So much memory beyond what the libraries take, no core files, no new files."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    mapped = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmSize"))
    limit = mapped * 1024 + memory_mib * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
