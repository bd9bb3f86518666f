from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from villagecall.terminal.store import KEEP_DAYS, Identity, Print, Stage, StateBusy, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state")


def test_the_secret_is_for_its_owner_only(store: Store, tmp_path: Path) -> None:
    assert store.identity() is None
    identity = Identity("http://server", "d", "geheim", "柳溪村")
    store.remember(identity)
    assert Store(tmp_path / "state").identity() == identity
    (file,) = (tmp_path / "state").glob("device.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    store.forget()
    store.forget()
    assert store.identity() is None


def test_prints_are_remembered_in_their_order(store: Store) -> None:
    for name in ("b", "a", "c"):
        store.put(Print(name, "t", "", ""))
    assert [job.print_id for job in store.prints()] == ["a", "b", "c"]
    changed = store.change(store.prints()[0], stage="sent", reasons=("media-empty",))
    assert store.get("a") == changed and changed.said == ""
    assert store.get("z") is None


def test_no_change_is_no_write(store: Store, tmp_path: Path) -> None:
    job = store.put(Print("a", "t", "", ""))
    file = tmp_path / "state" / "spool" / "a.json"
    before = file.stat().st_ino
    store.change(job, stage="asked")
    assert file.stat().st_ino == before


def test_two_agents_in_one_folder_are_refused(store: Store, tmp_path: Path) -> None:
    with store.held(), pytest.raises(StateBusy), Store(tmp_path / "state").held():
        pass
    with store.held():
        pass


def test_what_ended_long_ago_is_forgotten(store: Store, tmp_path: Path) -> None:
    stages: dict[str, Stage] = {"old": "ended", "stuck": "sent", "new": "ended"}
    for name, stage in stages.items():
        store.put(Print(name, "t", "", "", stage=stage))
    past = time.time() - (KEEP_DAYS + 1) * 86400
    for name in ("old", "stuck"):
        os.utime(tmp_path / "state" / "spool" / f"{name}.json", (past, past))
    store.sweep()
    assert [job.print_id for job in store.prints()] == ["new", "stuck"]
