"""Orders by hand, acts on accounts, and what was last seen of an account that somebody looks at."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, Integer, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, BigInt, Identity, Moment, Table, TenantRow


class TerminalOrder(TenantRow, Table):
    """One order that somebody gave by hand (see `model.HandOrder`).

    `ticket` is the name that the form carried: sent twice, it is one order. `client_order_id` is written in the
    transaction that claims the order, before anything is sent.
    """

    __tablename__ = "terminal_order"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"]),
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        ForeignKeyConstraint(["tenant_id", "strategy_id"], ["strategy.tenant_id", "strategy.id"]),
        Index("ix_terminal_order_account", "tenant_id", "account_id", "id"),
        Index(
            "ix_terminal_order_open",
            "tenant_id",
            "id",
            postgresql_where=text("state IN ('planned', 'sending', 'in_flight', 'open')"),
        ),
        Index("uq_terminal_order_client_order_id", "tenant_id", "client_order_id", unique=True),
        Index("uq_terminal_order_ticket", "tenant_id", "ticket", "part", unique=True),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    strategy_id: Mapped[BigInt | None]
    ticket: Mapped[str] = mapped_column(Text)
    part: Mapped[str] = mapped_column(Text)
    group_id: Mapped[BigInt | None]
    waits: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    symbol: Mapped[str] = mapped_column(Text)
    side: Mapped[str] = mapped_column(Text)
    type: Mapped[str] = mapped_column(Text)
    qty: Mapped[Amount]
    px: Mapped[Amount | None]
    stop_px: Mapped[Amount | None]
    take_profit_px: Mapped[Amount | None]
    stop_loss_px: Mapped[Amount | None]
    reduce_only: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    time_in_force: Mapped[str | None] = mapped_column(Text)
    position_side: Mapped[str] = mapped_column(Text, server_default="net")
    margin_mode: Mapped[str | None] = mapped_column(Text)
    client_order_id: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="planned")
    reason: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text, server_default="")
    venue_order_id: Mapped[str | None] = mapped_column(Text)
    cum_qty: Mapped[Amount] = mapped_column(server_default="0")
    avg_px: Mapped[Amount | None]
    fills: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    checks: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    sent_at: Mapped[Moment | None]
    acked_at: Mapped[Moment | None]
    proof_at: Mapped[Moment | None]
    next_check_at: Mapped[Moment | None]
    done_at: Mapped[Moment | None]


class TerminalAct(TenantRow, Table):
    """One act besides orders: a cancellation, leverage, margin mode, the close of a position (`model.Act`)."""

    __tablename__ = "terminal_act"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "user_id"], ["user_account.tenant_id", "user_account.id"]),
        ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),
        Index("ix_terminal_act_account", "tenant_id", "account_id", "id"),
        Index("ix_terminal_act_open", "tenant_id", "id", postgresql_where=text("state IN ('planned', 'doing')")),
    )

    id: Mapped[Identity]
    user_id: Mapped[BigInt]
    account_id: Mapped[BigInt]
    kind: Mapped[str] = mapped_column(Text)
    symbol: Mapped[str] = mapped_column(Text, server_default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(Text, server_default="planned")
    reason: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[Moment] = mapped_column(server_default=func.now())
    begun_at: Mapped[Moment | None]
    done_at: Mapped[Moment | None]


class TerminalView(TenantRow, Table):
    """What was last read of an account while its owner looks (`wanted_until`), and which instrument they look at."""

    __tablename__ = "terminal_view"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"]),)

    account_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    symbol: Mapped[str] = mapped_column(Text)
    wanted_until: Mapped[Moment]
    read_at: Mapped[Moment | None]
    trouble: Mapped[str] = mapped_column(Text, server_default="")
    seen: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class TerminalVersion(Table):
    """A number of the installation that triggers count up: whoever knows it need not ask each brand what is new."""

    __tablename__ = "terminal_version"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[BigInt]
