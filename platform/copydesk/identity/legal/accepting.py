"""Who accepted what: written at registration and at the page that a material change leads to, never taken back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.audit import Actor, ActorKind, record
from copydesk.identity.legal.model import ASKED, LegalVersion
from copydesk.identity.legal.tables import LegalAcceptanceRow
from copydesk.identity.legal.versions import current_versions
from copydesk.identity.tables import User
from copydesk.kernel import Refused


class Via(StrEnum):
    """On which page somebody accepted."""

    REGISTRATION = "registration"
    INVITATION = "invitation"
    CHANGE = "change"
    GUEST = "guest"


class TextsChanged(Refused):
    """Refuse what was accepted on a page that shows no longer what holds."""

    code = "legal_changed"
    http_status = 409


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody ticks: the versions that their page named, where they are, and which language they read."""

    versions: tuple[int, ...]
    ip: str
    locale: str
    via: Via


def to_accept(session: Session) -> tuple[LegalVersion, ...]:
    """Return the versions that somebody who joins now accepts; none where the brand has published none."""
    found = current_versions(session)
    return tuple(found[kind] for kind in ASKED if kind in found)


def require_current(session: Session, versions: Collection[int]) -> tuple[LegalVersion, ...]:
    """Return the versions that hold now; raises `TextsChanged` unless a page named exactly those."""
    wanted = to_accept(session)
    if set(versions) != {one.id for one in wanted}:
        raise TextsChanged("The texts have changed since this page was opened. Read them again.")
    return wanted


def note_acceptance(session: Session, tenant_id: int, user_id: int, acceptance: Acceptance, *, at: datetime) -> int:
    """Write down that somebody accepted what their page named, and return how many of those are new.

    In the transaction that makes them somebody. Raises `TextsChanged`.
    """
    wanted = require_current(session, acceptance.versions)
    if not wanted:
        return 0
    rows = [
        {
            "tenant_id": tenant_id,
            "user_id": user_id,
            "version_id": one.id,
            "at": at,
            "ip": acceptance.ip,
            "locale": acceptance.locale,
            "via": str(acceptance.via),
        }
        for one in wanted
    ]
    added = insert(LegalAcceptanceRow).values(rows).on_conflict_do_nothing()
    new = len(session.execute(added.returning(LegalAcceptanceRow.id)).all())
    highest = max(one.id for one in wanted)
    session.execute(update(User).where(User.id == user_id).values(legal_accepted_id=highest))
    actor = Actor(ActorKind.USER, user_id, None, acceptance.ip)
    after = {"versions": [f"{one.kind} {one.number}" for one in wanted], "via": str(acceptance.via)}
    record(session, tenant_id, actor, "legal.accepted", f"user:{user_id}", at=at, after=after)
    return new


def accept(session: Session, tenant_id: int, user_id: int, acceptance: Acceptance, *, at: datetime) -> None:
    """Accept the texts that hold now, for who has an account; raises `TextsChanged`. Safe to run twice."""
    held = select(User.id).where(User.id == user_id).with_for_update()
    session.execute(held)
    note_acceptance(session, tenant_id, user_id, acceptance, at=at)


def accepted_counts(session: Session) -> dict[int, int]:
    """Return by version how many people accepted it."""
    counted = select(LegalAcceptanceRow.version_id, func.count()).group_by(LegalAcceptanceRow.version_id)
    return {row[0]: row[1] for row in session.execute(counted)}
