"""The contract with the private names of the pinned aiortc, aioice and pylibsrtp."""

from __future__ import annotations

import asyncio
import inspect
from time import monotonic

import pytest
from aioice import Connection
from aioice.ice import StunProtocol
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtp import RtpPacket
from pylibsrtp import Policy, Session

from villagecall.signaling.aiortc_transport import (
    Srtp,
    Transport,
    ice_servers,
    local_addresses,
    parse_candidate,
)

KEY = bytes(range(30))


def an_srtp(direction: int) -> Srtp:
    return Srtp(Session(Policy(key=KEY, ssrc_type=direction)))


class TestSrtp:
    def test_what_is_sealed_opens(self) -> None:
        outward, inward = an_srtp(Policy.SSRC_ANY_OUTBOUND), an_srtp(Policy.SSRC_ANY_INBOUND)
        packet = RtpPacket(payload_type=96, sequence_number=1, ssrc=5, payload=b"picture" * 100).serialize()
        sealed = outward.seal(bytearray(packet), False)
        assert sealed is not None
        assert packet not in sealed
        assert inward.open(sealed, False) == packet

    def test_a_changed_or_repeated_packet_does_not_open(self) -> None:
        outward, inward = an_srtp(Policy.SSRC_ANY_OUTBOUND), an_srtp(Policy.SSRC_ANY_INBOUND)
        sealed = outward.seal(RtpPacket(payload=b"picture").serialize(), False)
        assert sealed is not None
        assert inward.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), False) is None
        assert inward.open(sealed, False) is not None
        assert inward.open(sealed, False) is None

    def test_too_long_or_too_short_is_refused_not_written_over_the_buffer(self) -> None:
        outward = an_srtp(Policy.SSRC_ANY_OUTBOUND)
        assert outward.seal(b"\x80" * 4, False) is None
        assert outward.seal(b"\x80" * 2000, False) is None
        assert outward.seal(b"\x80" * 4000, True) is None


class TestNames:
    """A newer version that lost one of these is seen here, not in a call."""

    def test_the_handshake_leaves_its_keys_where_we_take_them(self) -> None:
        source = inspect.getsource(RTCDtlsTransport)
        for name in ("_rx_srtp", "_tx_srtp", "_set_role", "_recv_next"):
            assert name in source
        assert hasattr(Session(), "_srtp")

    def test_the_gatherer_lends_its_connection(self) -> None:
        assert "gatherer._connection" in inspect.getsource(RTCIceTransport.__init__)
        assert isinstance(RTCIceGatherer(iceServers=[])._connection, Connection)

    @pytest.mark.parametrize(
        "name", ["get_component_candidates", "query_consent", "_check_list_maybe_complete", "build_request"]
    )
    def test_what_we_override_is_there(self, name: str) -> None:
        assert callable(getattr(Connection, name))
        assert callable(StunProtocol.datagram_received)

    def test_no_server_is_asked_that_was_not_set(self) -> None:
        assert ice_servers([]) == []
        [server] = ice_servers([{"urls": ["turn:192.0.2.1"], "username": "u", "credential": "c"}])
        assert (server.urls, server.username, server.credential) == (["turn:192.0.2.1"], "u", "c")


class Pair:
    """Two transports that know each other's parameters."""

    def __init__(self, ports: tuple[int, int] | None = None) -> None:
        self.node = Transport(RTCCertificate.generateCertificate(), ["127.0.0.1"], ports, [])
        self.browser = Transport(RTCCertificate.generateCertificate(), ["127.0.0.1"], None, [])
        self.browser._connection.ice_controlling = True

    async def connect(self) -> None:
        for one in (self.node, self.browser):
            await one.gather()
        for one, other, role in ((self.node, self.browser, "server"), (self.browser, self.node, "client")):
            one.start(other.username, other.password, ice_lite=False, fingerprints=[other.fingerprint], role=role)
            for candidate in other._connection.local_candidates:
                await one.add_candidate(parse_candidate("candidate:" + candidate.to_sdp()))
        async with asyncio.timeout(10):
            while {self.node.state, self.browser.state} != {"connected"}:
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        await asyncio.gather(self.node.close(), self.browser.close())


async def test_packets_go_both_ways_as_bytes() -> None:
    pair = Pair()
    await pair.connect()
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    pair.node.on_rtp = lambda data, now: heard.put_nowait(("rtp", data))
    pair.node.on_rtcp = lambda data, now: heard.put_nowait(("rtcp", data))
    packet = RtpPacket(payload_type=96, ssrc=3, payload=b"picture").serialize()
    report = b"\x80\xc9\x00\x01\x00\x00\x00\x07"
    async with asyncio.timeout(5):
        pair.browser.send_rtp(packet)
        pair.browser.send_rtcp(report)
        assert await heard.get() == ("rtp", packet)
        assert await heard.get() == ("rtcp", report)
        # The round trip is measured by the consent checks.
        while not pair.node.rtt:
            await asyncio.sleep(0.05)
    assert 0 < pair.node.rtt < 1
    assert monotonic() - pair.node.heard < 2
    await pair.close()


async def test_goodbye_is_heard_by_the_other_side() -> None:
    pair = Pair()
    await pair.connect()
    changes: list[str] = []
    pair.node.on_state = lambda: changes.append(pair.node.state)
    await pair.browser.close()
    async with asyncio.timeout(5):
        while pair.node.state != "closed":
            await asyncio.sleep(0.01)
    assert changes == ["closed"]
    pair.node.send_rtp(RtpPacket().serialize())
    await pair.close()


async def test_a_wrong_certificate_is_refused() -> None:
    pair = Pair()
    pair.node._certificate = RTCCertificate.generateCertificate()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await pair.connect()
    assert pair.browser.state == "closed"
    await pair.close()


async def test_ports_stay_in_their_range_and_run_out_with_a_word() -> None:
    first = Pair()
    [line] = await first.node.gather()
    port = int(line.split()[5])
    await first.close()
    second = Pair((port, port))
    [line] = await second.node.gather()
    assert int(line.split()[5]) == port
    third = Pair((port, port))
    with pytest.raises(OSError, match="no free media port"):
        await third.node.gather()
    await second.close()
    await third.close()


def test_candidates_of_browsers() -> None:
    read = parse_candidate("candidate:1 1 udp 2113937151 0f0e.local 51000 typ host generation 0 ufrag EsAw")
    assert read is not None
    assert (read.ip, read.port, read.type) == ("0f0e.local", 51000, "host")
    assert parse_candidate("") is None
    for bad in ("candidate:1 1 udp", "candidate:a b c d e f g h", "x"):
        with pytest.raises(ValueError, match="malformed"):
            parse_candidate(bad)


def test_there_is_always_an_address() -> None:
    assert local_addresses()
