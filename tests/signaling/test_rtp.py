"""RTP bytes: what is read, what is rewritten, and that nothing else changes."""

from __future__ import annotations

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap, RtpPacket, wrap_rtx
from hypothesis import given, settings
from hypothesis import strategies as st

from villagecall.signaling import rtcp, rtp

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


def a_packet(
    sequence: int = 1, timestamp: int = 0, payload: bytes = b"x", marker: int = 0, ssrc: int = 7, kind: int = 96
) -> bytes:
    return RtpPacket(
        payload_type=kind, marker=marker, sequence_number=sequence, timestamp=timestamp, ssrc=ssrc, payload=payload
    ).serialize()


def with_extensions(**ids: int) -> bytes:
    """A packet that carries mid "v" and an absolute send time under these ids."""
    uris = {"mid": MID, "sent": rtp.ABS_SEND_TIME}
    mapping = HeaderExtensionsMap()
    mapping.configure(
        RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(id=i, uri=uris[n]) for n, i in ids.items()])
    )
    packet = RtpPacket(payload_type=96, payload=b"picture")
    packet.extensions.mid = "v" if "mid" in ids else None
    packet.extensions.abs_send_time = 0x010203
    return packet.serialize(mapping)


class TestHeader:
    def test_the_payload_lies_behind_csrcs_and_extensions_and_before_padding(self) -> None:
        packet = RtpPacket(payload=b"picture")
        packet.csrc = [1, 2]
        packet.padding_size = 5
        data = packet.serialize()
        start, end = rtp.payload_bounds(data)
        assert data[start:end] == b"picture"
        start, end = rtp.payload_bounds(with_extensions(mid=1, sent=2))
        assert with_extensions(mid=1, sent=2)[start:end] == b"picture"

    @settings(deadline=None)
    @given(st.binary(max_size=60))
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        try:
            start, end = rtp.payload_bounds(data)
        except ValueError:
            return
        assert 12 <= start <= end <= len(data)

    @settings(deadline=None)
    @given(st.binary(max_size=80).filter(lambda d: len(d) >= 12), st.binary(min_size=16, max_size=16))
    def test_rewriting_extensions_of_any_bytes_keeps_the_length(self, data: bytes, table: bytes) -> None:
        copy = bytearray(data)
        try:
            rtp.payload_bounds(copy)
        except ValueError:
            return
        rtp.rewrite_extensions(copy, bytes(b % 15 for b in table), 3, b"abc")
        assert len(copy) == len(data)
        assert copy[:12] == data[:12]


class TestExtensions:
    def test_an_extension_gets_the_receivers_id_and_a_foreign_one_disappears(self) -> None:
        table = rtp.extension_table({MID: 1, rtp.ABS_SEND_TIME: 2}, {rtp.ABS_SEND_TIME: 9})
        data = bytearray(with_extensions(mid=1, sent=2))
        rtp.rewrite_extensions(data, table, 9, b"\x0a\x0b\x0c")
        theirs = HeaderExtensionsMap()
        theirs.configure(
            RTCRtpParameters(
                headerExtensions=[
                    RTCRtpHeaderExtensionParameters(id=9, uri=rtp.ABS_SEND_TIME),
                    RTCRtpHeaderExtensionParameters(id=1, uri=MID),
                ]
            )
        )
        read = RtpPacket.parse(bytes(data), theirs)
        assert read.extensions.abs_send_time == 0x0A0B0C
        assert read.extensions.mid is None
        assert read.payload == b"picture"

    def test_the_two_byte_form_is_blanked_as_a_whole(self) -> None:
        data = bytearray(with_extensions(mid=1, sent=20))
        rtp.rewrite_extensions(data, bytes(16), 0, b"")
        start, _ = rtp.payload_bounds(data)
        assert not any(data[16:start])

    def test_send_time_is_the_low_24_bits_of_6_18_fixed_point(self) -> None:
        assert rtp.abs_send_time(1.5) == b"\x06\x00\x00"
        assert rtp.abs_send_time(64 + 1.5) == b"\x06\x00\x00"


class TestRetransmission:
    def test_a_retransmission_gives_the_original_packet_back(self) -> None:
        original = RtpPacket(payload_type=96, marker=1, sequence_number=65535, timestamp=99, ssrc=7, payload=b"picture")
        wrapped = wrap_rtx(original, payload_type=97, sequence_number=3, ssrc=8).serialize()
        assert rtp.unwrap_rtx(wrapped, 96, 7) == original.serialize()

    def test_ours_is_read_by_the_library(self) -> None:
        data = rtp.wrap_rtx(a_packet(500, payload=b"picture", marker=1), 97, 8, 3)
        read = RtpPacket.parse(bytes(data))
        assert (read.payload_type, read.ssrc, read.sequence_number, read.marker) == (97, 8, 3, 1)
        assert read.payload == (500).to_bytes(2, "big") + b"picture"

    def test_a_probe_of_nothing_but_padding_is_no_packet(self) -> None:
        probe = RtpPacket(payload_type=97, payload=b"")
        probe.padding_size = 200
        assert rtp.unwrap_rtx(probe.serialize(), 96, 7) is None

    def test_the_ring_keeps_the_last_packets_and_knows_a_duplicate(self) -> None:
        ring = rtp.Ring()
        assert ring.put(5, b"five")
        assert not ring.put(5, b"five")
        assert ring.get(5) == b"five"
        assert ring.put(5 + rtp.RING_SIZE, b"later")
        assert ring.get(5) is None


class TestPicture:
    def test_a_key_frame_is_told_from_its_first_packet(self) -> None:
        assert rtp.vp8_keyframe(a_packet(payload=b"\x10\x00rest"))
        assert not rtp.vp8_keyframe(a_packet(payload=b"\x10\x01rest")), "inter frame: P bit set"
        assert not rtp.vp8_keyframe(a_packet(payload=b"\x00\x00rest")), "continuation: S not set"
        assert not rtp.vp8_keyframe(a_packet(payload=b"\x11\x00rest")), "partition 1"

    def test_the_descriptor_is_as_long_as_its_flags_say(self) -> None:
        # X; I, L, T, K; 15-bit picture id; TL0PICIDX; TID and KEYIDX.
        assert rtp.vp8_start(b"\x90\xf0\x81\x02\x03\x04\x00frame", 0, 12) == (6, True)
        assert rtp.vp8_start(b"\x90\x80\x01\x00frame", 0, 9) == (3, True)
        for cut in range(6):
            with pytest.raises(ValueError, match="VP8"):
                rtp.vp8_start(b"\x90\xf0\x81\x02\x03\x04", 0, cut)

    def test_the_size_stands_in_the_key_frame(self) -> None:
        frame = b"\x10\x02\x00\x9d\x01\x2a\x80\x02\xe0\x01"
        assert rtp.vp8_size(frame) == (640, 480)
        assert rtp.vp8_size(b"\x11" + frame[1:]) is None


class TestNumbers:
    @settings(deadline=None)
    @given(st.integers(0, 1 << 40), st.integers(-30000, 30000))
    def test_a_short_number_is_extended_to_the_nearest(self, reference: int, step: int) -> None:
        assert rtp.extend(reference, (reference + step) & 0xFFFF, 16) == reference + step

    def test_loss_and_jitter_as_rfc_3550_counts_them(self) -> None:
        reception = rtp.Reception(90000, 100)
        for sequence in range(100, 200):
            if sequence % 4:
                reception.count(sequence, sequence * 3600, sequence * 0.04)
        assert reception.lost == 25
        assert reception.interval() == 25 * 256 // 100
        assert reception.jitter < 1
        assert reception.interval() == 0, "nothing new expected"
        reception.count(200, 200 * 3600, 200 * 0.04 + 0.016)
        assert reception.jitter == pytest.approx(0.016 * 90000 / 16, abs=1)


class TestFeedback:
    @settings(deadline=None)
    @given(st.sets(st.integers(0, 300), min_size=1), st.integers(0, 65535))
    def test_a_nack_names_exactly_the_missing(self, missing: set[int], base: int) -> None:
        wanted = [(base + m) & 0xFFFF for m in sorted(missing)]
        [read] = rtcp.parse(rtcp.nack(1, 2, wanted))
        assert isinstance(read, rtcp.RtcpRtpfbPacket)
        assert [s & 0xFFFF for s in read.lost] == wanted

    def test_reports_are_read_by_the_library(self) -> None:
        block = rtcp.ReportBlock(9, 64, -3, 70000, 5, 0x01020304, 65536)
        data = rtcp.receiver_report(1, [block]) + rtcp.remb(1, 700_000, [9]) + rtcp.pli(1, 9)
        report, remb, pli = rtcp.parse(data + rtcp.sender_report(9, 5 << 32, 1 << 33, 10, 1000))[:3]
        assert isinstance(report, rtcp.RtcpRrPacket)
        assert (report.reports[0].packets_lost, report.reports[0].highest_sequence) == (-3, 70000)
        assert isinstance(remb, rtcp.RtcpPsfbPacket)
        assert rtcp.parse_remb(remb.fci) == pytest.approx(700_000, rel=0.01)
        assert isinstance(pli, rtcp.RtcpPsfbPacket)
        assert (pli.fmt, pli.media_ssrc) == (rtcp.PSFB_PLI, 9)

    def test_another_application_message_is_no_remb(self) -> None:
        assert rtcp.parse_remb(b"GOOG1234") is None

    @settings(deadline=None)
    @given(st.binary(max_size=80))
    def test_any_bytes_are_read_or_refused(self, data: bytes) -> None:
        try:
            rtcp.parse(data)
        except ValueError:
            return

    def test_ntp_time(self) -> None:
        assert rtcp.ntp_seconds((2208988800 + 12) << 32 | 1 << 31) == 12.5
        assert rtcp.ntp_middle(0x1111222233334444) == 0x22223333
