"""Copied perpetuals with the leader beside the follower: leverage, where each is liquidated, and funding. Read-only.

Where a position is liquidated is what its exchange said when it was last looked at; where an exchange says nothing,
nothing but the account as a whole would liquidate it. How far that is, is counted at the marks of now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.replication.shards import whereabouts_of
from copydesk.risk.futures import funding_payment
from copydesk.risk.margins import Liquidation
from copydesk.trading import MarginMode, PositionSide
from copydesk.venues import FundingRate

# What was sent or adjusted is held before it is told fill by fill; what is shown here is what is booked.
_COPIED = text(
    """
    SELECT s.id, t.slug, a.shard, led.shard AS leader_shard, b.symbol, b.position_side, b.qty,
           nullif(u.leverage, 0) AS leverage, u.margin_mode, p.mark_px, p.liquidation_px, p.at, p.qty AS own_qty,
           l.qty AS leader_qty, l.leverage AS leader_leverage, l.margin_mode AS leader_mode, l.margin AS leader_margin,
           l.mark_px AS leader_mark_px, l.liquidation_px AS leader_liquidation_px, l.at AS leader_at,
           coalesce((SELECT sum(f.amount) FROM funding_payment f WHERE f.tenant_id = s.tenant_id
                     AND f.subscription_id = s.id AND f.symbol = b.symbol), 0) AS paid
    FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id AND s.state <> 'ended'
    JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN account led ON led.tenant_id = t.tenant_id AND led.id = t.account_id
    LEFT JOIN account_setup u ON u.tenant_id = a.tenant_id AND u.account_id = a.id AND u.symbol = b.symbol
    LEFT JOIN account_position p ON p.tenant_id = a.tenant_id AND p.account_id = a.id AND p.symbol = b.symbol
         AND p.position_side = b.position_side
    LEFT JOIN leader_position l ON l.tenant_id = t.tenant_id AND l.strategy_id = t.id AND l.symbol = b.symbol
         AND l.position_side = b.position_side
    WHERE b.qty <> 0 AND strpos(b.symbol, ':') > 0
      AND (CAST(:id AS bigint) IS NULL OR s.id = :id) ORDER BY s.id, b.symbol, b.position_side
    """
)

# From an exchange's environment and its ccxt symbols to the marks of now, and to what funding comes next.
MarksOf = Callable[[str, Collection[str]], Mapping[str, Decimal]]
RatesOf = Callable[[str, Collection[str]], Mapping[str, FundingRate]]


class Stand(NamedTuple):
    """One side's position: signed base units, prices in quote units.

    `margin_mode` and `margin` are None where they are not told; `liquidation_px` and `distance` where the exchange
    names no price. `distance` is the part of the mark that the price may still move against it, zero or less means now.
    """

    qty: Decimal
    leverage: int | None
    margin_mode: MarginMode | None
    margin: Decimal | None
    mark_px: Decimal
    liquidation_px: Decimal | None
    distance: Decimal | None
    seen_at: datetime


@dataclass(frozen=True)
class CopiedPerpetual:
    """One open book of a perpetual. `leader` and `follower` are None where their position was not looked at yet.

    `follower` is the account's whole position, which may be more than the book's `qty`. `paid` is the funding that was
    booked to the subscription for this instrument so far; `coming` what the book pays (below zero) or receives next, at
    `rate`.
    """

    subscription_id: int
    strategy: str
    exchange: str
    symbol: str
    position_side: PositionSide
    qty: Decimal
    leader: Stand | None
    follower: Stand | None
    paid: Decimal
    rate: FundingRate | None
    coming: Decimal | None

    @property
    def short(self) -> bool:
        return self.qty < 0

    @property
    def currency(self) -> str:
        return self.symbol.rpartition(":")[2]

    @property
    def nearer_by(self) -> Decimal | None:
        """Return how much nearer than the leader's the follower's liquidation is, as a share of the mark."""
        if self.leader is None or self.follower is None:
            return None
        if self.leader.distance is None or self.follower.distance is None:
            return None
        return self.leader.distance - self.follower.distance


def read_perpetuals(
    session: TenantSession, marks_of: MarksOf, rates_of: RatesOf, *, subscription_id: int | None = None
) -> list[CopiedPerpetual]:
    """Return the copied perpetuals of a brand, or of one subscription, the closest to liquidation first."""
    rows = session.execute(_COPIED, {"id": subscription_id}).all()
    marks = _asked(marks_of, ((_place(shard), row.symbol) for row in rows for shard in (row.shard, row.leader_shard)))
    rates = _asked(rates_of, ((_place(row.shard), row.symbol) for row in rows))
    found = [_copied(row, marks, rates) for row in rows]
    return sorted(found, key=_nearest_first)


def _asked(of: Callable[[str, Collection[str]], Mapping[str, Any]], wanted: Iterable[tuple[str, str]]) -> _Told:
    places: defaultdict[str, set[str]] = defaultdict(set)
    for place, symbol in wanted:
        places[place].add(symbol)
    return {
        (place, symbol): told
        for place, symbols in sorted(places.items())
        for symbol, told in of(place, sorted(symbols)).items()
    }


_Told = dict[tuple[str, str], Any]


def _copied(row: Any, marks: _Told, rates: _Told) -> CopiedPerpetual:
    place, symbol = _place(row.shard), row.symbol
    leader = follower = None
    if row.leader_qty is not None:
        mark = marks.get((_place(row.leader_shard), symbol), row.leader_mark_px)
        mode = MarginMode(row.leader_mode) if row.leader_mode else None
        away = _distance(mark, row.leader_liquidation_px, row.leader_qty)
        leader = Stand(
            row.leader_qty, row.leader_leverage, mode, row.leader_margin, mark, row.leader_liquidation_px, away,
            row.leader_at,
        )  # fmt: skip
    if row.own_qty is not None:
        mark = marks.get((place, symbol), row.mark_px)
        away = _distance(mark, row.liquidation_px, row.own_qty)
        own_mode = MarginMode(row.margin_mode) if row.margin_mode else None
        follower = Stand(row.own_qty, row.leverage, own_mode, None, mark, row.liquidation_px, away, row.at)
    rate = rates.get((place, symbol))
    mark = marks.get((place, symbol), row.mark_px)
    coming = None if rate is None or mark is None else funding_payment(row.qty, mark, rate.rate)
    return CopiedPerpetual(
        row.id, row.slug, place, symbol, PositionSide(row.position_side), row.qty, leader, follower, row.paid, rate,
        coming,
    )  # fmt: skip


def _distance(mark: Decimal, liquidation_px: Decimal | None, qty: Decimal) -> Decimal | None:
    if liquidation_px is None or mark <= ZERO:
        return None
    return Liquidation(liquidation_px, short=qty < 0).distance(mark)


def _nearest_first(copied: CopiedPerpetual) -> tuple[bool, Decimal, int, str, str]:
    away = copied.follower.distance if copied.follower else None
    return away is None, away or ZERO, copied.subscription_id, copied.symbol, copied.position_side


def _place(shard: str) -> str:
    return whereabouts_of(shard).exchange
