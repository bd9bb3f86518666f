"""One direction of one kind of media: :class:`Source` as it arrives, :class:`Out` as it leaves to one receiver.

Both live on the hot path of every packet, so they touch bytes and integers only. Nothing here knows a
socket: bytes go out through a callable.
"""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Protocol

from villagecall.signaling import rtcp, rtp

NACK_GIVE_UP_S = 1.5
NACK_TRIES = 12
NACK_LIMIT = 256
"""More missing packets than this at once is a new picture, not a repair."""
PLI_INTERVAL_S = 0.31
"""At most this often a source is asked for a key frame: Chromium drops, without a word, what comes within
300 ms of the last. The wish is kept and repeated until a key frame is there."""

Send = Callable[[bytes | bytearray], None]


class Sink(Protocol):
    """Where a source's packets go beside the receivers: the recording."""

    def packet(self, packet: bytes, sequence: int, timestamp: int, now: float) -> None: ...

    def report(self, ntp: float, timestamp: int, now: float) -> None: ...


class Source:
    """A participant's sound or picture arriving at the node."""

    def __init__(
        self,
        *,
        video: bool,
        clock_rate: int,
        payload_type: int,
        extensions: dict[str, int],
        own_ssrc: int,
        feedback: Send,
    ) -> None:
        self.video = video
        self.clock_rate = clock_rate
        self.payload_type = payload_type
        self.extensions = extensions
        self.ssrc = 0
        self.outs: list[Out] = []
        self.sink: Sink | None = None
        self.reception: rtp.Reception | None = None
        self.ring = rtp.Ring()
        self.octets = 0
        self.last_report: tuple[int, int, float] | None = None
        """NTP time, time stamp and arrival of the last sender report."""
        self._own = own_ssrc
        self._feedback = feedback
        self._missing: dict[int, tuple[float, float, int]] = {}
        self._key_wanted = False
        self._key_asked = 0.0

    def receive(self, packet: bytes, now: float) -> None:
        """Take a decrypted packet of this source's payload type."""
        _, _, short, timestamp, ssrc = rtp.HEADER.unpack_from(packet)
        reception = self.reception
        if reception is None or ssrc != self.ssrc:
            reception = self._begin(ssrc, short)
        sequence = rtp.extend(reception.highest, short, 16)
        if not self.ring.put(sequence, packet):
            return
        if self.video:
            if self._key_wanted and rtp.vp8_keyframe(packet):
                self._key_wanted = False
            if sequence > reception.highest + 1 and reception.received:
                self._gap(reception.highest + 1, sequence, now)
            elif self._missing:
                self._missing.pop(sequence, None)
        reception.count(sequence, timestamp, now)
        self.octets += len(packet)
        for out in self.outs:
            out.forward(packet, sequence, timestamp, now)
        sink = self.sink
        if sink is not None:
            sink.packet(packet, sequence, timestamp, now)

    def receive_rtx(self, packet: bytes | bytearray, now: float) -> None:
        """Take a retransmission (RFC 4588)."""
        if not self.ssrc:
            return
        original = rtp.unwrap_rtx(packet, self.payload_type, self.ssrc)
        if original is not None:
            self.receive(original, now)

    def _begin(self, ssrc: int, sequence: int) -> rtp.Reception:
        self.ssrc = ssrc
        # One turn of the counter ahead, so that packets from before the first one stay positive.
        self.reception = rtp.Reception(self.clock_rate, sequence + 0x10000)
        self.ring = rtp.Ring()
        self.last_report = None
        self._missing.clear()
        for out in self.outs:
            out.renew()
        return self.reception

    # ------------------------------------------------------------ repair

    def _gap(self, first: int, behind: int, now: float) -> None:
        if behind - first > NACK_LIMIT:
            self._missing.clear()
            self.want_key(now)
            return
        for sequence in range(first, behind):
            self._missing[sequence] = (now, now, 1)
        self._feedback(rtcp.nack(self._own, self.ssrc, [s & 0xFFFF for s in range(first, behind)]))

    def repair(self, now: float, rtt: float) -> None:
        """Ask again for what is still missing; call it every few tens of ms."""
        if self._key_wanted and now - self._key_asked >= max(PLI_INTERVAL_S, rtt * 1.5):
            self._ask_key(now)
        if not self._missing:
            return
        again: list[int] = []
        wait = max(0.03, rtt * 1.2)
        for sequence, (since, last, tries) in list(self._missing.items()):
            if now - since > NACK_GIVE_UP_S or tries >= NACK_TRIES:
                del self._missing[sequence]
            elif now - last >= wait:
                self._missing[sequence] = (since, now, tries + 1)
                again.append(sequence)
        if again:
            again.sort()
            self._feedback(rtcp.nack(self._own, self.ssrc, [s & 0xFFFF for s in again]))

    def want_key(self, now: float) -> None:
        """A receiver or the recording needs a key frame."""
        if not self.video:
            return
        self._key_wanted = True
        if now - self._key_asked >= PLI_INTERVAL_S:
            self._ask_key(now)

    def _ask_key(self, now: float) -> None:
        if self.ssrc:
            self._key_asked = now
            self._feedback(rtcp.pli(self._own, self.ssrc))

    # ------------------------------------------------------------ reports

    def sender_report(self, ntp: int, timestamp: int, now: float) -> None:
        """The source said which wall-clock time a time stamp stands for: receivers and recording need it too."""
        self.last_report = (ntp, timestamp, now)
        for out in self.outs:
            out.report(ntp, timestamp)
        if self.sink is not None:
            self.sink.report(rtcp.ntp_seconds(ntp), timestamp, now)

    def block(self, now: float) -> rtcp.ReportBlock | None:
        """The report block about this source; None before its first packet."""
        reception = self.reception
        if reception is None:
            return None
        lsr = dlsr = 0
        if self.last_report is not None:
            lsr = rtcp.ntp_middle(self.last_report[0])
            dlsr = int((now - self.last_report[2]) * 65536)
        return rtcp.ReportBlock(
            self.ssrc,
            reception.interval(),
            reception.lost,
            reception.highest,
            int(reception.jitter),
            lsr,
            dlsr & 0xFFFFFFFF,
        )


class Out:
    """A slot's sound or picture leaving to one receiver: one SSRC for its whole life, whoever is shown.

    Sequence numbers and time stamps go on without a jump when the source changes; a picture begins with a
    key frame.
    """

    def __init__(
        self,
        *,
        video: bool,
        clock_rate: int,
        payload_type: int,
        ssrc: int,
        rtx: tuple[int, int] | None,
        extensions: dict[str, int],
        send: Send,
        send_rtcp: Send,
    ) -> None:
        self.video = video
        self.clock_rate = clock_rate
        self.ssrc = ssrc
        self.rtx = rtx
        """Payload type and SSRC of retransmissions; None: sent again as they were."""
        self.source: Source | None = None
        self.packets = 0
        self.octets = 0
        self.fraction_lost = 0
        self._payload_type = payload_type
        self._extensions = extensions
        self._stamp_id = extensions.get(rtp.ABS_SEND_TIME, 0)
        self._table = bytes(16)
        self._send = send
        self._send_rtcp = send_rtcp
        self._waiting = True
        self._base = 0
        self._seq_offset = 0
        self._ts_offset = 0
        self._last_sequence = -1
        self._last_timestamp = 0
        self._last_at = 0.0
        self._rtx_sequence = 0

    def attach(self, source: Source | None, now: float) -> None:
        """Show ``source`` from now on; None: nobody."""
        if self.source is not None and self in self.source.outs:
            self.source.outs.remove(self)
        self.source = source
        self._waiting = True
        if source is not None:
            self._table = rtp.extension_table(source.extensions, self._extensions)
            source.outs.append(self)
            source.want_key(now)

    def renew(self) -> None:
        """The source began a new stream: numbers continue from the last one sent."""
        self._waiting = True

    def forward(self, packet: bytes, sequence: int, timestamp: int, now: float) -> None:
        if self._waiting:
            if self.video and not rtp.vp8_keyframe(packet):
                return
            self._start(sequence, timestamp, now)
        elif sequence < self._base:
            return
        self.packets += 1
        self.octets += len(packet)
        self._send(self._rewritten(packet, sequence, timestamp))
        last = sequence + self._seq_offset
        if last > self._last_sequence:
            self._last_sequence = last
            self._last_timestamp = timestamp + self._ts_offset
            self._last_at = now

    def _start(self, sequence: int, timestamp: int, now: float) -> None:
        self._waiting = False
        self._base = sequence
        self._seq_offset = self._last_sequence + 1 - sequence
        if self._last_sequence < 0:
            self._ts_offset = 0
        else:
            passed = max(1, int((now - self._last_at) * self.clock_rate))
            self._ts_offset = self._last_timestamp + passed - timestamp
        source = self.source
        if source is not None and source.last_report is not None:
            ntp, at, _ = source.last_report
            self.report(ntp, at)

    def _rewritten(self, packet: bytes, sequence: int, timestamp: int) -> bytearray:
        copy = bytearray(packet)
        copy[1] = (copy[1] & 0x80) | self._payload_type
        rtp.SEQ_TS_SSRC.pack_into(
            copy,
            2,
            (sequence + self._seq_offset) & 0xFFFF,
            (timestamp + self._ts_offset) & 0xFFFFFFFF,
            self.ssrc,
        )
        if copy[0] & 0x10:
            stamp = rtp.abs_send_time(time()) if self._stamp_id else b""
            rtp.rewrite_extensions(copy, self._table, self._stamp_id, stamp)
        return copy

    def retransmit(self, lost: list[int]) -> None:
        """Answer a NACK from the source's ring; what is not there was lost before the node and comes later."""
        source = self.source
        if source is None or self._waiting:
            return
        for short in lost:
            sequence = rtp.extend(self._last_sequence, short & 0xFFFF, 16) - self._seq_offset
            if sequence < self._base:
                continue
            packet = source.ring.get(sequence)
            if packet is None:
                continue
            again = self._rewritten(packet, sequence, rtp.U32.unpack_from(packet, 4)[0])
            if self.rtx is not None:
                payload_type, ssrc = self.rtx
                again = rtp.wrap_rtx(again, payload_type, ssrc, self._rtx_sequence)
                self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
            self._send(again)

    def report(self, ntp: int, timestamp: int) -> None:
        """Pass a sender report on in this receiver's numbers, so that lips and voice stay together."""
        if not self._waiting:
            self._send_rtcp(rtcp.sender_report(self.ssrc, ntp, timestamp + self._ts_offset, self.packets, self.octets))
