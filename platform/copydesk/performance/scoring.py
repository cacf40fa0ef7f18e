"""The ranking of a brand: its weights and gates from its settings, scores by them, and places.

Scores are arithmetic on stored figures (`copydesk.analytics.score`); what staff changed by hand moves a place, never a
score. Formulas and rules: platform/docs/algorithms/ranking.md.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from copydesk.analytics.score import VERSION, Gates, Part, Score, Standing, ranked, score_of, told
from copydesk.kernel import Setting
from copydesk.performance import settings as declared
from copydesk.performance.model import BoardRow, Breakdown, ScorePart
from copydesk.tenancy import Tenant, setting_value

RANKED_STATES = ("probation", "live", "paused", "suspended")
_ONE = text("""
SELECT among, strategy_id, days, closed, drawdown_max, risk, sortino, follower_return, equity, copy_success, followers
FROM (SELECT count(*) AS among FROM strategy_figures WHERE place > 0) AS ranking
LEFT JOIN strategy_figures ON strategy_id = :id
""")
_READ = text("""
SELECT kept.strategy_id, kept.score, kept.score_version, kept.place, adjusted_place, adjusted_at,
       strategy.status = ANY (:statuses) AND private IS NOT TRUE AS listed, days, closed, drawdown_max, risk, sortino,
       follower_return, equity, copy_success, followers
FROM strategy_figures AS kept
JOIN strategy ON strategy.tenant_id = kept.tenant_id AND strategy.id = kept.strategy_id
LEFT JOIN strategy_terms AS terms ON terms.tenant_id = kept.tenant_id AND terms.strategy_id = kept.strategy_id
ORDER BY kept.strategy_id
""")
_WRITE = text("""
WITH fresh AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS row (
        strategy_id bigint, place int, anew boolean, score numeric, points jsonb, gates text[], version text)
), free AS (
    SELECT kept.tenant_id, kept.strategy_id FROM strategy_figures AS kept JOIN fresh USING (strategy_id)
    ORDER BY kept.strategy_id FOR NO KEY UPDATE OF kept SKIP LOCKED
)
UPDATE strategy_figures AS kept
SET place = fresh.place,
    score = CASE WHEN anew THEN fresh.score ELSE kept.score END,
    points = CASE WHEN anew THEN fresh.points ELSE kept.points END,
    gates = CASE WHEN anew THEN fresh.gates ELSE kept.gates END,
    score_version = fresh.version
FROM fresh JOIN free USING (strategy_id)
WHERE kept.tenant_id = free.tenant_id AND kept.strategy_id = fresh.strategy_id
""")
_WEIGHTS: Mapping[Part, Setting] = {
    Part.RISK_ADJUSTED: declared.WEIGHT_RISK_ADJUSTED,
    Part.FOLLOWERS: declared.WEIGHT_FOLLOWERS,
    Part.DRAWDOWN: declared.WEIGHT_DRAWDOWN,
    Part.LENGTH: declared.WEIGHT_LENGTH,
    Part.OWN_STAKE: declared.WEIGHT_OWN_STAKE,
    Part.FIDELITY: declared.WEIGHT_FIDELITY,
    Part.POPULARITY: declared.WEIGHT_POPULARITY,
}


@dataclass(frozen=True)
class Scheme:
    """By what a brand ranks. `version` names formula, weights and gates: the same name, the same rules."""

    weights: Mapping[Part, int]
    gates: Gates
    version: str


class Ranked(NamedTuple):
    """The figures of one strategy that the ranking looks at; None is a figure that cannot be told yet."""

    strategy_id: int
    days: float
    closed: int
    drawdown_max: float | None
    risk: int | None
    sortino: float | None
    follower_return: float | None
    equity: float | None
    copy_success: float | None
    followers: int


def scheme_of(tenant: Tenant) -> Scheme:
    """Return by what this brand ranks now."""
    weights = {part: setting_value(tenant, setting, int) for part, setting in _WEIGHTS.items()}
    gates = Gates(
        days_min=float(setting_value(tenant, declared.DAYS_MIN, int)),
        closed_min=setting_value(tenant, declared.CLOSED_MIN, int),
        drawdown_max=float(setting_value(tenant, declared.DRAWDOWN_RATIO_MAX, Decimal)),
        risk_max=setting_value(tenant, declared.RISK_MAX, int),
    )
    return Scheme(weights, gates, _version(weights, gates))


def scored(scheme: Scheme, figures: Ranked) -> Score:
    """Weigh one strategy by a brand's scheme."""
    return score_of(_standing(figures), scheme.weights, scheme.gates)


def breakdown_of(session: Session, tenant: Tenant, row: BoardRow) -> Breakdown:
    """Return a strategy's score part by part, as its page shows it; by the brand's scheme of now."""
    scheme = scheme_of(tenant)
    found = session.execute(_ONE, {"id": row.id}).one()
    unknown = Ranked(row.id, float(row.record_days), 0, *(None,) * 6, row.followers)
    figures = unknown if found.strategy_id is None else ranked_of(found)
    standing, score = _standing(figures), scored(scheme, figures)
    whole = sum(scheme.weights.values()) or 1
    parts = tuple(
        ScorePart(part, weight, standing.figures.get(part), points, weight * (points or 0.0) / whole)
        for part, weight in scheme.weights.items()
        for points in (score.points[part],)
    )
    excluded = score.total is None or (row.adjusted is not None and row.adjusted.excluded)
    total = None if excluded else Decimal(str(told(score)))
    return Breakdown(total, row.place, found.among, parts, score.gates, scheme.version)


def placed(session: Session, tenant: Tenant) -> int:
    """Give the brand's strategies their places anew, and return how many changed; safe to run at any time.

    Scores of other weights or gates than the brand has now are weighed anew first. Cheap enough for once a minute and
    after a rebuild, not meant for every fill. A row that another transaction holds is left for the next run.
    """
    scheme = scheme_of(tenant)
    rows = session.execute(_READ, {"statuses": list(RANKED_STATES)}).all()
    scores = {row.strategy_id: _score(scheme, row) for row in rows}
    listed = [scores[row.strategy_id] for row in rows if row.listed]
    pins = {row.strategy_id: row.adjusted_place for row in rows if row.adjusted_at is not None}
    places = places_of(listed, pins)
    changed = [
        _fresh(scheme, row, scores[row.strategy_id], place)
        for row in rows
        for place in (places.get(row.strategy_id, 0),)
        if row.place != place or row.score_version != scheme.version
    ]
    if changed:
        session.execute(_WRITE, {"rows": json.dumps(changed)})
    return len(changed)


def places_of(scores: Iterable[Score], pins: Mapping[int, int | None]) -> dict[int, int]:
    """Return each strategy's place, 0 for none: by score, those that staff put somewhere there, equal scores alike.

    `pins` names what staff adjusted: the place, or None for out of the ranking. A place by hand opens no gate.
    """
    known = list(scores)
    ranking = [score for place, score in ranked(known) if place and score.strategy_id not in pins]
    by_hand = {score.strategy_id for score in known if score.total is not None} & pins.keys()
    order: list[tuple[int, float | None]] = [(score.strategy_id, told(score)) for score in ranking]
    for place, id_ in sorted((place, id_) for id_ in by_hand if (place := pins[id_]) is not None):
        order.insert(place - 1, (id_, None))
    places = dict.fromkeys((score.strategy_id for score in known), 0)
    first: dict[float, int] = {}
    for number, (id_, total) in enumerate(order, start=1):
        places[id_] = number if total is None else first.setdefault(total, number)
    return places


def _score(scheme: Scheme, row: Row[Any]) -> Score:
    """Return the stored score, weighed anew where it is of another scheme."""
    if row.score_version != scheme.version:
        return scored(scheme, ranked_of(row))
    total = None if row.score is None else float(row.score)
    return Score(row.strategy_id, total, {}, ())


def ranked_of(row: Row[Any]) -> Ranked:
    """Return what the ranking looks at from a row of `strategy_figures`."""
    return Ranked(
        row.strategy_id,
        days=float(row.days),
        closed=row.closed,
        drawdown_max=_float(row.drawdown_max),
        risk=row.risk,
        sortino=_float(row.sortino),
        follower_return=_float(row.follower_return),
        equity=_float(row.equity),
        copy_success=_float(row.copy_success),
        followers=row.followers,
    )


def _fresh(scheme: Scheme, row: Row[Any], score: Score, place: int) -> dict[str, Any]:
    return {
        "strategy_id": row.strategy_id,
        "place": place,
        "anew": row.score_version != scheme.version,
        "score": score.total,
        "points": dict(score.points),
        "gates": list(score.gates),
        "version": scheme.version,
    }


def _standing(figures: Ranked) -> Standing:
    parts: Mapping[Part, float | None] = {
        Part.RISK_ADJUSTED: figures.sortino,
        Part.FOLLOWERS: figures.follower_return,
        Part.DRAWDOWN: figures.drawdown_max,
        Part.LENGTH: figures.days,
        Part.OWN_STAKE: figures.equity,
        Part.FIDELITY: figures.copy_success,
        Part.POPULARITY: float(figures.followers),
    }
    known = (figures.strategy_id, figures.days, figures.closed, figures.drawdown_max, figures.risk)
    return Standing(*known, figures=parts)


def _float(number: Decimal | None) -> float | None:
    return None if number is None else float(number)


def _version(weights: Mapping[Part, int], gates: Gates) -> str:
    rules = json.dumps([VERSION, {str(part): weights[part] for part in weights}, asdict(gates)], sort_keys=True)
    return f"{VERSION}.{hashlib.sha256(rules.encode()).hexdigest()[:6]}"
