"""Keys with a public half at the lab: unmodified ccxt signs with the private one, and whoever else signs is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ccxt
import pytest
from copydesk.venues.lab import ccxt_urls
from copydesk.venues.lab.keys import READ, TRADE, KeyRing, KeyTexts
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from lab_process import LabProcess

MAKERS = {
    "ed25519": Ed25519PrivateKey.generate,
    "rsa": lambda: generate_rsa(65537, 2048),
    "short": lambda: generate_rsa(65537, 1024),
    "ec": lambda: generate_ec(SECP256R1()),
}


@pytest.fixture(scope="module")
def pairs() -> dict[str, tuple[str, str]]:
    """Make one pair of each kind: private and public PEM texts."""
    return {kind: texts(make()) for kind, make in MAKERS.items()}


def texts(key: Any) -> tuple[str, str]:
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def client_of(lab: LabProcess, venue: str, api_key: str, secret: str) -> Any:
    urls = ccxt_urls(venue, f"http://127.0.0.1:{lab.rest_port}", "ws://127.0.0.1:1")
    return getattr(ccxt, venue)({"urls": urls, "enableRateLimit": False, "apiKey": api_key, "secret": secret})


@pytest.mark.parametrize(("venue", "kind"), [("binance", "ed25519"), ("bybit", "rsa")])
def test_another_client_signs_with_the_private_half(
    lab: LabProcess, pairs: dict[str, tuple[str, str]], venue: str, kind: str
) -> None:
    account = f"pair-{venue}-{kind}"
    lab.control("POST", "accounts", account=account, venue=venue, balances={"USDT": "1000"})
    private, public = pairs[kind]
    made = lab.control("POST", "keys", account=account, permissions=["read", "trade"], public_key=public)
    assert made["secret"] == ""
    client = client_of(lab, venue, made["apiKey"], private)
    try:
        assert client.fetch_balance()["USDT"]["free"] == 1000
        placed = client.create_order("BTC/USDT", "limit", "buy", 0.001, 50_000)
        assert client.cancel_order(placed["id"], "BTC/USDT")["id"] == placed["id"]
        client.secret = "a shared secret"
        with pytest.raises(ccxt.AuthenticationError):
            client.fetch_balance()
    finally:
        client.session.close()


@pytest.mark.parametrize(
    ("venue", "kind", "said"),
    [
        ("okx", "rsa", "public_key: okx takes no key pairs, found rsa"),
        ("bybit", "ed25519", "public_key: bybit takes rsa, found ed25519"),
        ("bitget", "ed25519", "public_key: bitget takes rsa, found ed25519"),
        ("binance", "short", "expected an Ed25519 key, or an RSA key of at least 2048 bits"),
        ("binance", "ec", "expected an Ed25519 key, or an RSA key of at least 2048 bits"),
        ("binance", "none", "public_key: expected a public key as PEM text, found something else"),
    ],
)
def test_a_key_of_a_kind_that_the_exchange_does_not_take_is_refused(
    lab: LabProcess, pairs: dict[str, tuple[str, str]], venue: str, kind: str, said: str
) -> None:
    account = f"no-{venue}-{kind}"
    lab.control("POST", "accounts", account=account, venue=venue, balances={})
    public = pairs[kind][1] if kind in pairs else "-----BEGIN"
    with pytest.raises(AssertionError, match=said):
        lab.control("POST", "keys", account=account, public_key=public)


def test_a_changed_key_keeps_its_public_half_and_a_restart_knows_it(
    tmp_path: Path, pairs: dict[str, tuple[str, str]]
) -> None:
    private, public = pairs["ed25519"]
    ring = KeyRing(tmp_path / "keys")
    made = ring.issue(KeyTexts("k", "unused", public_key=public), "kept", [READ, TRADE], [], 1)
    assert made.secret == ""
    ring.change("k", [READ], [])
    again = KeyRing(tmp_path / "keys").get("k")
    assert again is not None and again.permissions == {READ}
    signature = ccxt.Exchange.eddsa(b"payload", private, "ed25519")
    assert again.signs_hex(b"payload", signature) and again.signs_base64(b"payload", signature)
    for payload, text in ((b"another", signature), (b"payload", signature[::-1]), (b"payload", ""), (b"payload", "é")):
        assert not again.signs_hex(payload, text)
