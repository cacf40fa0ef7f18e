"""The second leg of a reversal: stored with the first, sent once the other side is closed and that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import Database, TenantSession, array_literal
from copydesk.kernel import Clock, Failpoint, reached
from copydesk.replication.dispatch import Dispatch, Sender
from copydesk.replication.lane import Hold
from copydesk.replication.margin_modes import PLAIN, told_mode
from copydesk.replication.orders import order_request
from copydesk.replication.outcomes import expired, looks_soon
from copydesk.replication.port import Surroundings, copies_booked
from copydesk.replication.settle import Settlement, settle
from copydesk.trading import Denial, Instrument, MarginMode, OrderRequest, OrderType, PositionSide, Side

_LOOK_AGAIN = timedelta(milliseconds=500)

# A close of the same book that is not settled yet keeps the open back, and so does an open of the other side.
_WAITING = text(
    """
    SELECT c.id, c.account_id, c.signal_id, c.symbol, c.position_side, c.side, c.type, c.qty, c.px, c.client_order_id,
           b.qty AS book_qty, b.target_qty, s.venue_at AS signal_at, s.strategy_id, a.key_denial,
           (SELECT p.margin_mode FROM account_setup p WHERE p.tenant_id = c.tenant_id
               AND p.account_id = c.account_id AND p.symbol = c.symbol) AS margin_mode,
           EXISTS (SELECT 1 FROM copy o WHERE o.tenant_id = c.tenant_id AND o.subscription_id = c.subscription_id
                   AND o.shard = c.shard AND o.symbol = c.symbol AND o.position_side = c.position_side AND NOT o.waits
                     AND (o.reduces OR o.side <> c.side)
                   AND o.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')) AS closing
    FROM copy c
    JOIN signal s ON s.tenant_id = c.tenant_id AND s.id = c.signal_id
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    JOIN book b ON b.tenant_id = c.tenant_id AND b.subscription_id = c.subscription_id AND b.symbol = c.symbol
               AND b.position_side = c.position_side
    WHERE c.shard = :shard AND c.status = 'planned' AND c.waits
    ORDER BY c.id LIMIT 1000
    """
)

# The epoch is the fence, as for every order: who lost the lane lets nothing go.
_LET_GO = text(
    """
    UPDATE copy SET waits = false, next_check_at = NULL
    WHERE id = ANY(CAST(:ids AS bigint[])) AND waits AND status = 'planned' AND epoch = :epoch
      AND EXISTS (SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE)
    RETURNING id
    """
)
_LOOK_LATER = text("UPDATE copy SET next_check_at = :at WHERE id = ANY(CAST(:ids AS bigint[])) AND waits")


@dataclass(frozen=True, slots=True)
class WaitingOpen:
    """An open that waits, with the book that it is for.

    `closing` tells whether the book's other side is still moving: a close of it, or an open of unknown outcome;
    `key_denial` why its account's key opens nothing any more.
    """

    id: int
    account_id: int
    signal_id: int
    symbol: str
    position_side: PositionSide
    side: Side
    type: OrderType
    qty: Decimal
    px: Decimal | None
    client_order_id: str
    book_qty: Decimal
    target_qty: Decimal
    signal_at: datetime
    closing: bool
    reduces: bool = False
    strategy_id: int = 0
    margin_mode: MarginMode = PLAIN
    key_denial: str | None = None

    def request(self) -> OrderRequest:
        """Return the very order that was stored."""
        return order_request(self.client_order_id, self.symbol, self, self.position_side, self.margin_mode)


class Release(NamedTuple):
    """What to do with opens that wait: send some, end some, look at the rest again."""

    send: list[WaitingOpen]
    ended: list[Settlement]
    wait: list[WaitingOpen]


def judge_waiting(
    waiting: Sequence[WaitingOpen], instruments: Mapping[str, Instrument], *, now: datetime, age_ms_max: int
) -> Release:
    """Decide each open that waits. Pure.

    It is sent when nothing of the book is left on the other side that could be closed, and no close is on its way. It
    ends when the leader has left this side meanwhile, when its instrument is gone, when it grew too old, or when its
    account's key may do too much.
    """
    release = Release([], [], [])
    for copy in waiting:
        instrument = instruments.get(copy.symbol)
        sign = 1 if copy.side is Side.BUY else -1
        too_old = now - copy.signal_at > timedelta(milliseconds=age_ms_max)
        if instrument is None:
            release.ended.append(expired(copy.id, Denial.INSTRUMENT_UNMAPPED))
        elif copy.target_qty * sign <= 0:
            release.ended.append(expired(copy.id, Denial.NEVER_ARRIVED))
        elif copy.key_denial is not None:
            release.ended.append(expired(copy.id, Denial(copy.key_denial)))
        elif copy.closing or copy.book_qty * sign <= -instrument.qty_min:
            still = [expired(copy.id, Denial.CLOSE_UNCONFIRMED)] if too_old else []
            release.ended.extend(still)
            release.wait.extend([] if still else [copy])
        elif too_old:
            release.ended.append(expired(copy.id, Denial.SIGNAL_TOO_OLD))
        else:
            release.send.append(copy)
    return release


class Reversals:
    """Let opens go that waited for a close."""

    def __init__(self, db: Database, around: Surroundings, sender: Sender, clock: Clock) -> None:
        self._db = db
        self._around = around
        self._sender = sender
        self._clock = clock

    def release(self, tenant_id: int, shard: str, hold: Hold) -> int:
        """Send or end every open of the lane that need not wait any more, and return how many."""
        terms, instruments = self._around.terms(tenant_id, shard), self._around.exchange(tenant_id, shard).instruments
        now = self._clock.now()
        with self._db.tenant(tenant_id) as session:
            waiting = _read_waiting(session, shard)
            if not waiting:
                return 0
            decided = judge_waiting(waiting, instruments, now=now, age_ms_max=terms.signal_age_ms_max)
            settle(session, decided.ended, epoch=hold.epoch)
            _look_later(session, decided.wait, now + _LOOK_AGAIN)
            gone = _let_go(session, decided.send, shard, hold)
        batch = [
            Dispatch(copy.id, copy.account_id, copy.request(), strategy_id=copy.strategy_id)
            for copy in decided.send
            if copy.id in gone
        ]
        reached(Failpoint.LEG_RELEASED, batch)
        settlements = self._sender.finish(self._sender.start(tenant_id, shard, hold, batch))
        reached(Failpoint.LEG_ANSWERED, batch)
        with self._db.tenant(tenant_id) as session:
            settle(session, settlements, epoch=hold.epoch)
        if looks_soon(settlements):
            self._around.look_soon(tenant_id, shard)
        still = {copy.signal_id for copy in decided.wait}
        for booked in {(copy.signal_id, copy.strategy_id) for copy in waiting if copy.signal_id not in still}:
            self._around.announce(tenant_id, copies_booked(*booked, shard))
        return len(decided.ended) + len(settlements)


def _read_waiting(session: TenantSession, shard: str) -> list[WaitingOpen]:
    found = []
    for row in session.execute(_WAITING, {"shard": shard}).mappings():
        kinds = {
            "position_side": PositionSide(row["position_side"]),
            "side": Side(row["side"]),
            "type": OrderType(row["type"]),
            "margin_mode": told_mode(row["margin_mode"]),
        }
        found.append(WaitingOpen(**(dict(row) | kinds)))
    return found


def _let_go(session: TenantSession, copies: Sequence[WaitingOpen], shard: str, hold: Hold) -> set[int]:
    if not copies:
        return set()
    params = {"ids": array_literal([copy.id for copy in copies]), "epoch": hold.epoch, "shard": shard}
    return set(session.execute(_LET_GO, params).scalars())


def _look_later(session: TenantSession, copies: Sequence[WaitingOpen], at: datetime) -> None:
    if copies:
        session.execute(_LOOK_LATER, {"ids": array_literal([copy.id for copy in copies]), "at": at})
