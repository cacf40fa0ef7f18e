"""A strategy's closed positions as a list, counted out of its executions whenever it is asked for. Reads only.

They are the positions that the figures count: the same fills, put together by the same arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, cast

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.analytics import Fills, OpenTrips, Trips, trips_of
from copydesk.analytics.record import Floats
from copydesk.db import TenantSession
from copydesk.marks import place_name
from copydesk.performance.ledger import Fee, Held, Ledger, fills_of, named, symbol_of
from copydesk.performance.marks import MarkLine, marks_of
from copydesk.performance.raw import read_executions
from copydesk.trading import Environment

POSITIONS_A_PAGE = 25
# So many digits of a price or quantity are told; what is left behind them comes from counting in binary.
_DIGITS = 10

_ACCOUNT = text("""
SELECT account_id, venue, environment FROM strategy
JOIN account ON account.tenant_id = strategy.tenant_id AND account.id = strategy.account_id WHERE strategy.id = :id
""")
_HELD_BEFORE = text("SELECT symbol, position_side, base_qty FROM leader_book WHERE strategy_id = :id AND base_qty <> 0")


class ClosedPosition(NamedTuple):
    """One closed position of the trader: `qty` is the largest held, prices are averages over all fills of it.

    `side` is "long" or "short"; `net` is what it earned after fees, in quote currency.
    """

    symbol: str
    side: str
    qty: Decimal
    entry_px: Decimal
    exit_px: Decimal
    net: Decimal
    opened_at: datetime
    closed_at: datetime


@dataclass(frozen=True)
class ClosedPage:
    """Closed positions, the newest first; `page` counts from 1."""

    positions: tuple[ClosedPosition, ...]
    page: int
    pages: int
    total: int


def closed_positions(session: Session, strategy_id: int, *, page: int = 1) -> ClosedPage:
    """Return one page of a strategy's closed positions; a page beyond the last is the last."""
    account = session.execute(_ACCOUNT, {"id": strategy_id}).one()
    # A request's session is bound to its brand in another way, which makes no difference to what is read.
    ledger = read_executions(cast("TenantSession", session), account.account_id)
    held = {
        named(row.symbol, row.position_side): float(row.base_qty)
        for row in session.execute(_HELD_BEFORE, {"id": strategy_id})
    }
    lines = _coins(session, place_name(account.venue, Environment(account.environment)), ledger)
    fills = fills_of(ledger, lines, held={name: Held(qty, qty) for name, qty in held.items()})
    carried = _carried(ledger, held)
    trips = trips_of(fills, carried=carried)
    exits = _exits(fills, carried)
    pages = max(-(-len(trips) // POSITIONS_A_PAGE), 1)
    wanted = min(max(page, 1), pages)
    newest = range(len(trips) - 1, -1, -1)[(wanted - 1) * POSITIONS_A_PAGE :][:POSITIONS_A_PAGE]
    shown = tuple(_told(ledger.names, trips, place, float(exits[place])) for place in newest)
    return ClosedPage(shown, wanted, pages, len(trips))


def _told(names: Sequence[str], trips: Trips, place: int, exit_px: float) -> ClosedPosition:
    return ClosedPosition(
        symbol=symbol_of(names[int(trips.instrument[place])]),
        side="long" if trips.side[place] > 0 else "short",
        qty=_number(trips.qty_max[place]),
        entry_px=_number(trips.entry_px[place]),
        exit_px=_number(exit_px),
        net=_number(trips.net[place]),
        opened_at=datetime.fromtimestamp(int(trips.opened_ms[place]) / 1000, UTC),
        closed_at=datetime.fromtimestamp(int(trips.closed_ms[place]) / 1000, UTC),
    )


def _exits(fills: Fills, carried: OpenTrips) -> Floats:
    """Return the average price at which each position was left: what it turned over and earned before costs tell it."""
    trips = trips_of(replace(fills, cost=np.zeros(len(fills))), carried=carried)
    gained = trips.net * trips.side
    entered, left = (trips.turnover - gained) / 2, (trips.turnover + gained) / 2
    return trips.entry_px * np.divide(left, entered, out=np.ones(len(trips)), where=entered > 0)


def _coins(session: Session, place: str, ledger: Ledger) -> Mapping[str, MarkLine]:
    """Return what the third coins that fees were taken in were worth."""
    paid = ledger.part(ledger.fee_kind == Fee.OTHER)
    if not len(paid):
        return {}
    since, until = (datetime.fromtimestamp(int(at_s), UTC) for at_s in (paid.at_s.min(), paid.at_s.max()))
    return marks_of(session, place, {ledger.coins[coin] for coin in paid.coin.tolist()}, since=since, until=until)


def _carried(ledger: Ledger, held: Mapping[str, float]) -> OpenTrips:
    """Return what the account held before its first execution, as if it had been entered at that one's price."""
    begun = [(ledger.names.index(name), qty) for name, qty in held.items() if name in ledger.names]
    if not begun:
        return OpenTrips()
    which, qty = np.array([place for place, _ in begun], np.int64), np.array([qty for _, qty in begun])
    first = [int(np.flatnonzero(ledger.which == place)[0]) for place in which]
    px, size, nothing = ledger.px[first], np.abs(qty), np.zeros(len(qty))
    none = np.zeros(len(qty), np.int64)
    worth = size * px
    return OpenTrips(which, qty, ledger.at_ms[first], -qty * px, worth, size, size, worth, size, none, none, nothing)


def _number(value: float) -> Decimal:
    return Decimal(f"{value:.{_DIGITS}g}")
