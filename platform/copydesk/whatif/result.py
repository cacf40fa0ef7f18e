"""What a replay tells: the equity line, what was copied and what not, what it cost. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.risk.model import Scoped
from copydesk.risk.replay import Deed
from copydesk.trading import Denial, Side


class Point(NamedTuple):
    """What the follower would have had, in quote currency, before any profit share."""

    at: datetime
    equity: Decimal


class Copied(NamedTuple):
    """What was done about one signal: an order, or why there is none. `qty` in base units, `px` what was paid."""

    signal_id: int
    leg: str
    symbol: str
    side: Side
    qty: Decimal
    px: Decimal | None = None
    denial: Denial | None = None
    facts: dict[str, str] | None = None


class Skipped(NamedTuple):
    """How many opening orders were not copied for one reason, with the numbers of the newest."""

    reason: Denial
    orders: int
    facts: dict[str, str] | None = None


class LimitAct(NamedTuple):
    """When a limit on equity warned, blocked new orders or closed everything."""

    at: datetime
    deed: Deed
    scoped: Scoped


class WorstDay(NamedTuple):
    """The day on which most was lost, in quote currency: `change` is below zero."""

    day: date
    change: Decimal


class AmountShare(NamedTuple):
    """Which share of the opening orders is large enough with an amount, by the exchange's minima alone."""

    amount: Decimal
    ratio: Decimal


@dataclass(frozen=True)
class Result:
    """How it would have gone. Money in quote currency, shares as plain ratios.

    `end` is the account's worth at the end with all that is still held at its last price, `fees`, `slippage` and
    `share` what it cost; the share is of the gain, and not taken off `end`. `opens` counts the leader's opening
    orders, fill by fill as they were told, and `copied` those of them that would have become orders. `enough` is the
    amount from which on at least 95 % of them are large enough, None where no amount is. `unjudged` are limits of which
    a past tells nothing.
    """

    since: datetime
    until: datetime
    allocation: Decimal
    currency: str
    line: tuple[Point, ...]
    end: Decimal
    fall_ratio_max: Decimal
    worst_day: WorstDay | None
    fees: Decimal
    slippage: Decimal
    share: Decimal
    opens: int
    copied: int
    closes: int
    skipped: tuple[Skipped, ...]
    copies: tuple[Copied, ...]
    acts: tuple[LimitAct, ...]
    held: tuple[str, ...]
    amounts: tuple[AmountShare, ...] = ()
    enough: Decimal | None = None
    unjudged: tuple[Scoped, ...] = ()

    @property
    def gain(self) -> Decimal:
        """Return what was gained, or lost, before the profit share."""
        return self.end - self.allocation

    @property
    def kept(self) -> Decimal:
        """Return what is the follower's once the profit share is paid."""
        return self.end - self.share

    @property
    def gain_kept(self) -> Decimal:
        """Return the gain once the profit share is paid."""
        return self.kept - self.allocation

    @property
    def return_ratio(self) -> Decimal:
        """Return what was gained of the amount, after the profit share."""
        return self.gain_kept / self.allocation

    @property
    def copied_ratio(self) -> Decimal | None:
        """Return the share of opening orders that would have been copied; None where there was none."""
        return Decimal(self.copied) / self.opens if self.opens else None

    @property
    def worst_day_ratio(self) -> Decimal:
        """Return the worst day as a share of the amount, zero where no day lost anything."""
        return ZERO if self.worst_day is None else self.worst_day.change / self.allocation
