"""The table of what can be limited: how each measure is counted, and what may be said of it. Pure.

platform/docs/algorithms/risk.md shows the same table to people; a test keeps the two alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum

from copydesk.risk.model import Action, Basis, Limit, Measure, Unit, Window

_M, _B, _W, _A, _U = Measure, Basis, Window, Action, Unit


class Comparison(StrEnum):
    """When a limit is broken: above it, below it, or where a thing is not in its list."""

    ABOVE = ">"
    BELOW = "<"
    IN = "in"


class Judged(StrEnum):
    """When a measure is looked at: at each opening order before it is sent, or at each price."""

    ORDER = "order"
    EQUITY = "equity"


class Subject(StrEnum):
    """Whose numbers are measured: those of one subscription, or of the whole exchange account."""

    SUBSCRIPTION = "subscription"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Telling:
    """One way to tell a threshold: in which unit, of which bases (the first where none is named), within what bounds.

    `whole` allows no fractions: there is no half position.
    """

    unit: Unit
    bases: tuple[Basis, ...]
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be said of a measure. `windows` begins with the one that counts where none is named.

    `account_only` measures are held against the whole account, whoever limits them; of the others an account's limit
    measures the account, and everybody else's each subscription.
    """

    measures: str
    tellings: tuple[Telling, ...]
    actions: tuple[Action, ...]
    windows: tuple[Window, ...] = (_W.ORDER,)
    judged: tuple[Judged, ...] = (Judged.ORDER,)
    comparison: Comparison = Comparison.ABOVE
    account_only: bool = False

    def telling(self, unit: Unit) -> Telling | None:
        """Return how a threshold in this unit may be told, or None where it may not."""
        return next((telling for telling in self.tellings if telling.unit is unit), None)


MONEY_MAX = Decimal(10) ** 12
# Wide enough that no product of a balance and a share is ever rounded.
EXACT = Context(prec=120)
NAMES_MAX = 200
# Windows of which no word is written: an order is now, and the start and the peak belong to their measures.
UNSPOKEN_WINDOWS = frozenset({_W.ORDER, _W.START, _W.PEAK})
# Bases of which no word is needed: the amount, the number or the leverage itself.
UNSPOKEN_BASES = frozenset({_B.NOTIONAL, _B.COUNT, _B.LEVERAGE})


def _percent(low: str, high: int, *bases: Basis) -> Telling:
    return Telling(_U.PERCENT, bases or (_B.NOTIONAL,), Decimal(low), Decimal(high))


def _money(*bases: Basis) -> Telling:
    return Telling(_U.MONEY, bases or (_B.NOTIONAL,), Decimal(1), MONEY_MAX)


_STOPS = (_A.WARN, _A.BLOCK_OPENS, _A.CLOSE, _A.CLOSE_AND_DISARM)
_SIZES = (_A.WARN, _A.BLOCK_OPENS, _A.SHRINK)
_GATES = (_A.WARN, _A.BLOCK_OPENS)
_SPANS = (_W.START, _W.DAY, _W.WEEK, _W.MONTH)
_OF_MONEY = (_B.EQUITY, _B.BALANCE)
_AT_PRICES = (Judged.EQUITY,)

MEASURES: Mapping[Measure, Rule] = {
    _M.LOSS: Rule(
        "what equity has fallen since the window began; of `realised`: what closed trades lost in it",
        (_percent("0.1", 100, *_OF_MONEY, _B.REALISED), _money(_B.EQUITY, _B.REALISED)),
        _STOPS,
        windows=_SPANS,
        judged=_AT_PRICES,
    ),
    _M.PROFIT: Rule(
        "what equity has risen since the window began; of `realised`: what closed trades earned in it",
        (_percent("0.1", 10_000, *_OF_MONEY, _B.REALISED), _money(_B.EQUITY, _B.REALISED)),
        _STOPS,
        windows=_SPANS,
        judged=_AT_PRICES,
    ),
    _M.DRAWDOWN: Rule(
        "what equity has fallen from its highest value; the limit rises with the equity and never falls",
        (_percent("0.1", 100, *_OF_MONEY), _money(_B.EQUITY)),
        _STOPS,
        windows=(_W.PEAK,),
        judged=_AT_PRICES,
    ),
    _M.ALLOCATION: Rule(
        "what one subscription may use, of what the account holds",
        (_percent("0.1", 1000, _B.BALANCE, _B.EQUITY), _money()),
        _GATES,
        account_only=True,
    ),
    _M.ALLOCATION_TOTAL: Rule(
        "what all subscriptions of the account may use together, of what it holds",
        (_percent("0.1", 1000, _B.BALANCE, _B.EQUITY), _money()),
        _GATES,
        account_only=True,
    ),
    _M.ORDER: Rule("what one order is worth", (_percent("0.1", 10_000, *_OF_MONEY), _money()), _SIZES),
    _M.POSITION: Rule(
        "what is held of the order's instrument, with the order; of an account: by all its subscriptions",
        (_percent("0.1", 10_000, *_OF_MONEY), _money()),
        _SIZES,
    ),
    _M.INSTRUMENT: Rule(
        "what all subscriptions of the account hold of the order's instrument, with the order",
        (_percent("0.1", 10_000, *_OF_MONEY), _money()),
        _SIZES,
        account_only=True,
    ),
    _M.EXPOSURE: Rule(
        "what all positions are worth, long and short added, with the order",
        (_percent("1", 12_500, *_OF_MONEY), _money()),
        _SIZES,
    ),
    _M.POSITIONS: Rule(
        "how many instruments are held, with the order's",
        (Telling(_U.COUNT, (_B.COUNT,), Decimal(1), Decimal(500), whole=True),),
        _GATES,
    ),
    _M.LEVERAGE: Rule(
        "the leverage that a perpetual's position is opened with; shrinking lowers it and leaves the size",
        (Telling(_U.TIMES, (_B.LEVERAGE,), Decimal(1), Decimal(125), whole=True),),
        _SIZES,
    ),
    _M.ORDERS: Rule(
        "opening orders in the minute before, with this one",
        (Telling(_U.COUNT, (_B.COUNT,), Decimal(1), Decimal(6000), whole=True),),
        _GATES,
        windows=(_W.MINUTE,),
    ),
    _M.DEPTH_SHARE: Rule(
        "the order's part of all offers within 1 % of the price",
        (_percent("0.1", 100),),
        _SIZES,
    ),
    _M.VOLUME: Rule(
        "what was traded of the instrument in the 24 hours before",
        (_money(),),
        _GATES,
        windows=(_W.DAY,),
        comparison=Comparison.BELOW,
    ),
    _M.OVERLAP: Rule(
        "what several strategies of the account hold of the order's instrument and side, with it",
        (_percent("0.1", 10_000, *_OF_MONEY), _money()),
        _SIZES,
        account_only=True,
    ),
    _M.CORRELATION: Rule(
        "the highest correlation of the strategy's daily returns with another that the account copies",
        (_percent("10", 100),),
        _GATES,
        account_only=True,
    ),
    _M.MARGIN_DISTANCE: Rule(
        "how far, in percent, the price is from liquidating a position of the account",
        (_percent("0.1", 90),),
        _STOPS,
        judged=(Judged.ORDER, Judged.EQUITY),
        comparison=Comparison.BELOW,
        account_only=True,
    ),
    _M.INSTRUMENTS: Rule(
        "which instruments may be opened at all",
        (Telling(_U.NAMES, (_B.NOTIONAL,)),),
        (_A.BLOCK_OPENS,),
        comparison=Comparison.IN,
    ),
}

# What each action does besides its own: a close comes too late to be preceded by a later stop of opens.
COVERS: Mapping[Action, frozenset[Action]] = {
    _A.WARN: frozenset({_A.WARN}),
    _A.SHRINK: frozenset({_A.WARN, _A.SHRINK}),
    _A.BLOCK_OPENS: frozenset({_A.WARN, _A.SHRINK, _A.BLOCK_OPENS}),
    _A.CLOSE: frozenset({_A.WARN, _A.BLOCK_OPENS, _A.CLOSE}),
    _A.CLOSE_AND_DISARM: frozenset({_A.WARN, _A.BLOCK_OPENS, _A.CLOSE, _A.CLOSE_AND_DISARM}),
}


def tighter(left: Limit, right: Limit) -> bool:
    """Tell whether `left` is broken strictly sooner than `right`; only of limits that differ in where they lie."""
    comparison = MEASURES[left.measure].comparison
    if comparison is Comparison.IN:
        return left.threshold.names < right.threshold.names
    if comparison is Comparison.BELOW:
        return left.threshold.value > right.threshold.value
    return left.threshold.value < right.threshold.value
