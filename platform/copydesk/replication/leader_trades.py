"""A leader's trades as behavior is judged by them, made of the signals that were stored: from flat to flat.

Signals tell prices and quantities of executions, not fees, nor what stood between them. So profits are before fees,
the depth of a loss is what executions saw of it, and whether a stop rested is not told: positions count as protected.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
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
        return self.move.after < 0

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

    def trade(self, *, closed_at: datetime | None, px: Decimal) -> Trade:
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
            stopped=True,
            entries=tuple(_joined(fills) for fills in self.entries.values()),
        )


def trades_since(session: TenantSession, strategy_id: int, since: datetime) -> list[Trade]:
    """Return the trades that a leader opened since then, closed ones and those that are still open."""
    params = {"strategy_id": strategy_id, "since": since, "most": SIGNALS_MAX}
    return trades_of(Move(*row) for row in reversed(session.execute(_SIGNALS, params).all()))


def trades_of(moves: Iterable[Move]) -> list[Trade]:
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
                trades.append(held.pop(place).trade(closed_at=move.at, px=move.px))
                position = None
        if crossed or abs(move.after) > abs(move.before):
            if position is None and (crossed or _is_new(move)):
                position = held[place] = _Open(move)
            if position is not None:
                position.grow(move, abs(move.after) if crossed else abs(move.after) - abs(move.before))
    return trades + [one.trade(closed_at=None, px=newest[one.move.symbol]) for one in held.values()]


def _is_new(move: Move) -> bool:
    """Tell whether nothing was held before, or no more than a rest."""
    return abs(move.before) <= abs(move.after) * _FLAT_RATIO


def _joined(fills: list[Entry]) -> Entry:
    qty = sum((fill.qty for fill in fills), ZERO)
    return Entry(fills[0].at, qty, sum((fill.qty * fill.px for fill in fills), ZERO) / qty)
