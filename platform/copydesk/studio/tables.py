"""What is stored of a strategy beside its trades: terms, announcements, invitations, and who watches it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Index, Integer, LargeBinary, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, BigInt, Identity, Moment, Table, TenantRow
from copydesk.replication.tables import reference


class StrategyTerms(TenantRow, Table):
    """What a trader asks of followers and shows to all, and how the application went.

    `profit_share` is a ratio, `min_allocation` in quote currency. `shows` is what `terms.Terms` tells of it. Decided
    by nobody (`decided_by`) is what the brand's own clock decided; `live_at` is when probation was over.
    """

    __tablename__ = "strategy_terms"
    __table_args__ = (reference("strategy", "strategy_id"),)

    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    profit_share: Mapped[Amount]
    min_allocation: Mapped[Amount]
    followers_max: Mapped[int | None] = mapped_column(Integer)
    private: Mapped[bool] = mapped_column(Boolean, server_default="false")
    shows: Mapped[dict[str, Any]] = mapped_column(JSONB)
    submitted_at: Mapped[Moment]
    decided_at: Mapped[Moment | None]
    decided_by: Mapped[BigInt | None]
    reason: Mapped[str] = mapped_column(Text, server_default="")
    live_at: Mapped[Moment | None]


class AnnouncementRow(TenantRow, Table):
    """One thing that a trader said to everybody who copies or watches a strategy; plain text."""

    __tablename__ = "announcement"
    __table_args__ = (
        reference("strategy", "strategy_id"),
        Index("ix_announcement_strategy", "tenant_id", "strategy_id", "id"),
    )

    id: Mapped[Identity]
    strategy_id: Mapped[BigInt]
    at: Mapped[Moment] = mapped_column(server_default=func.now())
    body: Mapped[str] = mapped_column(Text)


class StrategyInvite(TenantRow, Table):
    """A link that lets one person copy a private strategy; only the SHA-256 of its secret is stored (`digest`).

    One that was taken up belongs to `used_by`; taken back, it is worth nothing to them any more.
    """

    __tablename__ = "strategy_invite"
    __table_args__ = (
        reference("strategy", "strategy_id"),
        reference("user_account", "used_by"),
        Index("uq_strategy_invite_digest", "tenant_id", "digest", unique=True),
        Index("ix_strategy_invite_strategy", "tenant_id", "strategy_id", "id"),
    )

    id: Mapped[Identity]
    strategy_id: Mapped[BigInt]
    label: Mapped[str] = mapped_column(Text, server_default="")
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    expires_at: Mapped[Moment]
    used_at: Mapped[Moment | None]
    used_by: Mapped[BigInt | None]
    revoked_at: Mapped[Moment | None]


class Watch(TenantRow, Table):
    """One person who wants to hear of a strategy without copying it."""

    __tablename__ = "watch"
    __table_args__ = (
        reference("user_account", "user_id"),
        reference("strategy", "strategy_id"),
        Index("ix_watch_strategy", "tenant_id", "strategy_id"),
    )

    user_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[Moment] = mapped_column(server_default=func.now())
