"""What the desk reads and writes of orders by hand: claims before it sends, and what the exchange said after.

Plain SQL: the role that runs it starts without the tables of people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.kernel import derived_id
from copydesk.terminal.model import NEXT, Act, ActKind, ActState, HandOrder, OrderState, Planned
from copydesk.terminal.outcome import Settled
from copydesk.terminal.rows import fills_json, hand_order
from copydesk.terminal.view import AccountView, account_json
from copydesk.trading import OrderType

# An order that waited longer was given at a price of then: it is not sent any more.
SENT_WITHIN = timedelta(seconds=15)
# Who claimed an order has sent it within this time, or never does.
CLAIM_LASTS = timedelta(seconds=20)
DIGEST_LEN = 32
_VERSION = text("SELECT version FROM terminal_version WHERE name = 'waiting'")
_OPEN = text(
    "SELECT * FROM terminal_order WHERE state IN ('planned', 'sending', 'in_flight', 'open') ORDER BY id LIMIT 500"
)
_GROUP = text("SELECT * FROM terminal_order WHERE group_id = :group_id OR id = :group_id ORDER BY id")
_ORDER = text("SELECT * FROM terminal_order WHERE id = :id")
_CLAIM = text(
    """
    UPDATE terminal_order SET state = 'sending', client_order_id = :client_order_id, sent_at = :at, waits = false,
        qty = :qty
    WHERE id = :id AND state = 'planned' RETURNING *
    """
)
_SETTLE = text(
    """
    UPDATE terminal_order SET state = :state, reason = coalesce(:reason, reason), message = :message,
        venue_order_id = coalesce(:venue_order_id, venue_order_id), cum_qty = greatest(cum_qty, :cum_qty),
        avg_px = coalesce(:avg_px, avg_px), fills = coalesce(:fills, fills), checks = checks + 1,
        acked_at = coalesce(acked_at, :acked_at), proof_at = coalesce(:proof_at, proof_at),
        next_check_at = :next_check_at, done_at = CASE WHEN :ended THEN coalesce(done_at, :at) END
    WHERE id = :id AND state = ANY (:before) RETURNING account_id
    """
)
_RELEASE = text(
    "UPDATE terminal_order SET state = 'planned', waits = true, client_order_id = NULL, sent_at = NULL "
    "WHERE id = :id AND state = 'sending'"
)
_ACTS = text(
    "SELECT * FROM terminal_act WHERE state = 'planned' OR (state = 'doing' AND begun_at < :gone) ORDER BY id LIMIT 100"
)
_BEGIN = text(
    "UPDATE terminal_act SET state = 'doing', begun_at = :at WHERE id = :id AND state = 'planned' RETURNING id"
)
_END = text(
    "UPDATE terminal_act SET state = :state, reason = :reason, message = :message, done_at = :at "
    "WHERE id = :id AND state IN ('planned', 'doing')"
)
_CLOSE = text(
    """
    INSERT INTO terminal_order (tenant_id, user_id, account_id, strategy_id, ticket, part, symbol, side, type, qty,
        reduce_only, position_side, created_at)
    VALUES (:tenant_id, :user_id, :account_id,
        (SELECT s.id FROM strategy s WHERE s.tenant_id = :tenant_id AND s.account_id = :account_id),
        :ticket, 'close', :symbol, :side, 'market', :qty, true, :position_side, :at)
    ON CONFLICT DO NOTHING
    """
)
_RETERM = text("UPDATE terminal_order SET qty = :qty, px = :px WHERE id = :id AND state = 'open'")
# What the exchange lists is so, whoever changed it: here, in its own app, or by a request whose answer was lost.
_RETELL = text(
    """
    UPDATE terminal_order o SET qty = told.qty, px = told.px
    FROM unnest(CAST(:ids AS text[]), CAST(:qtys AS numeric[]), CAST(:pxs AS numeric[])) told (id, qty, px)
    WHERE o.account_id = :account_id AND o.state = 'open' AND o.type = 'limit' AND o.venue_order_id = told.id
        AND (o.qty, o.px) <> (told.qty, told.px)
    """
)
_REPLACE = text(
    """
    INSERT INTO terminal_order (tenant_id, user_id, account_id, strategy_id, ticket, part, symbol, side, type, qty, px,
        take_profit_px, stop_loss_px, reduce_only, time_in_force, position_side, margin_mode, created_at)
    SELECT tenant_id, user_id, account_id, strategy_id, :ticket, part, symbol, side, type, :qty, :px,
        take_profit_px, stop_loss_px, reduce_only, time_in_force, position_side, margin_mode, :at
    FROM terminal_order WHERE id = :id
    ON CONFLICT DO NOTHING
    """
)
_ACCOUNTS = text(
    "SELECT id, user_id, venue, environment, egress, status, key_denial FROM account WHERE id = ANY (:ids)"
)
_WANTED = text("SELECT account_id, symbol, read_at FROM terminal_view WHERE wanted_until > :at ORDER BY account_id")
_SEEN = text(
    "UPDATE terminal_view SET seen = coalesce(:seen, seen), trouble = :trouble, "
    "read_at = CASE WHEN CAST(:seen AS jsonb) IS NULL THEN read_at ELSE :at END WHERE account_id = :account_id"
)


class AccountPlace(NamedTuple):
    """Whose an account is, where it lives, and whether its key may open anything."""

    id: int
    user_id: int
    venue: str
    environment: str
    egress: str
    active: bool
    key_denial: str | None


class Wanted(NamedTuple):
    """An account that somebody looks at, and the instrument."""

    account_id: int
    symbol: str
    read_at: datetime | None


def version(session: Session) -> int:
    """Return the number that moves with everything that is new for the desk, in any brand."""
    return int(session.execute(_VERSION).scalar_one())


def open_orders(session: TenantSession) -> list[HandOrder]:
    """Return a brand's orders that are not over, the oldest first."""
    return [hand_order(row._mapping) for row in session.execute(_OPEN)]


def order_now(session: TenantSession, order_id: int) -> HandOrder:
    """Return an order as it is now."""
    return hand_order(session.execute(_ORDER, {"id": order_id}).one()._mapping)


def group_of(session: TenantSession, group_id: int) -> list[HandOrder]:
    """Return an order with its exits."""
    return [hand_order(row._mapping) for row in session.execute(_GROUP, {"group_id": group_id})]


def digest_of(tenant_id: int, order_id: int) -> str:
    """Return what an order's client order id is made of: the same order always has the same."""
    return derived_id("terminal", str(tenant_id), str(order_id), length=DIGEST_LEN)


def claim(session: TenantSession, order: HandOrder, client_order_id: str, *, at: datetime) -> HandOrder | None:
    """Name an order and take it for sending, before anything is sent; None where another desk was quicker."""
    values = {"id": order.id, "client_order_id": client_order_id, "at": at, "qty": order.planned.qty}
    row = session.execute(_CLAIM, values).one_or_none()
    return None if row is None else hand_order(row._mapping)


def settle(session: TenantSession, settled: Settled, *, at: datetime) -> bool:
    """Store what became of an order, where its state allows that; tell whether it was stored."""
    before = [str(state) for state, following in NEXT.items() if settled.state in following or state is settled.state]
    if settled.unsent:
        before = [str(OrderState.PLANNED)]
    values = settled._asdict() | {
        "state": str(settled.state),
        "before": before,
        "fills": Jsonb(fills_json(settled.fills)) if settled.fills else None,
        "ended": settled.ended,
        "at": at,
    }
    values["id"] = values.pop("order_id")
    return session.execute(_SETTLE, values).one_or_none() is not None


def release(session: TenantSession, order: HandOrder) -> None:
    """Give a claimed exit back of which provably nothing was sent: it is tried again."""
    session.execute(_RELEASE, {"id": order.id})


def open_acts(session: TenantSession, *, at: datetime) -> list[Act]:
    """Return a brand's acts that nobody has begun, and those that a desk which is gone has left half done."""
    return [_act(row._mapping) for row in session.execute(_ACTS, {"gone": at - CLAIM_LASTS})]


def begin(session: TenantSession, act: Act, *, at: datetime) -> bool:
    """Take an act for doing; False where another desk was quicker."""
    return session.execute(_BEGIN, {"id": act.id, "at": at}).one_or_none() is not None


def end_act(
    session: TenantSession, act: Act, state: ActState, *, at: datetime, reason: str | None = None, message: str = ""
) -> None:
    """Store how an act ended."""
    session.execute(_END, {"id": act.id, "state": str(state), "reason": reason, "message": message, "at": at})


def add_close(session: TenantSession, act: Act, one: Planned, number: int, *, at: datetime) -> None:
    """Store the order that closes a position, as an act asked for; the same act stores it once."""
    values = {
        "tenant_id": session.tenant_id,
        "user_id": act.user_id,
        "account_id": act.account_id,
        "ticket": f"act-{act.id}-{number}",
        "symbol": one.symbol,
        "side": str(one.side),
        "qty": one.qty,
        "position_side": str(one.position_side),
        "at": at,
    }
    session.execute(_CLOSE, values)


def reterm(session: TenantSession, order_id: int, qty: Decimal, px: Decimal) -> None:
    """Store the terms that an open order has from now on."""
    session.execute(_RETERM, {"id": order_id, "qty": qty, "px": px})


def add_replacement(
    session: TenantSession, act: Act, order_id: int, qty: Decimal, px: Decimal, *, at: datetime
) -> None:
    """Store the order that takes a canceled one's place; the same act stores it once."""
    values = {"id": order_id, "ticket": f"act-{act.id}", "qty": qty, "px": px, "at": at}
    session.execute(_REPLACE, values)


def accounts(session: TenantSession, ids: Sequence[int]) -> Mapping[int, AccountPlace]:
    """Return where accounts live."""
    rows = session.execute(_ACCOUNTS, {"ids": list(ids)})
    return {
        row.id: AccountPlace(
            row.id, row.user_id, row.venue, row.environment, row.egress or "", row.status == "active", row.key_denial
        )
        for row in rows
    }


def wanted(session: TenantSession, *, at: datetime) -> list[Wanted]:
    """Return the accounts of a brand that somebody looks at now."""
    return [Wanted(*row) for row in session.execute(_WANTED, {"at": at})]


def keep_view(session: TenantSession, account_id: int, view: AccountView | None, *, trouble: str, at: datetime) -> None:
    """Store what was seen of an account; without a view, only what kept the exchange from telling."""
    seen = None if view is None else Jsonb(account_json(view))
    session.execute(_SEEN, {"account_id": account_id, "seen": seen, "trouble": trouble, "at": at})
    listed = [one for one in (view.orders if view else ()) if one.type is OrderType.LIMIT and one.px is not None]
    if listed:
        ids, qtys, pxs = zip(*((one.venue_order_id, one.qty, one.px) for one in listed), strict=True)
        session.execute(_RETELL, {"account_id": account_id, "ids": [*ids], "qtys": [*qtys], "pxs": [*pxs]})


def _act(row: Mapping[Any, Any]) -> Act:
    names = ("id", "account_id", "user_id", "symbol", "facts", "created_at", "reason", "message", "done_at")
    return Act(kind=ActKind(row["kind"]), state=ActState(row["state"]), **{name: row[name] for name in names})
