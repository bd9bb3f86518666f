"""The one offer and the one answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from aiortc.rtcdtlstransport import RTCDtlsFingerprint
from aiortc.sdp import SessionDescription

from villagecall.signaling.rtp import ABS_SEND_TIME
from villagecall.signaling.sdp import Local, OfferRefused, Voice, build_answer, parse_offer

LOCAL = Local("user", "p" * 22, RTCDtlsFingerprint("sha-256", "AA:BB"), ("1 1 udp 99 192.0.2.9 5000 typ host",))
VOICES = [(Voice(100 + n, None), Voice(200 + n, 300 + n)) for n in range(3)]


def media(kind: str, mid: int) -> str:
    """An m-line as Chromium writes it, with codecs the node does not want before and behind."""
    codecs = {
        "audio": "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n"
        "a=fmtp:63 111/111\r\na=rtpmap:0 PCMU/8000\r\n",
        "video": "a=rtpmap:45 AV1/90000\r\na=rtpmap:46 rtx/90000\r\na=fmtp:46 apt=45\r\na=rtpmap:96 VP8/90000\r\n"
        "a=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 nack\r\n"
        "a=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtcp-rsize\r\n"
        f"a=extmap:2 {ABS_SEND_TIME}\r\na=extmap:13 urn:3gpp:video-orientation\r\n",
    }[kind]
    formats = {"audio": "111 63 0", "video": "45 46 96 97"}[kind]
    own = mid < 2
    return (
        f"m={kind} 9 UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
        f"a=candidate:1 1 udp 2113937151 0f0e-1.local 5{mid} typ host generation 0\r\n"
        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-options:trickle\r\n"
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + f"\r\na=setup:actpass\r\na=mid:{mid}\r\n"
        f"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na={'sendonly' if own else 'recvonly'}\r\na=rtcp-mux\r\n"
        + codecs
        + (f"a=ssrc-group:FID {mid}1 {mid}2\r\na=ssrc:{mid}1 cname:x\r\na=ssrc:{mid}2 cname:x\r\n" if own else "")
    )


def an_offer(mids: int = 8) -> str:
    kinds = ["audio", "video"] * 4
    return (
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        f"a=group:BUNDLE {' '.join(str(n) for n in range(mids))}\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS x\r\n"
        + "".join(media(kinds[n], n) for n in range(mids))
    )


def test_an_offer_is_understood() -> None:
    offer = parse_offer(an_offer())
    assert (offer.audio.payload_type, offer.audio.rtx) == (111, None)
    assert (offer.video.payload_type, offer.video.rtx, offer.video.ssrc, offer.video.rtx_ssrc) == (96, 97, 11, 12)
    assert offer.video.extensions == {ABS_SEND_TIME: 2}
    assert [(a.mid, v.mid) for a, v in offer.slots] == [("2", "3"), ("4", "5"), ("6", "7")]
    assert (offer.username, offer.dtls_role) == ("EsAw", "server")
    assert offer.candidates[0].ip == "0f0e-1.local"


def test_the_answer_takes_what_the_protocol_says_and_nothing_else() -> None:
    answer = build_answer(parse_offer(an_offer()), LOCAL, VOICES, 5)
    read = SessionDescription.parse(answer)
    assert [m.kind for m in read.media] == ["audio", "video"] * 4
    assert [m.direction for m in read.media] == ["recvonly"] * 2 + ["sendonly"] * 6
    assert read.group[0].items == [str(n) for n in range(8)]
    assert all(m.rtcp_mux and m.dtls is not None and m.dtls.role == "server" for m in read.media)
    assert {c.mimeType for m in read.media for c in m.rtp.codecs} == {"audio/opus", "video/VP8", "video/rtx"}
    assert [m.ssrc[0].ssrc for m in read.media[2:]] == [100, 200, 101, 201, 102, 202]
    assert read.media[3].ssrc_group[0].items == [200, 300]
    assert read.media[0].ice_candidates[0].ip == "192.0.2.9"
    assert "transport-cc" not in answer
    assert "video-orientation" not in answer, "the browser turns the picture itself: the recording cannot"
    assert "sdes:mid" not in answer, "a source's mid would name a wrong line at the receiver"
    assert answer.count("a=rtcp-rsize") == 4


def test_sound_and_picture_of_a_slot_share_a_stream() -> None:
    answer = build_answer(parse_offer(an_offer()), LOCAL, VOICES, 5)
    assert re.findall(r"a=msid:(\S+) ", answer) == ["slot0", "slot0", "slot1", "slot1", "slot2", "slot2"]


@pytest.mark.parametrize(("setup", "role"), [("actpass", "passive"), ("active", "passive"), ("passive", "active")])
def test_the_browser_begins_the_handshake_unless_it_will_not(setup: str, role: str) -> None:
    offer = parse_offer(an_offer().replace("a=setup:actpass", f"a=setup:{setup}"))
    assert f"a=setup:{role}" in build_answer(offer, LOCAL, VOICES, 5)


def test_an_offer_without_retransmissions_is_answered_without() -> None:
    offer = parse_offer(an_offer().replace("a=fmtp:97 apt=96\r\n", ""))
    answer = build_answer(offer, LOCAL, VOICES, 5)
    assert "rtx" not in answer
    assert "FID" not in answer


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda s: s.replace("VP8/90000", "VP9/90000"), "VP8"),
        (lambda s: s.replace("opus/48000/2", "G722/8000"), "Opus"),
        (lambda s: s.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), "BUNDLE"),
        (lambda s: s.replace("a=rtcp-mux\r\n", "", 1), "rtcp-mux"),
        (lambda s: s.replace("a=sendonly", "a=recvonly"), "sendonly"),
        (lambda s: s.replace("a=recvonly", "a=sendonly"), "recvonly"),
        (lambda s: s.replace("a=mid:3", "a=mid:2"), "BUNDLE"),
        (lambda s: s.replace("sha-256", "sha-1"), "sha-256"),
        (lambda s: s.replace("a=ice-ufrag:EsAw\r\n", ""), "ICE"),
        (lambda s: an_offer(6), "m-lines"),
        (lambda s: s.replace("m=audio", "m=data", 1), "m-lines"),
        (lambda s: s.replace("m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=audio 9 UDP/TLS/RTP/SAVPF x"), "SDP"),
        (lambda s: "", "m-lines"),
        (lambda s: "m=\x00", "SDP"),
    ],
)
def test_an_offer_that_does_not_fit_is_refused_by_name(change: Callable[[str], str], why: str) -> None:
    with pytest.raises(OfferRefused) as refusal:
        parse_offer(change(an_offer()))
    assert why in str(refusal.value.details["why"])
    assert why in refusal.value.say(refusal.value.en)
