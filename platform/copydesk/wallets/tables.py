"""Tables of wallets: what was last seen in each, and what owners ask for."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import ForeignKeyConstraint, Index, Numeric, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import BigInt, Identity, Moment, Table, TenantRow
from copydesk.wallets.model import AMOUNT_PLACES, OPEN

_AMOUNT = Numeric(38, AMOUNT_PLACES)


def _owner() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant_id", "account_id"], ["account.tenant_id", "account.id"])


class WalletSeen(TenantRow, Table):
    """What one wallet of an account held of a currency at `at`; what was gone then has no row."""

    __tablename__ = "wallet_balance"
    __table_args__ = (_owner(),)

    account_id: Mapped[BigInt] = mapped_column(primary_key=True)
    wallet: Mapped[str] = mapped_column(Text, primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    free: Mapped[Decimal] = mapped_column(_AMOUNT)
    locked: Mapped[Decimal] = mapped_column(_AMOUNT)
    at: Mapped[Moment]


class WalletAsk(TenantRow, Table):
    """A transfer that is asked for, or a look: then currency, amount and both wallets are empty."""

    __tablename__ = "wallet_ask"
    __table_args__ = (
        _owner(),
        Index("ix_wallet_ask_account", "tenant_id", "account_id", "id"),
        Index(
            "ix_wallet_ask_open",
            "tenant_id",
            "id",
            postgresql_where=text(f"state IN ({', '.join(repr(str(state)) for state in OPEN)})"),
        ),
    )

    id: Mapped[Identity]
    account_id: Mapped[BigInt]
    currency: Mapped[str | None] = mapped_column(Text)
    amount: Mapped[Decimal | None] = mapped_column(_AMOUNT)
    source: Mapped[str | None] = mapped_column(Text)
    target: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text, server_default="waiting")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    made_at: Mapped[Moment]
    taken_at: Mapped[Moment | None]
    done_at: Mapped[Moment | None]
