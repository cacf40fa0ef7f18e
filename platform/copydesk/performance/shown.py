"""What a trader shows of a strategy to everybody: positions now, later or not at all; how many follow. Reads only.

The choice is one of the strategy's terms (`studio.terms`), read here by their row; without one everything is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.performance.model import Position

DELAY = timedelta(days=1)

_SHOWS = text("SELECT shows FROM strategy_terms WHERE strategy_id = :id")
_NOW = text("""
SELECT symbol, qty, last_px, qty * last_px AS notional, leverage
FROM leader_book LEFT JOIN leader_setup USING (tenant_id, strategy_id, symbol)
WHERE strategy_id = :id AND qty <> 0 ORDER BY abs(qty * last_px) DESC, symbol, position_side
""")
_THEN = text("""
SELECT symbol, qty, px, qty * px AS notional, leverage
FROM (SELECT DISTINCT ON (symbol, position_side) symbol, position_side, position_after AS qty, px,
             leader_leverage AS leverage
      FROM signal WHERE strategy_id = :id AND cum_qty > 0 AND venue_at <= :until
      ORDER BY symbol, position_side, id DESC) AS earlier
WHERE qty <> 0 ORDER BY abs(qty * px) DESC, symbol, position_side
""")


class PositionsShown(StrEnum):
    """When everybody sees what a strategy holds and trades: now, a day later, or not at all."""

    NOW = "now"
    DELAYED = "delayed"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Shown:
    """What everybody sees of a strategy beside its figures."""

    positions: PositionsShown = PositionsShown.NOW
    followers: bool = True

    def until(self, now: datetime) -> datetime | None:
        """Return up to when trades are shown; None where none are."""
        return {PositionsShown.NOW: now, PositionsShown.DELAYED: now - DELAY, PositionsShown.OFF: None}[self.positions]


def shown_of(session: Session, strategy_id: int) -> Shown:
    """Return what the trader of a strategy chose to show."""
    shows = session.execute(_SHOWS, {"id": strategy_id}).scalar() or {}
    positions = PositionsShown(shows.get("positions", PositionsShown.NOW))
    return Shown(positions, bool(shows.get("followers", True)))


def positions_of(session: Session, strategy_id: int, shown: Shown, *, now: datetime) -> tuple[Position, ...]:
    """Return what a strategy holds, the largest first, as far as everybody may see it; a day ago at its price then."""
    until = shown.until(now)
    if until is None:
        return ()
    bound = {"id": strategy_id, "until": until}
    delayed = shown.positions is PositionsShown.DELAYED
    rows = session.execute(_THEN, bound) if delayed else session.execute(_NOW, {"id": strategy_id})
    return tuple(Position(*found) for found in rows)
