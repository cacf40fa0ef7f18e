"""Where exchanges said that they would liquidate what accounts hold: stored whenever positions are read. Read-only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.trading import PositionSide

_COLUMNS = "SELECT account_id, symbol, position_side, qty < 0, liquidation_px, mark_px, at FROM account_position"
_SINCE = text(f"{_COLUMNS} WHERE at > :since AND qty <> 0")
_OF_ACCOUNT = text(f"{_COLUMNS} WHERE account_id = :account_id AND qty <> 0")


class LiquidationSeen(NamedTuple):
    """An account's position as it was last seen; `px` is None where nothing would liquidate it."""

    account_id: int
    symbol: str
    position_side: PositionSide
    short: bool
    px: Decimal | None
    mark_px: Decimal
    at: datetime


def liquidations_since(session: TenantSession, since: datetime) -> list[LiquidationSeen]:
    """Return the positions that were seen after a moment; those that are gone are not told."""
    return [_seen(row) for row in session.execute(_SINCE, {"since": since})]


def liquidations_of(session: TenantSession, account_id: int) -> list[LiquidationSeen]:
    """Return the positions of one account."""
    return [_seen(row) for row in session.execute(_OF_ACCOUNT, {"account_id": account_id})]


def _seen(row: Any) -> LiquidationSeen:
    account_id, symbol, side, *told = row
    return LiquidationSeen(account_id, symbol, PositionSide(side), *told)
