"""Evidence: every second on disk, every change found, every kill survived."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from tests.signaling.test_matroska import CAMERA, decoded, seconds
from tests.support.browser import picture, tone
from villagecall.signaling import chain, commands, recording
from villagecall.signaling.matroska import AUDIO, VIDEO, Block
from villagecall.signaling.recording import ChainedFile, Recording, recover, sidecar, verify

WRITER = """
import sys
from pathlib import Path
from tests.signaling.test_matroska import seconds
from villagecall.signaling.recording import ChainedFile
file = ChainedFile(Path(sys.argv[1]))
clusters = seconds(4)
file.begin(160, 120)
print("ready", flush=True)
for turn in range(10_000):
    at, blocks = clusters[turn % 4]
    moved = [type(b)(b.track, b.ms - at + turn * 1000, b.key, b.data) for b in blocks]
    file.cluster(turn * 1000, moved)
    print(turn, flush=True)
"""


def write(path: Path, count: int = 4, *, skip: tuple[int, ...] = ()) -> recording.Closed:
    """A closed recording of so many seconds, without those in ``skip``."""
    file = ChainedFile(path)
    file.begin(160, 120)
    for at, blocks in seconds(count):
        if at // 1000 not in skip:
            file.cluster(at, blocks)
    return file.close(count * 1000)


def test_a_recording_plays_verifies_and_is_nobody_elses(tmp_path: Path) -> None:
    closed = write(tmp_path / "r.webm")
    report = verify(closed.path)
    assert report.ok
    assert (report.clusters, report.ms, report.chain, report.gaps) == (4, 4000, closed.chain, ())
    assert decoded(closed.path) == (100, 200)
    assert closed.path.stat().st_mode & 0o777 == sidecar(closed.path).stat().st_mode & 0o777 == 0o600


def test_gaps_are_named_to_the_second(tmp_path: Path) -> None:
    closed = write(tmp_path / "r.webm", 8, skip=(2, 3, 6))
    # Sound ends at 1.98 s and comes back at 4.00 s.
    assert closed.gaps == ((1, 4), (5, 7))
    assert verify(closed.path).gaps == closed.gaps


def test_a_recording_that_ends_in_silence_says_so(tmp_path: Path) -> None:
    file = ChainedFile(tmp_path / "r.webm")
    file.begin(160, 120)
    file.cluster(*seconds(1)[0])
    assert file.close(10_000).gaps == ((0, 10),)


def test_every_changed_byte_of_the_recording_is_found(tmp_path: Path) -> None:
    closed = write(tmp_path / "r.webm", 3)
    whole = closed.path.read_bytes()
    lines = [json.loads(line) for line in sidecar(closed.path).read_text().splitlines()]
    chance = Random(1)
    for _ in range(200):
        data = bytearray(whole)
        at = chance.randrange(len(data))
        data[at] ^= 1 << chance.randrange(8)
        closed.path.write_bytes(data)
        hit = next(line["seq"] for line in lines if line["offset"] <= at < line["offset"] + line["length"])
        report = verify(closed.path)
        assert report.bad is not None
        assert (report.bad["seq"], report.bad["why"]) == (hit, "changed")
        assert report.bad["second"] == max(0, hit - 2)


def test_every_changed_byte_of_the_chain_is_found(tmp_path: Path) -> None:
    closed = write(tmp_path / "r.webm", 3, skip=(1,))
    whole = sidecar(closed.path).read_bytes()
    chance = Random(2)
    for _ in range(300):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(7)
        sidecar(closed.path).write_bytes(data)
        report = verify(closed.path)
        # A hash's digit may change its case without meaning anything else.
        assert not report.ok or bytes(data).lower() == whole


def test_left_out_added_or_cut_pieces_are_found(tmp_path: Path) -> None:
    closed = write(tmp_path / "r.webm", 4)
    lines = sidecar(closed.path).read_bytes().splitlines(keepends=True)
    data = closed.path.read_bytes()

    def bad(file: bytes, kept: list[bytes]) -> str:
        closed.path.write_bytes(file)
        sidecar(closed.path).write_bytes(b"".join(kept))
        report = verify(closed.path)
        assert not report.ok
        return str(report.bad["why"]) if report.bad else "not closed"

    assert bad(data + b"x", lines) == "bytes after the end"
    assert bad(data[:-10], lines) == "bytes missing"
    assert bad(data, lines[:2] + lines[3:]) == "out of order"
    assert bad(data, [*lines, lines[-1]]) == "line after the end"
    assert bad(data, lines[:-1]) == "not closed"
    assert bad(data, [lines[0], b"nonsense\n", *lines[2:]]).startswith("unreadable")
    assert bad(data, [lines[0], b"[]\n", *lines[2:]]).startswith("unreadable")


def test_the_line_is_bound_as_well_as_the_piece() -> None:
    value, text = chain.line(chain.ZERO, b"piece", {"seq": 0, "ms": 5})
    assert json.loads(text)["hash"] == value.hex()
    assert chain.bind(chain.ZERO, b"piece", {"ms": 6, "seq": 0}) != value
    assert chain.bind(chain.ZERO, b"piece", {"ms": 5, "seq": 0}) == value


class TestKilled:
    @pytest.mark.parametrize("seed", range(3))
    def test_kill_9_loses_at_most_the_second_in_hand(self, tmp_path: Path, seed: int) -> None:
        path = tmp_path / "r.webm"
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            sleep(0.05 + Random(seed).random() * 0.2)
            process.send_signal(signal.SIGKILL)
            written = len([line for line in process.stdout.read().splitlines() if line.isdigit()])
        assert verify(path).bad is None
        closed = recover(path)
        assert closed is not None
        report = verify(path)
        assert report.ok
        assert report.recovered
        assert written <= report.clusters <= written + 1
        assert report.chain == closed.chain
        pictures, sounds = decoded(path)
        assert (pictures, sounds) == (25 * report.clusters, 50 * report.clusters)
        assert recover(path) is None, "once"

    def test_cut_at_any_byte_it_is_closed_where_the_data_ends(self, tmp_path: Path) -> None:
        """The file may be ahead of its chain: data is made durable first."""
        path = write(tmp_path / "r.webm", 4).path
        data, chained = path.read_bytes(), sidecar(path).read_bytes()
        lines = [json.loads(line) for line in chained.splitlines()]
        chance = Random(3)
        for _ in range(40):
            kept = chance.randrange(1, 5)
            size = lines[kept]["offset"] + chance.randrange(0, lines[kept]["length"])
            end = sum(len(line) for line in chained.splitlines(keepends=True)[:kept])
            path.write_bytes(data[:size])
            sidecar(path).write_bytes(chained[: end + chance.randrange(0, 20)])
            again = recover(path)
            if kept == 1:
                assert again is None
                assert not path.exists()
            else:
                assert again is not None
                assert verify(path).ok
                assert verify(path).clusters == kept - 1

    def test_a_whole_cluster_without_its_line_is_kept(self, tmp_path: Path) -> None:
        closed = write(tmp_path / "r.webm", 4, skip=(1,))
        lines = sidecar(closed.path).read_bytes().splitlines(keepends=True)
        sidecar(closed.path).write_bytes(b"".join(lines[:2]))
        again = recover(closed.path)
        assert again is not None
        assert verify(closed.path).clusters == 3
        assert again.gaps == ((0, 2),)

    def test_a_recording_whose_chain_is_gone_is_not_deleted(self, tmp_path: Path) -> None:
        closed = write(tmp_path / "r.webm", 2)
        sidecar(closed.path).unlink()
        assert recover(closed.path) is None
        assert decoded(closed.path) == (50, 100)

    def test_what_does_not_fit_is_left_for_a_person(self, tmp_path: Path) -> None:
        closed = write(tmp_path / "r.webm", 4)
        lines = sidecar(closed.path).read_bytes().splitlines(keepends=True)
        data = bytearray(closed.path.read_bytes())
        data[600] ^= 1
        closed.path.write_bytes(data)
        sidecar(closed.path).write_bytes(b"".join(lines[:-1]))
        assert recover(closed.path) is None
        assert closed.path.read_bytes() == data


class TestWhileItRuns:
    async def test_frames_become_clusters_of_a_second(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(1) as disk:
            tape = Recording(tmp_path / "r.webm", disk, monotonic() - 3.2)
            for n in range(150):
                tape.frame(AUDIO, n * 20, tone(CAMERA)[n % 100], True)
                if n % 2 == 0:
                    tape.frame(VIDEO, n * 20, picture(CAMERA)[n // 2 % 50], n % 50 == 0)
            closed = await tape.close(monotonic())
            assert closed is await tape.close(monotonic() + 5), "closed once"
            tape.frame(AUDIO, 9000, b"late", True)
        assert closed is not None
        report = verify(closed.path)
        assert (report.ok, report.clusters, report.gaps) == (True, 3, ())
        assert decoded(closed.path) == (75, 150)

    async def test_without_a_frame_there_is_no_file(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(1) as disk:
            assert await Recording(tmp_path / "r.webm", disk, monotonic()).close(monotonic()) is None
        assert list(tmp_path.iterdir()) == []

    async def test_what_waits_for_company_goes_to_disk_alone(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(1) as disk:
            tape = Recording(tmp_path / "r.webm", disk, monotonic() - 5)
            tape.frame(AUDIO, 3000, b"frame", True)
            tape.tick(monotonic())
            async with asyncio.timeout(5):
                while not sidecar(tape.path).exists() or sidecar(tape.path).read_bytes().count(b"\n") < 2:
                    await asyncio.sleep(0.01)
            await tape.close(monotonic())

    async def test_a_full_disk_costs_the_second_and_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.write
        room = [60_000]

        def write_some(descriptor: int, data: bytes) -> int:
            if room[0] <= 0:
                room[0] = 1_000_000
                raise OSError(errno.ENOSPC, "No space left on device")
            part = data[: room[0]]
            room[0] -= len(part)
            return real(descriptor, part)

        monkeypatch.setattr(os, "write", write_some)
        with ThreadPoolExecutor(1) as disk:
            tape = Recording(tmp_path / "r.webm", disk, monotonic() - 6)
            again = [Block(b.track, b.ms + 4000, b.key, b.data) for b in seconds(1)[0][1]]
            for blocks in [*(blocks for _, blocks in seconds(4)), again]:
                for block in blocks:
                    tape.frame(block.track, block.ms, block.data, block.key)
            closed = await tape.close(monotonic())
        assert closed is not None
        report = verify(closed.path)
        assert report.ok
        assert report.clusters == 4
        assert report.gaps, "the missing second is named"
        assert decoded(closed.path)[1] == 200


def run(*files: Path) -> int:
    parser = argparse.ArgumentParser()
    commands.register(parser.add_subparsers())
    args = parser.parse_args(["recording", "verify", *map(str, files)])
    return int(args.run(args))


def test_the_command_says_which_file_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write(tmp_path / "good.webm"), write(tmp_path / "bad.webm")
    bad.path.write_bytes(bad.path.read_bytes()[:-1] + b"x")
    assert run(good.path) == 0
    assert run(good.path, bad.path) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["ok"] for line in lines] == [True, True, False]
    assert lines[2]["bad"]["seq"] == 4
    assert lines[0]["chain"] == good.chain
    assert run(tmp_path / "none.webm") == 2
    assert "none.webm" in capsys.readouterr().err
