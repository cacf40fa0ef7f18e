"""What accounts own of a quote currency, as it was last seen: limits on allocations are shares of it.

Read beside all else, of accounts that such a limit is about and of no others, so that no order waits for it. What
copies have bought on spot was paid from the purse and belongs to it still: at cost, and at the market's price.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal, number_array
from copydesk.kernel import ZERO
from copydesk.risk.model import Measure, Scoped, Unit
from copydesk.risk.order_rules import Purse
from copydesk.trading import quote_currency
from copydesk.venues import Balance, Position

# How old a purse may become before it is looked at again.
SEEN_EVERY = timedelta(seconds=60)
OF_PURSE = frozenset({Measure.ALLOCATION, Measure.ALLOCATION_TOTAL})

# Whom such a limit binds; `everyone` where a file says it. Who has orders on their way is between two states.
_DUE = text(
    """
    SELECT DISTINCT a.id FROM account a
    JOIN subscription s ON s.tenant_id = a.tenant_id AND s.account_id = a.id AND s.state <> 'ended'
    WHERE a.status = 'active' AND a.shard = :shard AND (:everyone OR EXISTS (
        SELECT 1 FROM risk_limit r WHERE r.line LIKE 'allocation%\\% of %' AND (
            r.scope = 'tenant' OR (r.scope = 'strategy' AND r.subject_id = s.strategy_id)
            OR (r.scope = 'account' AND r.subject_id = a.id) OR (r.scope = 'subscription' AND r.subject_id = s.id))))
      AND NOT EXISTS (
        SELECT 1 FROM account_purse p WHERE p.tenant_id = a.tenant_id AND p.account_id = a.id AND p.at > :fresh_since)
      AND NOT EXISTS (
        SELECT 1 FROM copy c WHERE c.tenant_id = a.tenant_id AND c.account_id = a.id AND c.leg NOT LIKE 'rest-%'
          AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled'))
    ORDER BY 1
    """
)
_DUE_LANES = text(
    """
    SELECT DISTINCT a.shard FROM account a
    JOIN subscription s ON s.tenant_id = a.tenant_id AND s.account_id = a.id AND s.state <> 'ended'
    WHERE a.status = 'active' AND (:everyone OR EXISTS (
        SELECT 1 FROM risk_limit r WHERE r.line LIKE 'allocation%\\% of %'))
      AND NOT EXISTS (
        SELECT 1 FROM account_purse p WHERE p.tenant_id = a.tenant_id AND p.account_id = a.id AND p.at > :fresh_since)
    ORDER BY 1
    """
)
_BOUGHT = text(
    """
    SELECT s.account_id, b.symbol, b.qty, b.cost FROM book b
    JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
    WHERE s.account_id = ANY(CAST(:ids AS bigint[])) AND b.qty > 0 AND strpos(b.symbol, ':') = 0
    """
)
_KEEP = text(
    """
    INSERT INTO account_purse (tenant_id, account_id, currency, balance, equity, at)
    SELECT :tenant_id, seen.*, :at FROM unnest(
        CAST(:accounts AS bigint[]), CAST(:currencies AS text[]), CAST(:balances AS numeric[]),
        CAST(:equities AS numeric[])) AS seen
    ON CONFLICT (tenant_id, account_id, currency) DO UPDATE
    SET balance = excluded.balance, equity = excluded.equity, at = excluded.at
    """
)
_SEEN = text(
    "SELECT account_id, balance, equity FROM account_purse "
    "WHERE currency = :currency AND account_id = ANY(CAST(:account_ids AS bigint[]))"
)


class Bought(NamedTuple):
    """What copies have bought of a pair, in base units, and what it cost."""

    symbol: str
    qty: Decimal
    cost: Decimal


class Wallets(NamedTuple):
    """What an exchange said of one account: its purses, each by currency, and its positions."""

    purses: Sequence[Mapping[str, Balance]]
    positions: Sequence[Position] = ()


def is_of_purse(scoped: Scoped) -> bool:
    """Tell whether a limit is a share of what the account owns."""
    return scoped.limit.measure in OF_PURSE and scoped.limit.threshold.unit is Unit.PERCENT


def purse_of(wallets: Wallets, bought: Iterable[Bought], currency: str, prices: Mapping[str, Decimal | None]) -> Purse:
    """Add up what an account owns of one currency. Pure.

    What has no price counts at cost. Coins that no copy has bought are the owner's own and do not count.
    """
    balance = sum((_owned(purse, currency) for purse in wallets.purses), ZERO)
    gains = sum((one.unrealized for one in wallets.positions if one.symbol.endswith(f":{currency}")), ZERO)
    for symbol, qty, cost in bought:
        if symbol.endswith(f"/{currency}"):
            px = prices.get(symbol)
            balance += cost
            gains += ZERO if px is None else qty * px - cost
    return Purse(balance, balance + gains)


def _owned(purse: Mapping[str, Balance], currency: str) -> Decimal:
    found = purse.get(currency)
    return ZERO if found is None else found.free + found.locked


def due_purses(session: TenantSession, *, everyone: bool, now: datetime, shard: str) -> list[int]:
    """Return the accounts of a lane whose purse is to be looked at; `everyone` where a file's limit is about it."""
    params = {"everyone": everyone, "fresh_since": now - SEEN_EVERY, "shard": shard}
    return list(session.execute(_DUE, params).scalars())


def lanes_with_due_purses(session: TenantSession, *, everyone: bool, now: datetime) -> list[str]:
    """Return the lanes where purses may have to be looked at; a lane looks itself whose."""
    params = {"everyone": everyone, "fresh_since": now - SEEN_EVERY}
    return list(session.execute(_DUE_LANES, params).scalars())


def note_wallets(
    session: TenantSession,
    seen: Mapping[int, Wallets],
    markets: Iterable[str],
    *,
    px_of: Callable[[str], Decimal | None],
    at: datetime,
) -> None:
    """Keep what accounts own of every currency that these markets are quoted in; a price is None where not known."""
    if not seen:
        return
    currencies = sorted({quote_currency(symbol) for symbol in markets})
    bought = bought_by(session, seen)
    prices = {one.symbol: px_of(one.symbol) for held in bought.values() for one in held}
    purses = {
        (account, currency): purse_of(wallets, bought.get(account, ()), currency, prices)
        for account, wallets in seen.items()
        for currency in currencies
    }
    keep_purses(session, purses, at)


def bought_by(session: TenantSession, account_ids: Iterable[int]) -> dict[int, list[Bought]]:
    """Return what copies of these accounts have bought on spot and hold still."""
    found: defaultdict[int, list[Bought]] = defaultdict(list)
    for account_id, *held in session.execute(_BOUGHT, {"ids": number_array(sorted(account_ids))}):
        found[account_id].append(Bought(*held))
    return found


def keep_purses(session: TenantSession, seen: Mapping[tuple[int, str], Purse], at: datetime) -> None:
    """Keep what was seen, by account and currency."""
    rows = sorted(seen.items())
    params = {
        "tenant_id": session.tenant_id,
        "at": at,
        "accounts": array_literal([account for (account, _), _ in rows]),
        "currencies": array_literal([currency for (_, currency), _ in rows]),
        "balances": array_literal([purse.balance for _, purse in rows]),
        "equities": array_literal([purse.equity for _, purse in rows]),
    }
    session.execute(_KEEP, params)


def purses_of(session: TenantSession, account_ids: str, currency: str) -> dict[int, Purse]:
    """Return what accounts owned of a currency when they were last seen; `account_ids` is an array literal."""
    rows = session.execute(_SEEN, {"account_ids": account_ids, "currency": currency})
    return {account_id: Purse(balance, equity) for account_id, balance, equity in rows}
