"""What a book has earned: realized, unrealized at a mark, fees and funding, from its fills and adjustments alone. Pure.

One rule of rounding: the **cost** of what is left after a part was closed is rounded to 18 places, half away from zero
as PostgreSQL does; nothing else is rounded. What that takes off the cost is in the realized profit, which gives it back
when the rest is closed. So realized and cost together are the money that went in and out, to the last digit, and once
a book is flat its realized profit is that money. Sums over books are therefore exact (platform/docs/algorithms/
shared-accounts.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from types import MappingProxyType
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.trading import Side

# A product of two stored numbers has 72 digits at most; sums of millions of those still fit.
EXACT = Context(prec=90)
_PLACES = Decimal("1E-18")
_NO_FEES: Mapping[str, Decimal] = MappingProxyType({})


class Traded(NamedTuple):
    """One fill of a book; quantities in base units, `fee` in units of `fee_currency`."""

    side: Side
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str


class WrittenOff(NamedTuple):
    """A signed quantity that left a book without a fill of ours, to the account's owner.

    `px` is the price at which it was closed, where that is known: a liquidation's, or the owner's own. Without it the
    owner takes it over at what it has cost, which realizes nothing.
    """

    qty: Decimal
    px: Decimal | None = None


class Earnings(NamedTuple):
    """A book's account so far, in quote currency.

    `cost` is what the position was entered at, with the sign of the position; `cash` all money received less all money
    paid. `fees` are by currency, above zero where paid: also those in base, which are in the cost already.
    """

    qty: Decimal = ZERO
    cost: Decimal = ZERO
    cash: Decimal = ZERO
    fees: Mapping[str, Decimal] = _NO_FEES

    @property
    def realized(self) -> Decimal:
        """Return what closing has earned, before fees in quote currency and funding."""
        return EXACT.add(self.cash, self.cost)

    def unrealized(self, mark_px: Decimal) -> Decimal:
        """Return what closing all at this price would earn besides."""
        return EXACT.subtract(EXACT.multiply(self.qty, mark_px), self.cost)


def earned(symbol: str, events: Iterable[Traded | WrittenOff]) -> Earnings:
    """Follow a book through all that has moved it, oldest first."""
    so_far = Earnings()
    for event in events:
        so_far = after_fill(symbol, so_far, event) if isinstance(event, Traded) else after_write_off(so_far, event)
    return so_far


def after_fill(symbol: str, before: Earnings, fill: Traded) -> Earnings:
    """Add one fill. A fee that spot takes in base makes the position smaller, and not what it has cost."""
    side, qty, px, fee, currency = fill
    left, cost, cash, fees = _moved(before, qty if side is Side.BUY else -qty, px)
    if fee:
        fees = {**fees, currency: EXACT.add(fees.get(currency, ZERO), fee)}
    if ":" not in symbol and currency == symbol.partition("/")[0]:
        left = EXACT.subtract(left, fee)
        cost = cost if left else ZERO
    return Earnings(left, cost, cash, fees)


def after_write_off(before: Earnings, gone: WrittenOff) -> Earnings:
    """Take off what left to the owner: at a price it is realized as if it had been sold there, else at cost."""
    if gone.px is not None:
        return _moved(before, gone.qty, gone.px)
    left = EXACT.add(before.qty, gone.qty)
    cost = _cost_left(before, left)
    return before._replace(qty=left, cost=cost, cash=EXACT.add(before.cash, EXACT.subtract(before.cost, cost)))


def _moved(before: Earnings, qty: Decimal, px: Decimal) -> Earnings:
    """Trade a signed quantity at a price."""
    value = EXACT.multiply(qty, px)
    left = EXACT.add(before.qty, qty)
    cash = EXACT.subtract(before.cash, value)
    if before.qty * qty >= 0:
        cost = EXACT.add(before.cost, value)
    elif before.qty * left >= 0:
        cost = _cost_left(before, left)
    else:
        cost = EXACT.multiply(left, px)
    return Earnings(left, cost, cash, before.fees)


def _cost_left(before: Earnings, left: Decimal) -> Decimal:
    """Return the share of the cost that stays with what is left: the one place where anything is rounded."""
    if not left or not before.qty:
        return ZERO
    share = EXACT.divide(EXACT.multiply(before.cost, left), before.qty)
    return share.quantize(_PLACES, ROUND_HALF_UP, context=EXACT)
