"""``villagecall certificate verify FILE…``: offline, one JSON object a file; 0 genuine, 1 not, 2 wrong use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from asn1crypto import pem

from villagecall import settings as settings_
from villagecall.issuing import seal_keys
from villagecall.issuing.seal_keys import SealError
from villagecall.issuing.verify import verify
from villagecall.settings import Settings, SettingsError


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], open_app: object = None) -> None:
    group = subparsers.add_parser("certificate", help="签发的证照 issued certificates").add_subparsers(required=True)
    parser = group.add_parser("verify", help="核验 PDF 真伪和完整 is a PDF genuine and unchanged")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="证照 PDF a certificate")
    parser.add_argument(
        "--root", action="append", type=Path, default=[], help="信任的根证书 trusted certificate (PEM or DER)"
    )
    parser.add_argument(
        "--config", type=Path, help="设置文件,用本系统的根证书 settings, for the installation's own root"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    try:
        roots = [_certificate(path) for path in args.root] or own_roots(settings_.load(args.config))
    except (SealError, SettingsError, OSError, ValueError) as error:
        print(f"villagecall certificate verify: {error}", file=sys.stderr)
        return 2
    return _verify(args.files, roots)


def _verify(files: Sequence[Path], roots: Sequence[bytes]) -> int:
    code = 0
    for file in files:
        try:
            data = file.read_bytes()
        except OSError as error:
            print(f"certificate verify: {file}: {error.strerror}", file=sys.stderr)
            return 2
        verdict = verify(data, roots)
        print(json.dumps({"file": str(file), **verdict.as_json()}, ensure_ascii=False))
        code = code if verdict.valid else 1
    return code


def own_roots(settings: Settings) -> list[bytes]:
    """The roots (DER) of this installation's seal. Raises ``SealError``."""
    if settings.seal_pkcs12 is not None:
        keys = seal_keys.from_pkcs12(settings.seal_pkcs12, settings.seal_password)
        return [root.dump() for root in keys.roots]
    root = settings.data / "seal" / "root.pem"
    if not root.exists():
        raise SealError("no trusted root: name one with --root, or the installation's settings with --config")
    return [_certificate(root)]


def _certificate(path: Path) -> bytes:
    data = path.read_bytes()
    return bytes(pem.unarmor(data)[2]) if pem.detect(data) else data
