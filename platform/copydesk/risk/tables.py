"""What risk stores: limits and who set them, what was done because of them, high waters, and switches."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Integer, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, BigInt, Identity, Moment, Table, TenantRow


class RiskLimit(TenantRow, Table):
    """One limit that somebody set, as the line of text that says it (`grammar`).

    `scope` is a `Scope` below the platform's; `subject_id` the strategy, account or subscription, 0 for the brand.
    """

    __tablename__ = "risk_limit"
    __table_args__ = (UniqueConstraint("tenant_id", "scope", "subject_id", "line"),)

    id: Mapped[Identity]
    scope: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[BigInt] = mapped_column(server_default="0")
    line: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment] = mapped_column(server_default=func.now())


class RiskAct(TenantRow, Table):
    """Something that risk did of its own accord, or that a switch had it do; never changed but by its own progress.

    `reference` is given before anything is stored or sent, so that an act noted while PostgreSQL was away is stored
    once. `state`: "warned", "blocked" (opens are), "firing", "closing", "closed", "flagged" (`facts` say why). The
    broken `line` with the value found and the threshold are in `facts` too.
    """

    __tablename__ = "risk_act"
    __table_args__ = (
        UniqueConstraint("tenant_id", "reference"),
        Index("ix_risk_act_subscription", "tenant_id", "subscription_id", "id"),
        Index(
            "ix_risk_act_open", "tenant_id", "state", postgresql_where=text("state IN ('firing', 'closing', 'flagged')")
        ),
    )

    id: Mapped[Identity]
    reference: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)
    subject_id: Mapped[BigInt]
    subscription_id: Mapped[BigInt | None]
    line: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[Moment]
    sent_at: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]
    stored_at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())


class Watermark(TenantRow, Table):
    """What a subscription or an account was worth at the begin of its windows, and at its best, in quote currency.

    `scope` is "subscription" or "account". A peak and the begin of a window are not to be had from anything else that
    is stored; `*_realised` is what had been realised by then.
    """

    __tablename__ = "risk_watermark"

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    subject_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    peak: Mapped[Amount]
    day_equity: Mapped[Amount]
    day_realised: Mapped[Amount]
    day_at: Mapped[Moment]
    week_equity: Mapped[Amount]
    week_realised: Mapped[Amount]
    week_at: Mapped[Moment]
    month_equity: Mapped[Amount]
    month_realised: Mapped[Amount]
    month_at: Mapped[Moment]
    at: Mapped[Moment] = mapped_column(server_default=func.now())


class RiskWatch(TenantRow, Table):
    """How far the risk role is with a brand: that it lives, what it knows, how many prices it doubts.

    `copy_id` is the newest copy that it has taken into account.
    """

    __tablename__ = "risk_watch"

    at: Mapped[Moment]
    copy_id: Mapped[BigInt]
    holders: Mapped[int] = mapped_column(Integer)
    stops: Mapped[int] = mapped_column(Integer)
    doubts: Mapped[int] = mapped_column(Integer)


class Thrown:
    """What is stored of a switch that was thrown, of a brand's or of the platform's."""

    id: Mapped[Identity]
    reach: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text, server_default="")
    stops: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Text)
    confirmed_by: Mapped[str | None] = mapped_column(Text)
    at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
    lifted_at: Mapped[Moment | None]
    lifted_by: Mapped[str | None] = mapped_column(Text)


class Switch(TenantRow, Thrown, Table):
    """A brand's switch that was thrown: it stops opens, or closes all besides, until somebody lifts it.

    `reach`: "tenant", "exchange", "instrument", "strategy"; `subject` names which (empty for the tenant). `stops`:
    "opens" or "all". `confirmed_by` is the second person where two are needed.
    """

    __tablename__ = "risk_switch"
    __table_args__ = (Index("ix_risk_switch_on", "tenant_id", postgresql_where=text("lifted_at IS NULL")),)


class InstallationSwitch(Thrown, Table):
    """A switch of the whole platform, over every brand; as `Switch`, with the reach "all" besides.

    To close everything takes two people: until `confirmed_by` is another than the author, only opens are stopped.
    """

    __tablename__ = "installation_switch"


class SwitchVersion(Table):
    """Counts changes of any switch, of the platform or a brand: who knows the number need not read them again."""

    __tablename__ = "switch_version"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    version: Mapped[BigInt]


class ProtectiveStop(TenantRow, Table):
    """A stop that rests at the exchange for one book, for the time in which nobody of us watches (`protection`).

    Rows are never changed but by their own progress: another quantity or trigger is the next `revision`. `state` is a
    `ProtectiveState`; `look_at` is when the exchange is asked next, `verified_at` when it last showed the stop.
    """

    __tablename__ = "protective_stop"
    __table_args__ = (
        UniqueConstraint(
            *("tenant_id", "subscription_id", "symbol", "position_side", "revision"), name="uq_protective_stop_revision"
        ),
        Index(
            "ix_protective_stop_open",
            "tenant_id",
            "subscription_id",
            postgresql_where=text("state IN ('placing', 'resting', 'canceling')"),
        ),
    )

    id: Mapped[Identity]
    subscription_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    shard: Mapped[str] = mapped_column(Text)
    symbol: Mapped[str] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer)
    side: Mapped[str] = mapped_column(Text)
    qty: Mapped[Amount]
    trigger_px: Mapped[Amount]
    client_order_id: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    looks: Mapped[int] = mapped_column(Integer, server_default="0")
    look_at: Mapped[Moment | None]
    proof_at: Mapped[Moment | None]
    verified_at: Mapped[Moment | None]
    at: Mapped[Moment] = mapped_column(server_default=func.clock_timestamp())
