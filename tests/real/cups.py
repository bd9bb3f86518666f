"""A private cupsd: own folders, a free port, one raw queue whose backend keeps the bytes it gets.

Works as root and as an ordinary user, without Avahi, without touching the machine's own CUPS. The backend
obeys files in its folder, so that a test can run it out of paper, jam it, hold it back or break it.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.real.process import Server, free_ports, own_folder, port_open, program

QUEUE: Final = "village"

_BACKEND = r"""#!/bin/sh
# Arguments: job user title copies options [file]; without arguments: the list of devices.
[ $# -eq 0 ] && { echo 'direct keep "Unknown" "keeps what it is given"'; exit 0; }
box="@BOX@"
while [ -e "$box/slow" ]; do sleep 0.05; done
told=""
while [ -s "$box/reasons" ]; do
  now="$(cat "$box/reasons")"
  if [ "$now" != "$told" ]; then
    [ -n "$told" ] && echo "STATE: -$told" >&2
    echo "STATE: +$now" >&2
    told="$now"
  fi
  sleep 0.05
done
[ -n "$told" ] && echo "STATE: -$told" >&2
[ -e "$box/broken" ] && exit 4
part="$box/.part-$1"
if [ $# -ge 6 ]; then cat "$6" >"$part"; else cat >"$part"; fi
mv "$part" "$box/job-$1"
printf '%s\n' "$3" >"$box/title-$1"
exit 0
"""
"""Exit 4 is CUPS_BACKEND_STOP: the queue stops and keeps the job."""


class CupsServer(Server):
    """``host``/``port`` for IPP; ``printed()`` are the raw bytes of the jobs that came out, in order."""

    def __init__(self, queues: tuple[str, ...] = (QUEUE,)) -> None:
        folder = own_folder("cups")
        self.host = "127.0.0.1"
        (self.port,) = free_ports(1)
        self.box = folder / "box"
        self._dirs(folder)
        self._backend(folder)
        self._configure(folder, queues)
        cupsd = program("cupsd", "/usr/sbin")
        command = [cupsd, "-f", "-c", str(folder / "cupsd.conf"), "-s", str(folder / "cups-files.conf")]
        super().__init__(command, folder)
        self.wait(lambda: port_open(self.port))

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def _dirs(self, folder: Path) -> None:
        folder.chmod(0o755)  # the backend runs as another user when we are root
        for name in ("root", "cache", "spool", "spool/tmp", "state", "logs", "data", "bin", "bin/backend", "box"):
            (folder / name).mkdir()
        self.box.chmod(0o777)

    def _backend(self, folder: Path) -> None:
        backend = folder / "bin" / "backend" / "keep"
        backend.write_text(_BACKEND.replace("@BOX@", str(self.box)))
        backend.chmod(0o755)
        if os.getuid() == 0:
            for path in (folder / "bin", folder / "bin" / "backend", backend):
                os.chown(path, 0, 0)
        for name in ("filter", "daemon", "notifier"):  # cupsd starts a backend through daemon/cups-exec
            (folder / "bin" / name).symlink_to(Path("/usr/lib/cups") / name)

    def _configure(self, folder: Path, queues: tuple[str, ...]) -> None:
        user = "lp" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        group = "lp" if os.getuid() == 0 else grp.getgrgid(os.getgid()).gr_name
        if os.getuid() == 0:
            for name in ("cache", "spool", "spool/tmp", "state", "root", "logs"):
                path = folder / name
                os.chown(path, 0, grp.getgrnam("lp").gr_gid)
                path.chmod(0o770 if name != "spool/tmp" else 0o1770)
        (folder / "cups-files.conf").write_text(
            f"User {user}\nGroup {group}\nSystemGroup {'root' if os.getuid() == 0 else group}\n"
            f"ServerRoot {folder}/root\nCacheDir {folder}/cache\nRequestRoot {folder}/spool\n"
            f"TempDir {folder}/spool/tmp\nStateDir {folder}/state\nDataDir /usr/share/cups\nServerBin {folder}/bin\n"
            f"AccessLog {folder}/logs/access\nErrorLog {folder}/logs/error\nPageLog {folder}/logs/page\n"
            f"DocumentRoot {folder}/data\nPrintcap\nSyncOnClose Yes\n"
        )
        (folder / "cupsd.conf").write_text(
            f"Listen {self.host}:{self.port}\nLogLevel info\nMaxLogSize 0\nBrowsing Off\nWebInterface No\n"
            "DefaultAuthType None\nPreserveJobHistory Yes\nPreserveJobFiles No\nMaxJobs 500\nJobRetryInterval 1\n"
            "ErrorPolicy stop-printer\nDirtyCleanInterval 0\nMultipleOperationTimeout 60\n"
            "<Location />\n  Order allow,deny\n  Allow all\n</Location>\n"
            "<Policy default>\n  JobPrivateAccess all\n  JobPrivateValues none\n"
            "  SubscriptionPrivateAccess all\n  SubscriptionPrivateValues none\n"
            "  <Limit All>\n    Order allow,deny\n    Allow all\n  </Limit>\n</Policy>\n"
        )
        (folder / "root" / "printers.conf").write_text(
            "".join(
                f"<{'Default' if at == 0 else ''}Printer {name}>\nInfo {name}\nDeviceURI keep:/{name}\nState Idle\n"
                "Accepting Yes\nShared No\nErrorPolicy stop-printer\nOpPolicy default\n</Printer>\n"
                for at, name in enumerate(queues)
            )
        )
        (folder / "root" / "printers.conf").chmod(stat.S_IRUSR | stat.S_IWUSR)

    # ------------------------------------------------------------ what a test does to the printer

    def printed(self) -> list[bytes]:
        jobs = sorted(self.box.glob("job-*"), key=lambda path: int(path.name.split("-")[1]))
        return [path.read_bytes() for path in jobs]

    def titles(self) -> list[str]:
        found = sorted(self.box.glob("title-*"), key=lambda path: int(path.name.split("-")[1]))
        return [path.read_text().strip() for path in found]

    def trouble(self, reason: str) -> None:
        """``media-empty-warning``, ``media-jam-error``, ``cover-open-error`` … until :meth:`repair`."""
        fresh = self.box / ".reasons"
        fresh.write_text(reason)
        fresh.rename(self.box / "reasons")

    def repair(self) -> None:
        for name in ("reasons", "slow", "broken"):
            (self.box / name).unlink(missing_ok=True)

    def slow(self) -> None:
        """Jobs stay in ``processing`` until :meth:`repair`."""
        (self.box / "slow").touch()

    def break_down(self) -> None:
        """The next job stops the queue."""
        (self.box / "broken").touch()

    def wait_printed(self, count: int, seconds: float = 15) -> list[bytes]:
        """Raises ``AssertionError`` when so many did not come out in time."""
        self._until(lambda: len(self.printed()) >= count, seconds, f"{count} printed")
        return self.printed()

    def _until(self, done: Callable[[], bool], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                log = self.folder / "logs" / "error"
                tail = log.read_text(errors="replace")[-3000:] if log.exists() else ""
                raise AssertionError(f"not {what} within {seconds} s; the end of cupsd's log:\n{tail}")
            time.sleep(0.02)
