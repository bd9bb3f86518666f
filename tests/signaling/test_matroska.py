"""The container: readable by others, and readable when cut anywhere."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.browser import Camera, picture, tone
from villagecall.signaling import matroska
from villagecall.signaling.matroska import AUDIO, VIDEO, Block

CAMERA = Camera(120)


def seconds(count: int) -> list[tuple[int, list[Block]]]:
    """Clusters of one second each, really encoded."""
    clusters = []
    for second in range(count):
        frames = [
            Block(VIDEO, second * 1000 + n * 40, n == 0, picture(CAMERA)[(second * 25 + n) % 50]) for n in range(25)
        ]
        frames += [Block(AUDIO, second * 1000 + n * 20, True, tone(CAMERA)[(second * 50 + n) % 100]) for n in range(50)]
        clusters.append((second * 1000, sorted(frames, key=lambda b: b.ms)))
    return clusters


def a_file(count: int = 3) -> bytes:
    return matroska.header(160, 120) + b"".join(matroska.cluster(at, blocks) for at, blocks in seconds(count))


def decoded(data: bytes | Path) -> tuple[int, int]:
    """``(pictures, sounds)`` that an independent reader decodes."""
    counts = []
    for kind in ("video", "audio"):
        with av.open(io.BytesIO(data) if isinstance(data, bytes) else str(data), "r") as container:
            streams = container.streams.video if kind == "video" else container.streams.audio
            counts.append(len(list(container.decode(streams[0]))))
    return counts[0], counts[1]


def test_an_independent_reader_decodes_every_frame() -> None:
    assert decoded(a_file()) == (75, 150)


def test_times_are_kept() -> None:
    with av.open(io.BytesIO(a_file()), "r") as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([n * 0.04 for n in range(75)])


def test_the_tracks_say_what_they_hold() -> None:
    with av.open(io.BytesIO(a_file())) as container:
        assert "webm" in container.format.name
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.width, video.height) == ("vp8", 160, 120)
        assert (audio.codec_context.name, audio.rate, audio.channels) in {
            ("opus", 48000, 2),
            ("libopus", 48000, 2),
        }


@pytest.mark.parametrize("share", [0.1, 0.4, 0.55, 0.8, 0.97])
def test_cut_anywhere_it_plays_up_to_there(share: float) -> None:
    """What is left behind the last whole cluster does no harm."""
    whole = a_file(4)
    clusters = [len(matroska.header(160, 120))]
    for at, blocks in seconds(4):
        clusters.append(clusters[-1] + len(matroska.cluster(at, blocks)))
    cut = clusters[0] + int((len(whole) - clusters[0]) * share)
    complete = sum(1 for end in clusters[1:] if end <= cut)
    pictures, sounds = decoded(whole[: clusters[complete]]) if complete else (0, 0)
    assert (pictures, sounds) == (25 * complete, 50 * complete)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            Block,
            st.sampled_from([VIDEO, AUDIO]),
            st.integers(0, 30_000),
            st.booleans(),
            st.binary(max_size=300),
        ),
        max_size=20,
    ),
    st.integers(0, 1 << 30),
)
def test_a_cluster_gives_back_its_blocks(blocks: list[Block], start: int) -> None:
    moved = [Block(b.track, b.ms + start, b.key, b.data) for b in blocks]
    data = matroska.cluster(start, moved)
    assert list(matroska.blocks(data)) == moved
    assert matroska.whole_cluster(b"before" + data + b"behind", 6) == 6 + len(data)
    assert matroska.whole_cluster(data[:-1], 0) is None


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    matroska.whole_cluster(data, 0)
    try:
        list(matroska.blocks(data))
    except ValueError:
        return


@settings(deadline=None)
@given(st.integers(0, (1 << 56) - 2))
def test_a_size_never_looks_unknown(value: int) -> None:
    """All value bits one would mean "unknown" (RFC 8794 section 6.2)."""
    encoded = matroska._size(value)
    assert matroska._read_size(encoded, 0) == (value, len(encoded))
    assert int.from_bytes(encoded, "big") & ((1 << 7 * len(encoded)) - 1) != (1 << 7 * len(encoded)) - 1


def test_a_size_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        matroska._size(1 << 56)
