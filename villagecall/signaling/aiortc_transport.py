"""ICE, DTLS and SRTP under a media connection: the one file that uses private names of aiortc and aioice.

aiortc moves each packet through a queue, a task switch and a parsed object. A forwarding node needs bytes
in and bytes out, so once the handshake is done this takes SRTP straight from the datagram callback and
writes it straight to the socket. ``tests/signaling/test_transport.py`` is the contract with the pinned
versions.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, cast

import ifaddr
from aioice import Candidate, Connection, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import CandidatePair, StunProtocol
from aiortc.rtcconfiguration import RTCIceServer
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import (
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
    connection_kwargs,
)
from aiortc.sdp import candidate_from_sdp
from pylibsrtp import Session
from pylibsrtp._binding import ffi, lib

MTU = 2048
CONSENT_S = 1.5
"""How often the path is asked whether it still wants media (RFC 7675 section 5.1 asks for at most 5 s)."""
RECEIVE_BUFFER = 1 << 20

OnPacket = Callable[[bytes, float], None]


class Srtp:
    """One direction of SRTP on buffers made once. ``None`` from :meth:`open`/:meth:`seal`: refused."""

    __slots__ = ("_buffer", "_context", "_length", "_session", "_view")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._context = cast(Any, session)._srtp[0]
        self._buffer = ffi.new("char[]", MTU)
        self._view = memoryview(ffi.buffer(self._buffer))
        self._length = ffi.new("int *")

    def open(self, data: bytes, rtcp: bool) -> bytes | None:
        return self._run(data, lib.srtp_unprotect_rtcp if rtcp else lib.srtp_unprotect)

    def seal(self, data: bytes | bytearray, rtcp: bool) -> bytes | None:
        return self._run(data, lib.srtp_protect_rtcp if rtcp else lib.srtp_protect)

    def _run(self, data: bytes | bytearray, function: Any) -> bytes | None:
        size = len(data)
        # libsrtp reads a whole header and appends at most 148 bytes.
        if not 8 <= size <= MTU - 148:
            return None
        self._view[:size] = data
        length = self._length
        length[0] = size
        if function(self._context, self._buffer, length):
            return None
        return bytes(self._view[: length[0]])


class _Datagrams(StunProtocol):
    """A socket: media goes straight to the connection, the rest (STUN, DTLS) the library's way."""

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        # RFC 7983: 128..191 is RTP or RTCP.
        if data and 127 < cast(bytes, data)[0] < 192:
            cast(_Connection, self.receiver).media_received(cast(bytes, data))
        else:
            super().datagram_received(data, addr)


class _Connection(Connection):
    """aioice's connection with our own addresses and ports, a quicker start and a quicker notice of the end."""

    def __init__(self, addresses: Sequence[str], ports: tuple[int, int] | None, **kwargs: Any) -> None:
        super().__init__(ice_controlling=False, **kwargs)
        self._addresses = addresses
        self._ports = ports
        self.on_media: OnPacket | None = None
        self.chosen = asyncio.Event()
        """A pair was nominated: the handshake may begin while aioice still tidies its list."""
        self.heard = monotonic()
        self.rtt = 0.0

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],
        timeout: int = 5,  # noqa: ASYNC109 - the library's signature
    ) -> list[Candidate]:
        candidates = []
        for address in self._addresses:
            protocol = await self._bind(address)
            host, port = protocol.transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=port,
                type="host",
            )
            self._protocols.append(protocol)
            candidates.append(protocol.local_candidate)
        return candidates + await super().get_component_candidates(component, [], timeout)

    async def _bind(self, address: str) -> _Datagrams:
        loop = asyncio.get_running_loop()
        ports: Sequence[int] = (0,)
        if self._ports is not None:
            low, high = self._ports
            ports = random.sample(range(low, high + 1), high + 1 - low)
        for port in ports:
            try:
                _, protocol = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(address, port))
            except OSError:
                continue
            return protocol
        raise OSError(f"no free media port on {address}")

    def media_received(self, data: bytes) -> None:
        if self.on_media is not None:
            self.on_media(data, monotonic())

    def request_received(self, message: stun.Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
        super().request_received(message, addr, protocol)
        if message.attributes.get("USERNAME", "").startswith(self.local_username + ":"):
            self.heard = monotonic()

    def _check_list_maybe_complete(self) -> bool:
        complete = super()._check_list_maybe_complete()
        if complete:
            self.chosen.set()
        return complete

    async def query_consent(self) -> None:
        """Ask for consent each second and measure the round trip. Whoever holds us decides when to give up."""
        while True:
            await asyncio.sleep(CONSENT_S * (0.8 + 0.4 * random.random()))
            pair = self._nominated.get(1)
            if pair is None or self.remote_password is None:
                continue
            begun = monotonic()
            try:
                await pair.protocol.request(
                    self.build_request(pair, nominate=False),
                    pair.remote_addr,
                    integrity_key=self.remote_password.encode(),
                    retransmissions=0,
                )
            except stun.TransactionError:
                continue
            self.heard = monotonic()
            took = self.heard - begun
            self.rtt = took if not self.rtt else 0.7 * self.rtt + 0.3 * took

    def selected(self) -> CandidatePair | None:
        return self._nominated.get(1)


def local_addresses() -> list[str]:
    """Addresses a browser can reach: all but loopback and link-local, loopback only when there is no other."""
    found = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            if isinstance(ip.ip, str):
                if not ip.ip.startswith("127."):
                    found.append(ip.ip)
            elif ip.ip[0] != "::1" and ip.ip[2] == 0:
                found.append(ip.ip[0])
    return found or ["127.0.0.1"]


def ice_servers(servers: Sequence[Mapping[str, Any]]) -> list[RTCIceServer]:
    """``RTCIceServer`` dictionaries as aiortc's. Always a list: None would mean a public server."""
    return [RTCIceServer(s["urls"], s.get("username"), s.get("credential")) for s in servers]


class Transport:
    """A connection to one browser. ``state`` is ``new``, ``connected`` or ``closed``.

    ``on_rtp``/``on_rtcp`` get decrypted packets with their arrival (monotonic s); ``on_state`` is called
    after each change of state.
    """

    def __init__(
        self,
        certificate: RTCCertificate,
        addresses: Sequence[str],
        ports: tuple[int, int] | None,
        servers: Sequence[Mapping[str, Any]],
    ) -> None:
        gatherer = RTCIceGatherer(iceServers=[])
        self._connection = _Connection(addresses, ports, **connection_kwargs(ice_servers(servers)))
        gatherer._connection = self._connection
        self._gatherer = gatherer
        self._ice = RTCIceTransport(gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        self._certificate = certificate
        self._inward: Srtp | None = None
        self._outward: Srtp | None = None
        self._pair: CandidatePair | None = None
        self._sendto: Callable[[bytes, tuple[str, int]], None] | None = None
        self._addr: tuple[str, int] = ("", 0)
        self._task: asyncio.Task[None] | None = None
        self.state = "new"
        self.on_rtp: OnPacket | None = None
        self.on_rtcp: OnPacket | None = None
        self.on_state: Callable[[], None] | None = None

    async def gather(self) -> tuple[str, ...]:
        """Bind sockets, reach the TURN server; the candidate lines."""
        await self._gatherer.gather()
        return tuple(candidate.to_sdp() for candidate in self._connection.local_candidates)

    @property
    def username(self) -> str:
        return self._connection.local_username

    @property
    def password(self) -> str:
        return self._connection.local_password

    @property
    def fingerprint(self) -> RTCDtlsFingerprint:
        return next(f for f in self._certificate.getFingerprints() if f.algorithm == "sha-256")

    @property
    def heard(self) -> float:
        """When the browser was last heard, monotonic s."""
        return self._connection.heard

    @property
    def rtt(self) -> float:
        """Round trip in s, 0 before it is known."""
        return self._connection.rtt

    def start(
        self,
        username: str,
        password: str,
        *,
        ice_lite: bool,
        fingerprints: Sequence[RTCDtlsFingerprint],
        role: str,
    ) -> None:
        """Connect in the background."""
        self._connection.heard = monotonic()
        ice = RTCIceParameters(usernameFragment=username, password=password, iceLite=ice_lite)
        dtls = RTCDtlsParameters(fingerprints=list(fingerprints))
        self._dtls._set_role(role)
        self._dtls.on("statechange", self._dtls_changed)
        self._task = asyncio.create_task(self._connect(ice, dtls))

    async def _connect(self, ice: RTCIceParameters, dtls: RTCDtlsParameters) -> None:
        checks = asyncio.create_task(self._ice.start(ice))
        chosen = asyncio.create_task(self._connection.chosen.wait())
        try:
            await asyncio.wait({checks, chosen}, return_when=asyncio.FIRST_COMPLETED)
            if self._connection.selected() is None:
                self._change("closed")
                return
            await self._dtls.start(dtls)
            await checks
        finally:
            chosen.cancel()
            checks.cancel()

    def _dtls_changed(self) -> None:
        state = self._dtls.state
        if state == "connected":
            self._inward = Srtp(self._dtls._rx_srtp)
            self._outward = Srtp(self._dtls._tx_srtp)
            self._connection.on_media = self._media
            self._change("connected")
        elif state in ("closed", "failed"):
            self._change("closed")

    def _change(self, state: str) -> None:
        if self.state not in (state, "closed"):
            self.state = state
            if self.on_state is not None:
                self.on_state()

    async def add_candidate(self, candidate: RTCIceCandidate | None) -> None:
        """Name of an mDNS candidate is not looked up: the browser's own checks reach us first."""
        if self.state == "closed" or (candidate is not None and candidate.ip.endswith(".local")):
            return
        await self._ice.addRemoteCandidate(candidate)

    # ------------------------------------------------------------ packets

    def _media(self, data: bytes, now: float) -> None:
        inward = self._inward
        if inward is None or len(data) < 12:
            return
        # RFC 5761 section 4: payload types 64..95 stand for RTCP.
        rtcp = 191 < data[1] < 224
        packet = inward.open(data, rtcp)
        if packet is None:
            return
        self._connection.heard = now
        handler = self.on_rtcp if rtcp else self.on_rtp
        if handler is not None:
            handler(packet, now)

    def send_rtp(self, packet: bytes | bytearray) -> None:
        """Encrypt and send; silently nothing when not connected (the path comes and goes)."""
        if self._outward is not None:
            self._write(self._outward.seal(packet, False))

    def send_rtcp(self, packet: bytes | bytearray) -> None:
        if self._outward is not None:
            self._write(self._outward.seal(packet, True))

    def _write(self, data: bytes | None) -> None:
        pair = self._connection.selected()
        if data is None or pair is None or self.state != "connected":
            return
        if pair is not self._pair:
            self._pair = pair
            self._sendto = pair.protocol.transport.sendto
            self._addr = pair.remote_addr
        if self._sendto is not None:
            self._sendto(data, self._addr)

    async def close(self) -> None:
        """Say goodbye to the browser and free the sockets."""
        self._connection.on_media = None
        self._change("closed")
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._dtls.remove_all_listeners()
        await self._dtls.stop()
        await self._ice.stop()


def parse_candidate(text: str) -> RTCIceCandidate | None:
    """``RTCIceCandidate.candidate`` of a browser; None for the empty end marker. ValueError: malformed."""
    body = text.strip().removeprefix("candidate:")
    if not body:
        return None
    try:
        return candidate_from_sdp(body)
    except (AssertionError, IndexError, ValueError) as error:
        raise ValueError("candidate is malformed") from error
