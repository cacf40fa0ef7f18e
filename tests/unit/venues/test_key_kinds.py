"""Keys that sign with a private half: what we make, how requests are signed, and what no exchange takes."""

from __future__ import annotations

import gc
import time
from base64 import b64decode
from dataclasses import replace
from urllib.parse import unquote

import ccxt
import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial, KeyKind
from copydesk.venues import EXCHANGES, KIND_OF, KeyPair, generate
from copydesk.venues.binance.signing import signature_of as binance_signature
from copydesk.venues.binance.signing import signed
from copydesk.venues.binance.wire import SpotWire
from copydesk.venues.bitget.signing import signature_of as bitget_signature
from copydesk.venues.bybit.signing import signature_of as bybit_signature
from copydesk.venues.bybit.wire import BybitWire
from copydesk.venues.client.signatures import get_ready_to_sign, key_pair_signature, signers_held
from copydesk.venues.client.wire import check_credentials
from copydesk.venues.okx.wire import OkxWire
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PAYLOAD = "symbol=BTCUSDT&side=BUY&timestamp=1"
TEXT = "1658384314791XXXX5000category=linear"


@pytest.fixture(scope="module")
def pairs() -> dict[str, KeyPair]:
    made = {venue: generate(venue) for venue in ("binance", "bybit")}
    return {venue: pair for venue, pair in made.items() if pair is not None}


def key_of(pair: KeyPair) -> Credentials:
    return Credentials(7, "k" * 64, pair.private_pem, kind=pair.kind)


def test_a_pair_is_made_for_every_exchange_that_takes_one() -> None:
    assert {venue: KIND_OF.get(venue) for venue in EXCHANGES} == {
        "binance": KeyKind.ED25519,
        "okx": None,
        "bybit": KeyKind.RSA,
        "bitget": KeyKind.RSA,
    }
    assert generate("okx") is None


def test_what_is_private_of_a_pair_is_never_shown(pairs: dict[str, KeyPair]) -> None:
    for pair in pairs.values():
        assert pair.private_pem.startswith("-----BEGIN PRIVATE KEY-----")
        assert pair.public_pem.startswith("-----BEGIN PUBLIC KEY-----")
        assert "PRIVATE" not in f"{pair!r} {pair} {key_of(pair)!r}"


def test_an_ed25519_signature_is_appended_escaped_and_holds(pairs: dict[str, KeyPair]) -> None:
    text, _, signature = signed(PAYLOAD, key_of(pairs["binance"])).rpartition("&signature=")
    public = load_pem_public_key(pairs["binance"].public_pem.encode())
    assert isinstance(public, Ed25519PublicKey)
    public.verify(b64decode(unquote(signature)), text.encode())
    assert text == PAYLOAD
    assert binance_signature(PAYLOAD, key_of(pairs["binance"])) == unquote(signature)


def test_signatures_are_those_of_another_client(pairs: dict[str, KeyPair]) -> None:
    edwards, rsa = key_of(pairs["binance"]), key_of(pairs["bybit"])
    assert key_pair_signature(edwards, TEXT) == ccxt.Exchange.eddsa(TEXT.encode(), edwards.secret, "ed25519")
    theirs = ccxt.Exchange.rsa(TEXT, rsa.secret, "sha256")
    assert bybit_signature(TEXT, rsa) == bitget_signature(TEXT, rsa) == binance_signature(TEXT, rsa) == theirs


def test_a_shared_secret_signs_as_before() -> None:
    key = Credentials(1, "k", "secret")
    assert signed(PAYLOAD, key).endswith(f"&signature={binance_signature(PAYLOAD, key)}")
    assert len(bybit_signature(TEXT, key)) == 64
    assert len(b64decode(bitget_signature(TEXT, key))) == 32


def test_a_key_is_read_once_and_forgotten_with_its_credentials(pairs: dict[str, KeyPair]) -> None:
    before = signers_held()
    key = key_of(pairs["binance"])
    for _ in range(3):
        key_pair_signature(key, TEXT)
    assert signers_held() == before + 1
    del key
    gc.collect()
    assert signers_held() == before


def test_a_key_that_was_opened_anew_is_ready_when_the_older_one_goes(pairs: dict[str, KeyPair]) -> None:
    before = signers_held()
    older, newer = key_of(pairs["bybit"]), key_of(pairs["bybit"])
    for key in (older, newer, newer):
        get_ready_to_sign(key)
    assert signers_held() == before + 2
    del older, key
    gc.collect()
    assert signers_held() == before + 1
    get_ready_to_sign(Credentials(1, "k", "a shared secret"))
    assert signers_held() == before + 1
    assert key_pair_signature(newer, TEXT)


def test_an_rsa_key_is_read_within_a_blink(pairs: dict[str, KeyPair]) -> None:
    """A hundred of them must not hold up a loop; proving their primes anew took 30 ms each and more."""

    def reading_s() -> float:
        key, began = key_of(pairs["bybit"]), time.perf_counter()
        get_ready_to_sign(key)
        return time.perf_counter() - began

    assert min(reading_s() for _ in range(5)) < 0.005


@pytest.mark.parametrize("secret", ("", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"))
def test_a_private_key_that_cannot_be_read_is_refused_without_being_told(secret: str) -> None:
    key = Credentials(1, "k", secret, kind=KeyKind.RSA)
    with pytest.raises(VenueRefused, match="expected a private key that signs with rsa") as refusal:
        check_credentials(key, BybitWire(""))
    assert refusal.value.code == Denial.KEY_SECRET_WRONG
    assert refusal.value.__cause__ is None
    assert not secret or secret not in str(refusal.value)


def test_a_private_key_of_another_kind_is_refused(pairs: dict[str, KeyPair]) -> None:
    with pytest.raises(VenueRefused, match="signs with rsa"):
        check_credentials(replace(key_of(pairs["binance"]), kind=KeyKind.RSA), SpotWire())


def test_a_kind_that_the_exchange_does_not_take_is_refused_by_name(pairs: dict[str, KeyPair]) -> None:
    with pytest.raises(VenueRefused, match="OKX takes no keys that sign with rsa"):
        check_credentials(replace(key_of(pairs["bybit"]), api_key="k"), OkxWire(""))
