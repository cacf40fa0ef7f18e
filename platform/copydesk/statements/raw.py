"""What was read for a statement, before anything is made of it: plain rows, oldest first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.replication.profit import Earnings, Traded, WrittenOff
from copydesk.statements.model import Followers, Movement


class Event(NamedTuple):
    """Something that moved a book; `reference` is the exchange's number of a fill, or why a part was written off."""

    at: datetime
    move: Traded | WrittenOff
    reference: str


class BookEvents(NamedTuple):
    """All that moved one book since it began. `start` is what was held before the first that we know of."""

    symbol: str
    position_side: str
    events: tuple[Event, ...]
    start: Earnings = Earnings()


class Paid(NamedTuple):
    """A funding payment, below zero where paid."""

    at: datetime
    symbol: str
    currency: str
    amount: Decimal
    reference: str


class Flow(NamedTuple):
    """Money that was added, or below zero taken off; the first of a subscription is its allocation."""

    at: datetime
    amount: Decimal
    kind: str


@dataclass(frozen=True, slots=True)
class Prices:
    """What instruments were worth at either end of the period, by symbol; what is missing counts at cost."""

    before: Mapping[str, Decimal] = field(default_factory=dict)
    after: Mapping[str, Decimal] = field(default_factory=dict)


class PointSeen(NamedTuple):
    """A stored point: worth after `flow`, and the index that was `reached`: what one unit of money became."""

    at: datetime
    equity: Decimal
    flow: Decimal
    reached: Decimal
    index_low: Decimal
    index_high: Decimal


@dataclass(frozen=True, slots=True)
class RawSubscription:
    """One subscription as it is stored; `copies` are those planned in the period."""

    id: int
    strategy_slug: str
    strategy_name: str
    trader_name: str
    exchange: str
    account: str
    state: str
    began_at: datetime
    ended_at: datetime | None
    books: tuple[BookEvents, ...]
    funding: tuple[Paid, ...]
    flows: tuple[Flow, ...]
    copies: tuple[Movement, ...]
    prices: Prices
    points: tuple[PointSeen, ...]


@dataclass(frozen=True, slots=True)
class RawStrategy:
    """One strategy as it is stored; `points` are those of the period and the last one before it."""

    id: int
    slug: str
    name: str
    exchange: str
    status: str
    began_at: datetime
    books: tuple[BookEvents, ...]
    flows: tuple[Flow, ...]
    prices: Prices
    points: tuple[PointSeen, ...]
    followers: Followers
