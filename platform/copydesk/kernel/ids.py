"""Identifiers: random ones for new things, derived ones where a repeat must give the same id."""

from __future__ import annotations

import base64
import hashlib
import uuid

_DIGEST_CHARACTERS = 48


def new_id() -> uuid.UUID:
    """Return a fresh random id."""
    return uuid.uuid4()


def base32_digest(*parts: str, length: int) -> str:
    """Derive `length` characters of `[a-z2-7]` from the parts; equal parts give equal text.

    Parts are length-prefixed before hashing, so ("ab", "c") and ("a", "bc") differ. At most 48 characters.
    Source: SHA-256 (FIPS 180-4), base32 (RFC 4648).
    """
    assert length <= _DIGEST_CHARACTERS, "SHA-256 has no more"
    digest = hashlib.sha256("".join([f"{len(part)}:{part}" for part in parts]).encode()).digest()
    bytes_needed = -(-length // 8) * 5
    return base64.b32encode(digest[:bytes_needed])[:length].decode().lower()
