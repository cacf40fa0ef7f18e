"""One signal's way from the leader's execution to the last acknowledgement, read from the desk's own rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from copydesk.db import Database


@dataclass(frozen=True)
class SignalRow:
    """The hops of one signal, in milliseconds after the leader's execution at the exchange.

    `sent` and `acked` are the followers in the order in which their orders were sent and answered. `cpu_s` is what
    the replicator's process took until all that was settled.
    """

    stored_ms: float
    copies_stored_ms: float
    first_sent_ms: float
    last_sent_ms: float
    first_ack_ms: float
    ack_p50_ms: float
    last_ack_ms: float
    sent: Sequence[int] = ()
    acked: Sequence[int] = ()
    cpu_s: float = 0.0


# In the order of `SignalRow` and of the query.
HOPS = (
    "stored_ms",
    "copies_stored_ms",
    "first_sent_ms",
    "last_sent_ms",
    "first_ack_ms",
    "ack_p50_ms",
    "last_ack_ms",
)
_HOPS = text(
    """
    WITH s AS (SELECT extract(epoch FROM venue_at) * 1000 AS at, extract(epoch FROM stored_at) * 1000 AS stored
               FROM signal WHERE id = :signal_id),
    d AS (SELECT extract(epoch FROM max(stored_at)) * 1000 AS stored FROM delivery WHERE signal_id = :signal_id),
    c AS (SELECT subscription_id AS who, id, extract(epoch FROM sent_at) * 1000 AS sent,
                 extract(epoch FROM acked_at) * 1000 AS acked
          FROM copy WHERE signal_id = :signal_id AND leg IN ('open', 'close'))
    SELECT min(s.stored - s.at), min(d.stored - s.at), min(c.sent - s.at), max(c.sent - s.at), min(c.acked - s.at),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY c.acked - s.at), max(c.acked - s.at),
           array_agg(c.who ORDER BY c.sent, c.id), array_agg(c.who ORDER BY c.acked, c.id)
    FROM s CROSS JOIN d CROSS JOIN c
    """
)
_NEWEST = text("SELECT coalesce(max(id), 0) FROM signal")
# Cheap to ask often, so that asking takes nothing from what is measured.
_UNDRAINED = text(
    "SELECT count(*) FROM delivery WHERE signal_id = :signal_id AND (drained_at IS NULL OR intents IS NOT NULL)"
)
# By quantity: some exchanges are asked for fees later, and as often as their limits let us.
_FILLED = text("SELECT count(*) FROM copy WHERE signal_id = :signal_id AND cum_qty >= qty AND leg IN ('open', 'close')")
_STATUSES = text("SELECT status || coalesce(' ' || reason, ''), count(*) FROM copy WHERE signal_id = :id GROUP BY 1")


class Desk:
    """Ask one brand's rows about signals."""

    def __init__(self, db: Database, tenant_id: int) -> None:
        self._db = db
        self._tenant_id = tenant_id
        # The least that a signal took from the leader's order until it was seen drained; 0 before the first.
        self.quickest_s = 0.0

    def took(self, seconds: float) -> None:
        """Note how long a signal took."""
        self.quickest_s = min(self.quickest_s or seconds, seconds)

    def newest(self) -> int:
        """Return the id of the newest signal, 0 where there is none."""
        return int(self._one(_NEWEST)[0])

    def drained(self, signal_id: int) -> bool:
        """Tell whether every lane has planned, sent and recorded a signal."""
        return bool(self._one(_UNDRAINED, signal_id=signal_id)[0] == 0)

    def filled(self, signal_id: int) -> int:
        """Count the followers whose copy of a signal is filled."""
        return int(self._one(_FILLED, signal_id=signal_id)[0])

    def hops(self, signal_id: int) -> SignalRow:
        """Read the hops of a signal that everybody has copied."""
        *hops, sent, acked = self._one(_HOPS, signal_id=signal_id)
        named = zip(HOPS, map(float, hops), strict=True)
        return SignalRow(**dict(named), sent=tuple(sent), acked=tuple(acked))

    def statuses(self, signal_id: int) -> dict[str, int]:
        """Count a signal's copies by status and reason."""
        with self._session() as session:
            return dict(session.execute(_STATUSES, {"id": signal_id}).tuples().all())

    def _one(self, query: Any, **params: Any) -> Any:
        with self._session() as session:
            return session.execute(query, params).one()

    def _session(self) -> Any:
        return self._db.tenant(self._tenant_id)
