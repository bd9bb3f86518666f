"""Pieces of an upload: safe once acknowledged, sealed, taken up again after a crash."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.county import small_vault
from villagecall.errors import BadRequest, Conflict, NotFound
from villagecall.ids import uuid7
from villagecall.scan.refusals import WrongOffset
from villagecall.scan.uploads import KEEP_S, Upload, Uploads
from villagecall.vault import VaultError

TEXT = "李桂芳 519900195203042420 柳溪村三组".encode() * 40


def upload(length: int = len(TEXT)) -> Upload:
    return Upload(uuid7(), uuid7(), uuid7(), "519900101201", "id", "居民身份证", None, length)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", small_vault())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


async def test_three_pieces_make_the_file(uploads: Uploads) -> None:
    one = await uploads.create(upload())
    for at in range(0, len(TEXT), 700):
        one = await uploads.append(one, at, TEXT[at : at + 700])
    assert one.received == one.length
    assert await uploads.read(one) == TEXT


async def test_what_is_known_of_it_comes_back(uploads: Uploads) -> None:
    one = replace(upload(), replaces=uuid7())
    await uploads.create(one)
    assert await uploads.find(one.file_id) == one


async def test_a_piece_at_the_wrong_place_is_not_taken(uploads: Uploads) -> None:
    one = await uploads.append(await uploads.create(upload()), 0, TEXT[:100])
    for offset in (0, 99, 101, len(TEXT)):
        with pytest.raises(WrongOffset) as told:
            await uploads.append(one, offset, TEXT[:10])
        assert (told.value.code, told.value.status) == ("wrong_offset", 409)
        assert "自动接着传" in told.value.told() and "办件" not in told.value.told()
    assert (await uploads.find(one.file_id)).received == 100


async def test_more_than_was_said_is_not_taken(uploads: Uploads) -> None:
    one = await uploads.create(upload(50))
    with pytest.raises(BadRequest):
        await uploads.append(one, 0, TEXT[:51])


async def test_an_empty_piece_changes_nothing(uploads: Uploads) -> None:
    one = await uploads.create(upload())
    assert (await uploads.append(one, 0, b"")).received == 0


async def test_begun_twice_is_begun_once(uploads: Uploads) -> None:
    one = await uploads.append(await uploads.create(upload()), 0, TEXT[:100])
    assert (await uploads.create(replace(one, received=0))).received == 100


async def test_the_same_number_for_another_upload_is_refused(uploads: Uploads) -> None:
    one = await uploads.create(upload())
    for other in (replace(one, case_id=uuid7()), replace(one, person=uuid7()), replace(one, length=7)):
        with pytest.raises(Conflict):
            await uploads.create(other)


async def test_an_unknown_upload(uploads: Uploads) -> None:
    with pytest.raises(NotFound):
        await uploads.find(uuid7())


async def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    vault = small_vault()
    one = upload()
    before = Uploads(tmp_path, vault)
    await before.append(await before.create(one), 0, TEXT[:1000])
    after = Uploads(tmp_path, vault)
    found = await after.find(one.file_id)
    assert found.received == 1000
    found = await after.append(found, 1000, TEXT[1000:])
    assert await after.read(found) == TEXT


@pytest.mark.parametrize("torn", [1, 8, 15, 16, 17, 60])
async def test_a_torn_last_piece_is_sent_again(uploads: Uploads, folder: Path, torn: int) -> None:
    one = await uploads.append(await uploads.create(upload()), 0, TEXT[:500])
    part = folder / f"{one.file_id}.part"
    whole = part.stat().st_size
    await uploads.append(one, 500, TEXT[500:900])
    os.truncate(part, whole + torn)  # the machine lost power while the second piece was written
    found = await uploads.find(one.file_id)
    assert found.received == 500
    found = await uploads.append(found, 500, TEXT[500:])
    assert await uploads.read(found) == TEXT


async def test_asking_how_far_it_is_never_cuts_what_is_being_written(uploads: Uploads, folder: Path) -> None:
    one = await uploads.append(await uploads.create(upload()), 0, TEXT[:500])
    part = folder / f"{one.file_id}.part"
    whole = part.stat().st_size
    await uploads.append(one, 500, TEXT[500:900])
    os.truncate(part, whole + 30)  # half of the piece is on disk yet
    await uploads.find(one.file_id)
    assert part.stat().st_size == whole + 30


async def test_nothing_readable_lies_on_the_disk(uploads: Uploads, folder: Path) -> None:
    one = await uploads.create(upload())
    await uploads.append(one, 0, TEXT)
    raw = b"".join(path.read_bytes() for path in folder.iterdir())
    assert len(raw) > len(TEXT)
    for secret in ("李桂芳", "519900195203042420", "居民身份证", str(one.case_id), str(one.person)):
        assert secret.encode() not in raw
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


async def test_pieces_cannot_be_moved_or_changed(uploads: Uploads, folder: Path) -> None:
    one = await uploads.create(upload())
    one = await uploads.append(one, 0, TEXT[:700])
    one = await uploads.append(one, 700, TEXT[700:])
    part = folder / f"{one.file_id}.part"
    raw = bytearray(part.read_bytes())
    raw[200] ^= 1
    part.write_bytes(raw)
    with pytest.raises(VaultError):
        await uploads.read(one)


async def test_another_installation_cannot_read_it(tmp_path: Path) -> None:
    one = upload()
    await Uploads(tmp_path, small_vault()).create(one)
    with pytest.raises(NotFound):
        await Uploads(tmp_path, small_vault()).find(one.file_id)


async def test_what_nobody_goes_on_with_is_swept_away(uploads: Uploads, folder: Path) -> None:
    old, new = await uploads.create(upload()), await uploads.create(upload())
    now = (folder / f"{new.file_id}.meta").stat().st_mtime
    os.utime(folder / f"{old.file_id}.meta", (now - KEEP_S - 60, now - KEEP_S - 60))
    assert await uploads.sweep(now) == 1
    assert (await uploads.find(new.file_id)).received == 0
    with pytest.raises(NotFound):
        await uploads.find(old.file_id)


async def test_dropped_it_is_gone(uploads: Uploads, folder: Path) -> None:
    one = await uploads.create(upload())
    await uploads.drop(one.file_id)
    assert list(folder.iterdir()) == []
    await uploads.drop(one.file_id)
