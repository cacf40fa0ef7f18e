"""The sealed form: one format byte, the data key's version, a nonce, then AES-256-GCM ciphertext and tag.

    offset 0   1 byte    format version, 1
    offset 1   4 bytes   data key version, big-endian
    offset 5   12 bytes  nonce, random for every seal
    offset 17  n + 16    ciphertext and tag

Everything that places the value (format, tenant, account, field, key version) is authenticated, not stored.
Source: NIST SP 800-38D; with random 96-bit nonces one key may seal 2^32 values (section 8.3), far above a tenant's.
"""

from __future__ import annotations

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from copydesk.vault.model import SealBroken

KEY_BYTES = 32
FORMAT = 1
_HEADER = struct.Struct(">BI")
_NONCE_BYTES = 12
_TAG_BYTES = 16
_CIPHERTEXT_AT = _HEADER.size + _NONCE_BYTES
OVERHEAD_BYTES = _HEADER.size + _NONCE_BYTES + _TAG_BYTES


def aad(*parts: bytes | int) -> bytes:
    """Join parts so that no two different lists give the same bytes: each is prefixed by its length."""
    encoded = (part if isinstance(part, bytes) else part.to_bytes(8, "big", signed=True) for part in parts)
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


# As `aad` writes a header of ours before a context, in one step: this runs for every opened value.
_PLACED = struct.Struct(f">I{_HEADER.size}sI")


def _placed(header: bytes, context: bytes) -> bytes:
    return _PLACED.pack(_HEADER.size, header, len(context)) + context


def seal_bytes(cipher: AESGCM, plain: bytes, *, key_version: int, context: bytes) -> bytes:
    header = _HEADER.pack(FORMAT, key_version)
    nonce = os.urandom(_NONCE_BYTES)
    return header + nonce + cipher.encrypt(nonce, plain, _placed(header, context))


def open_bytes(cipher: AESGCM, sealed: bytes, *, context: bytes) -> bytes:
    """Return the plaintext; raise `SealBroken` when a single bit of value or context differs."""
    key_version(sealed)
    placed = _placed(sealed[: _HEADER.size], context)
    try:
        return cipher.decrypt(sealed[_HEADER.size : _CIPHERTEXT_AT], sealed[_CIPHERTEXT_AT:], placed)
    except InvalidTag:
        raise SealBroken("the sealed value does not open: it was changed, moved, or sealed by another key") from None


def key_version(sealed: bytes) -> int:
    """Read which data key sealed this; raise `SealBroken` when it is not one of ours."""
    if len(sealed) < OVERHEAD_BYTES:
        raise SealBroken(f"the sealed value is cut short: {len(sealed)} bytes, at least {OVERHEAD_BYTES} expected")
    form, version = _HEADER.unpack_from(sealed)
    if form != FORMAT:
        raise SealBroken(f"the sealed value has format {form}, this vault reads format {FORMAT}")
    return int(version)
