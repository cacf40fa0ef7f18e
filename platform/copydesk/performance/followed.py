"""What subscriptions earned and what following a strategy was worth: their rows, and its truth and score by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import orjson
from sqlalchemy import text

from copydesk.analytics import figures_of, tracking_difference, truth_of
from copydesk.analytics.series import Rolled
from copydesk.db import TenantSession, number_array
from copydesk.performance.copying import Copied
from copydesk.performance.quality import Quality, quality_of
from copydesk.performance.scoring import Scheme, ranked_of, scored
from copydesk.performance.standing import bounded
from copydesk.replication.counted import counted

# The strategy's index as it stood at moments, seconds since 1970.
IndexAt = Callable[[Sequence[int]], list[float]]

_INDEX = text(
    """
    SELECT coalesce(
        (SELECT p.index_close FROM performance_point p WHERE p.owner = 'strategy' AND p.owner_id = :id
            AND p.grain = 'minute' AND p.at <= to_timestamp(wanted.at_s - 60) ORDER BY p.at DESC LIMIT 1),
        (SELECT p.index_close FROM performance_point p WHERE p.owner = 'strategy' AND p.owner_id = :id
            AND p.grain = 'hour' AND p.at <= to_timestamp(wanted.at_s - 3600) ORDER BY p.at DESC LIMIT 1),
        (SELECT p.index_close FROM performance_point p WHERE p.owner = 'strategy' AND p.owner_id = :id
            AND p.grain = 'day' AND p.at <= to_timestamp(wanted.at_s - 86400) ORDER BY p.at DESC LIMIT 1), 1)
    FROM unnest(CAST(:moments AS bigint[])) WITH ORDINALITY AS wanted (at_s, place) ORDER BY wanted.place
    """
)
_COLUMNS = {
    "subscription_id": "bigint",
    "as_of": "timestamptz",
    "cursor": "jsonb",
    "summary": "jsonb",
    "figures": "jsonb",
    "money_weighted": "numeric",
    "net_result": "numeric",
    "tracking_difference": "numeric",
    "equity": "numeric",
}
_NAMES = ", ".join(_COLUMNS)
_TYPED = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
_STORE = text(
    f"""
    INSERT INTO subscription_figures (tenant_id, strategy_id, {_NAMES})
    SELECT :tenant_id, :id, {_NAMES} FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS fresh ({_TYPED})
    ON CONFLICT (tenant_id, subscription_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name != "subscription_id")}
    """  # noqa: S608 - names of columns alone
)
_RESULTS = text(
    f"""
    SELECT k.money_weighted, k.tracking_difference
    FROM subscription_figures k JOIN subscription s ON s.tenant_id = k.tenant_id AND s.id = k.subscription_id
    WHERE k.strategy_id = :id AND {counted("s")} ORDER BY 1
    """  # noqa: S608 - a condition of ours
)
_RANKED = text(
    """
    SELECT strategy_id, days, closed, drawdown_max, risk, sortino, follower_return, equity, copy_success, followers
    FROM strategy_figures WHERE strategy_id = :id
    """
)
_TRUTH = text(
    """
    UPDATE strategy_figures SET truth = CAST(:truth AS jsonb), follower_return = :follower_return,
        copy_success = :copy_success WHERE strategy_id = :id
    """
)
_SCORE = text(
    """
    UPDATE strategy_figures SET score = :score, score_version = :version, points = CAST(:points AS jsonb),
        gates = :gates WHERE strategy_id = :id
    """
)


def stored_index(session: TenantSession, strategy_id: int) -> IndexAt:
    """Return the strategy's index from its points: at the end of the last minute, hour or day that was over by then."""

    def read(moments: Sequence[int]) -> list[float]:
        bound = {"id": strategy_id, "moments": number_array(moments)}
        return [float(index) for index in session.execute(_INDEX, bound).scalars()]

    return read


def folded_index(minutes: Rolled) -> IndexAt:
    """Return the same from points that were just made."""

    def find(moments: Sequence[int]) -> list[float]:
        places = np.searchsorted(minutes.at_s + 60, np.asarray(moments, np.int64), "right") - 1
        return [float(minutes.index_close[place]) if place >= 0 else 1.0 for place in places.tolist()]

    return find


def copied_rows(copied: Sequence[Copied], index_at: IndexAt, *, now: datetime) -> list[dict[str, Any]]:
    """Return everything that is stored of subscriptions as of now, in plain values."""
    ends = [_end_s(one, now) for one in copied]
    fresh = [one for one in copied if "base" not in one.cursor]
    for one, base in zip(fresh, index_at([one.copier.began_s for one in fresh]) if fresh else (), strict=True):
        one.cursor["base"] = base
    return [
        _row(one, end_s, index, now=now)
        for one, end_s, index in zip(copied, ends, index_at(ends) if ends else (), strict=True)
    ]


def store_copied(session: TenantSession, strategy_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """Store figures of subscriptions to one strategy."""
    if rows:
        bound = {"tenant_id": session.tenant_id, "id": strategy_id, "rows": orjson.dumps(rows).decode()}
        session.execute(_STORE, bound)


def store_truth(session: TenantSession, scheme: Scheme, strategy_id: int) -> None:
    """Sum up what followers had of a strategy, from what is stored of them, and weigh it anew by that."""
    truth = read_truth(session, strategy_id)
    told = {name: truth[name] for name in ("follower_return", "copy_success")}
    session.execute(_TRUTH, {"id": strategy_id, "truth": orjson.dumps(truth).decode(), **told})
    row = session.execute(_RANKED, {"id": strategy_id}).one_or_none()
    if row is None:
        return
    score = scored(scheme, ranked_of(row))
    weighed = {
        "id": strategy_id,
        "score": bounded(score.total),
        "version": scheme.version,
        "points": orjson.dumps({str(part): points for part, points in score.points.items()}).decode(),
        "gates": [str(gate) for gate in score.gates],
    }
    session.execute(_SCORE, weighed)


def read_truth(session: TenantSession, strategy_id: int) -> dict[str, Any]:
    """Return what followers had of a strategy: their results as stored, and how faithful copies were of late."""
    rows = session.execute(_RESULTS, {"id": strategy_id}).all()
    quality = quality_of(session, strategy_id)
    return truth_json(
        [_float(row.money_weighted) for row in rows], [_float(row.tracking_difference) for row in rows], quality
    )


def truth_json(
    results: Sequence[float | None], differences: Sequence[float | None], quality: Quality
) -> dict[str, Any]:
    """Return the same of results that are known. Pure."""
    truth = truth_of(
        results=results,
        differences=differences,
        copies_done=quality.done,
        copies_due=quality.expected,
        slippage_bps=[_float(quality.slippage_bps_p50)],
        latency_ms=[quality.latency_ms_p50],
    )
    return {
        **truth.to_json(),
        "histogram": {"edges": list(truth.histogram.edges), "counts": list(truth.histogram.counts)},
        "copies_done": quality.done,
        "copies_expected": quality.expected,
        "slippage_bps_p50": _float(quality.slippage_bps_p50),
        "latency_ms_p50": quality.latency_ms_p50,
        "reasons": quality.reasons,
    }


def _row(one: Copied, end_s: int, index: float, *, now: datetime) -> dict[str, Any]:
    shown, base = one.advanced.shown, one.cursor["base"]
    figures = figures_of(shown, now_s=end_s)
    tracked = tracking_difference(figures.return_all, index / base - 1.0 if base > 0 else None)
    return {
        "subscription_id": one.copier.id,
        "as_of": now.isoformat(),
        "cursor": one.cursor,
        "summary": one.advanced.kept.to_json(),
        "figures": figures.to_json(),
        "money_weighted": bounded(figures.money_weighted),
        "net_result": bounded(figures.net_result),
        "tracking_difference": bounded(tracked),
        "equity": bounded(figures.own_stake),
    }


def _end_s(one: Copied, now: datetime) -> int:
    """Return until when a subscription is judged: until it ended, and not before what was folded."""
    now_s = int(now.timestamp())
    end_s = now_s if one.copier.ended_s is None else min(now_s, one.copier.ended_s)
    return max(end_s, one.advanced.shown.at_s)


def _float(number: Any) -> float | None:
    return None if number is None else float(number)
