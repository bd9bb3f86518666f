"""``villagecall scan inspect`` and ``scan bundle`` (docs: the contract of names)."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], _open_app: object) -> None:
    scan = subparsers.add_parser("scan", help="the scan engine on files").add_subparsers(required=True)
    inspect = scan.add_parser("inspect", help="what the engine sees, one JSON object per image")
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE")
    inspect.set_defaults(run=_inspect)
    bundle = scan.add_parser("bundle", help="a straightened case file, PDF/A-2b, a bookmark per input")
    bundle.add_argument("files", nargs="+", type=Path, metavar="FILE")
    bundle.add_argument("-o", "--output", type=Path, required=True, metavar="case.pdf")
    bundle.set_defaults(run=_bundle)


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r{done} / {total} 页 pages", end=end, file=sys.stderr, flush=True)


def _inspect(args: argparse.Namespace) -> int:
    from villagecall.scan.inspect import inspect_file
    from villagecall.scan.refusals import ScanRefusal

    status = 0
    for file in args.files:
        try:
            print(json.dumps(inspect_file(file), ensure_ascii=False), flush=True)
        except (OSError, ScanRefusal) as error:
            print(f"{file}: {_why(error)}", file=sys.stderr)
            status = 1
    return status


def _why(error: Exception) -> str:
    from villagecall.scan.refusals import ScanRefusal

    if isinstance(error, ScanRefusal):
        return f"{error.code}: {error.say(error.zh)} {error.say(error.en)}"
    return error.strerror or "cannot be read" if isinstance(error, OSError) else "cannot be read"


def _bundle(args: argparse.Namespace) -> int:
    from villagecall.scan.casefile import Cover, Sheet, bundle
    from villagecall.scan.decode import Document
    from villagecall.scan.page import judge
    from villagecall.scan.refusals import ScanRefusal

    sheets: list[Sheet] = []
    listed: list[str] = []
    for at, file in enumerate(args.files, start=1):
        try:
            document = Document(file.read_bytes())
            for frame in range(document.frames):
                found = judge(document.picture(frame))
                sheets.append(Sheet(found.view, found.width, found.height, 0, file.stem))
            listed.append(f"{file.stem} {document.frames} 页")
        except (OSError, ScanRefusal) as error:
            print(f"\n{file}: {_why(error)}", file=sys.stderr)
            return 1
        _progress(at, len(args.files))
    # Dated by the newest input, so that the same inputs give the same bytes.
    newest = max(file.stat().st_mtime for file in args.files)
    cover = Cover(
        "扫描件",
        (("文件数", str(len(args.files))), ("页数", str(len(sheets)))),
        datetime.fromtimestamp(int(newest), UTC),
        contents=tuple(listed),
    )
    args.output.write_bytes(bundle(cover, sheets))
    return 0
