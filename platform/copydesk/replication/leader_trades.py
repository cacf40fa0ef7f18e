"""A leader's trades as behavior is judged by them, made of the signals that were stored: from flat to flat.

Signals tell prices and quantities of executions, not fees, nor what stood between them. So profits are before fees, and
the depth of a loss is what executions saw of it. Whether a stop rested is told by the leader's orders, which are heard
where somebody copies them; of positions that were opened before that, it is not known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO
from copydesk.risk.trades import Entry, Trade

SIGNALS_MAX = 20_000
# Fees taken in base leave a rest that is no position.
_FLAT_RATIO = Decimal("0.01")

_SIGNALS = text(
    """
    SELECT symbol, position_side, venue_order_id, px, position_before, position_after, leader_equity, leader_leverage,
           venue_at
    FROM signal WHERE strategy_id = :strategy_id AND venue_at >= :since AND cum_qty > 0 ORDER BY id DESC LIMIT :most
    """
)


_HEARD = text("SELECT orders_heard_since FROM strategy WHERE id = :strategy_id")
# What is over has changed for the last time when it ended.
_STOPS = text(
    """
    SELECT symbol, position_side, side = 'sell', placed_at,
           CASE WHEN status NOT IN ('accepted', 'partially_filled') THEN venue_at END
    FROM leader_order WHERE strategy_id = :strategy_id AND type IN ('stop_market', 'stop_limit')
      AND (status IN ('accepted', 'partially_filled') OR venue_at >= :since)
    """
)


class StopSeen(NamedTuple):
    """A stop of the leader's that rested for a time, until None while it does; it protects a long, or a short."""

    symbol: str
    position_side: str
    of_long: bool
    since: datetime
    until: datetime | None


class Stops(NamedTuple):
    """All stops that were seen of a leader since their orders are heard; `heard_since` is None where they are not."""

    heard_since: datetime | None = None
    seen: tuple[StopSeen, ...] = ()
    now: datetime = datetime.max.replace(tzinfo=UTC)

    def protected(self, move: Move, closed_at: datetime | None) -> bool | None:
        """Tell whether stops rested for half the life or more of the position that this move opened."""
        if self.heard_since is None or move.at < self.heard_since:
            return None
        end = closed_at or self.now
        spans = sorted(
            (max(stop.since, move.at), min(stop.until or end, end))
            for stop in self.seen
            if (stop.symbol, stop.position_side) == (move.symbol, move.position_side) and stop.of_long is move.long
        )
        covered, reached = timedelta(0), move.at
        for since, until in spans:
            covered += max(until - max(since, reached), timedelta(0))
            reached = max(reached, until)
        return bool(covered) and covered * 2 >= end - move.at


class Move(NamedTuple):
    """One signal, as far as a trade is made of it: positions are signed, `leverage` None where it is not known."""

    symbol: str
    position_side: str
    order: str
    px: Decimal
    before: Decimal
    after: Decimal
    equity: Decimal
    leverage: int | None
    at: datetime

    @property
    def long(self) -> bool:
        """Tell which side is held afterwards."""
        return self.after > 0


_UNHEARD = Stops()


@dataclass
class _Open:
    """A position while it is open."""

    move: Move
    qty: Decimal = ZERO
    cost: Decimal = ZERO
    largest: Decimal = ZERO
    notional: Decimal = ZERO
    profit: Decimal = ZERO
    worst: Decimal = ZERO
    entries: dict[str, list[Entry]] = field(default_factory=dict)

    @property
    def short(self) -> bool:
        return not self.move.long

    def unrealized(self, px: Decimal) -> Decimal:
        return (px * self.qty - self.cost) * (-1 if self.short else 1)

    def grow(self, move: Move, qty: Decimal) -> None:
        self.qty, self.cost = self.qty + qty, self.cost + qty * move.px
        self.largest, self.notional = max(self.largest, self.qty), max(self.notional, self.cost)
        self.entries.setdefault(move.order, []).append(Entry(move.at, qty, move.px))

    def shrink(self, move: Move, qty: Decimal) -> None:
        part = self.cost * qty / self.qty
        self.profit += (move.px * qty - part) * (-1 if self.short else 1)
        self.qty, self.cost = self.qty - qty, self.cost - part

    def trade(self, stops: Stops, *, closed_at: datetime | None, px: Decimal) -> Trade:
        move = self.move
        return Trade(
            move.symbol,
            move.at,
            closed_at,
            self.short,
            Decimal(move.leverage or 1),
            self.notional,
            move.equity,
            self.profit + self.unrealized(px),
            self.worst,
            stopped=stops.protected(move, closed_at),
            entries=tuple(_joined(fills) for fills in self.entries.values()),
        )


def trades_since(session: TenantSession, strategy_id: int, since: datetime, *, now: datetime) -> list[Trade]:
    """Return the trades that a leader opened since then, closed ones and those that are still open."""
    params = {"strategy_id": strategy_id, "since": since, "most": SIGNALS_MAX}
    moves = [Move(*row) for row in reversed(session.execute(_SIGNALS, params).all())]
    heard_since = session.execute(_HEARD, params).scalar()
    seen = () if heard_since is None else tuple(StopSeen(*row) for row in session.execute(_STOPS, params))
    return trades_of(moves, Stops(heard_since, seen, now))


def trades_of(moves: Iterable[Move], stops: Stops = _UNHEARD) -> list[Trade]:
    """Make trades of moves in the order in which they happened; what was open before the first of them is left out."""
    trades: list[Trade] = []
    held: dict[tuple[str, str], _Open] = {}
    newest: dict[str, Decimal] = {}
    for move in moves:
        place, newest[move.symbol] = (move.symbol, move.position_side), move.px
        position = held.get(place)
        if position is not None:
            position.worst = min(position.worst, position.unrealized(move.px))
        crossed = move.before * move.after < 0
        if position is not None and (crossed or abs(move.after) < abs(move.before)):
            position.shrink(move, position.qty if crossed else min(abs(move.before) - abs(move.after), position.qty))
            if crossed or position.qty <= position.largest * _FLAT_RATIO:
                trades.append(held.pop(place).trade(stops, closed_at=move.at, px=move.px))
                position = None
        if crossed or abs(move.after) > abs(move.before):
            if position is None and (crossed or _is_new(move)):
                position = held[place] = _Open(move)
            if position is not None:
                position.grow(move, abs(move.after) if crossed else abs(move.after) - abs(move.before))
    return trades + [one.trade(stops, closed_at=None, px=newest[one.move.symbol]) for one in held.values()]


def _is_new(move: Move) -> bool:
    """Tell whether nothing was held before, or no more than a rest."""
    return abs(move.before) <= abs(move.after) * _FLAT_RATIO


def _joined(fills: list[Entry]) -> Entry:
    qty = sum((fill.qty for fill in fills), ZERO)
    return Entry(fills[0].at, qty, sum((fill.qty * fill.px for fill in fills), ZERO) / qty)
