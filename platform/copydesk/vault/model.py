"""Values of the vault: the wrapped data key, and the one answer to a ciphertext that does not open."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from copydesk.kernel import CopydeskError


class SealBroken(CopydeskError):
    """Say that a sealed value does not open: tampered with, moved to another place, or sealed by another key."""


@dataclass(frozen=True)
class WrappedKey:
    """One version of a tenant's data key as it is stored: only ever encrypted."""

    tenant_id: int
    version: int
    wrapped: bytes = field(repr=False)
    created_at: datetime


class Purpose(StrEnum):
    """What a data key seals. Each purpose has a key-encryption key of its own, given to other roles."""

    EXCHANGE = "exchange"
    IDENTITY = "identity"
