"""The seal as others see it: Debian's ``pdfsig``, the PDF/A validator, and our own verifier on every byte."""

from __future__ import annotations

import asyncio
import io
import random
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import pikepdf
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_pem_x509_certificate
from pikepdf import pdfa

from tests.issuing.samples import CARD, FILING, NOTICE
from tests.real.process import program
from tests.support.press import demo_keys, demo_signer
from villagecall.errors import Unavailable
from villagecall.issuing import seal_keys
from villagecall.issuing.render import render
from villagecall.issuing.seal import PyHankoSigner, demonstration_stamper, open_signer
from villagecall.issuing.seal_keys import SealError
from villagecall.issuing.sheet import Sheet
from villagecall.issuing.verify import verify
from villagecall.settings import Settings

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@lru_cache
def sealed(sheet: Sheet = CARD) -> bytes:
    return asyncio.run(demo_signer().seal(render(sheet), unit=sheet.unit, reason="准予", at=NOW))


ROOTS = tuple(root.dump() for root in demo_keys().roots)


def test_pdfsig_calls_it_valid(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pdf"
    file.write_bytes(sealed())
    said = subprocess.run([program("pdfsig"), "-nocert", str(file)], capture_output=True, text=True).stdout
    assert "Signature Validation: Signature is Valid." in said
    assert "ETSI.CAdES.detached" in said
    assert "Total document signed" in said.split("Signature #2")[1]


def test_it_stays_pdf_1_7_and_nothing_in_it_breaks_pdf_a() -> None:
    """The validator knows no forms, so it cannot say *pass* of a sealed file; it finds nothing else."""
    with pikepdf.open(io.BytesIO(sealed())) as doc:
        assert doc.pdf_version == "1.7"
        assert "/Version" not in doc.Root
        report = pdfa.check(doc, "2b")
    assert {finding.kind for finding in report.findings} == {"unsupported"}
    assert {finding.rule for finding in report.findings} == {"pikepdf:schema-Catalog"}


def test_the_bytes_of_the_certificate_are_kept_in_front() -> None:
    plain = render(CARD)
    assert sealed()[: len(plain)] == plain


def test_the_sealed_file_is_small() -> None:
    assert len(sealed()) <= 150 * 1024


def test_the_verdict_names_the_certificate() -> None:
    verdict = verify(sealed(), ROOTS)
    assert verdict.valid, verdict.faults
    assert (verdict.number, verdict.code, verdict.title, verdict.unit) == (
        CARD.number,
        CARD.code,
        CARD.title,
        CARD.unit,
    )
    assert "行政审批专用章" in verdict.signer
    assert verdict.serial == demo_signer().serial
    assert datetime.fromisoformat(verdict.sealed).tzinfo is not None


def test_a_foreign_root_is_not_trusted(tmp_path: Path) -> None:
    other = seal_keys.demonstration(tmp_path / "seal")
    verdict = verify(sealed(), [root.dump() for root in other.roots])
    assert verdict.faults[0][0] == "not_trusted"


def flipped(data: bytes, at: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


def test_every_flipped_bit_is_found() -> None:
    """Places all over the file, and half of them in the last time stamp, which nothing else covers."""
    data, rnd = sealed(NOTICE), random.Random(7)
    gap = data.rindex(b"/Contents <") + len(b"/Contents <")
    places = [rnd.randrange(len(data)) for _ in range(60)] + [gap + rnd.randrange(3300) for _ in range(60)]
    places += [gap + 4000, len(data) - 1, 0, 8]
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda at: verify(flipped(data, at, rnd.randrange(8)), ROOTS), places))
    assert not [at for at, verdict in zip(places, verdicts, strict=True) if verdict.valid]


def test_the_case_of_a_letter_in_the_stamps_issuer_is_found() -> None:
    """Names of issuers are compared without regard to case; a changed byte is a changed byte."""
    data = sealed(NOTICE)
    country = b"CN".hex().upper().encode()
    places = [at for at in range(data.rindex(b"/Contents <"), len(data)) if data.startswith(b"1302" + country, at)]
    assert places
    for at in places:
        changed = data[: at + 4] + b"63" + data[at + 6 :]
        assert not verify(changed, ROOTS).valid


@pytest.mark.parametrize("more", [b"\n", b"%%EOF\n", b"x"])
def test_anything_added_behind_is_found(more: bytes) -> None:
    assert not verify(sealed() + more, ROOTS).valid


def test_a_page_added_in_a_new_revision_is_found() -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(sealed())) as doc:
        doc.add_blank_page()
        doc.save(out)
    assert not verify(out.getvalue(), ROOTS).valid


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "unreadable"), (b"not a pdf", "unreadable"), (render(CARD), "not_sealed")],
    ids=["empty", "text", "unsealed"],
)
def test_what_is_no_sealed_certificate(data: bytes, code: str) -> None:
    assert [found for found, _ in verify(data, ROOTS).faults] == [code]


def test_a_sealed_file_that_is_no_certificate_is_refused() -> None:
    with pikepdf.new() as doc:
        doc.add_blank_page()
        out = io.BytesIO()
        doc.save(out)
    made = asyncio.run(demo_signer().seal(out.getvalue(), unit="某单位", reason="x", at=NOW))
    assert verify(made, ROOTS).faults[0][0] == "no_facts"


def test_metadata_of_another_certificate_is_refused() -> None:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(render(CARD))) as doc:
        doc.docinfo["/Keywords"] = str(doc.docinfo["/Keywords"]).replace("0007号", "0008号")
        doc.save(out)
    made = asyncio.run(demo_signer().seal(out.getvalue(), unit=CARD.unit, reason="x", at=NOW))
    assert verify(made, ROOTS).faults[0][0] == "contents_differ"


# ---------------------------------------------------------------- keys


def test_keys_are_made_once_and_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "seal"
    first = seal_keys.demonstration(folder)
    again = seal_keys.demonstration(folder)
    assert first.seal.certificate.dump() == again.seal.certificate.dump()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert not list(folder.parent.glob(".seal-*"))


def test_two_processes_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: seal_keys.demonstration(tmp_path / "seal"), range(4)))
    assert len({keys.seal.certificate.dump() for keys in made}) == 1


def test_production_takes_the_countys_pkcs12(tmp_path: Path) -> None:
    seal_keys.demonstration(tmp_path / "seal")
    key = serialization.load_pem_private_key((tmp_path / "seal/seal.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate, root = (
        load_pem_x509_certificate((tmp_path / "seal" / name).read_bytes()) for name in ("seal.pem", "root.pem")
    )
    file = tmp_path / "seal.p12"
    secret = serialization.BestAvailableEncryption(b"pw")
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"seal", key, certificate, [root], secret))
    keys = seal_keys.from_pkcs12(file, "pw")
    assert keys.seal.certificate.serial_number == certificate.serial_number
    assert len(keys.roots) == 1

    signer = open_signer(Settings(seal_pkcs12=file, seal_password="pw", tsa_url="http://127.0.0.1:9/"))
    assert signer.serial == f"{certificate.serial_number:x}"
    with pytest.raises(SealError, match="does not open"):
        seal_keys.from_pkcs12(file, "wrong")
    with pytest.raises(SealError, match="tsa_url"):
        open_signer(Settings(seal_pkcs12=file, seal_password="pw"))


def test_only_a_demonstration_makes_its_own_seal(tmp_path: Path) -> None:
    with pytest.raises(SealError, match="demonstration"):
        open_signer(Settings(data=tmp_path))
    assert open_signer(Settings(data=tmp_path, demo=True)).roots()


async def test_a_silent_time_stamping_authority_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, demo=True, tsa_url="http://127.0.0.1:9/")
    with pytest.raises(Unavailable):
        await open_signer(settings).seal(render(FILING), unit=FILING.unit, reason="x", at=NOW)


async def test_many_seals_at_once_are_all_valid() -> None:
    signer = PyHankoSigner(demo_keys(), demonstration_stamper(demo_keys()))
    plain = render(FILING)
    made = await asyncio.gather(*(signer.seal(plain, unit=FILING.unit, reason="x", at=NOW) for _ in range(5)))
    assert len(set(made)) == 5
    assert all([(await asyncio.to_thread(verify, each, ROOTS)).valid for each in made])
