"""What a statement says: one person, one period, each subscription and each strategy. Pure.

Money is exact (`Decimal`) wherever it is paid for: fills, fees, funding, flows. Returns and falls are ratios out of
stored points, and told with four digits behind the point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from copydesk.kernel import ZERO
from copydesk.replication.profit import EXACT
from copydesk.statements.period import Period


class MovementKind(StrEnum):
    """What a line of the list of transactions is about."""

    FILL = "fill"
    WRITTEN_OFF = "written_off"
    FUNDING = "funding"
    FLOW = "flow"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Person:
    """Whose statement it is."""

    user_id: int
    name: str
    email: str
    role: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Money:
    """What a period did to the money in one subscription, in its currency; all values exact.

    `opening` and `closing` are what it was worth: its allocation and all that its books earned, open positions at the
    market's price. `flow` is what was added to the allocation, below zero taken off. `fees` are above zero where paid,
    `funding` below zero where paid. `open_before` and `open_after` are the floating profit of what was held at either
    end. `apart` is what was earned and paid in other currencies, by currency, below zero where paid: no rate is made
    up for it, so it is in no sum. Fees that spot took in base are in what the position has cost.
    """

    currency: str
    opening: Decimal = ZERO
    flow: Decimal = ZERO
    realized: Decimal = ZERO
    open_before: Decimal = ZERO
    open_after: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    apart: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def unrealized(self) -> Decimal:
        """Return by how much the floating profit changed."""
        return EXACT.subtract(self.open_after, self.open_before)

    @property
    def net(self) -> Decimal:
        """Return the result: realized and unrealized, less fees, and funding."""
        earned = EXACT.subtract(EXACT.add(self.realized, self.unrealized), self.fees)
        return EXACT.add(earned, self.funding)

    @property
    def closing(self) -> Decimal:
        return EXACT.add(EXACT.add(self.opening, self.flow), self.net)


@dataclass(frozen=True, slots=True)
class ClosedPosition:
    """One position from flat to flat that was closed in the period.

    `long` tells its side, `qty` the most that was held. `exit_px` is None where its owner took it over. `realized` is
    before `fees`, which are those in the quote currency; `fees_apart` those in others.
    """

    symbol: str
    position_side: str
    long: bool
    opened_at: datetime
    closed_at: datetime
    qty: Decimal
    entry_px: Decimal
    exit_px: Decimal | None
    realized: Decimal
    fees: Decimal
    fees_apart: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Held:
    """What was open at the end of the period; `px` is the price it is valued at, None where none is known: at cost."""

    symbol: str
    position_side: str
    qty: Decimal
    cost: Decimal
    px: Decimal | None
    unrealized: Decimal


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the list of transactions; what a kind does not have is None or "".

    `realized` is what the line realized before fees, in `currency`. `amount` is what a funding payment or a flow
    brought. Of a copy `status`, `reason` and `facts` are the outcome that its receipt shows, `wanted` the quantity that
    was sent and `qty` what of it was filled.
    """

    kind: MovementKind
    at: datetime
    currency: str
    symbol: str = ""
    position_side: str = ""
    side: str = ""
    qty: Decimal | None = None
    px: Decimal | None = None
    fee: Decimal | None = None
    fee_currency: str = ""
    realized: Decimal | None = None
    amount: Decimal | None = None
    reference: str = ""
    signal_id: int | None = None
    wanted: Decimal | None = None
    status: str = ""
    reason: str = ""
    facts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many copies of the period ended this way."""

    status: str
    copies: int


@dataclass(frozen=True, slots=True)
class SubscriptionPart:
    """One subscription in the period. `until` is where its record ends: the period's end, its own, or now.

    `money_weighted` is the modified Dietz return, None where on average no money was there. `fall` is the deepest fall
    from a high of the period, None where no points are stored.
    """

    id: int
    strategy_slug: str
    strategy_name: str
    trader_name: str
    exchange: str
    account: str
    state: str
    began_at: datetime
    ended_at: datetime | None
    until: datetime
    money: Money
    money_weighted: Decimal | None
    fall: Decimal | None
    closed: tuple[ClosedPosition, ...]
    held: tuple[Held, ...]
    outcomes: tuple[Outcome, ...]
    movements: tuple[Movement, ...]

    @property
    def copies(self) -> tuple[Movement, ...]:
        return tuple(line for line in self.movements if line.kind is MovementKind.COPY)


@dataclass(frozen=True, slots=True)
class Followers:
    """A strategy's followers in aggregate; nobody among them is named. Money in the brand's currency.

    `net` is what they earned in the period, all together, and `in_profit` how many of them earned something.
    """

    before: int
    joined: int
    left: int
    allocation: Decimal
    net: Decimal
    in_profit: int
    counted: int

    @property
    def after(self) -> int:
        return self.before + self.joined - self.left


@dataclass(frozen=True, slots=True)
class MonthLine:
    """A month's time-weighted return."""

    year: int
    month: int
    ratio: Decimal


@dataclass(frozen=True, slots=True)
class StrategyPart:
    """One strategy of a trader in the period.

    `opening`, `closing` and `flow` are the account's as its points have them, None without points. `realized` and
    `fees` are exact, out of its executions; `apart` is what was earned and paid in other currencies, below zero where
    paid. `ratio` is the time-weighted return.
    """

    id: int
    slug: str
    name: str
    exchange: str
    status: str
    began_at: datetime
    currency: str
    opening: Decimal | None
    closing: Decimal | None
    flow: Decimal
    realized: Decimal
    fees: Decimal
    apart: Mapping[str, Decimal]
    ratio: Decimal | None
    fall: Decimal | None
    months: tuple[MonthLine, ...]
    closed: tuple[ClosedPosition, ...]
    held: tuple[Held, ...]
    movements: tuple[Movement, ...]
    followers: Followers

    @property
    def net(self) -> Decimal | None:
        """Return what the account earned: what its worth changed by, flows taken out."""
        if self.opening is None or self.closing is None:
            return None
        return self.closing - self.opening - self.flow


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that one person's statement of a period says. Times are UTC; `time_zone` is for showing them."""

    brand: str
    person: Person
    period: Period
    made_at: datetime
    time_zone: str
    subscriptions: tuple[SubscriptionPart, ...]
    strategies: tuple[StrategyPart, ...]

    @property
    def unfinished(self) -> bool:
        """Tell whether the period was still running when this was made."""
        return self.period.until > self.made_at
