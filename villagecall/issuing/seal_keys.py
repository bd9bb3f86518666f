"""Keys and certificates of the approval seal: a demonstration CA made once, or a PKCS#12 of the county.

The demonstration CA lies in ``<data>/seal``, readable by its owner only: a root, the seal's certificate
(EC P-256), a time stamping certificate, and a revocation list. It proves nothing to anybody outside.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from asn1crypto import crl as asn1_crl
from asn1crypto import keys, pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from villagecall.errors import VillagecallError

_SINCE: Final = datetime(2024, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2054, 1, 1, tzinfo=UTC)
_DEMO: Final = "村能办演示(DEMO ONLY)"

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class SealError(VillagecallError):
    """The seal's keys cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its private key."""

    certificate: asn1_x509.Certificate
    key: keys.PrivateKeyInfo


@dataclass(frozen=True, slots=True)
class SealKeys:
    """What sealing needs. ``tsa`` and ``crl`` are the demonstration's; a county brings a TSA by address."""

    seal: Pair
    roots: tuple[asn1_x509.Certificate, ...]
    others: tuple[asn1_x509.Certificate, ...] = ()
    crls: tuple[asn1_crl.CertificateList, ...] = ()
    tsa: Pair | None = None


# ---------------------------------------------------------------- demonstration


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _DEMO),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(*, sign: bool, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=sign,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _certificate(subject: str, key: _Key, issuer: str, signer: ec.EllipticCurvePrivateKey, use: str) -> bytes:
    public = key.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_SINCE)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=use == "ca", path_length=None), critical=True)
        .add_extension(_usage(sign=use != "ca", ca=use == "ca"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if use == "tsa":
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _private(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _make(folder: Path) -> None:
    root, seal = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    stamp = rsa.generate_private_key(65537, 2048)
    revoked = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_name("根证书"))
        .last_update(_SINCE)
        .next_update(_UNTIL - timedelta(days=1))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), critical=False)
        .sign(root, hashes.SHA256())
    )
    files = {
        "root.pem": _certificate("根证书", root, "根证书", root, "ca"),
        "root.key": _private(root),
        "seal.pem": _certificate("行政审批专用章", seal, "根证书", root, "seal"),
        "seal.key": _private(seal),
        "tsa.pem": _certificate("时间戳", stamp, "根证书", root, "tsa"),
        "tsa.key": _private(stamp),
        "crl.der": revoked.public_bytes(serialization.Encoding.DER),
    }
    for name, data in files.items():
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())


def demonstration(folder: Path) -> SealKeys:
    """The keys in ``folder``, made there once. Two processes that start together agree on one set."""
    if not (folder / "seal.pem").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".seal-", dir=folder.parent))  # 0700
        try:
            _make(fresh)
            fresh.rename(folder)  # fails when somebody else's set is there already: theirs is used
        except OSError:
            if not (folder / "seal.pem").exists():
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return SealKeys(
        seal=_pair(folder, "seal"),
        tsa=_pair(folder, "tsa"),
        roots=(_load(folder / "root.pem"),),
        crls=(asn1_crl.CertificateList.load((folder / "crl.der").read_bytes()),),
    )


def _load(path: Path) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(pem.unarmor(path.read_bytes())[2])


def _pair(folder: Path, name: str) -> Pair:
    key = keys.PrivateKeyInfo.load(pem.unarmor((folder / f"{name}.key").read_bytes())[2])
    return Pair(_load(folder / f"{name}.pem"), key)


# ---------------------------------------------------------------- the county's own


def from_pkcs12(path: Path, password: str) -> SealKeys:
    """A PKCS#12 with the seal's key, its certificate, and the chain: self-signed ones in it are the roots
    (that of the time stamping authority too, when it is another)."""
    try:
        key, certificate, chain = pkcs12.load_key_and_certificates(path.read_bytes(), password.encode() or None)
    except (OSError, ValueError) as error:
        raise SealError(f"the seal's PKCS#12 {path.name} does not open: {error}") from error
    if key is None or certificate is None:
        raise SealError(f"the seal's PKCS#12 {path.name} holds no key with a certificate")
    info = keys.PrivateKeyInfo.load(
        key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    loaded = [_from_pyca(other) for other in chain]
    roots = tuple(other for other in loaded if other.subject == other.issuer)
    if not roots:
        raise SealError(f"the seal's PKCS#12 {path.name} lacks the root certificate")
    others = tuple(other for other in loaded if other.subject != other.issuer)
    return SealKeys(seal=Pair(_from_pyca(certificate), info), roots=roots, others=others)


def _from_pyca(certificate: x509.Certificate) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
