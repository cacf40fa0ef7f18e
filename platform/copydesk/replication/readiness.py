"""Whether the engine is at work for some lanes, as the people whose lanes they are may ask. Read-only.

Told by what waits: signals that nobody plans, errands that nobody runs, and a watch over limits that fell silent. Where
nothing waits nothing can be told, and nothing is late.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal

# A lane plans within a moment, and sees to an errand within a few seconds of its time.
SIGNALS_LATE_S = 15.0
ERRANDS_LATE_S = 20.0
WATCH_LATE_S = 30.0

_WAITING = text(
    """
    SELECT (SELECT extract(epoch FROM clock_timestamp() - min(created_at))::float8 FROM delivery
            WHERE shard = ANY(CAST(:shards AS text[])) AND drained_at IS NULL) AS signals_s,
           (SELECT extract(epoch FROM clock_timestamp() - min(due_at))::float8 FROM errand
            WHERE shard = ANY(CAST(:shards AS text[]))) AS errands_s,
           (SELECT extract(epoch FROM clock_timestamp() - at)::float8 FROM risk_watch) AS watch_s
    """
)
_LANES = text(
    """
    SELECT DISTINCT a.shard FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id AND s.state <> 'ended'
    """
)


class Readiness(NamedTuple):
    """For how long the oldest signal and errand have waited, and how long ago limits were watched, in seconds.

    None where nothing waits, and where limits were never watched.
    """

    signals_s: float | None = None
    errands_s: float | None = None
    watch_s: float | None = None

    @property
    def engine_away(self) -> bool:
        """Tell whether orders wait for an engine that does not come."""
        return (self.signals_s or 0) > SIGNALS_LATE_S or (self.errands_s or 0) > ERRANDS_LATE_S

    @property
    def watch_away(self) -> bool:
        """Tell whether nobody looks after limits at present."""
        return (self.watch_s or 0) > WATCH_LATE_S

    @property
    def waiting_s(self) -> float:
        """Return how long the oldest has waited."""
        return max(self.signals_s or 0.0, self.errands_s or 0.0)


def lanes_of(session: TenantSession, strategy_id: int) -> list[str]:
    """Return the lanes on which a strategy is copied now."""
    return list(session.execute(_LANES, {"strategy_id": strategy_id}).scalars())


def readiness(session: TenantSession, shards: Collection[str]) -> Readiness:
    """Return how far the engine is behind on these lanes."""
    return Readiness(*session.execute(_WAITING, {"shards": array_literal(sorted(shards))}).one())
