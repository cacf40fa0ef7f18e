"""The same promises over TLS: connections are kept, closed ones are noticed, strangers are not trusted."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from copydesk.kernel import Unavailable, utc_now
from copydesk.venues.client.http_pool import HttpPool
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from raw_exchange import ok, raw_exchange
from test_http_pool import ORDER, READ, Asked, ask


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for loopback, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(utc_now() - timedelta(days=1))
        .not_valid_after(utc_now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(text + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_warmed_tls_connection_serves_at_once_and_again_and_is_replaced_when_closed(certificate: Path) -> None:
    async def run() -> None:
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with raw_exchange(lambda _: ok(b"1"), server_context(certificate)) as exchange:
            pool = HttpPool(exchange.url, [READ, ORDER], ssl_context=trusting)
            assert await pool.warm(2) == 2
            for _ in range(3):
                assert (await ask(pool, Asked(ORDER, "x"))).body == b"1"
            await exchange.until(lambda: exchange.accepted == 2)
            exchange.hang_up_all()
            await exchange.until(lambda: pool.open_connections == 0)
            assert (await ask(pool, Asked(ORDER, "y"))).failure is None
            await pool.aclose()

    asyncio.run(run())


def test_an_exchange_with_a_strange_certificate_gets_nothing(certificate: Path) -> None:
    async def run() -> None:
        async with raw_exchange(lambda _: ok(b"1"), server_context(certificate)) as exchange:
            pool = HttpPool(exchange.url, [ORDER])
            call = await ask(pool, Asked(ORDER, "secret"))
            assert isinstance(call.failure, Unavailable)
            assert exchange.requests == []
            await pool.aclose()

    asyncio.run(run())
