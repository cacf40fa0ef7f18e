"""The lab's own certificate authority, and the certificate of every host name that the lab plays.

Both live in the data folder. The authority is made on the first start that wants TLS and kept: whoever trusts it
once goes on trusting it. It signs only what this module asks for, and its key never leaves the folder (mode 0600).
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_FILE = "ca.pem"
CA_KEY_FILE = "ca-key.pem"
SERVER_FILE = "server.pem"
CA_DAYS = 3650
# Clients refuse server certificates that last longer than 825 days (Apple, 2019) or, publicly, 398.
SERVER_DAYS = 397
RENEW_DAYS = 30
HOSTS = ("binance.com", "okx.com", "bybit.com", "bitget.com")
# What stands before .lab.test with an exchange's own prefix: ccxt reads error tables off these (see urls.py).
_LAB_LEVELS = ("lab.test", *(f"{host.partition('.')[0]}.lab.test" for host in HOSTS))
NAMES = ("localhost", *(name for host in (*HOSTS, *_LAB_LEVELS) for name in (host, f"*.{host}")))

_Key = ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Authority:
    """What a started lab uses: the authority's certificate file, and a context that serves every name."""

    ca_file: Path
    context: ssl.SSLContext


def open_authority(folder: Path) -> Authority:
    """Load the authority and a valid server certificate from a folder, making what is missing or runs out."""
    ca_file, server_file = folder / CA_FILE, folder / SERVER_FILE
    if not (ca_file.exists() and (folder / CA_KEY_FILE).exists()):
        _make_ca(folder)
        server_file.unlink(missing_ok=True)
    if not _lasts(server_file):
        _make_server(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    return Authority(ca_file.resolve(), context)


def _make_ca(folder: Path) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("Copydesk lab: simulated exchanges")
    signing = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / CA_KEY_FILE, _private(key))
    _write(folder / CA_FILE, _public(certificate))


def _make_server(folder: Path) -> None:
    ca_key = serialization.load_pem_private_key((folder / CA_KEY_FILE).read_bytes(), None)
    assert isinstance(ca_key, _Key), "the authority's key is of the kind that this module makes"
    ca = x509.load_pem_x509_certificate((folder / CA_FILE).read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*(x509.DNSName(name) for name in NAMES), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        _builder(_name("Copydesk lab"), ca.subject, key.public_key(), SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write(folder / SERVER_FILE, _private(key) + _public(certificate) + (folder / CA_FILE).read_bytes())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _lasts(path: Path) -> bool:
    """Tell whether a server certificate is there, names every host and does not run out soon."""
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    named = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    return left > timedelta(days=RENEW_DAYS) and set(NAMES) <= set(named.get_values_for_type(x509.DNSName))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _private(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, beside its place and then moved there."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    fresh.replace(path)
