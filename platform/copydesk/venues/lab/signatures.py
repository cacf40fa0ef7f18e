"""Keys whose owner shares a public half alone: what kind it is, and whether a signature is theirs.

The lab checks with code of its own; nothing of the adapters' signing is used here.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from copydesk.kernel import InvalidInput

ED25519, RSA = "ed25519", "rsa"
_RSA_BITS_MIN = 2048

Check = Callable[[bytes, bytes], None]


def kind_of(public_pem: str) -> str:
    """Name the kind of a public key; raises `InvalidInput` for a text that is none, or of a kind nobody takes."""
    return _read(public_pem)[0]


class PairVerifier:
    """Check base64 signatures of one public key."""

    __slots__ = ("_check",)

    def __init__(self, public_pem: str) -> None:
        self._check = _read(public_pem)[1]

    def holds(self, payload: bytes, signature: str) -> bool:
        """Tell whether the holder of the private half signed exactly these bytes."""
        try:
            self._check(b64decode(signature, validate=True), payload)
        except (InvalidSignature, ValueError):
            return False
        return True


def _read(public_pem: str) -> tuple[str, Check]:
    try:
        key = load_pem_public_key(public_pem.encode())
    except ValueError:
        raise InvalidInput("public_key: expected a public key as PEM text, found something else") from None
    if isinstance(key, Ed25519PublicKey):
        return ED25519, key.verify
    if isinstance(key, RSAPublicKey) and key.key_size >= _RSA_BITS_MIN:
        return RSA, lambda signature, payload: key.verify(signature, payload, PKCS1v15(), SHA256())
    raise InvalidInput(f"public_key: expected an Ed25519 key, or an RSA key of at least {_RSA_BITS_MIN} bits")
