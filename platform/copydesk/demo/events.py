"""Leaders' executions as followers see them: all fills of one order at one instant are one event, or two through zero.

On perpetuals the long and the short side of an instrument are told apart, so that every quantity is above zero: an
execution through zero closes one side and opens the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from copydesk.demo.asks import LONG
from copydesk.demo.ledger import Holdings, Record, direction_of, net_base
from copydesk.demo.listed import is_perpetual
from copydesk.kernel import ZERO

# The desk samples a leader's equity every five seconds; prices move meanwhile.
_EQUITY_WINDOW_MS = 8_000
_EQUITY_SLACK = Decimal("0.002")


@dataclass
class Span:
    """An interval of base quantity, or of money; `low` and `high` are equal when nothing is uncertain."""

    low: Decimal = ZERO
    high: Decimal = ZERO

    def distance(self, value: Decimal) -> Decimal:
        """Return how far a value lies outside."""
        return max(self.low - value, value - self.high, ZERO)

    def shift(self, low: Decimal, high: Decimal) -> None:
        self.low, self.high = max(self.low + low, ZERO), max(self.high + high, ZERO)

    def scale(self, share: Decimal) -> None:
        self.low, self.high = self.low * share, self.high * share


@dataclass(frozen=True)
class LeaderEvent:
    """The leader went from `before` to `after` on one side of an instrument, in `parts` of these quantities."""

    account: str
    symbol: str
    direction: int
    at_ms: float
    px: Decimal
    before: Decimal
    after: Decimal
    parts: tuple[Decimal, ...]
    first_of_order: bool
    equity: Span = field(default_factory=Span)

    @property
    def opens(self) -> bool:
        return self.after > self.before


def leader_events(records: Iterable[Record], book: Holdings) -> Iterator[LeaderEvent]:
    """Book every record, and yield what the leaders did in between."""
    group: list[Record] = []
    for record in records:
        is_leader = record["kind"] == "execution" and record["account"] in book.leaders
        if group and not (is_leader and _same_order(group[0], record)):
            yield from _events(group, book)
            group = []
        if is_leader:
            group.append(record)
        else:
            book.note(record)
    if group:
        yield from _events(group, book)


def _same_order(first: Record, record: Record) -> bool:
    same = ("venue", "market", "order_id", "at_ms")
    return all(first[name] == record[name] for name in same)


def _events(group: Sequence[Record], book: Holdings) -> list[LeaderEvent]:
    """Tell a group as one event for each side of the instrument that it moved."""
    first, account, symbol = group[0], group[0]["account"], book.listed.symbol(group[0])
    equity = book.equity_span(account, first["at_ms"], _EQUITY_WINDOW_MS)
    held = book.position[account][symbol]
    path = [held]
    for record in group:
        book.note(record)
        held += net_base(record)
        path.append(held if is_perpetual(symbol) else max(held, ZERO))
    qty = sum((Decimal(r["qty"]) for r in group), ZERO)
    px = sum((Decimal(r["qty"]) * Decimal(r["px"]) for r in group), ZERO) / qty
    span = Span(min(equity) * (1 - _EQUITY_SLACK), max(equity) * (1 + _EQUITY_SLACK))
    whole = Decimal(group[-1]["order_cum_qty"]) == qty
    moved = [_moved(path, side) for side in _sides(path)]
    return [
        LeaderEvent(
            account,
            symbol,
            side,
            group[-1]["at_ms"],
            px,
            levels[0],
            levels[-1],
            tuple(abs(b - a) for a, b in itertools.pairwise(levels) if a != b),
            whole or (levels[0] == 0 and is_perpetual(symbol)),
            span,
        )
        for side, levels in moved
    ]


def _sides(path: Sequence[Decimal]) -> list[int]:
    """Name the sides that a position was on, the one that it left first; a move within nothing counts as a long one."""
    sides = [direction_of(level) for level in (path[0], path[-1]) if level]
    return sorted(set(sides), key=sides.index) or [LONG]


def _moved(path: Sequence[Decimal], side: int) -> tuple[int, list[Decimal]]:
    return side, [max(level * side, ZERO) for level in path]
