"""Which way a classic account's orders trade, and whose position they change. Pure.

In hedge mode `side` is the direction of the position, also where it is closed: a plain `close` of a long says "buy".
Forced closes (reduce_close_long, burst_close_short) name the position in `tradeSide` and their own way in `side`.
Source: Bitget API guide v2, Future: Place order, Get order detail, Get order fills.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copydesk.trading import OrderRequest, PositionSide, Side
from copydesk.venues.bitget.words import HEDGE, OTHER_SIDE, POSITION_SIDE, SIDE


def direction(order: OrderRequest) -> dict[str, str]:
    """Say which position an order of a perpetual changes, and how."""
    if order.position_side is PositionSide.NET:
        return {"side": order.side.value} | ({"reduceOnly": "YES"} if order.reduce_only else {})
    side = Side.BUY if order.position_side is PositionSide.LONG else Side.SELL
    return {"side": side.value, "tradeSide": "open" if order.side is side else "close"}


def side_of(row: Mapping[str, Any]) -> Side:
    """Return which way an order, plan or execution trades."""
    side = SIDE[row["side"].lower()]
    closes = row.get("posMode") == HEDGE and (row.get("tradeSide") or "").lower() == "close"
    return OTHER_SIDE[side] if closes else side


def position_side_of(row: Mapping[str, Any]) -> PositionSide:
    """Return the position; an execution tells it by the direction of what was opened or closed."""
    if row.get("posMode") != HEDGE:
        return PositionSide.NET
    told = POSITION_SIDE.get(row.get("posSide") or "")
    if told is not None:
        return told
    trade_side = row["tradeSide"].lower()
    if trade_side in ("open", "close"):
        return PositionSide.LONG if row["side"].lower() == "buy" else PositionSide.SHORT
    return POSITION_SIDE[trade_side.rpartition("_")[2]]
