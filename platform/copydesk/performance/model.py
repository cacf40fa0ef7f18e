"""A strategy as a visitor compares it: a row of the board, what that is filtered and sorted by, how a score came about.

Values only. Ratios are fractions (0.12 is 12 %), money is in the brand's quote currency, moments are UTC. A figure
that cannot be told is None, never a number that looks like one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.analytics.flags import Flag
from copydesk.analytics.score import Gate, Part

Point = tuple[datetime, Decimal]
"""A moment and the equity or index then."""


class Market(StrEnum):
    """Which markets a strategy must trade to be listed."""

    ANY = "any"
    SPOT = "spot"
    PERPETUAL = "perpetual"


class Sort(StrEnum):
    """What the board is ordered by, best first.

    `SCORE` is the place in the ranking. For the returns and the followers' result a record that is too early to judge
    comes last: it has no such headline figure.
    """

    SCORE = "score"
    RETURN_30 = "return_30"
    RETURN_90 = "return_90"
    RETURN_ALL = "return_all"
    DRAWDOWN = "drawdown"
    FOLLOWERS_RESULT = "followers_result"
    RISK = "risk"
    DAYS = "days"


@dataclass(frozen=True)
class Filters:
    """What a visitor asks for; a strategy that lacks the figure of a filter is left out by it.

    `exchange` is a venue name, `style` an `analytics` style, `allocation_max` what the visitor could allocate: a
    strategy is shown if its smallest sensible allocation is not above. `text` is looked for in the names of the
    strategy and of its trader.
    """

    market: Market = Market.ANY
    exchange: str | None = None
    risk_max: int | None = None
    drawdown_max: Decimal | None = None
    allocation_max: Decimal | None = None
    style: str | None = None
    age_days_min: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class Adjusted:
    """What the brand's staff changed by hand: out of the ranking, or onto a place. Public, with reason and date.

    `place` is where the strategy was put; None where it was taken out of the ranking.
    """

    place: int | None
    reason: str
    at: datetime

    @property
    def excluded(self) -> bool:
        return self.place is None


class Position(NamedTuple):
    """What the trader holds: quantity in base units, price and worth in quote currency. A short is below zero.

    `leverage` is what the account was last seen set to; None on spot and where it is not known.
    """

    symbol: str
    qty: Decimal
    last_px: Decimal
    notional: Decimal
    leverage: int | None


@dataclass(frozen=True)
class BoardRow:
    """One strategy in figures.

    `return_ratio` is of the last 90 days, or of all while younger. While `too_early` (no 30 days or no 20 closed
    positions) there is no headline: `return_ratio`, `return_30`, `return_90`, `return_all`, `follower_return` and
    `risk` are None; drawdown is told at all times. `score` is 0 to 100, `place` from 1 on; both None behind a gate,
    which `gates` name, and where staff took the strategy out. `points` are those of each part of the score.
    `score_version` names the weights and gates that were used. `follower_return` is the followers' median
    money-weighted result. `copies_expected` leaves out copies that had nothing to do. `exchange` is the trader's, by
    its venue name. `flags` are remarks with the numbers that their sentences need. `spark` is the index of the last
    90 days. `as_of` is None while nothing was computed yet. How many follow is told to all where `followers_shown`.
    """

    id: int
    slug: str
    name: str
    summary: str
    status: str
    trader_name: str
    exchange: str
    spot: bool
    perpetual: bool
    leverage_max: int | None
    started_at: datetime
    record_days: Decimal
    return_ratio: Decimal | None
    drawdown_max_ratio: Decimal | None
    drawdown_now_ratio: Decimal | None
    equity: Decimal | None
    followers: int
    copies_done: int
    copies_expected: int
    success_ratio: Decimal | None
    slippage_bps_p50: Decimal | None
    latency_ms_p50: int | None
    spark: tuple[Point, ...]
    return_30: Decimal | None = None
    return_90: Decimal | None = None
    return_all: Decimal | None = None
    score: Decimal | None = None
    score_version: str = ""
    place: int | None = None
    gates: tuple[Gate, ...] = ()
    points: Mapping[Part, float | None] = field(default_factory=dict)
    risk: int | None = None
    style: str | None = None
    flags: Mapping[Flag, Mapping[str, float]] = field(default_factory=dict)
    follower_return: Decimal | None = None
    too_early: bool = True
    adjusted: Adjusted | None = None
    min_allocation: Decimal | None = None
    closed: int = 0
    symbols: tuple[str, ...] = ()
    as_of: datetime | None = None
    followers_shown: bool = True


@dataclass(frozen=True)
class Board:
    """One page of the board. `after` is the cursor of the page behind it, None on the last.

    `total` counts all rows that the filters let through.
    """

    rows: tuple[BoardRow, ...]
    after: str | None
    total: int


class ScorePart(NamedTuple):
    """One part of a score: its weight of all weights' sum, the figure, its points (0 to 100) and what it adds."""

    part: Part
    weight: int
    figure: float | None
    points: float | None
    adds: float


@dataclass(frozen=True)
class Breakdown:
    """How a score came about. `total` and `place` are None behind a gate; `ranked` counts strategies with a place."""

    total: Decimal | None
    place: int | None
    ranked: int
    parts: tuple[ScorePart, ...]
    gates: tuple[Gate, ...]
    version: str


class PastStrategy(NamedTuple):
    """A strategy of the trader's lifetime record, this one and others, whatever became of them.

    `lost` tells that all was lost once. `ended_at` is when a closed strategy was last watched, None while it runs.
    Figures are of its whole record, however short that is.
    """

    slug: str
    name: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    days: int
    return_ratio: Decimal | None
    drawdown_max_ratio: Decimal | None
    closed: int
    lost: bool
