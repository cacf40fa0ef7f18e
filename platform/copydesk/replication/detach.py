"""What a follower closed by hand, and what was liquidated: written off its book, and not opened again by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import TenantSession, array_literal
from copydesk.kernel import ZERO
from copydesk.replication.adjustments import Adjusts, write_down
from copydesk.replication.doors import Doorway, close_doors
from copydesk.replication.holdings import Owned, Shortfall
from copydesk.replication.rest_rows import recall_orders
from copydesk.trading import Denial, PositionSide, Side
from copydesk.venues import LeaderTrade

# A liquidation price moves with everything else that an account holds: one that is nearly reached counts.
LIQUIDATION_NEAR = Decimal("0.005")
_PX_PLACES = Decimal("1E-8")

_FENCE = text("SELECT 1 FROM shard_lease WHERE shard = :shard AND epoch = :epoch FOR SHARE")
_LIQUIDATED = text(
    "UPDATE subscription SET state = 'liquidated', state_reason = NULL "
    "WHERE id = ANY(CAST(:ids AS bigint[])) AND state NOT IN ('ending', 'ended')"
)
_SEEN = text(
    "SELECT account_id, symbol, position_side, liquidation_px, at FROM account_position "
    "WHERE account_id = ANY(CAST(:ids AS bigint[])) AND liquidation_px IS NOT NULL"
)
_FORGET = text(
    """
    DELETE FROM account_position p WHERE account_id = ANY(CAST(:ids AS bigint[])) AND NOT EXISTS (
        SELECT 1 FROM unnest(CAST(:doubted_accounts AS bigint[]), CAST(:doubted_symbols AS text[]))
            AS d(account_id, symbol) WHERE d.account_id = p.account_id AND d.symbol = p.symbol)
    """
)
_NOTE = text(
    """
    INSERT INTO account_position (tenant_id, account_id, symbol, position_side, qty, mark_px, liquidation_px, at)
    SELECT :tenant_id, p.*, :at FROM unnest(
        CAST(:accounts AS bigint[]), CAST(:symbols AS text[]), CAST(:sides AS text[]), CAST(:qtys AS numeric[]),
        CAST(:marks AS numeric[]), CAST(:liquidations AS numeric[])) AS p
    ON CONFLICT (tenant_id, account_id, symbol, position_side) DO NOTHING
    """
)


class LastSeen(NamedTuple):
    """The price at which a position would have been liquidated, when it was last seen."""

    liquidation_px: Decimal
    at: datetime


Seen = dict[tuple[int, str, PositionSide], LastSeen]


class Loss(NamedTuple):
    """A shortfall that is certain, and at what price the exchange liquidated it; None where its owner closed it."""

    shortfall: Shortfall
    liquidated_px: Decimal | None

    @property
    def liquidated(self) -> bool:
        return self.liquidated_px is not None


def last_seen(session: TenantSession, accounts: Collection[int]) -> Seen:
    """Return where positions of these accounts would have been liquidated when they were last seen."""
    rows = session.execute(_SEEN, {"ids": array_literal(sorted(accounts))})
    return {(account, symbol, PositionSide(side)): LastSeen(px, at) for account, symbol, side, px, at in rows}


def note_positions(
    session: TenantSession, owned: Mapping[int, Owned], doubted: Sequence[Shortfall], at: datetime
) -> None:
    """Note the positions of accounts that were asked for them, with the prices that would liquidate them.

    Of one that is in doubt, what was seen last stays: it tells how it ended.
    """
    asked = {account: found.positions for account, found in owned.items() if found.positions is not None}
    if not asked:
        return
    keep = {
        "doubted_accounts": array_literal([one.book.account_id for one in doubted]),
        "doubted_symbols": array_literal([one.book.symbol for one in doubted]),
    }
    session.execute(_FORGET, {"ids": array_literal(sorted(asked)), **keep})
    rows = [(account, position) for account, positions in asked.items() for position in positions]
    params = {
        "tenant_id": session.tenant_id,
        "at": at,
        "accounts": array_literal([account for account, _ in rows]),
        "symbols": array_literal([position.symbol for _, position in rows]),
        "sides": array_literal([position.side for _, position in rows]),
        "qtys": array_literal([position.qty for _, position in rows]),
        "marks": array_literal([position.mark_px for _, position in rows]),
        "liquidations": array_literal([position.liquidation_px for _, position in rows]),
    }
    session.execute(_NOTE, params)


def liquidated_at(shortfall: Shortfall, seen: LastSeen | None, trades: Sequence[LeaderTrade]) -> Decimal | None:
    """Return the average price of what was closed at, or beyond, the price that liquidates; None if nothing was. Pure.

    The exchanges mark liquidations each in its own way, some in none that a key may read; where a position ends at
    that price nobody else can have closed it.
    """
    if seen is None:
        return None
    long = shortfall.book.qty > 0
    side = Side.SELL if long else Side.BUY
    bound = seen.liquidation_px * (1 + LIQUIDATION_NEAR if long else 1 - LIQUIDATION_NEAR)
    closing = [trade for trade in trades if trade.side is side]
    forced = [trade for trade in closing if (trade.px <= bound if long else trade.px >= bound)]
    if not forced:
        return None
    worth = sum((trade.qty * trade.px for trade in forced), ZERO)
    return (worth / sum((trade.qty for trade in forced), ZERO)).quantize(_PX_PLACES)


def detach(session: TenantSession, shard: str, epoch: int, losses: Sequence[Loss]) -> bool:
    """Write books down to what backs them, and open nothing there until the leader was flat; False behind the fence.

    A subscription that was liquidated opens nothing at all until its owner resumes it. What rests and would open is
    recalled.
    """
    if not losses or session.execute(_FENCE, {"shard": shard, "epoch": epoch}).scalar() is None:
        return False
    doors = []
    for (book, backed), liquidated_px in losses:
        door = Doorway(book.subscription_id, book.symbol, book.position_side)
        reason = Adjusts.DETACHED if liquidated_px is None else Adjusts.LIQUIDATED
        if write_down(session, door, backed - book.qty, reason, px=liquidated_px):
            doors.append(door)
    close_doors(session, doors, Denial.INSTRUMENT_DETACHED)
    gone = {loss.shortfall.book.subscription_id for loss in losses if loss.liquidated}
    if gone:
        session.execute(_LIQUIDATED, {"ids": array_literal(sorted(gone))})
    recall_orders(session, *{door.subscription_id for door in doors} | gone)
    return True
