"""Signs requests with whatever kind of key an account has. Pure.

An HMAC is made by each exchange's own `signing`, which is the order path; here are the kinds with a private key.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from weakref import WeakKeyDictionary

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial, KeyKind

_Signer = Callable[[bytes], bytes]
# Reading a key costs more than signing with it; what was read goes when the opened key goes.
_signers: WeakKeyDictionary[Credentials, _Signer] = WeakKeyDictionary()


def key_pair_signature(credentials: Credentials, payload: str) -> str:
    """Return the signature of a payload in base64: Ed25519, or RSA with PKCS #1 v1.5 and SHA-256.

    Raises `VenueRefused` for a private key that cannot be read.
    """
    signer = _signers.get(credentials)
    if signer is None:
        signer = _signers[credentials] = _signer_of(credentials)
    return b64encode(signer(payload.encode())).decode("ascii")


def _signer_of(credentials: Credentials) -> _Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(credentials.secret.encode("ascii"), password=None)
    except (ValueError, TypeError):
        raise _unreadable(credentials.kind) from None  # What could not be read stays out of the message.
    if credentials.kind is KeyKind.ED25519 and isinstance(key, Ed25519PrivateKey):
        return key.sign
    if credentials.kind is KeyKind.RSA and isinstance(key, RSAPrivateKey):
        padding, digest = PKCS1v15(), SHA256()
        return lambda payload: key.sign(payload, padding, digest)
    raise _unreadable(credentials.kind)


def _unreadable(kind: KeyKind) -> VenueRefused:
    said = f"secret: expected a private key that signs with {kind.value}, as PEM text"
    return VenueRefused(said, code=Denial.KEY_SECRET_WRONG.value, venue_code="-")


def signers_held() -> int:
    """Return how many private keys are held ready: those of credentials that somebody still holds."""
    return len(_signers)
