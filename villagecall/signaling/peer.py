"""One browser's connection to the node: its own sound and picture coming in, three slots going out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from time import monotonic

from villagecall.signaling import rtcp, rtp
from villagecall.signaling.aiortc_transport import Transport
from villagecall.signaling.sdp import Line, Local, Offer, Voice, build_answer
from villagecall.signaling.tracks import Out, Source

CLOCK = {"audio": 48000, "video": 90000}
BITRATE_MAX = 1_500_000
"""bit/s: a sharp 640 × 480 or a fair 1280 × 720; more only fills the county's lines."""
BITRATE_MIN = 120_000


class Peer:
    """Glue between a :class:`Transport` and the tracks; rebuilt for each connection of a participant."""

    def __init__(self, transport: Transport, offer: Offer, changed: Callable[[Peer], None]) -> None:
        self.transport = transport
        self.offer = offer
        self.alive = False
        """Connected and heard of lately."""
        self.begun = monotonic()
        self.estimate = 0
        """What this browser says it can receive, bit/s; 0 = it did not say."""
        self.receivers: list[Peer] = []
        """The connections that show this one; kept by the room."""
        self.loss = -1
        """Per mille, the worse direction in the last second; -1 = unknown."""
        self._ssrc = secrets.randbits(31) | 1
        self.audio = self._source(offer.audio)
        self.video = self._source(offer.video)
        self._by_type = {offer.audio.payload_type: self.audio.receive, offer.video.payload_type: self.video.receive}
        if offer.video.rtx is not None:
            self._by_type[offer.video.rtx] = self.video.receive_rtx
        self.outs = tuple((self._out(audio), self._out(video)) for audio, video in offer.slots)
        self._by_ssrc = {out.ssrc: out for pair in self.outs for out in pair}
        transport.on_rtp = self._on_rtp
        transport.on_rtcp = self._on_rtcp
        transport.on_state = lambda: changed(self)

    def _source(self, line: Line) -> Source:
        return Source(
            video=line.kind == "video",
            clock_rate=CLOCK[line.kind],
            payload_type=line.payload_type,
            extensions=line.extensions,
            own_ssrc=self._ssrc,
            feedback=self.transport.send_rtcp,
        )

    def _out(self, line: Line) -> Out:
        return Out(
            video=line.kind == "video",
            clock_rate=CLOCK[line.kind],
            payload_type=line.payload_type,
            ssrc=secrets.randbits(31) | 1,
            rtx=None if line.rtx is None else (line.rtx, secrets.randbits(31) | 1),
            extensions=line.extensions,
            send=self.transport.send_rtp,
            send_rtcp=self.transport.send_rtcp,
        )

    def answer(self, candidates: tuple[str, ...]) -> str:
        """The SDP answer with the node's candidate lines."""
        transport = self.transport
        local = Local(transport.username, transport.password, transport.fingerprint, candidates)
        voices = [(_voice(audio), _voice(video)) for audio, video in self.outs]
        return build_answer(self.offer, local, voices, secrets.randbits(62))

    def mids(self, index: int) -> tuple[str, str]:
        audio, video = self.offer.slots[index]
        return audio.mid, video.mid

    def show(self, index: int, other: Peer | None) -> None:
        """Put another browser's sound and picture into a slot, or nobody's."""
        now = monotonic()
        audio, video = self.outs[index]
        audio.attach(other.audio if other else None, now)
        video.attach(other.video if other else None, now)

    def detach(self) -> None:
        """Show nothing any more: called when this connection is given up."""
        for index in range(len(self.outs)):
            self.show(index, None)
        for source in (self.audio, self.video):
            for out in list(source.outs):
                out.attach(None, 0.0)
            source.sink = None

    # ------------------------------------------------------------ packets

    def _on_rtp(self, packet: bytes, now: float) -> None:
        receive = self._by_type.get(packet[1] & 0x7F)
        if receive is None:
            return
        try:
            receive(packet, now)
        except ValueError:
            # A malformed packet of an authenticated browser is dropped, the connection goes on.
            return

    def _on_rtcp(self, data: bytes, now: float) -> None:
        try:
            packets = rtcp.parse(data)
        except ValueError:
            return
        for packet in packets:
            if isinstance(packet, rtcp.RtcpSrPacket):
                for source in (self.audio, self.video):
                    if source.ssrc == packet.ssrc:
                        info = packet.sender_info
                        source.sender_report(info.ntp_timestamp, info.rtp_timestamp, now)
            if isinstance(packet, (rtcp.RtcpSrPacket, rtcp.RtcpRrPacket)):
                for block in packet.reports:
                    if block.ssrc in self._by_ssrc:
                        self._by_ssrc[block.ssrc].fraction_lost = block.fraction_lost
            elif isinstance(packet, rtcp.RtcpRtpfbPacket):
                if packet.fmt == rtcp.RTPFB_NACK and packet.media_ssrc in self._by_ssrc:
                    self._by_ssrc[packet.media_ssrc].retransmit(packet.lost)
            elif isinstance(packet, rtcp.RtcpPsfbPacket):
                self._payload_feedback(packet, now)

    def _payload_feedback(self, packet: rtcp.RtcpPsfbPacket, now: float) -> None:
        if packet.fmt == rtcp.PSFB_REMB:
            self.estimate = rtcp.parse_remb(packet.fci) or self.estimate
            return
        wanted = packet.media_ssrc
        if packet.fmt == rtcp.PSFB_FIR and len(packet.fci) >= 8:
            wanted = rtp.U32.unpack_from(packet.fci)[0]
        elif packet.fmt != rtcp.PSFB_PLI:
            return
        out = self._by_ssrc.get(wanted)
        if out is not None and out.source is not None:
            out.source.want_key(now)

    # ------------------------------------------------------------ timers

    def repair(self, now: float) -> None:
        """Every few tens of ms: ask again for missing packets."""
        self.video.repair(now, self.transport.rtt)

    def reports(self, now: float) -> None:
        """Every second: reception report and allowed bitrate to the browser; the loss of both directions."""
        blocks = [block for source in (self.audio, self.video) if (block := source.block(now)) is not None]
        if not blocks:
            return
        allowed = self.allowance()
        self.transport.send_rtcp(
            rtcp.receiver_report(self._ssrc, blocks) + rtcp.remb(self._ssrc, allowed, [b.ssrc for b in blocks])
        )
        worst = max(block.fraction for block in blocks)
        for pair in self.outs:
            for out in pair:
                if out.source is not None:
                    worst = max(worst, out.fraction_lost)
        self.loss = worst * 1000 // 256

    def share(self) -> int:
        """What this browser can receive for each picture it is shown, bit/s."""
        shown = sum(1 for _, video in self.outs if video.source is not None)
        return self.estimate // max(1, shown) if self.estimate else BITRATE_MAX

    def allowance(self) -> int:
        """What this browser may send: what the weakest of its receivers can take."""
        limits = [peer.share() for peer in self.receivers]
        return max(BITRATE_MIN, min([BITRATE_MAX, *limits]))


def _voice(out: Out) -> Voice:
    return Voice(out.ssrc, out.rtx[1] if out.rtx is not None else None)
