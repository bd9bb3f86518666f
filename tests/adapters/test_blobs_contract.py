"""What every store of blobs promises: plain and sealed, in a folder and on a real S3."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.real.process import free_ports
from tests.real.s3 import KEY, SECRET
from villagecall.adapters.blobs import Objects, PlainBlobs
from villagecall.adapters.blobs_local import LocalObjects
from villagecall.adapters.blobs_open import open_blobs, open_objects
from villagecall.adapters.blobs_sealed import SealedBlobs
from villagecall.errors import Damaged, NotFound, Unavailable
from villagecall.ports import Blobs
from villagecall.vault import Vault

VAULT = Vault({"k1": b"\1" * 32}, "k1", b"\3" * 32)
ROTATED = Vault({"second": b"\2" * 32, "k1": b"\1" * 32}, "second", b"\3" * 32)
LARGE = bytes(range(256)) * (9 << 12)
"""Over two frames and over one S3 part."""


@pytest.fixture(params=["folder", "s3"])
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "blobs") if request.param == "folder" else str(request.getfixturevalue("s3_spec"))


@pytest.fixture
async def objects(spec: str) -> AsyncIterator[Objects]:
    opened = open_objects(spec, key=KEY, secret=SECRET)
    yield opened
    await opened.close()


@pytest.fixture(params=["plain", "sealed"])
async def blobs(request: pytest.FixtureRequest, spec: str) -> AsyncIterator[Blobs]:
    plain = open_blobs(spec, key=KEY, secret=SECRET)
    opened: Blobs = SealedBlobs(plain, VAULT) if request.param == "sealed" else plain
    yield opened
    await opened.close()


@pytest.mark.parametrize("data", [b"", b"x", "申请书".encode(), LARGE], ids=["empty", "one", "text", "large"])
async def test_bytes_come_back_under_their_hash(blobs: Blobs, data: bytes, tmp_path: Path) -> None:
    blob = await blobs.put(data, "application/pdf")
    assert (blob.sha256, blob.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert blob.media_type == "application/pdf"
    assert await blobs.get(blob.sha256) == data
    assert await blobs.has(blob.sha256)
    file = tmp_path / "file"
    file.write_bytes(data)
    assert await blobs.put(file, "application/pdf") == blob


async def test_a_file_is_stored_as_its_bytes(blobs: Blobs, tmp_path: Path) -> None:
    for number, data in enumerate((b"", b"small", LARGE, LARGE[: 4 << 20])):
        file = tmp_path / str(number)
        file.write_bytes(data)
        blob = await blobs.put(file, "image/png")
        assert await blobs.get(blob.sha256) == data


async def test_what_is_not_there_is_not_found(blobs: Blobs) -> None:
    for address in (hashlib.sha256(b"never").hexdigest(), "../../etc/passwd", "", "A" * 64):
        with pytest.raises(NotFound):
            await blobs.get(address)
    assert not await blobs.has(hashlib.sha256(b"never").hexdigest())


async def test_dropped_is_gone_and_can_come_back(blobs: Blobs) -> None:
    blob = await blobs.put(b"data", "text/plain")
    await blobs.drop(blob.sha256)
    await blobs.drop(blob.sha256)
    assert not await blobs.has(blob.sha256)
    await blobs.put(b"data", "text/plain")
    assert await blobs.get(blob.sha256) == b"data"


async def test_the_same_bytes_from_many_at_once(blobs: Blobs) -> None:
    stored = await asyncio.gather(*(blobs.put(b"the same", "text/plain") for _ in range(16)))
    assert len(set(stored)) == 1
    assert await blobs.get(stored[0].sha256) == b"the same"


async def test_it_is_ready(blobs: Blobs) -> None:
    assert await blobs.ready()


async def test_changed_bytes_are_found_and_never_given_out(objects: Objects, spec: str) -> None:
    for vault in (None, VAULT):
        plain = open_blobs(spec, key=KEY, secret=SECRET)
        blobs: Blobs = SealedBlobs(plain, vault) if vault else plain
        data = b"certificate" if vault is None else LARGE
        blob = await blobs.put(data, "application/pdf")
        stored = await objects.read(blob.sha256)
        assert stored is not None
        for at in (0, 5, len(stored) // 2, len(stored) - 1):
            flipped = stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]
            await objects.write(blob.sha256, flipped, replace=True)
            with pytest.raises(Damaged):
                await blobs.get(blob.sha256)
        await objects.write(blob.sha256, stored[:-1], replace=True)  # torn: the next writer mends it
        with pytest.raises(Damaged):
            await blobs.get(blob.sha256)
        await blobs.put(data, "application/pdf")
        if vault is None:
            assert await blobs.get(blob.sha256) == data


async def test_sealed_blobs_hold_no_plaintext(objects: Objects) -> None:
    blobs = SealedBlobs(PlainBlobs(objects), VAULT)
    blob = await blobs.put("申请人 李桂芳".encode() * 100, "text/plain")
    stored = await objects.read(blob.sha256)
    assert stored is not None
    assert "李桂芳".encode() not in stored


async def test_a_sealed_blob_opens_at_its_own_address_only(objects: Objects) -> None:
    blobs = SealedBlobs(PlainBlobs(objects), VAULT)
    one, other = await blobs.put(b"one", "text/plain"), await blobs.put(b"two", "text/plain")
    stored = await objects.read(one.sha256)
    assert stored is not None
    await objects.write(other.sha256, stored, replace=True)
    with pytest.raises(Damaged):
        await blobs.get(other.sha256)


async def test_rotation_reseals_blobs_under_the_current_key(objects: Objects) -> None:
    before = SealedBlobs(PlainBlobs(objects), VAULT)
    stored = [await before.put(data, "text/plain") for data in (b"", b"small", LARGE)]
    after = SealedBlobs(PlainBlobs(objects), ROTATED)
    for blob in stored:
        assert await after.reseal(blob.sha256)
        assert not await after.reseal(blob.sha256)
    only_new = SealedBlobs(PlainBlobs(objects), Vault({"second": b"\2" * 32}, "second", b"\3" * 32))
    assert [await only_new.get(blob.sha256) for blob in stored] == [b"", b"small", LARGE]


async def test_all_names_are_listed(objects: Objects) -> None:
    names = {hashlib.sha256(bytes([n])).hexdigest() for n in range(20)}
    assert [name async for name in objects.names()] == []
    for name in names:
        await objects.write(name, b"x")
    assert {name async for name in objects.names()} == names


async def test_an_object_is_written_once(objects: Objects) -> None:
    await objects.write("ab" * 32, b"first")
    await objects.write("ab" * 32, b"second")
    assert await objects.read("ab" * 32) == b"first"
    await objects.write("ab" * 32, b"third", replace=True)
    assert await objects.read("ab" * 32) == b"third"
    assert await objects.size("ab" * 32) == 5


async def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    blobs = open_blobs(str(tmp_path / "file"))
    assert not await blobs.ready()
    with pytest.raises(Unavailable):
        await blobs.put(b"data", "text/plain")


async def test_half_written_files_are_not_blobs(tmp_path: Path) -> None:
    """What a killed process leaves behind has a name that no address has."""
    objects = LocalObjects(tmp_path)
    await objects.write("ab" * 32, b"whole")
    (tmp_path / "ab" / "ab" / ".half").write_bytes(b"ha")
    assert [name async for name in objects.names()] == ["ab" * 32]


async def test_without_an_s3_server_it_is_unavailable() -> None:
    blobs = open_blobs(f"s3://bucket?endpoint=http://127.0.0.1:{free_ports(1)[0]}", key="k", secret="s")
    assert not await blobs.ready()
    with pytest.raises(Unavailable):
        await blobs.put(b"data", "text/plain")
    with pytest.raises(Unavailable):
        await blobs.get("0" * 64)
