"""Rows of orders by hand as values, and fills as rows keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.terminal.model import HandOrder, OrderState, Part, Planned
from copydesk.trading import Fill, MarginMode, OrderType, PositionSide, Side, TimeInForce

_KEPT = (
    *("id", "account_id", "user_id", "created_at", "strategy_id", "group_id", "waits", "client_order_id", "reason"),
    *("message", "venue_order_id", "cum_qty", "avg_px", "sent_at", "acked_at", "done_at", "proof_at"),
    *("next_check_at", "checks"),
)


def hand_order(row: Mapping[Any, Any]) -> HandOrder:
    """Read a row of `terminal_order`."""
    kept = {name: row[name] for name in _KEPT}
    fills = tuple(fill_of(one) for one in row["fills"])
    return HandOrder(planned=_planned(row), state=OrderState(row["state"]), fills=fills, **kept)


def _planned(row: Mapping[Any, Any]) -> Planned:
    return Planned(
        row["symbol"],
        Side(row["side"]),
        OrderType(row["type"]),
        row["qty"],
        row["px"],
        row["stop_px"],
        row["take_profit_px"],
        row["stop_loss_px"],
        row["reduce_only"],
        TimeInForce(row["time_in_force"]) if row["time_in_force"] else None,
        PositionSide(row["position_side"]),
        MarginMode(row["margin_mode"]) if row["margin_mode"] else None,
        Part(row["part"]),
    )


def fills_json(fills: Sequence[Fill]) -> list[dict[str, str]]:
    """Write executions as a row keeps them."""
    return [
        {
            "trade_id": one.trade_id,
            "qty": decimal_text(one.qty),
            "px": decimal_text(one.px),
            "fee": decimal_text(one.fee),
            "fee_currency": one.fee_currency,
            "at": one.at.isoformat(),
        }
        for one in fills
    ]


def fill_of(told: Mapping[str, str]) -> Fill:
    """Read what `fills_json` wrote."""
    qty, px, fee = Decimal(told["qty"]), Decimal(told["px"]), Decimal(told["fee"])
    return Fill(told["trade_id"], qty, px, fee, told["fee_currency"], datetime.fromisoformat(told["at"]))
