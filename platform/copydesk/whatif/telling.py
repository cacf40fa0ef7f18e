"""A result in plain JSON values: decimals as text, money to the cent, shares as plain ratios. Pure."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import decimal_text
from copydesk.whatif.result import Result


def plain(result: Result) -> dict[str, object]:
    """Put a result in plain JSON."""
    worst = result.worst_day
    return {
        "since": result.since.isoformat(),
        "until": result.until.isoformat(),
        "currency": result.currency,
        "amount": decimal_text(result.allocation),
        "end": _cents(result.end),
        "profit_share": _cents(result.share),
        "kept": _cents(result.kept),
        "gain": _cents(result.gain_kept),
        "return_ratio": _ratio(result.return_ratio),
        "fall_ratio_max": _ratio(result.fall_ratio_max),
        "worst_day": None if worst is None else {"day": worst.day.isoformat(), "change": _cents(worst.change)},
        "fees": _cents(result.fees),
        "slippage": _cents(result.slippage),
        "opening_orders": result.opens,
        "copied": result.copied,
        "copied_ratio": _ratio(result.copied_ratio),
        "closing_orders": result.closes,
        "skipped": [{"reason": str(one.reason), "orders": one.orders, "facts": one.facts} for one in result.skipped],
        "limits_reached": [
            {"at": act.at.isoformat(), "did": str(act.deed), "limit": str(act.scoped.limit.measure)}
            for act in result.acts
        ],
        "held": list(result.held),
        "enough": None if result.enough is None else decimal_text(result.enough),
        "amounts": [{"amount": decimal_text(one.amount), "ratio": _ratio(one.ratio)} for one in result.amounts],
        "line": [[int(point.at.timestamp()), _cents(point.equity)] for point in result.line],
    }


def _cents(value: Decimal) -> str:
    return decimal_text(value.quantize(Decimal("0.01")))


def _ratio(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value.quantize(Decimal("0.000001")))
