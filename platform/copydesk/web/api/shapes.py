"""Puts what was read into JSON: money as text, ratios as numbers, moments in ISO 8601, nothing that is no number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from copydesk.kernel import decimal_text
from copydesk.performance.board import Adjusted, BoardRow
from copydesk.performance.page import EquityCurve, StrategyStanding
from copydesk.statements import OwnSubscription

_DIGITS = 10


def row_shape(row: BoardRow) -> dict[str, Any]:
    """Return one strategy as a line of the leaderboard."""
    return {
        "slug": row.slug,
        "name": row.name,
        "trader": row.trader_name,
        "status": row.status,
        "exchange": row.exchange,
        "spot": row.spot,
        "perpetual": row.perpetual,
        "symbols": list(row.symbols),
        "since": moment(row.started_at),
        "days": ratio(row.record_days),
        "too_early": row.too_early,
        "return_30": ratio(row.return_30),
        "return_90": ratio(row.return_90),
        "return_all": ratio(row.return_all),
        "drawdown_max": ratio(row.drawdown_max_ratio),
        "drawdown_now": ratio(row.drawdown_now_ratio),
        "risk": row.risk,
        "style": None if row.style is None else str(row.style),
        "leverage_max": row.leverage_max,
        "closed_positions": row.closed,
        "followers": row.followers if row.followers_shown else None,
        "follower_return": ratio(row.follower_return),
        "copy_success": ratio(row.success_ratio),
        "slippage_bps": ratio(row.slippage_bps_p50),
        "latency_ms": row.latency_ms_p50,
        "allocation_min": amount(row.min_allocation),
        "equity": amount(row.equity),
        "score": ratio(row.score),
        "place": row.place,
        "gates": [str(gate) for gate in row.gates],
        "flags": plain(row.flags),
        "adjusted": _adjusted(row.adjusted),
        "as_of": moment(row.as_of),
    }


def standing_shape(found: StrategyStanding) -> dict[str, Any]:
    """Return one strategy in full."""
    return {
        "strategy": row_shape(found.row),
        "figures": plain(found.figures),
        "score": plain(found.score),
        "followers": plain(found.truth)
        | {"by_state": dict(found.followers_by_state)}
        | ({} if found.shows.followers else {"followers": None}),
        "monthly": plain(found.monthly),
        "positions": [
            {
                "symbol": one.symbol,
                "qty": amount(one.qty),
                "px": amount(one.last_px),
                "worth": amount(one.notional),
                "leverage": one.leverage,
            }
            for one in found.positions
        ],
        "exposure": {
            "gross": amount(found.exposure.gross),
            "net": amount(found.exposure.net),
            "leverage": ratio(found.exposure.leverage),
        },
        "lifetime": [
            {
                "slug": one.slug,
                "name": one.name,
                "status": one.status,
                "since": moment(one.started_at),
                "until": moment(one.ended_at),
                "days": one.days,
                "return": ratio(one.return_ratio),
                "drawdown_max": ratio(one.drawdown_max_ratio),
                "closed_positions": one.closed,
                "lost_all": one.lost,
            }
            for one in found.lifetime
        ],
    }


def equity_shape(slug: str, curve: EquityCurve) -> dict[str, Any]:
    """Return a curve as lists of one length, oldest first."""
    return {
        "slug": slug,
        "at": [moment(at) for at in curve.at],
        "equity": [amount(value) for value in curve.equity],
        "index": [ratio(value) for value in curve.index],
        "drawdown": [ratio(value) for value in curve.drawdown],
    }


def subscription_shape(one: OwnSubscription) -> dict[str, Any]:
    """Return one of somebody's subscriptions."""
    return {
        "id": one.id,
        "strategy": one.strategy,
        "strategy_name": one.strategy_name,
        "exchange": one.exchange,
        "account": one.account,
        "state": one.state,
        "allocation": amount(one.allocation),
        "created_at": moment(one.created_at),
        "ended_at": moment(one.ended_at),
        "equity": amount(one.equity),
        "net_result": amount(one.net_result),
        "money_weighted": ratio(one.money_weighted),
        "tracking_difference": ratio(one.tracking_difference),
        "as_of": moment(one.as_of),
    }


def amount(value: Decimal | None) -> str | None:
    """Write money, a quantity or a price, exactly."""
    return None if value is None else decimal_text(value)


def ratio(value: Decimal | float | None) -> float | None:
    """Write what is a number of no money; null for what is none."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), _DIGITS)


def moment(value: datetime | None) -> str | None:
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """Put figures by their names into JSON; here a decimal is a ratio, as all figures are."""
    match value:
        case Enum():
            return str(value)
        case bool() | None | str():
            return value
        case int():
            return value
        case float() | Decimal():
            return ratio(value)
        case datetime():
            return moment(value)
        case Mapping():
            return {str(name): plain(one) for name, one in value.items()}
    if is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    return [plain(one) for one in value]


def _adjusted(adjusted: Adjusted | None) -> dict[str, Any] | None:
    if adjusted is None:
        return None
    return {
        "place": adjusted.place,
        "excluded": adjusted.excluded,
        "reason": adjusted.reason,
        "at": moment(adjusted.at),
    }
