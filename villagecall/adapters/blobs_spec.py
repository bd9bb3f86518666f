"""Opens the blobs that a setting names."""

from __future__ import annotations

from pathlib import Path

from villagecall.adapters.blobs import Objects, PlainBlobs
from villagecall.adapters.blobs_local import LocalObjects
from villagecall.adapters.blobs_s3 import S3Objects


def open_objects(spec: str | Path, *, key: str = "", secret: str = "") -> Objects:
    """``s3://bucket/prefix?endpoint=…`` or a folder."""
    if isinstance(spec, str) and spec.startswith("s3://"):
        return S3Objects(spec, key, secret)
    return LocalObjects(Path(spec))


def open_blobs(spec: str | Path, *, key: str = "", secret: str = "") -> PlainBlobs:
    """Blobs at ``spec``; ``SealedBlobs(open_blobs(…), vault)`` encrypts them at rest."""
    return PlainBlobs(open_objects(spec, key=key, secret=secret))
