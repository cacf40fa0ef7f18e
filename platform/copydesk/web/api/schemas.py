"""What the API's answers look like, as JSON Schema: for the OpenAPI description, and for tests that hold answers to it.

Money and quantities are text, so that no digit is lost; ratios are numbers (0.12 is 12 %); moments are ISO 8601 in UTC.
What cannot be told is null.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

Schema = dict[str, Any]


class Shape(StrEnum):
    """The answers, by their names in the description."""

    BOARD = "Board"
    STRATEGY = "Strategy"
    EQUITY = "Equity"
    COMPARISON = "Comparison"
    SUBSCRIPTIONS = "Subscriptions"
    STATEMENT = "Statement"


def maybe(kind: str) -> Schema:
    """Say that a value may be null."""
    return {"type": [kind, "null"]}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT, _NUMBER, _WHOLE, _TRUTH = ({"type": kind} for kind in ("string", "number", "integer", "boolean"))
_FREE: Schema = {"type": "object"}

SCHEMAS: dict[str, Schema] = {
    "Row": _object(
        slug=_TEXT,
        name=_TEXT,
        trader=_TEXT,
        status=_TEXT,
        exchange=_TEXT,
        spot=_TRUTH,
        perpetual=_TRUTH,
        symbols=_list(_TEXT),
        since=_TEXT,
        days=_NUMBER,
        too_early=_TRUTH,
        return_30=maybe("number"),
        return_90=maybe("number"),
        return_all=maybe("number"),
        drawdown_max=maybe("number"),
        drawdown_now=maybe("number"),
        risk=maybe("integer"),
        style=maybe("string"),
        leverage_max=maybe("integer"),
        closed_positions=_WHOLE,
        followers=maybe("integer"),
        follower_return=maybe("number"),
        copy_success=maybe("number"),
        slippage_bps=maybe("number"),
        latency_ms=maybe("integer"),
        allocation_min=maybe("string"),
        equity=maybe("string"),
        score=maybe("number"),
        place=maybe("integer"),
        gates=_list(_TEXT),
        flags=_FREE,
        adjusted={"type": ["object", "null"]},
        as_of=maybe("string"),
    ),
    "Board": _object(strategies=_list(_ref("Row")), total=_WHOLE, next=maybe("string"), currency=_TEXT),
    "Strategy": _object(
        strategy=_ref("Row"),
        figures=_FREE,
        score=_FREE,
        followers=_FREE,
        monthly=_list(_FREE),
        positions=_list(_FREE),
        exposure=_FREE,
        lifetime=_list(_FREE),
        currency=_TEXT,
    ),
    "Equity": _object(
        slug=_TEXT,
        at=_list(_TEXT),
        equity=_list(_TEXT),
        index=_list(_NUMBER),
        drawdown=_list(_NUMBER),
        currency=_TEXT,
    ),
    "Comparison": _object(strategies=_list(_object(strategy=_ref("Row"), figures=_FREE)), currency=_TEXT),
    "Subscriptions": _object(subscriptions=_list(_ref("Subscription")), currency=_TEXT),
    "Subscription": _object(
        id=_WHOLE,
        strategy=_TEXT,
        strategy_name=_TEXT,
        exchange=_TEXT,
        account=_TEXT,
        state=_TEXT,
        allocation=_TEXT,
        created_at=_TEXT,
        ended_at=maybe("string"),
        equity=maybe("string"),
        net_result=maybe("string"),
        money_weighted=maybe("number"),
        tracking_difference=maybe("number"),
        as_of=maybe("string"),
    ),
    "Statement": _object(
        brand=_TEXT,
        user=_WHOLE,
        name=_TEXT,
        period=_FREE,
        made_at=_TEXT,
        time_zone=_TEXT,
        subscriptions=_list(_FREE),
        strategies=_list(_FREE),
        tax_document=_TRUTH,
    ),
    "Problem": _object(type=_TEXT, title=_TEXT, status=_WHOLE, detail=_TEXT, instance=_TEXT, code=_TEXT),
}
