"""Which strategies need an update: those with raw rows that are newer than their figures, or with something open."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from copydesk.db import TenantSession

# When a subscription's record is behind: something new came in, or it holds something, or an hour has passed, in which
# funding may have been booked. `k` is what is stored of subscription `s`.
SUBSCRIPTION_DUE = """
    (k.as_of IS NULL
     OR (k.cursor ->> 'seen')::bigint < (SELECT max(f.seq) FROM copy_fill f WHERE f.tenant_id = s.tenant_id
                                         AND f.subscription_id = s.id)
     OR (k.cursor ->> 'adjusted')::bigint < (SELECT max(a.id) FROM book_adjustment a WHERE a.tenant_id = s.tenant_id
                                             AND a.subscription_id = s.id)
     OR (coalesce(k.as_of < s.ended_at + interval '10 minutes', true)
         AND (k.as_of < CAST(:now AS timestamptz) - interval '1 hour'
              OR (k.as_of < CAST(:now AS timestamptz) - interval '5 minutes' AND (k.figures ->> 'open')::int > 0))))
"""
_DUE = text(
    f"""
    SELECT t.id FROM strategy t
    LEFT JOIN strategy_figures c ON c.tenant_id = t.tenant_id AND c.strategy_id = t.id
    WHERE (c.as_of IS NULL AND EXISTS (SELECT FROM equity_point p WHERE p.tenant_id = t.tenant_id
                                       AND p.strategy_id = t.id))
       OR (c.cursor ->> 'seen')::bigint < (SELECT max(e.seq) FROM execution e WHERE e.tenant_id = t.tenant_id
                                           AND e.account_id = t.account_id)
       OR (c.as_of < date_trunc('minute', CAST(:now AS timestamptz)) AND (c.figures ->> 'open')::int > 0)
       OR (c.as_of < CAST(:now AS timestamptz) - interval '1 hour' AND t.status <> 'closed')
       OR c.as_of < date_trunc('day', CAST(:now AS timestamptz), 'UTC')
       OR (c.as_of IS NOT NULL AND EXISTS (
            SELECT FROM subscription s
            LEFT JOIN subscription_figures k ON k.tenant_id = s.tenant_id AND k.subscription_id = s.id
            WHERE s.tenant_id = t.tenant_id AND s.strategy_id = t.id AND {SUBSCRIPTION_DUE}))
    ORDER BY t.id
    """  # noqa: S608 - a condition of ours
)


def due_strategies(session: TenantSession, *, now: datetime) -> list[int]:
    """Return the strategies of this brand whose figures, or whose followers' figures, are behind; one query.

    Behind are those never computed, with rows that were not read yet, that hold something and were not updated in this
    minute, and all of an hour ago: payments into the account show in its equity alone.
    """
    return [int(id_) for id_ in session.execute(_DUE, {"now": now}).scalars()]
