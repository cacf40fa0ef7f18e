"""Key pairs that we make for an exchange: the owner pastes the public half there, and the private half never travels.

Binance takes Ed25519 keys, Bybit and Bitget RSA keys, OKX neither. A stolen answer of the exchange's page then holds
nothing that signs. Sources: binance-spot-api-docs, faqs/api_key_types.md; Bybit v5 API, Integration Guidance; Bitget
API guide, Signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from copydesk.trading import KeyKind

_RSA_BITS = 2048  # What the exchanges' own tools make; 4096 signs seven times slower.
_RSA_EXPONENT = 65537

# The kind of key pair that an exchange takes; one that is not listed shares a secret (HMAC) and nothing else.
KIND_OF: Mapping[str, KeyKind] = MappingProxyType(
    {"binance": KeyKind.ED25519, "bybit": KeyKind.RSA, "bitget": KeyKind.RSA}
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A fresh pair: PEM texts, the private one (PKCS #8) a secret from the first moment on."""

    kind: KeyKind
    private_pem: str = field(repr=False)
    public_pem: str


def generate(venue: str) -> KeyPair | None:
    """Make a key pair in the form that an exchange takes, None where it takes none. RSA takes a tenth of a second."""
    kind = KIND_OF.get(venue)
    return None if kind is None else _generated(kind)


def _generated(kind: KeyKind) -> KeyPair:
    """Import what makes keys only here: roles that never make one start without it."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    made = Ed25519PrivateKey.generate() if kind is KeyKind.ED25519 else generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    private = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    public = made.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(kind, private.decode("ascii"), public.decode("ascii"))
