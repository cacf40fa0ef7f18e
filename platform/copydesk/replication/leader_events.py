"""What a leader does to a position without trading: another leverage, more or less margin. Followers are told.

The positions of the last reading are stored with what was found, so that a new process goes on from them: nothing is
told twice, and what a leader did while nobody looked is told as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.kernel import ZERO, decimal_text
from copydesk.replication.intake import Leader
from copydesk.replication.strategy_news import News, NewsKind, tell_news
from copydesk.trading import MarginMode, PositionSide
from copydesk.venues import FundingPayment, Position

# A liquidation price moves a little with everything that the account holds; a step of this share of the price does not.
STEP_RATIO = Decimal("0.02")
# Exchanges round margins, and take fees from them: a smaller part of the margin is nobody's act.
MARGIN_STEP_RATIO = Decimal("0.005")

_SEEN = text(
    "SELECT symbol, position_side, qty, entry_px, mark_px, leverage, margin_mode, margin, liquidation_px, at "
    "FROM leader_position WHERE strategy_id = :strategy_id"
)
_FORGET = text("DELETE FROM leader_position WHERE strategy_id = :strategy_id")
_KEEP = text(
    """
    INSERT INTO leader_position (tenant_id, strategy_id, symbol, position_side, qty, entry_px, mark_px, leverage,
                                 margin_mode, margin, liquidation_px, at)
    SELECT :tenant_id, :strategy_id, p.*, :at FROM unnest(
        CAST(:symbols AS text[]), CAST(:sides AS text[]), CAST(:qtys AS numeric[]), CAST(:entries AS numeric[]),
        CAST(:marks AS numeric[]), CAST(:leverages AS integer[]), CAST(:modes AS text[]), CAST(:margins AS numeric[]),
        CAST(:liquidations AS numeric[])) AS p
    """
)
_TOLD = text(
    """
    SELECT n.symbol, n.kind, n.facts, n.at, p.mark_px AS own_mark_px, p.liquidation_px AS own_liquidation_px
    FROM subscription s JOIN strategy_news n ON n.tenant_id = s.tenant_id AND n.strategy_id = s.strategy_id
    LEFT JOIN account_position p ON p.tenant_id = s.tenant_id AND p.account_id = s.account_id AND p.symbol = n.symbol
         AND p.position_side = n.facts ->> 'position_side'
    WHERE s.id = :id AND n.kind IN ('leverage', 'margin') ORDER BY n.id DESC LIMIT :limit
    """
)


class LeaderChange(NamedTuple):
    """One such change, with what would have liquidated the position before it and would after it.

    `amount` is what was added to an isolated position's own margin, below zero taken from it; None where that is not
    known, or nothing was.
    """

    kind: NewsKind
    before: Position
    now: Position
    amount: Decimal | None = None


@dataclass(frozen=True)
class LeaderEventShown:
    """A leader's change as a follower sees it. Distances are how far the price may go, as a ratio (0.1 is 10 %).

    `amount` is what was added to (below zero: taken from) the leader's margin, in `currency`. `own_distance` is that of
    the follower's position when it was last looked at, None where there is none.
    """

    symbol: str
    position_side: PositionSide
    kind: NewsKind
    leverage_before: int | None
    leverage: int | None
    amount: Decimal | None
    currency: str
    distance_before: Decimal | None
    distance: Decimal | None
    own_distance: Decimal | None
    at: datetime

    @property
    def nearer_by(self) -> Decimal | None:
        """Return how much nearer than the leader's the follower's liquidation is, as a ratio of the price."""
        if self.own_distance is None or self.distance is None:
            return None
        return self.distance - self.own_distance


def leader_changes(
    before: Iterable[Position], now: Iterable[Position], paid: Iterable[FundingPayment] = ()
) -> list[LeaderChange]:
    """Compare two readings of a leader's positions; those that were traded in between are left out. Pure.

    `paid` is the funding since the first of them: exchanges book it to an isolated position's own margin.
    """
    known = {(position.symbol, position.side): position for position in before}
    funding = list(paid)
    found = []
    for position in now:
        old = known.get((position.symbol, position.side))
        if old is None or (old.qty, old.entry_px) != (position.qty, position.entry_px):
            continue
        amount = _added(old, position, funding)
        kind = _kind(old, position, amount)
        if kind is not None:
            found.append(LeaderChange(kind, old, position, amount))
    return found


def margin_moved(before: Iterable[Position], now: Iterable[Position]) -> bool:
    """Tell whether funding must be known to say what became of a margin. Pure."""
    return any(change.kind is NewsKind.MARGIN and change.amount is not None for change in leader_changes(before, now))


def _added(old: Position, now: Position, paid: Sequence[FundingPayment]) -> Decimal | None:
    """Return what was added to a position's own margin besides funding; None where that is nothing, or not known.

    A payment of a moment ago may be in the reading before already, and those of hedge mode do not name their side: what
    all, any or none of them explains was nobody's act.
    """
    if old.margin is None or now.margin is None:
        return None
    difference = now.margin - old.margin
    amounts = [payment.amount for payment in paid if payment.symbol == now.symbol]
    left = [difference - amount for amount in (sum(amounts, ZERO), *amounts, ZERO)]
    return None if min(map(abs, left)) <= old.margin * MARGIN_STEP_RATIO else left[0]


def _kind(old: Position, now: Position, amount: Decimal | None) -> NewsKind | None:
    if old.leverage is not None and now.leverage is not None and old.leverage != now.leverage:
        return NewsKind.LEVERAGE
    if old.margin is not None and now.margin is not None:
        return NewsKind.MARGIN if amount is not None else None
    if old.liquidation_px is None and now.liquidation_px is None:
        return None
    if old.liquidation_px is None or now.liquidation_px is None:
        return NewsKind.MARGIN
    stepped = abs(now.liquidation_px - old.liquidation_px) > now.mark_px * STEP_RATIO
    return NewsKind.MARGIN if stepped else None


def distance(mark_px: Decimal | None, liquidation_px: Decimal | None) -> Decimal | None:
    """Return how far the price may go before a position is liquidated, as a ratio; None where nothing liquidates it."""
    if mark_px is None or liquidation_px is None or mark_px <= 0:
        return None
    return abs(mark_px - liquidation_px) / mark_px


def leader_positions(session: TenantSession, leader: Leader) -> tuple[tuple[Position, ...], datetime] | None:
    """Return a leader's positions as they were stored last, and when; None where none are stored."""
    rows = session.execute(_SEEN, {"strategy_id": leader.strategy_id}).all()
    if not rows:
        return None
    return tuple(_position(row) for row in rows), min(row.at for row in rows)


def store_leader_positions(
    session: TenantSession,
    leader: Leader,
    positions: Sequence[Position],
    found: Sequence[LeaderChange],
    *,
    at: datetime,
) -> list[int]:
    """Store what a leader holds in place of what was stored, and the news of what has changed; return their ids."""
    whose = {"tenant_id": leader.tenant_id, "strategy_id": leader.strategy_id}
    session.execute(_FORGET, whose)
    if positions:
        session.execute(_KEEP, whose | {"at": at} | _arrays(positions))
    return [
        tell_news(session, leader.strategy_id, change.kind, change.now.symbol, _facts(change), at) for change in found
    ]


def leader_events(session: TenantSession, subscription_id: int, *, limit: int = 20) -> list[LeaderEventShown]:
    """Return what a subscription's leader has changed without trading, newest first, with both distances."""
    rows = session.execute(_TOLD, {"id": subscription_id, "limit": limit})
    return [
        _shown(symbol, NewsKind(kind), facts, at, distance(own_mark_px, own_liquidation_px))
        for symbol, kind, facts, at, own_mark_px, own_liquidation_px in rows
    ]


def leader_event(news: News) -> LeaderEventShown | None:
    """Return what a piece of news tells of a leader's position; None where it is about something else."""
    if news.kind not in (NewsKind.LEVERAGE, NewsKind.MARGIN) or news.symbol is None:
        return None
    return _shown(news.symbol, news.kind, news.facts, news.at, None)


def _shown(
    symbol: str, kind: NewsKind, facts: Mapping[str, Any], at: datetime, own_distance: Decimal | None
) -> LeaderEventShown:
    mark_px = _number(facts["mark_px"])
    return LeaderEventShown(
        symbol,
        PositionSide(facts["position_side"]),
        kind,
        facts["leverage_before"],
        facts["leverage"],
        _number(facts["amount"]),
        facts["currency"],
        distance(mark_px, _number(facts["liquidation_px_before"])),
        distance(mark_px, _number(facts["liquidation_px"])),
        own_distance,
        at,
    )


def _facts(change: LeaderChange) -> dict[str, Any]:
    """Write a change down: prices in quote currency, margins in `currency`, null for what is not known."""
    before, now = change.before, change.now
    return {
        "position_side": str(now.side),
        "qty": decimal_text(now.qty),
        "leverage_before": before.leverage,
        "leverage": now.leverage,
        "amount": _text(change.amount),
        "margin_before": _text(before.margin),
        "margin": _text(now.margin),
        "currency": now.symbol.rpartition(":")[2],
        "mark_px": decimal_text(now.mark_px),
        "liquidation_px_before": _text(before.liquidation_px),
        "liquidation_px": _text(now.liquidation_px),
    }


def _arrays(positions: Sequence[Position]) -> dict[str, str]:
    return {
        "symbols": array_literal([one.symbol for one in positions]),
        "sides": array_literal([one.side for one in positions]),
        "qtys": array_literal([one.qty for one in positions]),
        "entries": array_literal([one.entry_px for one in positions]),
        "marks": array_literal([one.mark_px for one in positions]),
        "leverages": array_literal([one.leverage for one in positions]),
        "modes": array_literal([one.margin_mode for one in positions]),
        "margins": array_literal([one.margin for one in positions]),
        "liquidations": array_literal([one.liquidation_px for one in positions]),
    }


def _position(row: Any) -> Position:
    return Position(
        row.symbol,
        PositionSide(row.position_side),
        row.qty,
        row.entry_px,
        row.mark_px,
        row.leverage,
        MarginMode(row.margin_mode) if row.margin_mode else None,
        row.qty * (row.mark_px - row.entry_px),
        row.liquidation_px,
        row.margin,
    )


def _number(told: str | None) -> Decimal | None:
    return None if told is None else Decimal(told)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)
