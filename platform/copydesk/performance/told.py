"""What is stored of one strategy, for an operator who looks at it: figures, remarks, score, and how fresh they are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import NotFound

_TOLD = text(
    """
    SELECT s.id, s.slug, k.as_of, k.figures || k.truth - 'histogram' AS figures, k.flags,
           CAST(k.score AS float8) AS score, k.place, k.gates, k.symbols,
           (SELECT jsonb_object_agg(found.grain, found.points) FROM (
                SELECT p.grain, count(*) AS points FROM performance_point p
                WHERE p.owner = 'strategy' AND p.owner_id = s.id GROUP BY p.grain) AS found) AS points,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(f.at, f.kind, f.amount) ORDER BY f.at), '[]')
            FROM cash_flow f WHERE f.tenant_id = s.tenant_id AND f.strategy_id = s.id) AS flows
    FROM strategy s LEFT JOIN strategy_figures k ON k.tenant_id = s.tenant_id AND k.strategy_id = s.id
    WHERE s.slug = :slug
    """
)


class Told(NamedTuple):
    """One strategy as it is stored. `as_of` is None, and all else empty, before its account's equity was ever told.

    `points` counts points by grain, `flows` are (moment, kind, amount) of all that was paid in and out.
    """

    id: int
    slug: str
    as_of: datetime | None
    figures: Mapping[str, float | None]
    flags: Mapping[str, Mapping[str, float]]
    score: float | None
    place: int | None
    gates: tuple[str, ...]
    symbols: tuple[str, ...]
    points: Mapping[str, int]
    flows: tuple[tuple[str, str, float], ...]


def strategy_told(session: TenantSession, slug: str) -> Told:
    """Return what is stored of a strategy; raises NotFound."""
    row: Any = session.execute(_TOLD, {"slug": slug}).one_or_none()
    if row is None:
        raise NotFound(f"there is no strategy {slug}")
    return Told(
        row.id,
        row.slug,
        row.as_of,
        row.figures or {},
        row.flags or {},
        row.score,
        row.place or None,
        tuple(row.gates or ()),
        tuple(row.symbols or ()),
        row.points or {},
        tuple((at, kind, amount) for at, kind, amount in row.flows),
    )
