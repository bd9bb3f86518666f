"""Append-only WebM (pure): a header, then whole clusters of known size inside a segment of unknown size.

RFC 8794 (EBML), RFC 9559 (Matroska). Nothing written is ever touched again, so a file cut at any byte
plays up to its last whole cluster, and each cluster can be hashed as it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct

VIDEO = 1
AUDIO = 2
"""Track numbers."""

ID_EBML = 0x1A45DFA3
ID_SEGMENT = 0x18538067
ID_CLUSTER = 0x1F43B675
CLUSTER_MARK = ID_CLUSTER.to_bytes(4, "big")
ID_TIMESTAMP = 0xE7
ID_SIMPLE_BLOCK = 0xA3

UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"
"""RFC 8794 section 6.2: all value bits one."""

_BLOCK = Struct("!BhB")
_SIZE4 = Struct("!I")
KEY = 0x80
"""SimpleBlock flag (RFC 9559 section 10.2)."""


@dataclass(frozen=True, slots=True)
class Block:
    """A frame: track, time in ms since the start of the recording, is it a key frame, its bytes."""

    track: int
    ms: int
    key: bool
    data: bytes


def _id(id_: int) -> bytes:
    return id_.to_bytes((id_.bit_length() + 7) // 8, "big")


def _size(value: int) -> bytes:
    """The shortest size (RFC 8794 section 4): n bytes hold values below 2^(7n) - 1."""
    for length in range(1, 9):
        if value < (1 << (7 * length)) - 1:
            return (value | (1 << (7 * length))).to_bytes(length, "big")
    raise ValueError("EBML size is too large")


def element(id_: int, content: bytes | int | str) -> bytes:
    """One element; integers become the shortest unsigned integer."""
    if isinstance(content, int):
        content = content.to_bytes(max(1, (content.bit_length() + 7) // 8), "big")
    elif isinstance(content, str):
        content = content.encode()
    return _id(id_) + _size(len(content)) + content


def opus_head(channels: int = 2) -> bytes:
    """OpusHead without pre-skip: a live stream has no encoder delay to cut (RFC 7845 section 5.1)."""
    return b"OpusHead" + bytes((1, channels)) + (0).to_bytes(2, "little") + (48000).to_bytes(4, "little") + bytes(3)


def header(width: int, height: int) -> bytes:
    """Everything before the first cluster: VP8 picture on track 1, Opus sound on track 2, times in ms."""
    ebml = element(
        ID_EBML,
        element(0x4286, 1)
        + element(0x42F7, 1)
        + element(0x42F2, 4)
        + element(0x42F3, 8)
        + element(0x4282, "webm")
        + element(0x4287, 4)
        + element(0x4285, 2),
    )
    info = element(0x1549A966, element(0x2AD7B1, 1_000_000) + element(0x4D80, "villagecall") + element(0x5741, "1"))
    video = element(
        0xAE,
        element(0xD7, VIDEO)
        + element(0x73C5, VIDEO)
        + element(0x83, 1)
        + element(0x9C, 0)
        + element(0x86, "V_VP8")
        + element(0xE0, element(0xB0, width) + element(0xBA, height)),
    )
    # 48 kHz as a 32-bit float; 80 ms of pre-roll (RFC 9559 section 18.1 asks for it with Opus).
    audio = element(
        0xAE,
        element(0xD7, AUDIO)
        + element(0x73C5, AUDIO)
        + element(0x83, 2)
        + element(0x9C, 0)
        + element(0x86, "A_OPUS")
        + element(0x63A2, opus_head())
        + element(0x56BB, 80_000_000)
        + element(0xE1, element(0xB5, Struct("!f").pack(48000.0)) + element(0x9F, 2)),
    )
    return ebml + _id(ID_SEGMENT) + UNKNOWN_SIZE + info + element(0x1654AE6B, video + audio)


def simple_block(block: Block, cluster_ms: int) -> bytes:
    """The block relative to its cluster (-32.768..32.767 s; a frame beyond is a caller's error)."""
    body = _BLOCK.pack(0x80 | block.track, block.ms - cluster_ms, KEY if block.key else 0)
    size = len(body) + len(block.data)
    return b"\xa3" + _SIZE4.pack(0x10000000 | size) + body + block.data


def cluster(start_ms: int, blocks: Sequence[Block]) -> bytes:
    """A whole cluster of known size."""
    body = element(ID_TIMESTAMP, start_ms) + b"".join(simple_block(block, start_ms) for block in blocks)
    return element(ID_CLUSTER, body)


# ---------------------------------------------------------------- reading back


def _read_id(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data) or not data[at]:
        raise ValueError("EBML id is malformed")
    length = 9 - data[at].bit_length()
    if length > 4 or at + length > len(data):
        raise ValueError("EBML id is malformed")
    return int.from_bytes(data[at : at + length], "big"), at + length


def _read_size(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data) or not data[at]:
        raise ValueError("EBML size is malformed")
    length = 9 - data[at].bit_length()
    if at + length > len(data):
        raise ValueError("EBML size is truncated")
    value = int.from_bytes(data[at : at + length], "big") & ((1 << (7 * length)) - 1)
    return value, at + length


def whole_cluster(data: bytes, at: int) -> int | None:
    """The end of the cluster that begins at ``at``, None when it is not there as a whole."""
    try:
        id_, after = _read_id(data, at)
        size, start = _read_size(data, after)
        if id_ != ID_CLUSTER or start + size > len(data):
            return None
        for _ in blocks(data[at : start + size]):
            pass
    except ValueError:
        return None
    return start + size


def blocks(data: bytes) -> Iterator[Block]:
    """The frames of one whole cluster. ValueError: malformed."""
    id_, at = _read_id(data, 0)
    size, at = _read_size(data, at)
    if id_ != ID_CLUSTER or at + size != len(data):
        raise ValueError("not a whole cluster")
    start = 0
    while at < len(data):
        id_, at = _read_id(data, at)
        size, at = _read_size(data, at)
        end = at + size
        if end > len(data):
            raise ValueError("element is truncated")
        if id_ == ID_TIMESTAMP:
            start = int.from_bytes(data[at:end], "big")
        elif id_ == ID_SIMPLE_BLOCK:
            if size < 4:
                raise ValueError("block is truncated")
            track, relative, flags = _BLOCK.unpack_from(data, at)
            yield Block(track & 0x7F, start + relative, bool(flags & KEY), data[at + 4 : end])
        at = end
