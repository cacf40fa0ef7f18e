"""Every signal of the strategies that a person copies, with what became of it for them: one row each. Read-only.

Copies are found by the signals of their strategy: nothing else is in an index, so that copies stay cheap to store. A
page therefore looks at a bounded number of signals, the newest first, and says how far back it has looked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.replication.explain import copy_slippage_bps
from copydesk.replication.moves import Move, move_between

PAGE = 25
# Signals looked at for one page: some have no copy, of a filtered list most may be of another outcome.
_LOOKED_AT, _LOOKED_AT_FILTERED = 75, 400
# With more subscriptions than this most signals of the brand are a person's own: they are walked, not gathered, so
# many at a time.
_GATHERED_MAX, _WALKED_MAX = 40, 1_000
_HIGHEST = 2**63 - 1

_MINE = text(
    """
    SELECT s.id, s.strategy_id, s.created_at, s.ended_at
    FROM account a JOIN subscription s ON s.tenant_id = a.tenant_id AND s.account_id = a.id
    WHERE a.user_id = :user_id AND (CAST(:id AS bigint) IS NULL OR s.id = :id)
    """
)
# Of each subscription the newest signals of its time, and those by which it took earlier positions over.
_GATHERED = text(
    """
    SELECT g.id, g.strategy_id
    FROM unnest(CAST(:strategies AS bigint[]), CAST(:since AS timestamptz[]), CAST(:until AS timestamptz[]))
         AS mine (strategy_id, since, until)
    CROSS JOIN LATERAL (
        SELECT id, strategy_id FROM signal
        WHERE strategy_id = mine.strategy_id AND id <= :from_id AND stored_at >= mine.since
          AND (mine.until IS NULL OR stored_at <= mine.until) AND (cum_qty > 0 OR EXISTS (
              SELECT 1 FROM copy c WHERE c.tenant_id = signal.tenant_id AND c.signal_id = signal.id))
        ORDER BY id DESC LIMIT :most) AS g
    UNION SELECT c.signal_id, s.strategy_id FROM late_join j
    JOIN copy c ON c.tenant_id = j.tenant_id AND c.id = j.copy_id
    JOIN subscription s ON s.tenant_id = j.tenant_id AND s.id = j.subscription_id
    WHERE j.subscription_id = ANY(CAST(:subscriptions AS bigint[])) AND c.signal_id <= :from_id
    ORDER BY 1 DESC LIMIT :most
    """
)
_OF_SIGNAL = text(
    """
    SELECT s.id FROM signal g
    JOIN subscription s ON s.tenant_id = g.tenant_id AND s.strategy_id = g.strategy_id
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE g.id = :signal_id AND a.user_id = :user_id
    ORDER BY EXISTS (SELECT 1 FROM copy c WHERE c.tenant_id = g.tenant_id AND c.signal_id = g.id
                     AND c.subscription_id = s.id) DESC, s.id DESC LIMIT :most
    """
)
_WALKED = text("SELECT id, strategy_id FROM signal WHERE id <= :from_id ORDER BY id DESC LIMIT :most")
_FINAL = "('denied', 'filled', 'canceled', 'rejected', 'expired')"
# Corrections, stops and endings hang on the signal that was planned last; they are told on its own page.
_ROWS = text(
    f"""
    WITH told AS (
        SELECT g.id AS signal_id, s.id AS subscription_id, t.name AS strategy, t.slug, a.label AS account,
               g.symbol, g.side, g.qty, g.px, g.position_before, g.position_after, g.venue_at, c.*
        FROM unnest(CAST(:signals AS bigint[]), CAST(:subscriptions AS bigint[])) AS wanted (signal_id, subscription_id)
        JOIN signal g ON g.id = wanted.signal_id
        JOIN subscription s ON s.tenant_id = g.tenant_id AND s.id = wanted.subscription_id
        JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
        JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS legs,
                   CASE WHEN bool_or(status NOT IN {_FINAL}) THEN 'waiting'
                        WHEN bool_and(status = 'denied') THEN 'skipped'
                        WHEN bool_and(cum_qty >= qty AND cum_qty > 0) THEN 'copied'
                        WHEN bool_or(cum_qty > 0) THEN 'partial' ELSE 'failed' END AS outcome,
                   sum(cum_qty) AS got_qty, sum(qty) AS sent_qty,
                   sum(cum_qty * avg_px) / nullif(sum(cum_qty) FILTER (WHERE avg_px IS NOT NULL), 0) AS avg_px,
                   sum(cum_qty * avg_px) AS notional, min(copy.shard) AS shard,
                   (array_agg(reason ORDER BY copy.id) FILTER (WHERE reason IS NOT NULL))[1] AS reason,
                   (array_agg(reason_facts ORDER BY copy.id) FILTER (WHERE reason IS NOT NULL))[1] AS facts,
                   round(extract(epoch FROM max(acked_at) - g.venue_at) * 1000)::bigint AS latency_ms
            FROM copy WHERE copy.tenant_id = g.tenant_id AND copy.signal_id = g.id AND copy.subscription_id = s.id
              AND (leg IN ('open', 'close', 'join') OR leg LIKE 'rest-%' OR leg LIKE 'top-up%'
                   OR leg LIKE 'smaller%' OR leg LIKE 'resized%')) AS c
        WHERE c.legs > 0
    )
    SELECT told.*, coalesce(burst.px, told.px) AS leader_px FROM (
        SELECT * FROM told WHERE CAST(:outcome AS text) IS NULL OR outcome = :outcome
        ORDER BY signal_id DESC, subscription_id DESC LIMIT :most) AS told
    LEFT JOIN LATERAL (
        SELECT (sum(e.px * abs(e.position_after - e.position_before))
                + told.px * abs(told.position_after - told.position_before))
               / nullif(sum(abs(e.position_after - e.position_before))
                        + abs(told.position_after - told.position_before), 0) AS px
        FROM delivery d JOIN signal e ON e.tenant_id = d.tenant_id AND e.id = d.signal_id
        WHERE d.joined_into = told.signal_id AND d.shard = told.shard) AS burst ON true
    ORDER BY signal_id DESC, subscription_id DESC
    """  # noqa: S608 - ours alone
)


class Outcome(StrEnum):
    """What became of a signal for one subscription. `failed` was sent, and got nothing."""

    COPIED = "copied"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    FAILED = "failed"
    WAITING = "waiting"


class Cursor(NamedTuple):
    """Where a page ends: the next one begins below this signal and subscription."""

    signal_id: int
    subscription_id: int

    def __str__(self) -> str:
        return f"{self.signal_id}-{self.subscription_id}"


@dataclass(frozen=True)
class OwnReceipt:
    """One signal for one subscription. `reason` is that of the first order that has one, with its `facts`.

    `slippage_bps` above zero is worse than the trader's price; `latency_ms` counts from the trader's execution to the
    last confirmation.
    """

    signal_id: int
    subscription_id: int
    strategy: str
    slug: str
    account: str
    symbol: str
    side: str
    qty: Decimal
    px: Decimal
    move: Move | None
    venue_at: datetime
    outcome: Outcome
    got_qty: Decimal
    sent_qty: Decimal
    avg_px: Decimal | None
    notional: Decimal | None
    reason: str | None
    facts: dict[str, Any] | None
    latency_ms: int | None
    slippage_bps: Decimal | None


@dataclass(frozen=True)
class ReceiptPage:
    """Receipts, the newest first. `older` is where to go on, None where there is nothing more.

    With `looked_back` nothing else was found among the signals that were looked at, and older ones may have more.
    """

    receipts: tuple[OwnReceipt, ...]
    older: Cursor | None
    looked_back: bool


def read_cursor(told: str) -> Cursor | None:
    """Read a cursor out of an address; None for what is none."""
    signal, _, subscription = told.partition("-")
    numbers = [part for part in (signal, subscription) if part.isascii() and part.isdigit() and len(part) < 19]
    return Cursor(int(signal), int(subscription)) if len(numbers) == 2 else None


def own_receipts(
    session: TenantSession,
    user_id: int,
    *,
    subscription_id: int | None = None,
    outcome: Outcome | None = None,
    before: Cursor | None = None,
    most: int = PAGE,
) -> ReceiptPage:
    """Return a page of a person's receipts, of one subscription or with one outcome if asked for; three statements."""
    mine = session.execute(_MINE, {"user_id": user_id, "id": subscription_id}).all()
    looked_at = _LOOKED_AT_FILTERED if outcome else _LOOKED_AT
    pairs, end = _pairs(session, mine, before or Cursor(_HIGHEST, _HIGHEST), looked_at)
    keys = {
        "signals": number_array([pair.signal_id for pair in pairs]),
        "subscriptions": number_array([pair.subscription_id for pair in pairs]),
        "outcome": outcome and str(outcome),
        "most": most + 1,
    }
    found = [_receipt(dict(row)) for row in session.execute(_ROWS, keys).mappings()]
    if len(found) > most:
        last = found[most - 1]
        return ReceiptPage(tuple(found[:most]), Cursor(last.signal_id, last.subscription_id), looked_back=False)
    return ReceiptPage(tuple(found), end, looked_back=end is not None)


def own_subscriptions_of(session: TenantSession, user_id: int, signal_id: int, *, most: int = 5) -> list[int]:
    """Return a person's subscriptions to the strategy of a signal: those with a copy of it first, then the newest."""
    keys = {"user_id": user_id, "signal_id": signal_id, "most": most}
    return list(session.execute(_OF_SIGNAL, keys).scalars())


def _pairs(
    session: TenantSession, mine: Sequence[Any], before: Cursor, most: int
) -> tuple[list[Cursor], Cursor | None]:
    """Return the newest signals that may have copies, with the subscription that would have each, the newest first.

    Besides where to look on, None where there is nothing more.
    """
    if not mine:
        return [], None
    subscriptions: defaultdict[int, list[int]] = defaultdict(list)
    for row in sorted(mine, key=lambda row: row.id, reverse=True):
        subscriptions[row.strategy_id].append(row.id)
    walked = len(mine) > _GATHERED_MAX
    signals_max = _WALKED_MAX if walked else most
    query, keys = (_WALKED, {}) if walked else (_GATHERED, _spans(mine))
    signals = session.execute(query, {**keys, "from_id": before.signal_id, "most": signals_max}).all()
    pairs = (Cursor(row.id, one) for row in signals for one in subscriptions.get(row.strategy_id, ()))
    found = list(islice((pair for pair in pairs if pair < before), most + 1))
    if len(found) > most:
        return found[:most], found[most - 1]
    return found, Cursor(signals[-1].id, 0) if len(signals) == signals_max else None


def _spans(mine: Sequence[Any]) -> dict[str, str]:
    return {
        "subscriptions": number_array([row.id for row in mine]),
        "strategies": number_array([row.strategy_id for row in mine]),
        "since": number_array([row.created_at.isoformat() for row in mine]),
        "until": number_array([row.ended_at and row.ended_at.isoformat() for row in mine]),
    }


def _receipt(row: dict[str, Any]) -> OwnReceipt:
    before, after = row.pop("position_before"), row.pop("position_after")
    leader_px, outcome = row.pop("leader_px"), Outcome(row.pop("outcome"))
    for name in ("legs", "shard"):
        del row[name]
    perpetual = ":" in row["symbol"]
    slippage = copy_slippage_bps(row["side"], leader_px, row["avg_px"], row["got_qty"])
    return OwnReceipt(
        **row, outcome=outcome, move=move_between(before, after) if perpetual else None, slippage_bps=slippage
    )
