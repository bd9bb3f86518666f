"""The electronic seal: PAdES B-LTA over the finished PDF/A, with the round seal as its appearance.

The signature, the validation data and a document time stamp are added behind the file's own bytes; the
whole is certified (DocMDP: no change allowed). It stays PDF 1.7, because PDF/A-2 ends there.
"""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import pikepdf
from pyhanko.pdf_utils import layout
from pyhanko.pdf_utils.content import PdfContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_signer import (
    DSSContentSettings,
    SigDSSPlacementPreference,
    TimestampDSSContentSettings,
)
from pyhanko.sign.timestamps import DummyTimeStamper, HTTPTimeStamper, TimeStamper, TimestampRequestError
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from villagecall.errors import Unavailable
from villagecall.issuing import seal_keys
from villagecall.issuing.render import Facts, render_seal
from villagecall.issuing.seal_keys import SealError, SealKeys
from villagecall.settings import Settings

PURPOSE: Final = "审批专用章"
FIELD: Final = "Seal"
STAMP_FIELD: Final = "SealTime"
_TSA_TIMEOUT_S: Final = 5

# The validation data goes in before the last time stamp, so that this covers every byte of the file.
_DSS: Final = DSSContentSettings(
    include_vri=False,
    placement=SigDSSPlacementPreference.TOGETHER_WITH_NEXT_TS,
    next_ts_settings=TimestampDSSContentSettings(update_before_ts=True, include_vri=False),
)

# pyHanko warns at every seal that revocation data is not fetched: here it is brought along.
logging.getLogger("pyhanko.sign.signers.pdf_signer").setLevel(logging.ERROR)


class _Writer(IncrementalPdfFileWriter):
    """PAdES with elliptic curves makes pyHanko declare PDF 2.0 and its extensions, which PDF/A-2 forbids;
    the signature itself is the same in 1.7."""

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        return None

    def register_extension(self, ext: Any) -> None:
        return None


class _SealPage(PdfContent):
    """The seal's page out of memory, as a form of the signature's appearance."""

    def __init__(self, pdf: bytes) -> None:
        self._pdf = pdf
        super().__init__()

    def render(self) -> bytes:
        form = self._ensure_writer.import_page_as_xobject(PdfFileReader(io.BytesIO(self._pdf)))
        name = f"/Seal{uuid.uuid4().hex[:8]}"
        self.resources.xobject[name] = form
        left, low, right, top = form.get_object()["/BBox"]
        self.box = layout.BoxConstraints(width=abs(right - left), height=abs(top - low))
        return name.encode() + b" Do"


@lru_cache(maxsize=256)
def _appearance(unit: str, purpose: str) -> bytes:
    return render_seal(unit, purpose)


def _facts(pdf: bytes) -> Facts | None:
    with pikepdf.open(io.BytesIO(pdf)) as doc:
        return Facts.read(str(doc.docinfo.get("/Keywords", "")))


class PyHankoSigner:
    """Seals with one key; which unit uses it stands in the seal's picture and in the journal.

    Implements :class:`villagecall.ports.Signer`. Work is done in a thread: about 100 ms of it.
    """

    def __init__(self, keys: SealKeys, stamper: TimeStamper, *, fetch: bool = False, purpose: str = PURPOSE) -> None:
        self._keys, self._stamper, self._fetch, self._purpose = keys, stamper, fetch, purpose
        registry = SimpleCertificateStore()
        registry.register_multiple(keys.others)
        self._signer = SimpleSigner(
            signing_cert=keys.seal.certificate,
            signing_key=keys.seal.key,
            cert_registry=registry,
            embed_roots=False,
        )
        self._lock = threading.Lock()  # dummies of pyHanko's size estimates are cached in the stamper

    @property
    def serial(self) -> str:
        """Serial number of the seal's certificate (hex), for the log of its uses."""
        return f"{self._keys.seal.certificate.serial_number:x}"

    @property
    def subject(self) -> str:
        return str(self._keys.seal.certificate.subject.human_friendly)

    def roots(self) -> Sequence[bytes]:
        """DER certificates that a verifier trusts."""
        return [root.dump() for root in self._keys.roots]

    async def seal(self, pdf: bytes, *, unit: str, reason: str, at: datetime) -> bytes:
        """The sealed PDF. ``unit`` is the name in the seal, ``reason`` stands in the signature.

        ``at`` is the time the case says; the proven time is the time stamp's. Raises
        :class:`~villagecall.errors.Unavailable` when the time stamping authority does not answer.
        """
        try:
            return await asyncio.to_thread(self._seal, pdf, unit, reason)
        except (TimestampRequestError, OSError) as error:
            raise Unavailable(part="tsa") from error
        except (SigningError, PathError, ValidationError) as error:
            raise SealError(f"the seal cannot be used: {error}") from error

    def _context(self) -> ValidationContext:
        return ValidationContext(
            trust_roots=list(self._keys.roots),
            other_certs=[*self._keys.others, *([self._keys.tsa.certificate] if self._keys.tsa else [])],
            crls=list(self._keys.crls),
            allow_fetching=self._fetch,
            revocation_mode="soft-fail" if self._fetch else "hard-fail",
        )

    def _seal(self, pdf: bytes, unit: str, reason: str) -> bytes:
        facts = _facts(pdf)
        writer = _Writer(io.BytesIO(pdf))
        box = facts.seal if facts else None
        fields.append_signature_field(writer, fields.SigFieldSpec(FIELD, on_page=0, box=box))
        style = StaticStampStyle(
            background=_SealPage(_appearance(unit, self._purpose)), border_width=0, background_opacity=1
        )
        meta = PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm="sha256",
            reason=reason,
            name=unit,
            certify=True,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES,
            subfilter=fields.SigSeedSubFilter.PADES,
            embed_validation_info=True,
            use_pades_lta=True,
            timestamp_field_name=STAMP_FIELD,
            validation_context=self._context(),
            dss_settings=_DSS,
        )
        signer = PdfSigner(meta, self._signer, timestamper=self._stamper, stamp_style=style if box else None)
        out = io.BytesIO()
        with self._lock:
            signer.sign_pdf(writer, output=out)
        return out.getvalue()


def demonstration_stamper(keys: SealKeys) -> DummyTimeStamper:
    """A time stamping authority in this process, for demonstrations."""
    if keys.tsa is None:
        raise SealError("these keys have no time stamping certificate")
    return DummyTimeStamper(keys.tsa.certificate, keys.tsa.key)


def open_signer(settings: Settings) -> PyHankoSigner:
    """The signer that the settings ask for. Raises :class:`SealError` when production lacks its keys."""
    if settings.seal_pkcs12 is not None:
        keys = seal_keys.from_pkcs12(settings.seal_pkcs12, settings.seal_password)
        if not settings.tsa_url:
            raise SealError("seal_pkcs12 needs tsa_url: a seal without a proven time is worth little")
        return PyHankoSigner(keys, HTTPTimeStamper(settings.tsa_url, timeout=_TSA_TIMEOUT_S), fetch=True)
    if not settings.demo:
        raise SealError("seal_pkcs12 is not set; only a demonstration makes its own seal")
    keys = seal_keys.demonstration(settings.data / "seal")
    if settings.tsa_url:
        return PyHankoSigner(keys, HTTPTimeStamper(settings.tsa_url, timeout=_TSA_TIMEOUT_S))
    return PyHankoSigner(keys, demonstration_stamper(keys))
