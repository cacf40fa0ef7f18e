"""Who did what: an append-only, hash-chained record for each brand. Must not know what the acts mean.

`record` writes beside the change, in its transaction. Signing and exports are in `audit.service` and cost an import
of their own; an export is judged by `audit.verify`, which needs neither database nor private key.
"""

from copydesk.audit.model import (
    OPERATOR,
    REDACTED,
    SYSTEM,
    Act,
    Actor,
    ActorKind,
    Checkpoint,
    Entry,
    redacted,
)
from copydesk.audit.store import read_entries, record, record_all

__all__ = [
    "OPERATOR",
    "REDACTED",
    "SYSTEM",
    "Act",
    "Actor",
    "ActorKind",
    "Checkpoint",
    "Entry",
    "read_entries",
    "record",
    "record_all",
    "redacted",
]
