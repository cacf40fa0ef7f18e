"""Identifiers: random ones for new things, derived ones where a repeat must give the same id."""

from __future__ import annotations

import hashlib
import uuid


def new_id() -> uuid.UUID:
    """Return a fresh random id."""
    return uuid.uuid4()


def derived_id(*parts: str, length: int) -> str:
    """Derive `length` (at most 64) characters of `[0-9a-f]` from the parts; equal parts give equal text.

    Parts are length-prefixed before hashing, so ("ab", "c") and ("a", "bc") differ. Source: SHA-256 (FIPS 180-4).
    """
    assert length <= 64, "SHA-256 has no more"
    return hashlib.sha256("".join([f"{len(part)}:{part}" for part in parts]).encode()).hexdigest()[:length]
