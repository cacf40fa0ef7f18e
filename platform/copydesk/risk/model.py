"""Values of risk: what a limit says, who set it, and what is to happen. Pure.

Money is in quote currency, ratios are plain (0.05 is five percent). A limit is written as one line of text (`grammar`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Scope(StrEnum):
    """Who set a limit, from the widest to the narrowest; of two limits the tighter holds, whoever set it."""

    PLATFORM = "platform"
    TENANT = "tenant"
    STRATEGY = "strategy"
    ACCOUNT = "account"
    SUBSCRIPTION = "subscription"


class Measure(StrEnum):
    """What is limited; `measures.MEASURES` says of each how it is counted and what may be said of it."""

    LOSS = "loss"
    PROFIT = "profit"
    DRAWDOWN = "drawdown"
    ALLOCATION = "allocation"
    ALLOCATION_TOTAL = "allocation_total"
    ORDER = "order"
    POSITION = "position"
    INSTRUMENT = "instrument"
    EXPOSURE = "exposure"
    POSITIONS = "positions"
    LEVERAGE = "leverage"
    ORDERS = "orders"
    DEPTH_SHARE = "depth_share"
    VOLUME = "volume"
    OVERLAP = "overlap"
    CORRELATION = "correlation"
    MARGIN_DISTANCE = "margin_distance"
    INSTRUMENTS = "instruments"


class Basis(StrEnum):
    """What a percentage is of, or what an amount is counted in."""

    EQUITY = "equity"
    BALANCE = "balance"
    REALISED = "realised"
    NOTIONAL = "notional"
    COUNT = "count"
    LEVERAGE = "leverage"


class Window(StrEnum):
    """Over what time; days, weeks and months are those of the brand's time zone, a week begins on Monday."""

    ORDER = "order"
    MINUTE = "minute"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    START = "start"
    PEAK = "peak"


class Action(StrEnum):
    """What happens at a limit. `shrink` cuts the order to what the limit leaves; the two last close what is held."""

    WARN = "warn"
    BLOCK_OPENS = "block_opens"
    SHRINK = "shrink"
    CLOSE = "close"
    CLOSE_AND_DISARM = "close_and_disarm"

    @property
    def closes(self) -> bool:
        return self in (Action.CLOSE, Action.CLOSE_AND_DISARM)


class Unit(StrEnum):
    """How a threshold is told: a share of the basis, quote currency, a number of things, times, or names."""

    PERCENT = "percent"
    MONEY = "money"
    COUNT = "count"
    TIMES = "times"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a limit lies: `value` in `unit` (percent as percent: 5 is five percent), or `names` of a list.

    `currency` is that of money, empty else.
    """

    value: Decimal = Decimal(0)
    unit: Unit = Unit.PERCENT
    currency: str = ""
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: what is measured against what, where it lies, over what time, and what then happens."""

    measure: Measure
    threshold: Threshold
    basis: Basis
    window: Window
    action: Action


@dataclass(frozen=True, slots=True)
class Scoped:
    """A limit with who set it."""

    scope: Scope
    limit: Limit
