"""What limits are measured by besides books: accounts' purses, and how alike strategies went."""

from __future__ import annotations

from sqlalchemy import Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from copydesk.db import Amount, BigInt, HotTenantRow, Moment, Table


class AccountPurse(HotTenantRow, Table):
    """What an account owned of a quote currency when it was last seen, and what copies had bought for it there.

    `balance` counts what was bought at cost, `equity` at the market's price, and what positions stood to gain.
    """

    __tablename__ = "account_purse"

    account_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    balance: Mapped[Amount]
    equity: Mapped[Amount]
    at: Mapped[Moment]


class StrategyLikeness(HotTenantRow, Table):
    """The correlation of two strategies' daily returns, of so many common `days`; None where that is too few to tell.

    Each pair once, the lower number first.
    """

    __tablename__ = "strategy_likeness"

    strategy_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    other_id: Mapped[BigInt] = mapped_column(primary_key=True, autoincrement=False)
    correlation: Mapped[Amount | None]
    days: Mapped[int] = mapped_column(Integer)
    at: Mapped[Moment]
