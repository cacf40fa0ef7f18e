"""Reads rows of the board by their strategies' ids: what is stored of each, and the small curve beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from copydesk.analytics.flags import Flag
from copydesk.analytics.score import Gate, Part
from copydesk.performance.model import Adjusted, BoardRow, Point
from copydesk.performance.points import Owner
from copydesk.performance.sparks import sparks
from copydesk.replication.counted import counted

SPARK_POINTS_MAX = 60
_DAY_S = Decimal(86_400)
_RECORD_STEP = Decimal("0.0001")  # Nine seconds, so that the first minutes of a record can be told.

_ROWS = text(f"""
SELECT strategy.id, slug, name, strategy.summary, strategy.status, display_name AS trader_name,
       account.venue AS exchange,
       coalesce((SELECT min(at) FROM equity_point WHERE equity_point.tenant_id = strategy.tenant_id
                 AND equity_point.strategy_id = strategy.id), strategy.created_at) AS started_at,
       (SELECT count(*) FROM subscription WHERE subscription.tenant_id = strategy.tenant_id
        AND subscription.strategy_id = strategy.id AND state <> 'ended'
        AND {counted("subscription")}) AS followers_now,
       kept.as_of, kept.truth, kept.flags, kept.score, kept.score_version, kept.points, kept.gates, kept.place,
       kept.return_30, kept.return_90, kept.return_all, kept.drawdown_max, kept.drawdown_now, kept.risk, kept.days,
       kept.closed, kept.follower_return, kept.copy_success, kept.min_allocation, kept.style, kept.symbols, kept.spot,
       kept.perpetual, kept.leverage_max, kept.equity, kept.too_early,
       kept.adjusted_place, kept.adjusted_reason, kept.adjusted_at,
       coalesce(CAST(terms.shows ->> 'followers' AS boolean), true) AS followers_shown
FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS wanted (id, number)
JOIN strategy ON strategy.id = wanted.id
JOIN user_account ON user_account.tenant_id = strategy.tenant_id AND user_account.id = strategy.trader_id
JOIN account ON account.tenant_id = strategy.tenant_id AND account.id = strategy.account_id
LEFT JOIN strategy_figures AS kept ON kept.tenant_id = strategy.tenant_id AND kept.strategy_id = strategy.id
LEFT JOIN strategy_terms AS terms ON terms.tenant_id = strategy.tenant_id AND terms.strategy_id = strategy.id
ORDER BY number
""")  # noqa: S608 - a condition of ours


def read_rows(session: Session, ids: Sequence[int], *, now: datetime, drawn: bool = True) -> list[BoardRow]:
    """Return the rows of these strategies, in this order; without the small curves where none is `drawn`."""
    if not ids:
        return []
    found = session.execute(_ROWS, {"ids": list(ids)}).mappings().all()
    started = {row["id"]: row["started_at"] for row in found if drawn}
    curves = sparks(session, Owner.STRATEGY, started, points_max=SPARK_POINTS_MAX, now=now)
    return [_row(row, curves.get(row["id"], ()), now) for row in found]


def _row(row: RowMapping, spark: tuple[Point, ...], now: datetime) -> BoardRow:
    told: Mapping[str, Any] = row["truth"] or {}
    too_early = row["too_early"] is not False
    record_s = Decimal(max((now - row["started_at"]).total_seconds(), 0))
    out = row["adjusted_at"] is not None and row["adjusted_place"] is None

    def headline(name: str) -> Any:
        return None if too_early else row[name]

    return BoardRow(
        **{name: row[name] for name in ("id", "slug", "name", "summary", "status", "trader_name", "exchange")},
        spot=bool(row["spot"]),
        perpetual=bool(row["perpetual"]),
        leverage_max=None if row["leverage_max"] is None else round(row["leverage_max"]),
        started_at=row["started_at"],
        record_days=(record_s / _DAY_S).quantize(_RECORD_STEP),
        return_ratio=headline("return_all" if row["return_90"] is None else "return_90"),
        drawdown_max_ratio=row["drawdown_max"],
        drawdown_now_ratio=row["drawdown_now"],
        equity=row["equity"],
        followers=row["followers_now"],
        copies_done=int(told.get("copies_done") or 0),
        copies_expected=int(told.get("copies_expected") or 0),
        success_ratio=row["copy_success"],
        slippage_bps_p50=_decimal(told.get("slippage_bps")),
        latency_ms_p50=None if (latency := told.get("latency_ms")) is None else round(latency),
        spark=spark,
        return_30=headline("return_30"),
        return_90=headline("return_90"),
        return_all=headline("return_all"),
        score=None if out else row["score"],
        score_version=row["score_version"] or "",
        place=None if row["score"] is None else row["place"] or None,
        gates=tuple(Gate(gate) for gate in row["gates"] or ()),
        points={Part(part): points for part, points in (row["points"] or {}).items()},
        risk=headline("risk"),
        style=row["style"],
        flags={Flag(flag): shown for flag, shown in (row["flags"] or {}).items()},
        follower_return=headline("follower_return"),
        too_early=too_early,
        adjusted=_adjusted(row),
        min_allocation=row["min_allocation"],
        closed=row["closed"] or 0,
        symbols=tuple(row["symbols"] or ()),
        as_of=row["as_of"],
        followers_shown=row["followers_shown"],
    )


def _adjusted(row: RowMapping) -> Adjusted | None:
    if row["adjusted_at"] is None:
        return None
    return Adjusted(row["adjusted_place"], row["adjusted_reason"], row["adjusted_at"])


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(str(number))
