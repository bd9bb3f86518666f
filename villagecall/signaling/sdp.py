"""The one offer a browser makes and the one answer the node gives (pure): docs/PROTOCOL.md, "Media".

RFC 8866 (SDP), RFC 9143 (BUNDLE), RFC 8829 (what a WebRTC offer looks like). Parsing is aiortc's, which
raises whatever it meets; here every one of these becomes :class:`OfferRefused`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiortc.rtcdtlstransport import RTCDtlsFingerprint
from aiortc.rtcicetransport import RTCIceCandidate
from aiortc.sdp import MediaDescription, SessionDescription

from villagecall.errors import BadRequest
from villagecall.signaling.rtp import ABS_SEND_TIME

SLOTS = 3
"""Other participants a browser can see and hear: village, town and one more."""

_EXTENSIONS = {"audio": (), "video": (ABS_SEND_TIME,)}


class OfferRefused(BadRequest):
    """The browser's media offer is not the one of the protocol; ``why`` names what is missing."""

    code = "media_offer_refused"
    zh = "浏览器的音视频请求不符合要求({why})。"
    en = "The browser's media offer does not fit: {why}."
    todo_zh = "请换用 Chromium 内核的浏览器(Chrome、Edge、360 等新版),并刷新页面。"
    todo_en = "Use a current Chromium-based browser and reload the page."


@dataclass(frozen=True, slots=True)
class Line:
    """An m-line as agreed. ``payload_type`` is Opus or VP8, ``rtx`` its retransmissions or None."""

    kind: str
    mid: str
    payload_type: int
    rtx: int | None
    extensions: dict[str, int]
    ssrc: int | None
    rtx_ssrc: int | None
    feedback: tuple[str, ...]
    reduced_size: bool
    parameters: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What the node needs of an offer: own sound and picture, then the slots as (audio, video)."""

    audio: Line
    video: Line
    slots: tuple[tuple[Line, Line], ...]
    username: str
    password: str
    ice_lite: bool
    fingerprints: tuple[RTCDtlsFingerprint, ...]
    setup: str
    candidates: tuple[RTCIceCandidate, ...]
    candidates_complete: bool

    @property
    def dtls_role(self) -> str:
        """The node's role: it waits for the browser's first flight, which saves half a round trip (RFC 8842)."""
        return "client" if self.setup == "server" else "server"

    def lines(self) -> tuple[Line, ...]:
        return (self.audio, self.video, *(line for pair in self.slots for line in pair))


@dataclass(frozen=True, slots=True)
class Voice:
    """What a slot's m-line announces: the SSRCs it will carry."""

    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class Local:
    """The node's side of the transport. ``candidates`` are candidate lines without ``a=candidate:``."""

    username: str
    password: str
    fingerprint: RTCDtlsFingerprint
    candidates: tuple[str, ...]


def parse_offer(text: str) -> Offer:
    """Raises :class:`OfferRefused`."""
    reduced = _reduced_size(text)
    try:
        session = SessionDescription.parse(text)
    except Exception as error:
        raise OfferRefused(why="SDP") from error
    media = session.media
    if [m.kind for m in media] != ["audio", "video"] * (1 + SLOTS):
        raise OfferRefused(why=f"m-lines: {1 + SLOTS} × (audio, video)")
    lines = [_line(m, index in reduced) for index, m in enumerate(media)]
    if any(m.direction not in ("sendonly", "sendrecv", "inactive") for m in media[:2]):
        raise OfferRefused(why="m-lines 1, 2: sendonly")
    if any(m.direction not in ("recvonly", "sendrecv") for m in media[2:]):
        raise OfferRefused(why="slots: recvonly")
    mids = [line.mid for line in lines]
    bundles = [g.items for g in session.group if g.semantic == "BUNDLE"]
    if len(set(mids)) != len(mids) or not any(set(mids) <= set(items) for items in bundles):
        raise OfferRefused(why="BUNDLE")
    if not all(m.rtcp_mux for m in media):
        raise OfferRefused(why="rtcp-mux")
    first = media[0]
    if first.ice is None or not first.ice.usernameFragment or not first.ice.password:
        raise OfferRefused(why="ICE")
    if first.dtls is None or not any(f.algorithm.lower() == "sha-256" for f in first.dtls.fingerprints):
        raise OfferRefused(why="DTLS sha-256")
    slots = tuple((lines[at], lines[at + 1]) for at in range(2, len(lines), 2))
    return Offer(
        audio=lines[0],
        video=lines[1],
        slots=slots,
        username=first.ice.usernameFragment,
        password=first.ice.password,
        ice_lite=first.ice.iceLite,
        fingerprints=tuple(first.dtls.fingerprints),
        setup=first.dtls.role,
        candidates=tuple(c for m in media for c in m.ice_candidates),
        candidates_complete=any(m.ice_candidates_complete for m in media),
    )


def _reduced_size(text: str) -> set[int]:
    """Indexes of the m-lines that allow reduced-size RTCP (RFC 5506); aiortc does not read it."""
    found: set[int] = set()
    index = -1
    for line in text.splitlines():
        if line.startswith("m="):
            index += 1
        elif line.strip() == "a=rtcp-rsize":
            found.add(index)
    return found


def _line(media: MediaDescription, reduced_size: bool) -> Line:
    wanted = "opus" if media.kind == "audio" else "vp8"
    payload_type: int | None = None
    rtx: int | None = None
    feedback: tuple[str, ...] = ()
    for codec in media.rtp.codecs:
        name = codec.mimeType.partition("/")[2].lower()
        if name == wanted and payload_type is None:
            payload_type = codec.payloadType
            feedback = tuple(f"{f.type} {f.parameter}" if f.parameter else f.type for f in codec.rtcpFeedback)
    if payload_type is None:
        raise OfferRefused(why="Opus" if media.kind == "audio" else "VP8")
    for codec in media.rtp.codecs:
        if codec.mimeType.lower() == f"{media.kind}/rtx" and codec.parameters.get("apt") == payload_type:
            rtx = codec.payloadType
    known = {h.uri: h.id for h in media.rtp.headerExtensions if h.uri in _EXTENSIONS[media.kind] and 0 < h.id < 15}
    groups = [g.items for g in media.ssrc_group if g.semantic == "FID" and len(g.items) == 2]
    first = media.ssrc[0].ssrc if media.ssrc else None
    pair = (int(groups[0][0]), int(groups[0][1])) if groups else (first, None)
    return Line(
        kind=media.kind,
        mid=media.rtp.muxId,
        payload_type=payload_type,
        rtx=rtx,
        extensions=known,
        ssrc=pair[0],
        rtx_ssrc=pair[1],
        feedback=feedback,
        reduced_size=reduced_size,
        parameters="minptime=10;useinbandfec=1" if media.kind == "audio" else "",
    )


def build_answer(offer: Offer, local: Local, voices: Sequence[tuple[Voice, Voice]], session: int) -> str:
    """The answer: own lines ``recvonly`` from the node's side, slots ``sendonly`` with their SSRCs."""
    text = [
        "v=0",
        f"o=- {session} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE " + " ".join(line.mid for line in offer.lines()),
        "a=msid-semantic: WMS *",
    ]
    setup = "active" if offer.dtls_role == "client" else "passive"
    for index, line in enumerate(offer.lines()):
        voice = None
        if index >= 2:
            voice = voices[index // 2 - 1][index % 2]
        text += _answer_line(line, local, setup, voice, index)
    return "\r\n".join(text) + "\r\n"


def _answer_line(line: Line, local: Local, setup: str, voice: Voice | None, index: int) -> list[str]:
    formats = [line.payload_type] if line.rtx is None else [line.payload_type, line.rtx]
    text = [
        f"m={line.kind} 9 UDP/TLS/RTP/SAVPF " + " ".join(str(f) for f in formats),
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
    ]
    if index == 0:
        text += [f"a=candidate:{candidate}" for candidate in local.candidates]
        text.append("a=end-of-candidates")
    text += [
        f"a=ice-ufrag:{local.username}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:{local.fingerprint.algorithm} {local.fingerprint.value}",
        f"a=setup:{setup}",
        f"a=mid:{line.mid}",
    ]
    text += [f"a=extmap:{id_} {uri}" for uri, id_ in line.extensions.items()]
    text += ["a=recvonly" if voice is None else "a=sendonly", "a=rtcp-mux"]
    if line.reduced_size:
        text.append("a=rtcp-rsize")
    codec = "opus/48000/2" if line.kind == "audio" else "VP8/90000"
    text.append(f"a=rtpmap:{line.payload_type} {codec}")
    if line.kind == "video":
        allowed = ("goog-remb", "nack", "nack pli")
        text += [f"a=rtcp-fb:{line.payload_type} {f}" for f in allowed if f in line.feedback]
    if line.parameters:
        text.append(f"a=fmtp:{line.payload_type} {line.parameters}")
    if line.rtx is not None:
        text += [f"a=rtpmap:{line.rtx} rtx/90000", f"a=fmtp:{line.rtx} apt={line.payload_type}"]
    if voice is not None:
        # The same stream id on a slot's sound and picture lets the browser keep them in step.
        slot = index // 2 - 1
        text.append(f"a=msid:slot{slot} slot{slot}-{line.kind}")
        ssrcs = [voice.ssrc]
        if voice.rtx_ssrc is not None and line.rtx is not None:
            ssrcs.append(voice.rtx_ssrc)
            text.append(f"a=ssrc-group:FID {voice.ssrc} {voice.rtx_ssrc}")
        text += [f"a=ssrc:{ssrc} cname:slot{slot}" for ssrc in ssrcs]
    return text
