"""Write what the exchange answered: copies move on, fills are booked once, books follow their fills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import TenantSession, array_literal, moment_array, number_array
from copydesk.kernel import ZERO
from copydesk.keys.refused import put_aside_unless_fresh
from copydesk.replication.model import DEAD_KEY, UNSET
from copydesk.trading import Fill, OrderStatus


class Settlement(NamedTuple):
    """The newest truth about one copy. `next_check_at` is set while the outcome stays unknown."""

    copy_id: int
    status: OrderStatus
    reason: str | None = None
    facts: dict[str, str] | None = None
    venue_order_id: str | None = None
    cum_qty: Decimal = ZERO
    avg_px: Decimal | None = None
    fills: tuple[Fill, ...] = ()
    sent_at: datetime | None = None
    acked_at: datetime | None = None
    next_check_at: datetime | None = None
    proof_at: datetime | None = None

    def ended_short(self, qty: Decimal) -> bool:
        """Tell whether an order of this quantity is over and got less."""
        return self.status in _SHORT_ENDS and self.cum_qty < qty


_SHORT_ENDS = frozenset({OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED})

# Only an open copy of our own epoch moves: who took the shard over may have asked or sent again, and will book the
# fills with the answer. A late or repeated answer of our own adds only fills that were not yet known.
_SETTLE = text(
    """
    WITH answer AS (
        SELECT * FROM unnest(
            CAST(:ids AS bigint[]), CAST(:statuses AS text[]), CAST(:reasons AS text[]),
            CAST(:venue_order_ids AS text[]), CAST(:cum_qtys AS numeric[]), CAST(:avg_pxs AS numeric[]),
            CAST(:sent_ats AS timestamptz[]), CAST(:acked_ats AS timestamptz[]), CAST(:next_checks AS timestamptz[]),
            CAST(:proofs AS timestamptz[]))
        WITH ORDINALITY AS a(id, status, reason, venue_order_id, cum_qty, avg_px, sent_at, acked_at, next_check_at,
                             proof_at, place)
    ), moved AS (
        UPDATE copy c SET status = a.status, reason = a.reason,
            reason_facts = CASE WHEN c.reason_facts ?| ARRAY['limit_line', 'warned_line', 'leverage_bound']
                                THEN c.reason_facts || coalesce(CAST(:facts AS jsonb) -> a.place::text, '{}')
                                ELSE CAST(:facts AS jsonb) -> a.place::text END,
            venue_order_id = coalesce(a.venue_order_id, c.venue_order_id),
            cum_qty = greatest(a.cum_qty, c.cum_qty), avg_px = coalesce(a.avg_px, c.avg_px),
            sent_at = coalesce(a.sent_at, c.sent_at), acked_at = coalesce(c.acked_at, a.acked_at),
            next_check_at = a.next_check_at, proof_at = coalesce(a.proof_at, c.proof_at),
            checks = least(c.checks + 1, 10000)
        FROM answer a
        WHERE c.tenant_id = :tenant_id AND c.id = a.id
          AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled') AND c.epoch = :epoch
        RETURNING c.subscription_id, c.symbol, c.position_side, c.side, c.status, c.reduces,
                  c.qty - c.cum_qty AS missed
    )
    SELECT DISTINCT subscription_id, symbol, position_side, side FROM moved
    WHERE NOT reduces AND missed > 0 AND status IN ('canceled', 'rejected', 'expired')
    """
)

# What an open asked for and did not get is not chased: the target falls to what is held and still on its way, which
# is whatever no fill has told yet.
# Subtracting the missed quantity would be wrong once the leader has reduced since: the target has shrunk with it.
# Shorts count downward, so all is compared after multiplication with the side's sign.
_FORGO = text(
    """
    UPDATE book b SET target_qty = s.sign * least(s.sign * b.target_qty, greatest(s.sign * b.qty + coalesce((
        SELECT sum(c.qty - coalesce((SELECT sum(f.qty) FROM copy_fill f
                                     WHERE f.tenant_id = c.tenant_id AND f.copy_id = c.id), 0)) FROM copy c
        WHERE c.tenant_id = :tenant_id AND c.subscription_id = b.subscription_id AND c.symbol = b.symbol
          AND c.position_side = b.position_side AND c.side = s.side
          AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')), 0), 0)),
        updated_at = now()
    FROM (SELECT *, CASE side WHEN 'buy' THEN 1 ELSE -1 END AS sign FROM unnest(
              CAST(:subscription_ids AS bigint[]), CAST(:symbols AS text[]), CAST(:position_sides AS text[]),
              CAST(:sides AS text[])) AS missed(subscription_id, symbol, position_side, side)) AS s
    WHERE b.tenant_id = :tenant_id AND b.subscription_id = s.subscription_id AND b.symbol = s.symbol
      AND b.position_side = s.position_side
    """
)

# A book changes only by fills that this statement inserted, so it stays the sum of its fills (invariant I3).
# The cost of a long grows with purchases and shrinks with the share that is sold, of a short the other way round.
# What a perpetual gets beyond zero costs what the fills on that side were worth; spot never gets there.
_BOOK_FILLS = text(
    """
    WITH fresh AS (
        INSERT INTO copy_fill (tenant_id, copy_id, trade_id, subscription_id, symbol, position_side, side, qty, px,
                               fee, fee_currency, at)
        SELECT :tenant_id, f.copy_id, f.trade_id, c.subscription_id, c.symbol, c.position_side, c.side, f.qty, f.px,
               f.fee, f.fee_currency, f.at
        FROM unnest(
            CAST(:copy_ids AS bigint[]), CAST(:trade_ids AS text[]), CAST(:qtys AS numeric[]),
            CAST(:pxs AS numeric[]), CAST(:fees AS numeric[]), CAST(:currencies AS text[]),
            CAST(:ats AS timestamptz[]))
            AS f(copy_id, trade_id, qty, px, fee, fee_currency, at)
        -- One look by key for each: with old statistics PostgreSQL would rather read every copy of the brand.
        CROSS JOIN LATERAL (SELECT * FROM copy WHERE tenant_id = :tenant_id AND id = f.copy_id AND epoch = :epoch
                            OFFSET 0) AS c
        ON CONFLICT (tenant_id, copy_id, trade_id) DO NOTHING
        RETURNING subscription_id, symbol, position_side, side, qty, px, fee, fee_currency
    ), netted AS (
        SELECT subscription_id, symbol, position_side, strpos(symbol, ':') = 0 AS spot,
               coalesce(sum(qty) FILTER (WHERE side = 'buy'), 0) AS bought,
               coalesce(sum(qty * px) FILTER (WHERE side = 'buy'), 0) AS paid,
               coalesce(sum(qty) FILTER (WHERE side = 'sell'), 0) AS sold,
               coalesce(sum(qty * px) FILTER (WHERE side = 'sell'), 0) AS received,
               coalesce(sum(fee) FILTER (WHERE fee_currency = split_part(symbol, '/', 1)
                                           AND strpos(symbol, ':') = 0), 0) AS base_fee,
               coalesce(sum(fee) FILTER (WHERE fee_currency = split_part(split_part(symbol, ':', 1), '/', 2)), 0)
                   AS quote_fee
        FROM fresh GROUP BY subscription_id, symbol, position_side
    )
    UPDATE book b SET
        qty = b.qty + n.bought - n.sold - n.base_fee,
        target_qty = CASE n.base_fee WHEN 0 THEN b.target_qty ELSE greatest(b.target_qty - n.base_fee, 0) END,
        cost = CASE
            WHEN n.spot OR b.qty > 0 OR (b.qty = 0 AND n.bought >= n.sold) THEN CASE
                WHEN b.qty + n.bought > n.sold
                    THEN (b.cost + n.paid) * (b.qty + n.bought - n.sold) / (b.qty + n.bought)
                WHEN n.spot OR n.sold = 0 THEN 0
                ELSE n.received * (n.sold - b.qty - n.bought) / n.sold END
            WHEN n.sold - b.qty > n.bought
                THEN (b.cost + n.received) * (n.sold - b.qty - n.bought) / (n.sold - b.qty)
            WHEN n.bought = 0 THEN 0
            ELSE n.paid * (n.bought + b.qty - n.sold) / n.bought END,
        cash = b.cash + n.received - n.paid - n.quote_fee,
        updated_at = now()
    FROM netted n
    WHERE b.tenant_id = :tenant_id AND b.subscription_id = n.subscription_id AND b.symbol = n.symbol
      AND b.position_side = n.position_side
    """
)

# The exchange says that an account is not set up as we believed: it is set up anew, for every perpetual, since modes
# may count for all of them. The margin mode is kept: closes name that of their position (`margin_modes`).
_FORGET_SETUP = text(
    "UPDATE account_setup a SET leverage = 0, bracketed = false, at = now() FROM copy c "
    "WHERE c.id = ANY(CAST(:ids AS bigint[])) AND a.account_id = c.account_id"
)
_ACCOUNTS = text("SELECT DISTINCT account_id FROM copy WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY account_id")


def settle(session: TenantSession, settlements: Sequence[Settlement], *, epoch: int) -> None:
    """Store answers and book their fills in this transaction; safe to run twice with the same answers.

    `epoch` is that of the hold under which the answers were asked for.
    """
    if not settlements:
        return
    params: dict[str, Any] = {
        "tenant_id": session.tenant_id,
        "epoch": epoch,
        "ids": array_literal([s.copy_id for s in settlements]),
        "statuses": array_literal([s.status for s in settlements]),
        "reasons": array_literal([s.reason for s in settlements]),
        "facts": Jsonb({str(place): s.facts for place, s in enumerate(settlements, start=1) if s.facts}),
        "venue_order_ids": array_literal([s.venue_order_id for s in settlements]),
        "cum_qtys": array_literal([s.cum_qty for s in settlements]),
        "avg_pxs": array_literal([s.avg_px for s in settlements]),
        "sent_ats": array_literal([s.sent_at for s in settlements]),
        "acked_ats": array_literal([s.acked_at for s in settlements]),
        "next_checks": array_literal([s.next_check_at for s in settlements]),
        "proofs": array_literal([s.proof_at for s in settlements]),
    }
    short = session.execute(_SETTLE, params).all()
    heed_refusals(session, settlements)
    book_fills(session, [(s.copy_id, fill) for s in settlements for fill in s.fills], epoch)
    forgo(session, short)


def forgo(session: TenantSession, short: Sequence[Sequence[Any]]) -> None:
    """Let targets fall where opens ended short: of each its subscription, symbol, position side, and side."""
    if not short:
        return
    names = ("subscription_ids", "symbols", "position_sides", "sides")
    columns = {name: array_literal([row[place] for row in short]) for place, name in enumerate(names)}
    session.execute(_FORGO, {"tenant_id": session.tenant_id, **columns})


def heed_refusals(session: TenantSession, settlements: Sequence[Settlement]) -> None:
    """Put accounts aside whose key is dead, and forget setups that the exchange denies."""
    refused = [s for s in settlements if s.reason in DEAD_KEY]
    for reason in sorted({str(s.reason) for s in refused}):
        ids = [s.copy_id for s in refused if s.reason == reason]
        for account_id in session.execute(_ACCOUNTS, {"ids": array_literal(ids)}).scalars().all():
            put_aside_unless_fresh(session, account_id, reason)
    unset = [s.copy_id for s in settlements if s.reason in UNSET]
    if unset:
        session.execute(_FORGET_SETUP, {"ids": array_literal(unset)})


def book_fills(session: TenantSession, fills: Sequence[tuple[int, Fill]], epoch: int) -> None:
    """Store what copies of our own epoch were filled by, each fill once, and move their books."""
    if not fills:
        return
    params: dict[str, Any] = {
        "tenant_id": session.tenant_id,
        "epoch": epoch,
        "copy_ids": number_array([copy_id for copy_id, _ in fills]),
        "trade_ids": array_literal([fill.trade_id for _, fill in fills]),
        "qtys": number_array([fill.qty for _, fill in fills]),
        "pxs": number_array([fill.px for _, fill in fills]),
        "fees": number_array([fill.fee for _, fill in fills]),
        "currencies": array_literal([fill.fee_currency for _, fill in fills]),
        "ats": moment_array([fill.at for _, fill in fills]),
    }
    session.execute(_BOOK_FILLS, params)
