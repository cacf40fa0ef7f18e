"""Equity of subscriptions and accounts, exactly. Pure.

Whatever the arrays suspect (`arrays`) is confirmed here before anything is fired. Sums and products of decimals end,
so that nothing is rounded: a result that would not fit is our own bug and raises `decimal.Inexact`.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from typing import NamedTuple

# A quantity and a price of 38 digits each make 76; the rest is room for sums over very unlike instruments.
_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])


class EquityRange(NamedTuple):
    """The least and the most that equity can be while prices are only known to lie between two."""

    low: Decimal
    high: Decimal


def exact_equity(allocation: Decimal, cash: Decimal, positions: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """Return a subscription's equity in quote currency: what was allocated, its copies' cash, its positions' worth.

    Positions are (signed quantity in base units, mark). Cash is sells less buys less fees plus funding, so that fees
    and realised profit are in it already.
    """
    with localcontext(_EXACT):
        return sum((qty * mark for qty, mark in positions), allocation + cash)


def exact_account_equity(wallet: Decimal, positions: Iterable[tuple[Decimal, Decimal, Decimal]]) -> Decimal:
    """Return an account's equity: the wallet's balance and what all its positions, foreign ones too, have not realised.

    Positions are (signed quantity in base units, entry price, mark).
    """
    with localcontext(_EXACT):
        return sum((qty * (mark - entry) for qty, entry, mark in positions), wallet)


def account_base(wallet: Decimal, positions: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """Return what an account's equity is beside quantities times marks; positions are (signed quantity, entry price).

    With it an account is screened exactly as a subscription is, whose base is allocation and cash.
    """
    with localcontext(_EXACT):
        return wallet - sum((qty * entry for qty, entry in positions), Decimal(0))


def equity_range(base: Decimal, positions: Iterable[tuple[Decimal, Decimal, Decimal]]) -> EquityRange:
    """Return between what an equity lies whose positions are (signed quantity, lowest price, highest price).

    A stop below fires on `high` only and one above on `low`: a doubt about a price is never to the holder's cost.
    """
    low = high = base
    with localcontext(_EXACT):
        for qty, px_low, px_high in positions:
            ends = (qty * px_low, qty * px_high)
            low, high = low + min(ends), high + max(ends)
    return EquityRange(low, high)
