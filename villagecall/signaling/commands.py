"""``villagecall recording verify``: a recording held against its chain, without server, database or network."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from villagecall.signaling.recording import verify


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], _open_app: object = None) -> None:
    recording = subparsers.add_parser("recording", help="视频通话的录像 recordings of calls")
    commands = recording.add_subparsers(dest="what", required=True)
    check = commands.add_parser(
        "verify", help="核验录像的链和缺口,指出第一处不符 chain and gaps of a recording; names the first bad piece"
    )
    check.add_argument("file", nargs="+", type=Path, metavar="FILE", help="录像文件 a recording")
    check.set_defaults(run=run_verify)


def run_verify(args: argparse.Namespace) -> int:
    """One JSON object per file on stdout. 0: all intact and complete, 1: not, 2: a file is not there."""
    code = 0
    for path in args.file:
        try:
            report = verify(path)
        except OSError as error:
            sys.stderr.write(f"{path}: {error.strerror}\n")
            code = 2
            continue
        sys.stdout.write(json.dumps(report.as_json(str(path))) + "\n")
        if not report.ok:
            code = max(code, 1)
    return code
