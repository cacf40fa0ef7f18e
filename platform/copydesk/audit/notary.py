"""Signs what the record says now: checkpoints in the database and beside the key, and exports of a brand's record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from copydesk.audit.lines import Frame, checkpoint_line, export_lines
from copydesk.audit.model import Checkpoint, checkpoint_bytes
from copydesk.audit.signing import PublicKey, SigningKey
from copydesk.audit.store import (
    add_checkpoint,
    last_checkpoint,
    lock_head,
    read_checkpoints,
    read_head,
    walk_entries,
)
from copydesk.kernel import ConfigError


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose record it is."""

    tenant_id: int
    slug: str


class Notary:
    """Sign with the key in `folder`; keep there what was signed, so that a database cannot deny it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = SigningKey(folder / "key")

    @property
    def public(self) -> PublicKey:
        return self._key.public

    def checkpoint(self, session: Session, brand: Brand, *, at: datetime) -> Checkpoint | None:
        """Sign a brand's newest line; None where nothing was added since the last time.

        The session's transaction stores it; the copy beside the key is written first, so that it is never missing.
        """
        last = last_checkpoint(session, brand.tenant_id)
        if read_head(session, brand.tenant_id)[0] == (last.seq if last else 0):
            return None
        seq, hash_ = lock_head(session, brand.tenant_id)
        last = last_checkpoint(session, brand.tenant_id)  # Another process may have signed while we waited.
        if last and last.seq == seq:
            return None
        number = last.number + 1 if last else 1
        signature = self._key.sign(checkpoint_bytes(brand.tenant_id, number, seq, hash_, at))
        made = Checkpoint(brand.tenant_id, number, seq, hash_, at, self.public.key_id, signature)
        self._keep(brand, made)
        add_checkpoint(session, made)
        return made

    def export(self, session: Session, brand: Brand, *, at: datetime) -> Iterator[bytes]:
        """Give a brand's record line by line, with every checkpoint and a signed end; memory stays small."""
        seq, hash_ = read_head(session, brand.tenant_id)
        frame = Frame(brand.slug, brand.tenant_id, seq, hash_, at, self.public.key_id)
        entries = walk_entries(session, brand.tenant_id, to_seq=seq)
        yield from export_lines(frame, entries, self._checkpoints(session, brand), self._key.sign)

    def _checkpoints(self, session: Session, brand: Brand) -> list[Checkpoint]:
        """Return what the database holds and what was kept beside the key; where both differ, both are told."""
        every = {*read_checkpoints(session, brand.tenant_id), *self._kept(brand)}
        return sorted(every, key=lambda one: (one.seq, one.number, one.signature))

    def _place(self, brand: Brand) -> Path:
        return self._folder / f"{brand.slug}.checkpoints.jsonl"

    def _keep(self, brand: Brand, made: Checkpoint) -> None:
        try:
            with self._place(brand).open("ab") as file:
                file.write(checkpoint_line(made))
        except OSError as error:
            raise ConfigError(f"{self._place(brand)} cannot be written: {error.strerror}") from None

    def _kept(self, brand: Brand) -> list[Checkpoint]:
        try:
            lines = self._place(brand).read_bytes().splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"{self._place(brand)} cannot be read: {error.strerror}") from None
        try:
            kept = [_kept_checkpoint(line) for line in lines]
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{self._place(brand)} is malformed: expected one checkpoint on each line") from None
        # A brand of this name that was removed had another number.
        return [one for one in kept if one.tenant_id == brand.tenant_id]


def _kept_checkpoint(line: bytes) -> Checkpoint:
    said = json.loads(line)
    at = datetime.fromisoformat(said["at"])
    names = ("tenant_id", "number", "seq", "hash", "key_id", "signature")
    return Checkpoint(at=at, **{name: said[name] for name in names})
