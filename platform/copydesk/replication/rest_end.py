"""The end of a leader's resting order: what its fills asked of a follower and was not got, and the other way round.

Pure. What is missing is opened once, within the slippage bound and as long as the leader's last fill is fresh; what is
too much is closed at market. What a closing order left open is for the fixes, and what it closed too much stays closed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO, floor_to_step
from copydesk.replication.minima import close_denial, closing_bound, smallest_open_qty
from copydesk.replication.model import Planned
from copydesk.replication.plan import open_limit_px
from copydesk.replication.port import Terms
from copydesk.replication.resting import CATCH_UP, GIVE_BACK, Rest
from copydesk.trading import Denial, Instrument, OrderType, Side


class Ending(NamedTuple):
    """The order that brings a book to its target, if any, and by how much the target falls, without a sign."""

    planned: Planned | None = None
    given_up: Decimal = ZERO


def ending_of(rest: Rest, instrument: Instrument | None, terms: Terms, now: datetime) -> Ending:
    """Decide how a follower's resting order is brought in line with the leader's, which has ended."""
    missing = rest.due_qty - rest.got
    if missing == 0 or instrument is None:
        return Ending(given_up=max(missing, ZERO) if not rest.reduces else ZERO)
    if rest.reduces:
        return Ending(given_up=max(-missing, ZERO))
    return _catch_up(rest, instrument, terms, missing, now) if missing > 0 else _give_back(rest, instrument, -missing)


def _catch_up(rest: Rest, instrument: Instrument, terms: Terms, missing: Decimal, now: datetime) -> Ending:
    leader, qty = rest.leader, floor_to_step(missing, instrument.qty_step)
    age_max = timedelta(milliseconds=terms.signal_age_ms_max)
    fresh = leader.filled_at is not None and now - leader.filled_at <= age_max
    allowed = (
        rest.kept
        and rest.reason != Denial.ORDER_CANCELED_BY_OWNER
        and instrument.trading
        and rest.symbol in terms.markets
    )
    if leader.fill_px is None or not fresh or not allowed or qty < smallest_open_qty(leader.fill_px, instrument):
        return Ending(given_up=missing)
    px = open_limit_px(leader.fill_px, instrument.px_tick, terms.slippage_bps_max, rest.side)
    planned = Planned(
        rest.subscription_id,
        rest.account_id,
        CATCH_UP,
        rest.side,
        OrderType.LIMIT,
        min(qty, instrument.qty_max),
        px,
        False,
        rest.target_qty,
        wanted_qty=missing,
        allocation=rest.allocation,
        book_qty=rest.book_qty,
        bound=closing_bound(min(qty, instrument.qty_max), missing, instrument),
    )
    return Ending(planned, missing - qty)


def _give_back(rest: Rest, instrument: Instrument, excess: Decimal) -> Ending:
    held = rest.target_qty + (excess if rest.side is Side.BUY else -excess)
    qty = min(floor_to_step(excess, instrument.qty_step), instrument.qty_max)
    px = rest.leader.fill_px or rest.px or rest.trigger_px or ZERO
    if close_denial(held=abs(held), qty=qty, px=px, instrument=instrument):
        return Ending()
    side = Side.SELL if rest.side is Side.BUY else Side.BUY
    planned = Planned(
        rest.subscription_id,
        rest.account_id,
        GIVE_BACK,
        side,
        OrderType.MARKET,
        qty,
        None,
        True,
        rest.target_qty,
        wanted_qty=excess,
        allocation=rest.allocation,
        book_qty=rest.book_qty,
        bound=closing_bound(qty, excess, instrument),
    )
    return Ending(planned)
