"""What an entry of the record is, the exact bytes that its hash covers, and what may never stand in one. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

FORMAT = "copydesk-audit-1"
REDACTED = "[redacted]"
TEXT_MAX = 2_000
_ACT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
# Names whose values are secret wherever they stand; `public_key`, `key_id` and `key_kind` are none.
_SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|token|cookie|credential|authorization|mnemonic|signature|cipher|sealed"
    r"|(^|_)(otp|totp|pin|seed|nonce|salt|api_?key|private|wrapped|(recovery|backup|sms|step_up|one_time)_codes?)($|_)"
    r"|^codes?$"
)
_SECRET_TEXT = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|otpauth://")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class ActorKind(StrEnum):
    """Who acted: a person of the brand, the operator's command line, the platform itself, or nobody known."""

    USER = "user"
    OPERATOR = "operator"
    SYSTEM = "system"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Actor:
    """Say who did it and from where; `session_id` is the signed-in session, never its token."""

    kind: ActorKind
    user_id: int | None = None
    session_id: int | None = None
    ip: str | None = None


SYSTEM = Actor(ActorKind.SYSTEM)
OPERATOR = Actor(ActorKind.OPERATOR)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done: `name` as "noun.verb", `subject` as "kind:id", and what changed.

    No e-mail address or name belongs into a subject: entries outlive the closing of an account.
    """

    name: str
    subject: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a brand's record: the act, its place in the chain, and the hash of the line before it."""

    tenant_id: int
    seq: int
    at: datetime
    actor: Actor
    act: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement that entry `seq` has this hash; `number` counts a brand's checkpoints from 1."""

    tenant_id: int
    number: int
    seq: int
    hash: str
    at: datetime
    key_id: str
    signature: str


def genesis(tenant_id: int) -> str:
    """Return what the first entry of a brand is chained to, so that no brand's chain begins as another's."""
    return hashlib.sha256(f"{FORMAT}:{tenant_id}".encode()).hexdigest()


def entry_of(tenant_id: int, seq: int, actor: Actor, act: Act, *, at: datetime, prev: str) -> Entry:
    """Make the entry that follows `prev`: values made plain, secrets redacted, the hash computed."""
    assert _ACT.fullmatch(act.name), f'an act is named "noun.verb", found {act.name!r}'
    assert at.tzinfo is not None, "a moment without a zone says nothing"
    before, after = redacted(act.before), redacted(act.after)
    bare = Entry(tenant_id, seq, at, actor, act.name, _clean(act.subject), before, after, prev, hash="")
    return replace(bare, hash=chained(fields_of(bare), prev))


def fields_of(entry: Entry) -> dict[str, Any]:
    """Return what the hash of an entry covers besides `prev`, as plain values."""
    return {
        "tenant_id": entry.tenant_id,
        "seq": entry.seq,
        "at": moment_text(entry.at),
        "actor": actor_fields(entry.actor),
        "act": entry.act,
        "subject": entry.subject,
        "before": entry.before,
        "after": entry.after,
    }


def chained(content: Mapping[str, Any], prev: str) -> str:
    """Return SHA-256 over the previous hash, a line feed, and the content's canonical bytes, in hexadecimal digits."""
    return hashlib.sha256(prev.encode() + b"\n" + canonical(content)).hexdigest()


def canonical(value: Any) -> bytes:
    """Write a value in its one form: JSON in UTF-8, keys sorted, no spaces, no escape that is not needed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def checkpoint_bytes(tenant_id: int, number: int, seq: int, hash_: str, at: datetime) -> bytes:
    """Return what the signature of a checkpoint covers."""
    content = {"format": FORMAT, "tenant_id": tenant_id, "number": number, "seq": seq, "hash": hash_}
    return b"checkpoint\n" + canonical(content | {"at": moment_text(at)})


def moment_text(at: datetime) -> str:
    """Write a moment in UTC with microseconds, which is what the database keeps."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def actor_fields(actor: Actor) -> dict[str, Any]:
    """Return an actor as plain values."""
    return {"kind": str(actor.kind), "user_id": actor.user_id, "session_id": actor.session_id, "ip": actor.ip}


def redacted(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the values as JSON can carry them, with what looks like a secret by its name or content blotted out."""
    return None if values is None else {_clean(str(name)): _shown(str(name), value) for name, value in values.items()}


def is_secret_name(name: str) -> bool:
    """Say whether a value of this name is kept out of the record."""
    return _SECRET.search(_CAMEL.sub("_", name).lower().replace("-", "_")) is not None


def _shown(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    return REDACTED if is_secret_name(name) else _plain(value)


def _plain(value: Any) -> Any:
    """Turn what code holds into what JSON and the database give back unchanged; numbers with a point become text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, StrEnum | str):
        return REDACTED if _SECRET_TEXT.search(value) else _clean(str(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, datetime):
        return moment_text(value) if value.tzinfo else value.isoformat()
    if isinstance(value, Mapping):
        return redacted(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(one) for one in value), key=str)
    assert isinstance(value, Decimal | float | date), f"the record cannot hold a {type(value).__name__}"
    return str(value)


def _clean(text: str) -> str:
    """Leave out what PostgreSQL's text cannot hold, and shorten what is no fact any more."""
    kept = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return kept if len(kept) <= TEXT_MAX else kept[: TEXT_MAX - 1] + "…"
