"""The row of a strategy's figures: every figure, the remarks, the score, and the columns that boards sort by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from copydesk.analytics import Figures, Summary, conduct_of, figures_of, style_of, too_early
from copydesk.analytics.flags import flags_of
from copydesk.db import TenantSession
from copydesk.performance.leading import Led
from copydesk.performance.ledger import symbol_of
from copydesk.performance.scoring import Ranked, Scheme, scored
from copydesk.performance.subject import Subject

# What the smallest order is usually worth, in quote currency.
SMALLEST_ORDER = 10.0
# A column holds 20 digits before the point.
_MOST = 1e18

_COLUMNS = {
    "strategy_id": "bigint",
    "as_of": "timestamptz",
    "cursor": "jsonb",
    "summary": "jsonb",
    "figures": "jsonb",
    "truth": "jsonb",
    "flags": "jsonb",
    "score": "numeric",
    "score_version": "text",
    "points": "jsonb",
    "gates": "text[]",
    "return_30": "numeric",
    "return_90": "numeric",
    "return_all": "numeric",
    "drawdown_max": "numeric",
    "drawdown_now": "numeric",
    "risk": "smallint",
    "sortino": "numeric",
    "days": "numeric",
    "closed": "int",
    "followers": "int",
    "follower_return": "numeric",
    "copy_success": "numeric",
    "min_allocation": "numeric",
    "style": "text",
    "venue": "text",
    "symbols": "text[]",
    "spot": "boolean",
    "perpetual": "boolean",
    "leverage_max": "numeric",
    "equity": "numeric",
    "too_early": "boolean",
}
_NAMES = ", ".join(_COLUMNS)
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
# A place by hand, and the place itself, are nobody's here.
_STORE = text(
    f"""
    INSERT INTO strategy_figures (tenant_id, place, {_NAMES})
    SELECT :tenant_id, 0, {_NAMES}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fresh ({_TYPED})
    ON CONFLICT (tenant_id, strategy_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "strategy_id")}
    """  # noqa: S608 - names of columns alone
)


def figures_row(subject: Subject, led: Led, scheme: Scheme, *, now: datetime) -> dict[str, Any]:
    """Return everything that is stored and shown of a strategy as of now, in plain values."""
    now_s = int(now.timestamp())
    shown = led.advanced.shown
    figures = figures_of(shown, now_s=now_s, unexplained=led.unexplained)
    conduct = conduct_of(shown, now_s=now_s, stops=led.cursor["stops"][1], restarts=subject.restarts)
    followed = {name: subject.truth.get(name) for name in ("follower_return", "copy_success")}
    score = scored(
        scheme,
        Ranked(
            subject.id,
            days=figures.days,
            closed=figures.closed,
            drawdown_max=figures.drawdown_max,
            risk=figures.risk,
            sortino=figures.sortino,
            equity=figures.own_stake,
            followers=subject.followers,
            **followed,
        ),
    )
    return {
        "strategy_id": subject.id,
        "as_of": now.isoformat(),
        "cursor": led.cursor,
        "summary": led.advanced.kept.to_json(),
        "figures": figures.to_json(),
        "truth": dict(subject.truth),
        "flags": {str(flag): dict(numbers) for flag, numbers in flags_of(conduct).items()},
        "score": bounded(score.total),
        "score_version": scheme.version,
        "points": {str(part): points for part, points in score.points.items()},
        "gates": [str(gate) for gate in score.gates],
        **{name: bounded(getattr(figures, name)) for name in _SAME},
        **followed,
        "risk": figures.risk,
        "closed": figures.closed,
        "followers": subject.followers,
        "equity": bounded(figures.own_stake),
        "min_allocation": _smallest(figures),
        "style": style_of(figures.held_s_mean),
        "leverage_max": subject.leverage,
        "too_early": too_early(figures.days, figures.closed),
        "venue": subject.venue,
        **_markets(shown),
    }


_SAME = ("return_30", "return_90", "return_all", "drawdown_max", "drawdown_now", "sortino", "days")


def store_figures(session: TenantSession, rows: list[dict[str, Any]]) -> None:
    """Store figures of strategies; what staff changed by hand stays as it is."""
    if rows:
        session.execute(_STORE, {"tenant_id": session.tenant_id, "rows": orjson.dumps(rows).decode()})


def bounded(figure: float | None) -> float | None:
    """Return a figure as a column can hold it."""
    return None if figure is None else min(max(figure, -_MOST), _MOST)


def _markets(shown: Summary) -> dict[str, Any]:
    symbols = sorted({symbol_of(name) for name in (*shown.turnover, *shown.books)})
    return {
        "symbols": symbols,
        "spot": any(":" not in symbol for symbol in symbols),
        "perpetual": any(":" in symbol for symbol in symbols),
    }


def _smallest(figures: Figures) -> float | None:
    """Return from which allocation on a usual position is worth the smallest order."""
    positions = figures.closed * 2 + figures.open
    if not positions or not figures.turnover or not figures.own_stake or figures.own_stake <= 0:
        return None
    return bounded(SMALLEST_ORDER * figures.own_stake * positions / figures.turnover)
