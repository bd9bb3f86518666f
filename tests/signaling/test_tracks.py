"""A stream through the node: continuous for the receiver, repaired at the source."""

from __future__ import annotations

from itertools import pairwise

from aiortc.rtp import RtpPacket

from tests.signaling.test_rtp import a_packet
from villagecall.signaling import rtcp, rtp
from villagecall.signaling.tracks import Out, Source

KEY = b"\x10\x00key"
DELTA = b"\x10\x01delta"


class Line:
    """A source and a receiver with everything that is said written down."""

    def __init__(self, *, video: bool = True, rtx: tuple[int, int] | None = (97, 900)) -> None:
        self.said: list[bytes] = []
        self.sent: list[RtpPacket] = []
        self.reports: list[bytes] = []
        self.source = self.another(video)
        self.out = Out(
            video=video,
            clock_rate=90000,
            payload_type=120,
            ssrc=500,
            rtx=rtx,
            extensions={},
            send=lambda data: self.sent.append(RtpPacket.parse(bytes(data))),
            send_rtcp=lambda data: self.reports.append(bytes(data)),
        )
        self.out.attach(self.source, 0.0)

    def another(self, video: bool = True) -> Source:
        return Source(
            video=video,
            clock_rate=90000,
            payload_type=96,
            extensions={},
            own_ssrc=1,
            feedback=lambda data: self.said.append(bytes(data)),
        )

    def feedback(self) -> list[rtcp.AnyRtcpPacket]:
        said = [packet for data in self.said for packet in rtcp.parse(data)]
        self.said.clear()
        return said


def test_a_picture_begins_with_a_key_frame_under_the_receivers_numbers() -> None:
    line = Line()
    line.source.receive(a_packet(10, 1000, DELTA), 0.0)
    line.source.receive(a_packet(11, 4600, KEY, marker=1), 0.04)
    [packet] = line.sent
    assert (packet.ssrc, packet.payload_type, packet.marker, packet.payload) == (500, 120, 1, KEY)


def test_numbers_go_on_when_somebody_else_is_shown() -> None:
    line = Line()
    for n in range(3):
        line.source.receive(a_packet(65534 + n & 0xFFFF, 0xFFFFFFF0 + 3600 * n & 0xFFFFFFFF, KEY), n * 0.04)
    other = line.another()
    line.out.attach(other, 1.0)
    other.receive(a_packet(7000, 123, DELTA), 1.04)
    other.receive(a_packet(7001, 3723, KEY), 1.08)
    other.receive(a_packet(7002, 7323, DELTA), 1.12)
    numbers = [p.sequence_number for p in line.sent]
    assert [(b - a) & 0xFFFF for a, b in pairwise(numbers)] == [1, 1, 1, 1]
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(line.sent)]
    assert steps == [3600, 3600, 90000, 3600]
    line.source.receive(a_packet(2, 0, KEY), 1.2)
    assert len(line.sent) == 5, "who is not shown is not heard"


def test_a_source_that_begins_a_new_stream_is_continued() -> None:
    line = Line()
    line.source.receive(a_packet(10, 1000, KEY, ssrc=7), 0.0)
    line.source.receive(a_packet(60000, 9, KEY, ssrc=8), 0.04)
    assert [p.sequence_number for p in line.sent] == [0, 1]


def test_missing_packets_are_asked_for_until_they_come() -> None:
    line = Line()
    line.source.receive(a_packet(10, 0, KEY), 0.0)
    line.feedback()
    line.source.receive(a_packet(13, 0, DELTA), 0.01)
    [nack] = line.feedback()
    assert isinstance(nack, rtcp.RtcpRtpfbPacket)
    assert nack.lost == [11, 12]
    line.source.repair(0.02, 0.0)
    assert line.feedback() == [], "not before a round trip has passed"
    line.source.receive(a_packet(12, 0, DELTA), 0.03)
    line.source.repair(0.06, 0.0)
    [nack] = line.feedback()
    assert isinstance(nack, rtcp.RtcpRtpfbPacket)
    assert nack.lost == [11]
    line.source.receive_rtx(rtp.wrap_rtx(a_packet(11, 0, b"\x00late"), 97, 3, 0), 0.07)
    line.source.repair(0.5, 0.0)
    assert line.feedback() == []
    assert sorted(p.sequence_number for p in line.sent) == [0, 1, 2, 3]
    assert line.sent[-1].payload == b"\x00late"


def test_a_great_loss_asks_for_a_new_picture_instead() -> None:
    line = Line()
    line.source.receive(a_packet(10, 0, KEY), 0.0)
    line.feedback()
    line.source.receive(a_packet(1000, 0, DELTA), 1.0)
    [pli] = line.feedback()
    assert isinstance(pli, rtcp.RtcpPsfbPacket)
    assert pli.fmt == rtcp.PSFB_PLI


def test_a_duplicate_goes_nowhere() -> None:
    line = Line()
    line.source.receive(a_packet(10, 0, KEY), 0.0)
    line.source.receive(a_packet(10, 0, KEY), 0.01)
    assert len(line.sent) == 1


def test_a_wish_for_a_key_frame_is_repeated_until_one_comes() -> None:
    line = Line()
    line.source.receive(a_packet(10, 0, DELTA), 1.0)
    line.source.repair(1.01, 0.0)
    assert len(line.feedback()) == 1
    line.source.repair(1.2, 0.0)
    assert line.feedback() == [], "Chromium would drop it"
    line.source.repair(1.4, 0.0)
    assert len(line.feedback()) == 1
    line.source.receive(a_packet(11, 0, KEY), 1.5)
    line.source.repair(2.0, 0.0)
    assert line.feedback() == []


def test_a_receivers_nack_is_answered_from_the_ring() -> None:
    line = Line()
    for n in range(20):
        line.source.receive(a_packet(65530 + n & 0xFFFF, n, KEY + bytes([n])), n * 0.01)
    line.sent.clear()
    line.out.retransmit([3, 19, 40])
    assert [(p.ssrc, p.payload_type) for p in line.sent] == [(900, 97)] * 2
    assert [p.payload for p in line.sent] == [b"\x00\x03" + KEY + b"\x03", b"\x00\x13" + KEY + b"\x13"]
    assert [p.sequence_number for p in line.sent] == [0, 1]


def test_without_a_stream_for_retransmissions_the_packet_itself_comes_again() -> None:
    line = Line(rtx=None)
    line.source.receive(a_packet(10, 0, KEY), 0.0)
    line.out.retransmit([0])
    assert line.sent[0].serialize() == line.sent[1].serialize()


def test_sender_reports_come_in_the_receivers_numbers() -> None:
    line = Line()
    line.source.receive(a_packet(10, 1000, KEY), 0.0)
    line.out.attach(line.another(), 1.0)
    assert line.out.source is not None
    line.out.source.receive(a_packet(50, 77000, KEY), 2.0)
    line.out.source.sender_report(5 << 32, 77000, 2.0)
    [report] = [p for data in line.reports for p in rtcp.parse(data)]
    assert isinstance(report, rtcp.RtcpSrPacket)
    assert report.ssrc == 500
    assert report.sender_info.ntp_timestamp == 5 << 32
    assert report.sender_info.rtp_timestamp == line.sent[-1].timestamp
    assert report.sender_info.packet_count == 2


def test_the_report_about_a_source_echoes_its_last_report() -> None:
    line = Line()
    assert line.source.block(0.0) is None
    line.source.receive(a_packet(10, 1000, KEY), 0.0)
    line.source.sender_report(0x1111222233334444, 1000, 1.0)
    block = line.source.block(1.5)
    assert block is not None
    assert (block.ssrc, block.lsr, block.dlsr, block.lost) == (7, 0x22223333, 32768, 0)
