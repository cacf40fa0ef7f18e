"""Hold books against the exchange: an account must own at least what its books say.

More is fine, that is the follower's own. Less means that the follower, or somebody, sold what we copied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.kernel import ZERO
from copydesk.trading import Instrument, SubscriptionState
from copydesk.venues import Balance

REASON = "position_missing"

_HELD = text(
    """
    SELECT s.account_id, b.subscription_id, b.symbol, b.qty FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE a.shard = :shard AND a.status = 'active' AND b.qty > 0 AND NOT EXISTS (
        SELECT 1 FROM copy c WHERE c.shard = :shard AND c.subscription_id = b.subscription_id
        AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled'))
    """
)

_FLAG = text(
    """
    UPDATE subscription SET
        state = CASE WHEN id = ANY(CAST(:missing AS bigint[])) THEN :out_of_sync ELSE :synced END,
        state_reason = CASE WHEN id = ANY(CAST(:missing AS bigint[])) THEN :reason END
    WHERE (id = ANY(CAST(:missing AS bigint[])) AND state = :synced)
       OR (id = ANY(CAST(:fine AS bigint[])) AND state = :out_of_sync AND state_reason = :reason)
    """
)


class Held(NamedTuple):
    """One open book as the exchange account should back it, in base units."""

    account_id: int
    subscription_id: int
    symbol: str
    qty: Decimal


def held_books(session: TenantSession, shard: str) -> list[Held]:
    """Return the open books of a shard with nothing in flight."""
    return [Held(*row) for row in session.execute(_HELD, {"shard": shard})]


def unbacked(
    books: Iterable[Held], balances: Mapping[int, Mapping[str, Balance]], instruments: Mapping[str, Instrument]
) -> set[int]:
    """Name the subscriptions whose accounts own less than their books say, by more than one step. Pure.

    Books of one base currency claim the same balance, whatever they are quoted in.
    """
    known = [(book, instruments[book.symbol]) for book in books if book.symbol in instruments]
    claimed: dict[tuple[int, str], Decimal] = defaultdict(lambda: ZERO)
    for book, instrument in known:
        # What rounding may have left per book is no reason to complain.
        claimed[book.account_id, instrument.base] += book.qty - instrument.qty_step
    short = {
        (account_id, base)
        for (account_id, base), qty in claimed.items()
        if account_id in balances and _owned(balances[account_id], base) < qty
    }
    return {book.subscription_id for book, instrument in known if (book.account_id, instrument.base) in short}


def _owned(balances: Mapping[str, Balance], currency: str) -> Decimal:
    balance = balances.get(currency, Balance(ZERO, ZERO))
    return balance.free + balance.locked


def flag_unbacked(session: TenantSession, *, missing: set[int], fine: set[int]) -> None:
    """Mark subscriptions out of sync, and in sync again those that this check had marked."""
    params = {
        "missing": array_literal(sorted(missing)),
        "fine": array_literal(sorted(fine - missing)),
        "out_of_sync": str(SubscriptionState.OUT_OF_SYNC),
        "synced": str(SubscriptionState.SYNCED),
        "reason": REASON,
    }
    session.execute(_FLAG, params)
