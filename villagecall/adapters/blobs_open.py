"""Opens the blobs that a setting names."""

from __future__ import annotations

from pathlib import Path

from villagecall.adapters.blobs import Objects, PlainBlobs
from villagecall.adapters.blobs_local import LocalObjects
from villagecall.adapters.blobs_s3 import S3Objects
from villagecall.adapters.blobs_sealed import SealedBlobs
from villagecall.ports import Blobs
from villagecall.vault import Vault


def open_objects(spec: str, *, key: str = "", secret: str = "") -> Objects:
    """``s3://bucket/prefix?endpoint=…`` or a folder."""
    return S3Objects(spec, key, secret) if spec.startswith("s3://") else LocalObjects(Path(spec))


def open_blobs(spec: str, *, key: str = "", secret: str = "", vault: Vault | None = None) -> Blobs:
    """Blobs at ``spec``; with a vault they are encrypted at rest."""
    objects = open_objects(spec, key=key, secret=secret)
    return PlainBlobs(objects) if vault is None else SealedBlobs(objects, vault)
