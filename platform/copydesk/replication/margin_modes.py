"""The margin mode that a follower's position is in: what its account was set to before it was opened (`account_setup`).

A brand's wish (`replication.margin_mode`) is for what is opened; a close goes out in the mode that its position is in.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.trading import MarginMode

# Of an account where nothing is noted we have opened nothing.
PLAIN = MarginMode.CROSS

# Where the mode counts for the whole account, whatever it holds keeps the mode.
_HELD_OTHERWISE = text(
    """
    SELECT DISTINCT p.account_id FROM account_setup p
    WHERE p.account_id = ANY(CAST(:ids AS bigint[])) AND p.margin_mode <> :margin_mode
      AND (p.symbol = :symbol OR :account_wide)
      AND (EXISTS (SELECT 1 FROM book b
                   JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
                   WHERE s.tenant_id = p.tenant_id AND s.account_id = p.account_id AND b.symbol = p.symbol
                     AND b.qty <> 0)
           OR EXISTS (SELECT 1 FROM copy c
                      WHERE c.tenant_id = p.tenant_id AND c.shard = :shard AND c.account_id = p.account_id
                        AND c.symbol = p.symbol AND NOT c.reduces
                        AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')))
    """
)


def told_mode(told: str | None) -> MarginMode:
    """Read what is noted of an account's perpetual, None where nothing is."""
    return MarginMode(told) if told else PLAIN


def other_than(mode: MarginMode) -> MarginMode:
    """Return the other one of both modes."""
    return MarginMode.ISOLATED if mode is MarginMode.CROSS else MarginMode.CROSS


def held_otherwise(
    session: TenantSession,
    shard: str,
    symbol: str,
    accounts: Collection[int],
    mode: MarginMode,
    *,
    account_wide: bool,
) -> set[int]:
    """Return which of these accounts hold, or are opening, something in the other margin mode: it stays until then."""
    params = {
        "ids": sorted(accounts),
        "shard": shard,
        "symbol": symbol,
        "margin_mode": str(mode),
        "account_wide": account_wide,
    }
    return set(session.execute(_HELD_OTHERWISE, params).scalars())
