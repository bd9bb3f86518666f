"""Is this PDF a certificate that was issued and sealed, with nothing changed since? Offline.

Two seals are looked at: the approval seal, and the time stamp behind it that covers every byte of the
file. A time stamp cannot cover itself, so its own bytes are held against the one way they can be written.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import pikepdf
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import SignatureValidationError, ValidationInfoReadingError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel

from villagecall.issuing import number as numbers
from villagecall.issuing.preview import words
from villagecall.issuing.render import Facts

# A changed file makes pyHanko log every way in which it is broken; the verdict says it once.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

_ALGORITHM: Final = "sha256"
_FILE, _REVISION = SignatureCoverageLevel.ENTIRE_FILE, SignatureCoverageLevel.ENTIRE_REVISION


@dataclass(frozen=True, slots=True)
class Verdict:
    """``valid``: nothing to find fault with. ``faults`` are codes with a sentence; ``sealed`` is the proven
    time of the seal (ISO 8601), ``signer`` the subject of its certificate."""

    valid: bool
    faults: tuple[tuple[str, str], ...] = ()
    number: str = ""
    code: str = ""
    title: str = ""
    unit: str = ""
    item: str = ""
    issued: str = ""
    sealed: str = ""
    signer: str = ""
    serial: str = ""

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "faults": [{"code": code, "zh": zh} for code, zh in self.faults]}


class _Fault(Exception):
    def __init__(self, code: str, zh: str) -> None:
        super().__init__(code)
        self.code, self.zh = code, zh


def verify(pdf: bytes, roots: Sequence[bytes]) -> Verdict:
    """Check a PDF against the roots (DER) that are trusted. Never raises for what stands in the file.

    Takes about 100 ms and is not for the event loop: call it in a thread.
    """
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        raise AssertionError("verify() blocks: call it in a thread")
    try:
        seal, stamp, reader = _open(pdf)
        about = _seal(reader, seal, stamp, pdf, roots)
        facts = _facts(pdf)
        _contents(facts, pdf)
    except _Fault as fault:
        return Verdict(False, ((fault.code, fault.zh),))
    except Exception:
        # A parser that stumbles over changed bytes does so in many ways; each is the same answer.
        return Verdict(False, (("unreadable", "文件已损坏或被改动，无法读取。"),))
    known = {name: getattr(facts, name) for name in ("number", "code", "title", "unit", "item", "issued")}
    return Verdict(True, (), **known, **about)


def _open(pdf: bytes) -> tuple[EmbeddedPdfSignature, EmbeddedPdfSignature, PdfFileReader]:
    try:
        reader = PdfFileReader(io.BytesIO(pdf), strict=True)
        found = list(reader.embedded_signatures)
    except (PdfError, ValueError, KeyError, IndexError, TypeError) as error:
        raise _Fault("unreadable", "文件已损坏或不是 PDF。") from error
    if not found:
        raise _Fault("not_sealed", "文件没有电子印章。")
    kinds = [str(signature.sig_object_type) for signature in found]
    if kinds != ["/Sig", "/DocTimeStamp"]:
        raise _Fault("other_seals", "文件的印章不是本系统所盖，或盖章之后又有添加。")
    return found[0], found[1], reader


def _seal(
    reader: PdfFileReader, seal: EmbeddedPdfSignature, stamp: EmbeddedPdfSignature, pdf: bytes, roots: Sequence[bytes]
) -> dict[str, str]:
    trusted = [asn1_x509.Certificate.load(root) for root in roots]
    settings = {"trust_roots": trusted, "allow_fetching": False, "revocation_mode": "soft-fail"}
    try:
        context = DocumentSecurityStore.read_dss(reader).as_validation_context(settings)
        usage = KeyUsageConstraints(key_usage={"non_repudiation"})
        sealed = validate_pdf_signature(
            seal, signer_validation_context=context, ts_validation_context=context, key_usage_settings=usage
        )
        stamped = validate_pdf_timestamp(stamp, validation_context=context)
    except (SignatureValidationError, ValidationInfoReadingError, ValueError, KeyError, TypeError) as error:
        raise _Fault("seal_broken", "印章数据已损坏或被改动。") from error
    if not (sealed.intact and sealed.valid and stamped.intact and stamped.valid):
        raise _Fault("changed", "盖章之后内容被改动过。")
    if stamped.coverage != _FILE or sealed.coverage not in (_FILE, _REVISION) or not sealed.bottom_line:
        if not (sealed.trusted and stamped.trusted):
            raise _Fault("not_trusted", "印章不是受信任的机构所盖。")
        raise _Fault("changed", "盖章之后内容被改动过。")
    if not (sealed.trusted and stamped.trusted):
        raise _Fault("not_trusted", "印章不是受信任的机构所盖。")
    path = stamped.validation_path
    _exact(stamp, pdf, {each.dump() for each in path.iter_certs(include_root=True)} if path else set())
    certificate = sealed.signing_cert
    return {
        "sealed": stamped.timestamp.isoformat(timespec="seconds"),
        "signer": str(certificate.subject.human_friendly),
        "serial": f"{certificate.serial_number:x}",
    }


def _exact(stamp: EmbeddedPdfSignature, pdf: bytes, path: set[bytes]) -> None:
    """The last time stamp's own bytes: capital hex digits of its DER, zeros up to the end, nothing else; and
    nothing in the DER but what RFC 3161 and RFC 5652 ask for, in canonical form."""
    start, length, resumed, _ = (int(edge) for edge in stamp.byte_range)
    gap = pdf[start + length : resumed]
    padded = gap[1:-1]
    held = bytes(stamp.pkcs7_content)
    plain = held[: _der_length(held)].hex().upper().encode()
    info = stamp.signed_data
    signers = info["signer_infos"]
    signer = signers[0]
    sid = signer["sid"].chosen
    bag = [each.chosen for each in info["certificates"]]
    kept = (
        gap[:1] == b"<",
        gap[-1:] == b">",
        padded[: len(plain)] == plain,
        not padded[len(plain) :].strip(b"0"),
        len(signers) == 1,
        info["version"].native == "v3",
        signer["version"].native == "v1",
        [str(each["algorithm"].native) for each in info["digest_algorithms"]] == [_ALGORITHM],
        signer["digest_algorithm"]["algorithm"].native == _ALGORITHM,
        signer["sid"].name == "issuer_and_serial_number",
        # Names are compared without regard to case elsewhere; here each byte counts.
        sid["issuer"].dump() in [each.issuer.dump() for each in bag],
        all(each.dump() in path for each in bag),
        signer["unsigned_attrs"].native in (None, []),
        info["crls"].native in (None, []),
        info.dump(force=True) == info.dump(),
    )
    if not all(kept):
        raise _Fault("changed", "时间戳被改动过。")


def _der_length(data: bytes) -> int:
    """Bytes of the first DER value in ``data``."""
    if data[1] < 0x80:
        return 2 + data[1]
    count = data[1] & 0x7F
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")


def _facts(pdf: bytes) -> Facts:
    with pikepdf.open(io.BytesIO(pdf)) as doc:
        facts = Facts.read(str(doc.docinfo.get("/Keywords", "")))
    if facts is None:
        raise _Fault("no_facts", "文件不是本系统签发的证照。")
    return facts


def _contents(facts: Facts, pdf: bytes) -> None:
    """What the machine reads and what a person reads must be the same certificate."""
    if numbers.parse(facts.number) is None or numbers.read_code(facts.code) != facts.code:
        raise _Fault("bad_number", "证照编号或查验码不成立。")
    shown = words(pdf)
    wanted = (facts.number, numbers.show_code(facts.code), facts.title, facts.unit)
    if not all("".join(word.split()) in shown for word in wanted):
        raise _Fault("contents_differ", "证照上印的内容与编号、查验码不一致。")
