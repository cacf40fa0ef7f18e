"""What of the engines' events belongs into the journal beside orders and executions, so that a restart loses nothing.

Kinds: `settings` (leverage and modes), `margin` (isolated margin set apart), `funding`, `liquidation` (paid by the
insurance), `conditional` and `order_list`. Money moved between wallets is the caller's to write down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from copydesk.venues.lab.conditional_rows import conditional_row
from copydesk.venues.lab.model import (
    FUNDING_FEE,
    LIQUIDATION,
    PERP,
    SPOT,
    BalanceUpdate,
    ConditionalUpdate,
    ConfigUpdate,
    Event,
    OrderListUpdate,
    PositionUpdate,
)
from copydesk.venues.lab.order_lists import order_list_row

Record = tuple[str, dict[str, Any]]
_MONEY = {FUNDING_FEE: "funding", LIQUIDATION: "liquidation"}
_SET_APART = frozenset({"MARGIN_TRANSFER", "LEVERAGE"})


def record_of(event: Event) -> Record | None:
    """Return the kind and the fields to write, None for what needs no record (or is an order's)."""
    write = _WRITE.get(type(event))
    return None if write is None else write(event)


def _money(event: BalanceUpdate) -> Record | None:
    kind = _MONEY.get(event.change)
    if kind is None:
        return None
    return kind, {
        "market": PERP,
        "account": event.account,
        "symbol": event.symbol,
        "position_side": event.position_side,
        "delta": event.delta,
    }


def _settings(event: ConfigUpdate) -> Record:
    return "settings", {
        "market": PERP,
        "account": event.account,
        "symbol": event.symbol,
        "leverage": event.leverage,
        "margin_mode": event.margin_mode,
        "hedge": event.hedge,
        "position_side": event.position_side,
    }


def _margin(event: PositionUpdate) -> Record | None:
    if event.reason not in _SET_APART:
        return None
    position = event.position
    return "margin", {
        "market": PERP,
        "account": event.account,
        "symbol": position.symbol,
        "position_side": position.position_side,
        "isolated_margin": position.isolated_margin,
    }


def _conditional(event: ConditionalUpdate) -> Record:
    one = event.conditional
    return "conditional", {
        "market": one.market,
        "change": event.change,
        "account": event.account,
        "symbol": one.symbol,
        "conditional": conditional_row(one),
    }


def _order_list(event: OrderListUpdate) -> Record:
    return "order_list", {"market": SPOT, "change": event.change, "order_list": order_list_row(event.order_list)}


_WRITE: dict[type, Callable[[Any], Record | None]] = {
    BalanceUpdate: _money,
    ConfigUpdate: _settings,
    PositionUpdate: _margin,
    ConditionalUpdate: _conditional,
    OrderListUpdate: _order_list,
}
