"""What pages store and read of the terminal: orders, acts, and what was seen of an account. Session in, values out.

Every write records who did it. Nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import NotFound, Refused, decimal_text
from copydesk.terminal.below import Follower
from copydesk.terminal.model import ENDED, Act, ActKind, ActState, HandOrder, OrderState, Planned
from copydesk.terminal.rows import hand_order
from copydesk.terminal.tables import TerminalAct, TerminalOrder, TerminalView
from copydesk.terminal.ticket import Ticket
from copydesk.terminal.view import AccountView, account_view
from copydesk.trading import MarginMode, SizePolicy, SizingMode

# So that nobody makes the desk work all day.
OPEN_MAX = 200
LOOKS_FOR = timedelta(seconds=45)
_ACT_NAMES = {
    ActKind.CANCEL: "terminal.cancel",
    ActKind.CANCEL_ALL: "terminal.cancel_all",
    ActKind.AMEND: "terminal.amend",
    ActKind.LEVERAGE: "terminal.leverage",
    ActKind.CLOSE_POSITION: "terminal.close_position",
    ActKind.CLOSE_ALL: "terminal.close_all",
}
_LED = text("SELECT id, slug, name, status FROM strategy WHERE account_id = :account_id AND status <> 'closed'")
_FOLLOWERS = text(
    """
    SELECT a.venue || '-' || a.environment AS place, s.allocation, s.sizing_mode, s.sizing_value, s.size_policy,
           count(*)::int AS people
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    WHERE s.strategy_id = :strategy_id AND s.state NOT IN ('ended', 'ending', 'paused', 'disarmed', 'liquidated')
      AND NOT a.demo
    GROUP BY 1, 2, 3, 4, 5
    """
)

_MINUTES = text(
    "SELECT extract(epoch FROM at)::bigint AS minute, px FROM mark_minute "
    "WHERE place = :place AND symbol = :symbol AND at >= :since ORDER BY at"
)


class Placing(NamedTuple):
    """Whose order it is, on which account, and the name of the form that it came from."""

    user_id: int
    account_id: int
    ticket: str
    strategy_id: int | None = None


class Led(NamedTuple):
    """The strategy that an account leads."""

    id: int
    slug: str
    name: str
    status: str


def strategy_led(session: Session, account_id: int) -> Led | None:
    """Return the strategy that is led from an account; None where it leads none."""
    row = session.execute(_LED, {"account_id": account_id}).first()
    return None if row is None else Led(*row)


def place(session: TenantSession, placing: Placing, ticket: Ticket, *, actor: Actor, at: datetime) -> int | None:
    """Store a ticket's orders, to be sent by the desk, and return the first one's number.

    A ticket that was stored already is not stored again, whoever sends it twice: None. Raises `Refused`
    ("too_many") for an account with too many orders open.
    """
    _require_room(session, placing.account_id)
    first = _add(session, placing, ticket.order, None, waits=False, at=at) if ticket.order is not None else None
    if ticket.order is not None and first is None:
        return None
    group_id = first
    for one in ticket.exits:
        added = _add(session, placing, one, group_id, waits=ticket.order is not None, at=at)
        if added is None:
            return None
        if group_id is None:
            group_id = added
            session.execute(update(TerminalOrder).where(TerminalOrder.id == added).values(group_id=added))
    assert group_id is not None, "a ticket without problems has an order"
    orders = ([ticket.order] if ticket.order is not None else []) + list(ticket.exits)
    after = {"account_id": placing.account_id, "orders": [_told(one) for one in orders]}
    record(session, session.tenant_id, actor, "terminal.order_given", f"terminal_order:{group_id}", at=at, after=after)
    return group_id


def ask(
    session: TenantSession,
    placing: Placing,
    kind: ActKind,
    *,
    symbol: str,
    facts: Mapping[str, Any],
    actor: Actor,
    at: datetime,
) -> int:
    """Store an act for the desk, and return its number; one that waits already is not asked for again."""
    same = (TerminalAct.account_id == placing.account_id, TerminalAct.kind == str(kind), TerminalAct.symbol == symbol)
    waiting = select(TerminalAct).where(*same, TerminalAct.state == str(ActState.PLANNED))
    for one in session.scalars(waiting):
        if dict(one.facts) == dict(facts):
            return one.id
    _require_room(session, placing.account_id)
    row = TerminalAct(
        tenant_id=session.tenant_id,
        user_id=placing.user_id,
        account_id=placing.account_id,
        kind=str(kind),
        symbol=symbol,
        facts=dict(facts),
        created_at=at,
    )
    session.add(row)
    session.flush()
    after = {"account_id": placing.account_id, "symbol": symbol, **facts}
    record(session, session.tenant_id, actor, _ACT_NAMES[kind], f"terminal_act:{row.id}", at=at, after=after)
    return row.id


def order_of(session: Session, user_id: int, account_id: int, order_id: int) -> HandOrder:
    """Return one order; raises `NotFound` for another person's as for none."""
    query = _orders().where(TerminalOrder.id == order_id, TerminalOrder.account_id == account_id)
    row = session.execute(query.where(TerminalOrder.user_id == user_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such order.")
    return hand_order(row._mapping)


def open_orders_of(session: Session, account_id: int) -> list[HandOrder]:
    """Return what is not over, the newest first."""
    query = _orders().where(TerminalOrder.account_id == account_id, TerminalOrder.state.not_in(sorted(ENDED)))
    return [
        hand_order(row._mapping) for row in session.execute(query.order_by(TerminalOrder.id.desc()).limit(OPEN_MAX))
    ]


def history_of(session: Session, account_id: int, *, before: int | None = None, limit: int = 30) -> list[HandOrder]:
    """Return what is over, the newest first; `before` continues a list."""
    query = _orders().where(TerminalOrder.account_id == account_id, TerminalOrder.state.in_(sorted(ENDED)))
    if before is not None:
        query = query.where(TerminalOrder.id < before)
    return [hand_order(row._mapping) for row in session.execute(query.order_by(TerminalOrder.id.desc()).limit(limit))]


def recent_acts(session: Session, account_id: int, *, since: datetime, limit: int = 5) -> list[Act]:
    """Return what was done besides orders since a time, the newest first."""
    query = select(TerminalAct).where(TerminalAct.account_id == account_id, TerminalAct.created_at >= since)
    return [_act(row) for row in session.scalars(query.order_by(TerminalAct.id.desc()).limit(limit))]


def setup_of(session: Session, account_id: int, symbol: str) -> tuple[int | None, MarginMode | None]:
    """Return leverage and margin mode that were set here last for a perpetual; None where none were."""
    query = select(TerminalAct.facts).where(
        TerminalAct.account_id == account_id,
        TerminalAct.symbol == symbol,
        TerminalAct.kind == str(ActKind.LEVERAGE),
        TerminalAct.state == str(ActState.DONE),
    )
    facts = session.scalars(query.order_by(TerminalAct.id.desc()).limit(1)).first()
    return (None, None) if facts is None else (facts["leverage"], MarginMode(facts["margin_mode"]))


def look_at(session: TenantSession, account_id: int, symbol: str, *, at: datetime) -> bool:
    """Say that an account and an instrument are looked at, so that the desk reads them; for less than a minute.

    Tells whether that was news.
    """
    fresh = insert(TerminalView).values(
        tenant_id=session.tenant_id, account_id=account_id, symbol=symbol, wanted_until=at + LOOKS_FOR
    )
    changed = {"symbol": fresh.excluded.symbol, "wanted_until": fresh.excluded.wanted_until}
    # A page that asks every second need not write every second.
    stale = (TerminalView.wanted_until < at + LOOKS_FOR / 2) | (TerminalView.symbol != symbol)
    told = fresh.on_conflict_do_update(index_elements=["tenant_id", "account_id"], set_=changed, where=stale)
    return session.execute(told.returning(TerminalView.account_id)).one_or_none() is not None


def seen_of(session: Session, account_id: int) -> tuple[AccountView | None, str]:
    """Return what was last seen of an account, and what kept the exchange from telling more; None before any look."""
    query = select(TerminalView.seen, TerminalView.read_at, TerminalView.trouble)
    row = session.execute(query.where(TerminalView.account_id == account_id)).one_or_none()
    if row is None or row.seen is None:
        return None, "" if row is None else row.trouble
    return account_view(row.seen, row.read_at), row.trouble


def followers_of(session: Session, strategy_id: int) -> list[Follower]:
    """Return those who copy a strategy now, gathered by how they copy."""
    return [
        Follower(row.place, row.allocation, SizingMode(row.sizing_mode), row.sizing_value, policy, row.people)
        for row in session.execute(_FOLLOWERS, {"strategy_id": strategy_id})
        for policy in (SizePolicy(row.size_policy),)
    ]


def minutes_of(session: Session, place: str, symbol: str, *, since: datetime) -> list[tuple[int, Decimal]]:
    """Return the prices that are kept of an instrument, by the minute in epoch seconds, oldest first."""
    rows = session.execute(_MINUTES, {"place": place, "symbol": symbol, "since": since})
    return [(int(row.minute), row.px) for row in rows]


def _orders() -> Any:
    return select(*TerminalOrder.__table__.columns)


def _require_room(session: Session, account_id: int) -> None:
    count = select(func.count()).select_from(TerminalOrder).where(TerminalOrder.account_id == account_id)
    if session.execute(count.where(TerminalOrder.state.not_in(sorted(ENDED)))).scalar_one() >= OPEN_MAX:
        raise Refused(f"At most {OPEN_MAX} orders may be open here: cancel some first.", code="too_many")


def _add(
    session: TenantSession, placing: Placing, one: Planned, group_id: int | None, *, waits: bool, at: datetime
) -> int | None:
    fresh = insert(TerminalOrder).values(
        tenant_id=session.tenant_id,
        user_id=placing.user_id,
        account_id=placing.account_id,
        strategy_id=placing.strategy_id,
        ticket=placing.ticket,
        group_id=group_id,
        waits=waits,
        state=str(OrderState.PLANNED),
        created_at=at,
        **planned_values(one),
    )
    added = fresh.on_conflict_do_nothing().returning(TerminalOrder.id)
    number: int | None = session.execute(added).scalar_one_or_none()
    return number


def planned_values(one: Planned) -> dict[str, Any]:
    """Return an order's terms as its row has them."""
    told = one._asdict()
    return {name: str(value) if isinstance(value, str) else value for name, value in told.items()}


def _told(one: Planned) -> dict[str, str | bool]:
    told = {name: value for name, value in one._asdict().items() if value not in (None, False)}
    return {name: value if value is True else _text(value) for name, value in told.items()}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else decimal_text(value)


def _act(row: TerminalAct) -> Act:
    return Act(
        row.id,
        row.account_id,
        row.user_id,
        ActKind(row.kind),
        row.symbol,
        row.facts,
        ActState(row.state),
        row.created_at,
        row.reason,
        row.message,
        row.done_at,
    )
