"""Identifiers: random ones for new things, derived ones where a repeat must give the same id."""

from __future__ import annotations

import base64
import hashlib
import uuid


def new_id() -> uuid.UUID:
    """Return a fresh random id."""
    return uuid.uuid4()


def base32_digest(*parts: str, length: int) -> str:
    """Derive `length` characters of `[a-z2-7]` from the parts; equal parts give equal text.

    Parts are length-prefixed before hashing, so ("ab", "c") and ("a", "bc") differ.
    Source: SHA-256 (FIPS 180-4), base32 (RFC 4648).
    """
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return base64.b32encode(digest.digest()).decode().lower()[:length]
