"""A private print spooler: own folders, a free port, raw queues whose backend keeps the bytes it gets.

For the demonstration and the tests: a real CUPS without touching the machine's own. The backend obeys
files in its folder, so that it can run out of paper, jam, hold back or break.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

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


def find() -> str | None:
    """Where cupsd is, or None."""
    return shutil.which("cupsd") or shutil.which("cupsd", path="/usr/sbin")


def prepare(folder: Path, port: int, queues: Mapping[str, str], host: str = "127.0.0.1") -> list[str]:
    """Write everything below ``folder`` and give the command that runs the spooler in the foreground.

    ``queues`` by name, each with the description that people read.

    What is printed lands in ``folder/box`` as ``job-<n>``, its title as ``title-<n>``.
    """
    binary = find()
    if binary is None:
        raise FileNotFoundError("cupsd")
    _dirs(folder)
    _backend(folder)
    _configure(folder, port, queues, host)
    return [binary, "-f", "-c", str(folder / "cupsd.conf"), "-s", str(folder / "cups-files.conf")]


def _dirs(folder: Path) -> None:
    folder.chmod(0o755)  # the backend runs as another user when we are root
    for name in ("root", "cache", "spool", "spool/tmp", "state", "logs", "data", "bin", "bin/backend", "box"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "box").chmod(0o777)


def _backend(folder: Path) -> None:
    backend = folder / "bin" / "backend" / "keep"
    backend.write_text(_BACKEND.replace("@BOX@", str(folder / "box")))
    backend.chmod(0o755)
    if os.getuid() == 0:
        for path in (folder / "bin", folder / "bin" / "backend", backend):
            os.chown(path, 0, 0)
    for name in ("filter", "daemon", "notifier"):  # cupsd starts a backend through daemon/cups-exec
        link = folder / "bin" / name
        if not link.is_symlink():
            link.symlink_to(Path("/usr/lib/cups") / name)


def _configure(folder: Path, port: int, queues: Mapping[str, str], host: str) -> None:
    root = os.getuid() == 0
    user = "lp" if root else pwd.getpwuid(os.getuid()).pw_name
    group = "lp" if root else grp.getgrgid(os.getgid()).gr_name
    if root:
        for name in ("cache", "spool", "spool/tmp", "state", "root", "logs"):
            path = folder / name
            os.chown(path, 0, grp.getgrnam("lp").gr_gid)
            path.chmod(0o770 if name != "spool/tmp" else 0o1770)
    (folder / "cups-files.conf").write_text(
        f"User {user}\nGroup {group}\nSystemGroup {'root' if root else group}\n"
        f"ServerRoot {folder}/root\nCacheDir {folder}/cache\nRequestRoot {folder}/spool\n"
        f"TempDir {folder}/spool/tmp\nStateDir {folder}/state\nDataDir /usr/share/cups\nServerBin {folder}/bin\n"
        f"AccessLog {folder}/logs/access\nErrorLog {folder}/logs/error\nPageLog {folder}/logs/page\n"
        f"DocumentRoot {folder}/data\nPrintcap\nSyncOnClose Yes\n"
    )
    (folder / "cupsd.conf").write_text(
        f"Listen {host}:{port}\nLogLevel info\nMaxLogSize 0\nBrowsing Off\nWebInterface No\n"
        "DefaultAuthType None\nPreserveJobHistory Yes\nPreserveJobFiles No\nMaxJobs 500\nJobRetryInterval 1\n"
        "ErrorPolicy stop-printer\nDirtyCleanInterval 0\nMultipleOperationTimeout 60\n"
        "<Location />\n  Order allow,deny\n  Allow all\n</Location>\n"
        "<Policy default>\n  JobPrivateAccess all\n  JobPrivateValues none\n"
        "  SubscriptionPrivateAccess all\n  SubscriptionPrivateValues none\n"
        "  <Limit All>\n    Order allow,deny\n    Allow all\n  </Limit>\n</Policy>\n"
    )
    printers = folder / "root" / "printers.conf"
    printers.write_text(
        "".join(
            f"<{'Default' if at == 0 else ''}Printer {name}>\nInfo {info}\nDeviceURI keep:/{name}\nState Idle\n"
            "Accepting Yes\nShared No\nErrorPolicy stop-printer\nOpPolicy default\n</Printer>\n"
            for at, (name, info) in enumerate(queues.items())
        )
    )
    printers.chmod(stat.S_IRUSR | stat.S_IWUSR)
