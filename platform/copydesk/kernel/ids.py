"""Identifiers: random ones for new things, derived ones where a repeat must give the same id."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable


def new_id() -> uuid.UUID:
    """Return a fresh random id."""
    return uuid.uuid4()


def derived_id(*parts: str, length: int) -> str:
    """Derive `length` (at most 64) characters of `[0-9a-f]` from the parts; equal parts give equal text.

    Parts are length-prefixed before hashing, so ("ab", "c") and ("a", "bc") differ. Source: SHA-256 (FIPS 180-4).
    """
    return derived_ids(*parts[:-1], length=length)(parts[-1])


def derived_ids(*parts: str, length: int) -> Callable[[str], str]:
    """Return `derived_id` for many ids that differ in their last part alone; what they share is hashed once."""
    assert length <= 64, "SHA-256 has no more"
    shared = hashlib.sha256("".join([f"{len(part)}:{part}" for part in parts]).encode())

    def derive(last: str) -> str:
        hashed = shared.copy()
        hashed.update(f"{len(last)}:{last}".encode())
        return hashed.hexdigest()[:length]

    return derive
