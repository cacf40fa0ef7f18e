"""Of what share of a leader's positions a stop was seen at the exchange, as the remarks on a strategy need it."""

from __future__ import annotations

from datetime import datetime, timedelta

from copydesk.db import TenantSession
from copydesk.replication import trades_since

# Positions of so many days are judged, up to the last midnight: what came later is judged tomorrow.
DAYS = 90


def stop_share(
    session: TenantSession, strategy_id: int, heard_since: datetime | None, *, until: datetime
) -> float | None:
    """Return of what share of the positions closed by a moment a stop rested for half of their life or more.

    None where it is not known: a leader's orders are heard while somebody copies them.
    """
    if heard_since is None or heard_since >= until:
        return None
    since = max(heard_since, until - timedelta(days=DAYS))
    trades = trades_since(session, strategy_id, since, now=until)
    judged = [one.stopped for one in trades if one.closed_at is not None and one.closed_at <= until]
    known = [stopped for stopped in judged if stopped is not None]
    return sum(known) / len(known) if known else None
