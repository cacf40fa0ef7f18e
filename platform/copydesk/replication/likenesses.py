"""How alike strategies went that one account copies: which pairs there are, what is known of each, and whom it binds.

The risk role compares them once an hour (`risk.likeness`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.risk.likeness import Likeness

# The lower number first.
Pair = tuple[int, int]

_TOGETHER = text(
    """
    SELECT DISTINCT one.strategy_id, other.strategy_id FROM subscription one
    JOIN subscription other ON other.tenant_id = one.tenant_id AND other.account_id = one.account_id
        AND other.strategy_id > one.strategy_id AND other.state <> 'ended'
    WHERE one.state <> 'ended' ORDER BY 1, 2
    """
)
_KEEP = text(
    """
    INSERT INTO strategy_likeness (tenant_id, strategy_id, other_id, correlation, days, at)
    SELECT :tenant_id, pair.*, :at FROM unnest(
        CAST(:ones AS bigint[]), CAST(:others AS bigint[]), CAST(:correlations AS numeric[]),
        CAST(:days AS int[])) AS pair
    ON CONFLICT (tenant_id, strategy_id, other_id) DO UPDATE
    SET correlation = excluded.correlation, days = excluded.days, at = excluded.at
    """
)
_FORGET = text("DELETE FROM strategy_likeness WHERE at < :at")
_HIGHEST = text(
    """
    SELECT s.account_id, max(l.correlation) FROM subscription s
    JOIN strategy_likeness l ON l.tenant_id = s.tenant_id AND l.strategy_id = least(s.strategy_id, :strategy_id)
        AND l.other_id = greatest(s.strategy_id, :strategy_id)
    WHERE s.account_id = ANY(CAST(:account_ids AS bigint[])) AND s.state <> 'ended' AND l.correlation IS NOT NULL
    GROUP BY 1
    """
)


def pairs_together(session: TenantSession) -> list[Pair]:
    """Return the strategies that one and the same account copies, each pair once."""
    return [(one, other) for one, other in session.execute(_TOGETHER)]


def keep_likenesses(session: TenantSession, found: Mapping[Pair, Likeness], *, at: datetime) -> None:
    """Keep what was found, in place of all that was known before."""
    pairs: Iterable[tuple[Pair, Likeness]] = sorted(found.items())
    params = {
        "tenant_id": session.tenant_id,
        "at": at,
        "ones": array_literal([pair[0] for pair, _ in pairs]),
        "others": array_literal([pair[1] for pair, _ in pairs]),
        "correlations": array_literal([known.correlation for _, known in pairs]),
        "days": array_literal([known.days for _, known in pairs]),
    }
    session.execute(_KEEP, params)
    session.execute(_FORGET, {"at": at})


def correlations_of(session: TenantSession, strategy_id: int, account_ids: str) -> dict[int, Decimal]:
    """Return, of accounts that copy this strategy and others, the highest correlation with one of these.

    `account_ids` is an array literal. Whoever is missing copies no other, or none that can be compared.
    """
    rows = session.execute(_HIGHEST, {"strategy_id": strategy_id, "account_ids": account_ids})
    return {account_id: correlation for account_id, correlation in rows}  # noqa: C416 - rows are no pairs
