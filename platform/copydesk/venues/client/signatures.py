"""Signs requests with whatever kind of key an account has. Pure but for the private keys that it holds ready.

An HMAC is made by each exchange's own `signing`, which is the order path; here are the kinds with a private key.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from weakref import ref

from copydesk.kernel import VenueRefused
from copydesk.trading import Credentials, Denial, KeyKind

_Signer = Callable[[bytes], bytes]
# By `id`, since equal credentials may be opened twice and go one after the other; each entry goes with its own.
_signers: dict[int, tuple[ref[Credentials], _Signer]] = {}


def get_ready_to_sign(credentials: Credentials) -> None:
    """Read a private key ahead of its first signature, once for each opened key; a shared secret needs nothing.

    Called where keys are opened, in a thread. Raises `VenueRefused` for a private key that cannot be read.
    """
    if credentials.kind is not KeyKind.HMAC:
        _signer(credentials)


def key_pair_signature(credentials: Credentials, payload: str) -> str:
    """Return the signature of a payload in base64: Ed25519, or RSA with PKCS #1 v1.5 and SHA-256.

    Raises `VenueRefused` for a private key that cannot be read.
    """
    return b64encode(_signer(credentials)(payload.encode())).decode("ascii")


def _signer(credentials: Credentials) -> _Signer:
    number = id(credentials)
    held = _signers.get(number)
    if held is not None and held[0]() is credentials:
        return held[1]
    signer = _read(credentials)
    _signers[number] = ref(credentials, lambda _: _signers.pop(number, None)), signer
    return signer


def _read(credentials: Credentials) -> _Signer:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    pem = credentials.secret.encode("ascii")
    try:
        # Proving that RSA's primes are prime takes 30 to 150 ms each time; we made them, and sealed them since.
        key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
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
