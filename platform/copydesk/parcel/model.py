"""Values of a parcel: what it says of itself, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from copydesk.kernel import Refused

FORMAT = 1


class ParcelBroken(Refused):
    """Say that a file is no whole parcel: cut, changed, or something else altogether."""


class PassphraseWrong(Refused):
    """Say that a passphrase does not open a parcel."""


@dataclass(frozen=True)
class Head:
    """What a parcel begins with: whose it is, and what made it. `number` tells parcels apart."""

    number: str
    slug: str
    made_at: datetime
    version: str
    revision: str
    tenant_id: int


@dataclass(frozen=True)
class Section:
    """One part of a parcel: how many lines it has, and the SHA-256 over them."""

    name: str
    lines: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Everything that a parcel says of itself once it was read to its end.

    `audit_seq` and `audit_hash` are the newest line of the brand's record; `key` is the public key that signed the
    record, as `copydesk audit key` prints it.
    """

    head: Head
    sections: tuple[Section, ...]
    audit_seq: int
    audit_hash: str
    key: str

    @property
    def rows(self) -> dict[str, int]:
        """Return how many rows of each table there are."""
        prefix = "rows:"
        return {one.name.removeprefix(prefix): one.lines for one in self.sections if one.name.startswith(prefix)}

    def plain(self) -> dict[str, object]:
        """Return the manifest as values that JSON can carry."""
        return {
            "parcel": self.head.number,
            "tenant": self.head.slug,
            "made_at": self.head.made_at.isoformat(),
            "version": self.head.version,
            "revision": self.head.revision,
            "rows": self.rows,
            "audit": {"seq": self.audit_seq, "hash": self.audit_hash},
            "sections": {one.name: one.sha256 for one in self.sections},
        }


@dataclass(frozen=True)
class Arrival:
    """A brand that was unpacked. `fresh` is False where this very parcel had been unpacked before.

    `broken` counts sealed values that did not open where they came from either; they arrive as they were.
    """

    slug: str
    tenant_id: int
    manifest: Manifest
    rows: Mapping[str, int]
    fresh: bool = True
    broken: int = 0
