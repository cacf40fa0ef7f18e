"""Subscriptions that end: their books are closed, followed until flat, or handed over; none is left behind unseen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from sqlalchemy import text

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.adjustments import Adjusts, write_down
from copydesk.replication.dispatch import Dispatch
from copydesk.replication.doors import Doorway
from copydesk.replication.kinship import remove_edge
from copydesk.replication.minima import close_denial, closing_bound
from copydesk.replication.model import Planned
from copydesk.replication.steps import LaneNow, Step, store_step
from copydesk.trading import EndMode, Instrument, OrderType, PositionSide, Side

END = "end"
AGAIN_S_MAX = 300

_ENDING = text(
    """
    SELECT s.id, s.account_id, s.allocation, s.end_mode, b.symbol, b.position_side, b.qty, b.last_signal_id, l.last_px,
           EXISTS (SELECT 1 FROM copy c WHERE c.subscription_id = s.id AND c.shard = :shard
                   AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled')) AS moving,
           tried.tries, tried.tried_at
    FROM errand e JOIN subscription s ON s.tenant_id = e.tenant_id AND s.id = e.subscription_id
    LEFT JOIN book b ON b.tenant_id = s.tenant_id AND b.subscription_id = s.id AND b.qty <> 0
    LEFT JOIN leader_book l ON l.tenant_id = s.tenant_id AND l.strategy_id = s.strategy_id AND l.symbol = b.symbol
         AND l.position_side = b.position_side
    CROSS JOIN LATERAL (
        SELECT count(*) AS tries, max(planned_at) AS tried_at FROM copy c
        WHERE c.subscription_id = s.id AND c.symbol = b.symbol AND c.position_side = b.position_side
          AND c.leg LIKE 'end%') AS tried
    WHERE e.shard = :shard AND s.state = 'ending' ORDER BY s.id, b.symbol, b.position_side
    """
)
# Under the fence as every order: who lost the lane ends nothing.
_ENDED = text(
    """
    UPDATE subscription SET state = 'ended', state_reason = NULL, ended_at = :now
    WHERE id = :id AND state = 'ending'
      AND EXISTS (SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE) RETURNING id
    """
)
_TELL = text("UPDATE subscription SET state_reason = :reason WHERE id = :id AND state_reason IS DISTINCT FROM :reason")
_TIDY = (
    text("DELETE FROM errand WHERE subscription_id = :id"),
    text("DELETE FROM door WHERE subscription_id = :id"),
)


class Left(NamedTuple):
    """A book that a leaving subscription still holds; `tries` counts the orders sent for it because of that."""

    symbol: str
    position_side: PositionSide
    qty: Decimal
    signal_id: int
    px: Decimal | None
    tries: int
    tried_at: datetime | None

    @property
    def perpetual(self) -> bool:
        return ":" in self.symbol

    def closable_qty(self, instrument: Instrument) -> Decimal:
        """Return what one order may close of it; zero where all is dust."""
        held = abs(self.qty)
        qty = min(floor_to_step(held, instrument.qty_step), instrument.qty_max)
        # Without a price nothing is known of its worth: then the exchange says whether it is dust.
        px = self.px if self.px is not None else ZERO
        return ZERO if close_denial(held=held, qty=qty, px=px, instrument=instrument) else qty

    def due(self, now: datetime) -> bool:
        """Tell whether it is time for another order: 2, 4, 8 … at most 300 seconds after the last one."""
        pause = timedelta(seconds=min(2 ** min(self.tries, 10), AGAIN_S_MAX))
        return self.tried_at is None or now - self.tried_at >= pause


class Closed(Protocol):
    """Whose books are closed, and the amount that they copied with."""

    @property
    def subscription_id(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def allocation(self) -> Decimal: ...


class Leaver(NamedTuple):
    """A subscription that ends, with what it still holds; `moving` while any order of it is not known to have ended."""

    subscription_id: int
    account_id: int
    mode: EndMode
    moving: bool
    books: tuple[Left, ...]
    allocation: Decimal = ZERO


class Verdict(NamedTuple):
    """What to do about a leaver now: orders to send, books to write off, and whether that is its end."""

    close: list[tuple[Left, Decimal]]
    write_off: list[tuple[Left, Adjusts]]
    ends: bool
    missing: bool


def judge_leaver(leaver: Leaver, instruments: Mapping[str, Instrument], now: datetime) -> Verdict:
    """Decide what a lane does about a subscription that ends. Pure.

    While anything of it moves, nothing is decided. What cannot be closed because its instrument is gone stays, and is
    told; its owner may still choose to take it over.
    """
    if leaver.moving:
        return Verdict([], [], ends=False, missing=False)
    if leaver.mode is EndMode.HAND_OVER:
        return Verdict([], [(book, Adjusts.HANDED_OVER) for book in leaver.books], ends=True, missing=False)
    close: list[tuple[Left, Decimal]] = []
    dust: list[tuple[Left, Adjusts]] = []
    missing = False
    for book in leaver.books:
        instrument = instruments.get(book.symbol)
        if instrument is None:
            missing = True
        elif qty := book.closable_qty(instrument):
            close.append((book, qty))
        else:
            dust.append((book, Adjusts.DUST))
    if close or missing:
        chosen = close if leaver.mode is EndMode.CLOSE_NOW else []
        return Verdict([(book, qty) for book, qty in chosen if book.due(now)], [], ends=False, missing=missing)
    return Verdict([], dust, ends=True, missing=False)


def see_off(
    session: TenantSession, lane: LaneNow, instruments: Mapping[str, Instrument]
) -> tuple[list[Dispatch], list[int]]:
    """Store the closing orders of every leaver of a lane, and end those that are done; return both.

    Only for whoever holds the lane.
    """
    batch: list[Dispatch] = []
    ended: list[int] = []
    for leaver in _leavers(session, lane.shard):
        verdict = judge_leaver(leaver, instruments, lane.now)
        steps = [
            store_step(session, lane, closing_step(leaver, book, _leg(book), qty, instruments[book.symbol]))
            for book, qty in verdict.close
        ]
        batch += [step for step in steps if step is not None]
        if verdict.ends and _end(session, lane, leaver, verdict.write_off):
            ended.append(leaver.subscription_id)
        elif not leaver.moving:
            session.execute(_TELL, {"id": leaver.subscription_id, "reason": _trouble(leaver, verdict)})
    return batch, ended


def _trouble(leaver: Leaver, verdict: Verdict) -> str | None:
    """Name what keeps a leaver from ending, as far as it is more than time."""
    if verdict.missing:
        return "instrument_unmapped"
    return "close_failed" if any(book.tries > 2 for book in leaver.books) else None


def _end(session: TenantSession, lane: LaneNow, leaver: Leaver, write_off: Sequence[tuple[Left, Adjusts]]) -> bool:
    keys = {"id": leaver.subscription_id, "shard": lane.shard, "epoch": lane.epoch, "now": lane.now}
    if session.execute(_ENDED, keys).scalar() is None:
        return False
    for book, reason in write_off:
        write_down(session, Doorway(leaver.subscription_id, book.symbol, book.position_side), -book.qty, reason)
    for tidy in _TIDY:
        session.execute(tidy, {"id": leaver.subscription_id})
    remove_edge(session, leaver.subscription_id)
    return True


def _leg(book: Left) -> str:
    return END if book.tries == 0 else f"{END}-{book.tries + 1}"


def closing_step(whose: Closed, book: Left, leg: str, qty: Decimal, instrument: Instrument) -> Step:
    """Return the order that closes so much of a book at market. Pure."""
    planned = Planned(
        whose.subscription_id,
        whose.account_id,
        leg,
        Side.SELL if book.qty > 0 else Side.BUY,
        OrderType.MARKET,
        qty,
        None,
        True,
        ZERO,
        wanted_qty=abs(book.qty),
        allocation=whose.allocation,
        book_qty=book.qty,
        bound=closing_bound(qty, abs(book.qty), instrument),
    )
    return Step(book.signal_id, book.symbol, book.position_side, planned)


def _leavers(session: TenantSession, shard: str) -> list[Leaver]:
    books: defaultdict[tuple[int, int, str, bool, Decimal], list[Left]] = defaultdict(list)
    for row in session.execute(_ENDING, {"shard": shard}):
        held = books[row.id, row.account_id, row.end_mode, row.moving, row.allocation]
        if row.symbol is not None:
            side = PositionSide(row.position_side)
            held.append(Left(row.symbol, side, row.qty, row.last_signal_id, row.last_px, row.tries, row.tried_at))
    return [
        Leaver(number, account_id, EndMode(mode), moving, tuple(held), allocation)
        for (number, account_id, mode, moving, allocation), held in books.items()
    ]
