"""Invitations to private strategies: links that work once, for one person; taken back at any time.

A link's secret is shown once and stored as its hash alone, as links in mails are (`identity.tokens`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.identity.tokens import draw_token, token_hash
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.studio.tables import StrategyInvite

INVITE_LASTS = timedelta(days=14)
LABEL_MAX = 60
INVITES_MAX = 500

_COUNT = text("SELECT count(*) FROM strategy_invite WHERE strategy_id = :id AND revoked_at IS NULL")
_HIDDEN = text(
    """
    SELECT s.slug FROM strategy s JOIN strategy_terms t ON t.tenant_id = s.tenant_id AND t.strategy_id = s.id
    WHERE s.slug = ANY(:slugs) AND t.private AND (CAST(:user_id AS bigint) IS NULL OR NOT (
        s.trader_id = :user_id
        OR EXISTS (SELECT 1 FROM strategy_invite i WHERE i.tenant_id = s.tenant_id AND i.strategy_id = s.id
                     AND i.used_by = :user_id AND i.revoked_at IS NULL)
        OR EXISTS (SELECT 1 FROM subscription f JOIN account a ON a.tenant_id = f.tenant_id AND a.id = f.account_id
                   WHERE f.tenant_id = s.tenant_id AND f.strategy_id = s.id AND a.user_id = :user_id)))
    """
)
_OFFERED = text(
    """
    SELECT i.id, s.id AS strategy_id, s.slug, s.name, s.summary, u.display_name AS trader_name, i.used_by
    FROM strategy_invite i
    JOIN strategy s ON s.tenant_id = i.tenant_id AND s.id = i.strategy_id
    JOIN user_account u ON u.tenant_id = s.tenant_id AND u.id = s.trader_id
    WHERE i.digest = :digest AND i.revoked_at IS NULL AND s.status IN ('probation', 'live', 'paused', 'suspended')
      AND (i.used_by = :user_id OR (i.used_by IS NULL AND i.expires_at > :at))
    """
)


@dataclass(frozen=True, slots=True)
class StrategyLink:
    """An invitation as its trader sees it: what they called it, and whether somebody took it up; never who."""

    id: int
    label: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None

    def over(self, at: datetime) -> bool:
        """Tell whether nobody took it up in time."""
        return self.used_at is None and self.expires_at <= at


@dataclass(frozen=True, slots=True)
class Offered:
    """What a link invites to."""

    id: int
    strategy_id: int
    slug: str
    name: str
    summary: str
    trader_name: str
    used_by: int | None


def invite_one(
    session: TenantSession, strategy_id: int, label: str, *, actor: Actor, at: datetime, token: str = ""
) -> str:
    """Make a link for one person and return its secret, which is stored nowhere.

    `token` is a secret that its caller can tell again, for a form may come twice: with the same one there is one link.
    Raises `InvalidInput` for a label that is too long, and `Refused` where `INVITES_MAX` stand.
    """
    if token and _stands(session, strategy_id, token):
        return token
    told = " ".join(label.split())
    if len(told) > LABEL_MAX:
        raise InvalidInput(f"label: expected at most {LABEL_MAX} characters, found {len(told)}", code="label")
    if session.execute(_COUNT, {"id": strategy_id}).scalar_one() >= INVITES_MAX:
        raise Refused(f"{INVITES_MAX} invitations stand already; take some back first.", code="invites_full")
    token = token or draw_token()
    row = StrategyInvite(
        tenant_id=session.tenant_id,
        strategy_id=strategy_id,
        label=told,
        digest=token_hash(token),
        created_at=at,
        expires_at=at + INVITE_LASTS,
    )
    session.add(row)
    session.flush()
    record(session, session.tenant_id, actor, "strategy_invite.made", f"strategy:{strategy_id}", at=at)
    return token


def _stands(session: Session, strategy_id: int, token: str) -> bool:
    query = select(StrategyInvite.id).where(StrategyInvite.strategy_id == strategy_id)
    return session.scalar(query.where(StrategyInvite.digest == token_hash(token))) is not None


def links_of(session: Session, strategy_id: int) -> list[StrategyLink]:
    """List a strategy's invitations that were not taken back, the newest first."""
    query = select(StrategyInvite).where(StrategyInvite.strategy_id == strategy_id, StrategyInvite.revoked_at.is_(None))
    rows = session.scalars(query.order_by(StrategyInvite.id.desc()).limit(INVITES_MAX))
    return [StrategyLink(row.id, row.label, row.created_at, row.expires_at, row.used_at) for row in rows]


def take_link_back(session: TenantSession, strategy_id: int, invite_id: int, *, actor: Actor, at: datetime) -> None:
    """Take an invitation back; who took it up copies on, and cannot begin again. Raises `NotFound`."""
    standing = update(StrategyInvite).where(
        StrategyInvite.id == invite_id,
        StrategyInvite.strategy_id == strategy_id,
        StrategyInvite.revoked_at.is_(None),
    )
    if session.scalar(standing.values(revoked_at=at).returning(StrategyInvite.id)) is None:
        raise NotFound("There is no such invitation.")
    record(session, session.tenant_id, actor, "strategy_invite.revoked", f"strategy:{strategy_id}", at=at)


def link_offer(session: Session, token: str, user_id: int, *, at: datetime) -> Offered:
    """Return what a link invites somebody to, and use nothing up; one that they took up before is still theirs.

    Raises `NotFound` where it was used by another, was taken back, or is too old.
    """
    bound = {"digest": token_hash(token), "user_id": user_id, "at": at}
    row = session.execute(_OFFERED, bound).mappings().one_or_none()
    if row is None:
        raise NotFound("This invitation was used already, was taken back or is too old.")
    return Offered(**row)


def take_up(session: TenantSession, token: str, user_id: int, *, actor: Actor, at: datetime) -> Offered:
    """Take an invitation up for somebody; of two who do at once exactly one gets it, the other `NotFound`."""
    offered = link_offer(session, token, user_id, at=at)
    if offered.used_by == user_id:
        return offered
    free = update(StrategyInvite).where(StrategyInvite.id == offered.id, StrategyInvite.used_by.is_(None))
    taken = free.values(used_by=user_id, used_at=at).returning(StrategyInvite.id)
    if session.scalar(taken) is None:
        raise NotFound("This invitation was used already, was taken back or is too old.")
    record(session, session.tenant_id, actor, "strategy_invite.accepted", f"strategy:{offered.strategy_id}", at=at)
    return offered


def hidden_slugs(session: Session, slugs: list[str], user_id: int | None) -> set[str]:
    """Return which of these strategies are private and not this person's to see.

    The trader sees their own; so does who was invited, and who copied it once.
    """
    sound = [slug for slug in slugs if "\0" not in slug]
    if not sound:
        return set()
    return set(session.execute(_HIDDEN, {"slugs": sound, "user_id": user_id}).scalars())
