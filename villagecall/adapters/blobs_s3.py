"""Blobs in an S3 bucket through obstore."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store

from villagecall.errors import Unavailable

ANSWER_S = 60.0
_WHOLE = 5 << 20
"""Larger objects go up in parts."""


@asynccontextmanager
async def _answering(seconds: float = ANSWER_S) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except (BaseError, OSError, TimeoutError) as error:
        raise Unavailable(part="blobs") from error


class S3Objects:
    """See :class:`villagecall.adapters.blobs.Objects`. An S3 answer means that the bytes are durable."""

    def __init__(self, spec: str, key: str, secret: str) -> None:
        """``s3://bucket/prefix?endpoint=http://host:port&region=…``."""
        parts = urlsplit(spec)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        endpoint = options.get("endpoint", "")
        self._store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            endpoint=endpoint or None,
            access_key_id=key,
            secret_access_key=secret,
            region=options.get("region", "us-east-1"),
            virtual_hosted_style_request=False,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=3),
                "timeout": timedelta(seconds=30),
            },
            retry_config={
                "max_retries": 2,
                "retry_timeout": timedelta(seconds=10),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
        )

    async def write(self, name: str, data: bytes | Path, *, replace: bool = False) -> None:
        size = len(data) if isinstance(data, bytes) else (await asyncio.to_thread(data.stat)).st_size
        async with _answering(ANSWER_S * (1 + size / (64 << 20))):
            if size <= _WHOLE and not replace:
                try:
                    await obstore.put_async(self._store, name, data, mode="create")
                except AlreadyExistsError:
                    return
            elif replace or await self._size(name) is None:
                await obstore.put_async(self._store, name, data)

    async def read(self, name: str) -> bytes | None:
        async with _answering():
            try:
                answer = await obstore.get_async(self._store, name)
                return bytes(await answer.bytes_async())
            except (NotFoundError, FileNotFoundError):
                return None

    async def _size(self, name: str) -> int | None:
        try:
            return (await obstore.head_async(self._store, name))["size"]
        except (NotFoundError, FileNotFoundError):
            return None

    async def size(self, name: str) -> int | None:
        async with _answering():
            return await self._size(name)

    async def delete(self, name: str) -> None:
        async with _answering():
            try:
                await obstore.delete_async(self._store, name)
            except (NotFoundError, FileNotFoundError):
                return

    async def names(self) -> AsyncIterator[str]:
        async with _answering(24 * 3600):
            async for chunk in obstore.list(self._store, chunk_size=1000):
                for found in chunk:
                    yield found["path"].rsplit("/", 1)[-1]

    async def ready(self) -> bool:
        try:
            async with _answering(10):
                await self._size("ready")
        except Unavailable:
            return False
        return True

    async def close(self) -> None:
        return None
