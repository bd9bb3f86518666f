"""Opens the blobs that a setting names."""

from __future__ import annotations

from pathlib import Path
from typing import overload
from urllib.parse import urlsplit

from villagecall.adapters.blobs import Objects, PlainBlobs
from villagecall.adapters.blobs_local import LocalObjects
from villagecall.adapters.blobs_s3 import S3Objects
from villagecall.adapters.blobs_sealed import SealedBlobs
from villagecall.errors import SettingsError
from villagecall.vault import Vault


def open_objects(spec: str | Path, *, key: str = "", secret: str = "") -> Objects:
    """``s3://bucket/prefix?endpoint=…`` or a folder. Raises :class:`villagecall.errors.SettingsError`."""
    if isinstance(spec, str) and spec.startswith("s3://"):
        if not urlsplit(spec).netloc:
            raise SettingsError(
                "blobs", "应为 s3://桶名?endpoint=http://主机:端口", "is s3://bucket?endpoint=http://host:port"
            )
        return S3Objects(spec, key, secret)
    return LocalObjects(Path(spec))


@overload
def open_blobs(spec: str | Path, *, key: str = "", secret: str = "", vault: None = None) -> PlainBlobs: ...
@overload
def open_blobs(spec: str | Path, *, key: str = "", secret: str = "", vault: Vault) -> SealedBlobs: ...
def open_blobs(
    spec: str | Path, *, key: str = "", secret: str = "", vault: Vault | None = None
) -> PlainBlobs | SealedBlobs:
    """Blobs at ``spec``; with a vault they are encrypted at rest."""
    plain = PlainBlobs(open_objects(spec, key=key, secret=secret))
    return plain if vault is None else SealedBlobs(plain, vault)
