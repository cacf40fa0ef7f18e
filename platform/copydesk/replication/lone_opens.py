"""Opening orders that no signal plans, held to their followers' limits: second tries, resting orders, catching up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from copydesk.db import TenantSession
from copydesk.kernel import ZERO, decimal_text, floor_to_step
from copydesk.replication.crowd import Crowds, hold_crowd
from copydesk.replication.deliveries import DueSignal
from copydesk.replication.limited import held_to_limits
from copydesk.replication.minima import smallest_open_qty
from copydesk.replication.model import Planned, RiskView, SignalFact
from copydesk.replication.rest_calls import Task
from copydesk.replication.rest_end import Ending
from copydesk.replication.resting import REST, WANTED, Rest, Step
from copydesk.trading import Instrument, OrderType, PositionSide, Side


class Spot(NamedTuple):
    """Where a strategy's followers would open: `px` is the leader's price."""

    strategy_id: int
    symbol: str
    position_side: PositionSide
    side: Side
    px: Decimal


class LoneOpens:
    """What opens of one pass over a lane are judged by, read once for each strategy, instrument and side."""

    def __init__(self, session: TenantSession, crowds: Crowds, shard: str, now: datetime) -> None:
        self._session = session
        self._crowds = crowds
        self._shard = shard
        self._now = now
        self._version: int | None = None
        self._read: dict[Spot, dict[int, RiskView]] = {}

    def allowed(self, spot: Spot, instrument: Instrument, planned: Planned) -> Planned | None:
        """Return an open as its follower's limits allow it, None where they allow none."""
        return self._judged(spot, instrument, planned)[0]

    def _judged(self, spot: Spot, instrument: Instrument, planned: Planned) -> tuple[Planned | None, Mapping[str, str]]:
        """Return the same, and what a receipt says of the limit that bit."""
        risk = self._views(spot).get(planned.subscription_id)
        if risk is None:
            return planned, {}
        px = max(planned.px or spot.px, spot.px)
        smallest_qty = smallest_open_qty(spot.px, instrument)
        allowed, no = held_to_limits(planned, risk, instrument, px=px, smallest_qty=smallest_qty)
        return (None, no[1]) if no else (allowed, allowed.facts or {})

    def resting(self, task: Task, instrument: Instrument | None) -> Task:
        """Hold what a resting order is to say to the limits of today; what they allow nothing of waits.

        The first order is as large as it was when it was sized, a moment ago; one that rests is judged by its growth.
        """
        rest, step, terms, _ = task
        first = step is Step.PLACE and rest.revision == 0
        if rest.reduces or terms is None or instrument is None or first:
            return task
        there = rest.qty if step is Step.AMEND else ZERO
        px = terms.px or terms.trigger_px or rest.leader.fill_px
        if terms.qty <= there or px is None:
            return task
        wanted = _as_planned(rest, REST, terms.qty - there, px)
        allowed, limited = self._judged(_spot(rest, px), instrument, wanted)
        qty = there + (ZERO if allowed is None else floor_to_step(allowed.qty, instrument.qty_step))
        if qty < terms.qty:
            limited = {**limited, WANTED: decimal_text(terms.qty)}
        if allowed is not None or (step is Step.AMEND and terms._replace(qty=there) != rest.terms):
            return task._replace(terms=terms._replace(qty=qty), limited=limited)
        # What rests and may not grow is looked at as ever.
        looks = step is Step.AMEND and (rest.stirred or rest.look_at is None or rest.look_at <= self._now)
        return Task(rest, Step.LOOK if looks else Step.WAIT, None, limited)

    def catching_up(self, rest: Rest, instrument: Instrument | None, ending: Ending) -> Ending:
        """Hold what a resting order has missed to the limits of today; what they keep back is given up."""
        planned = ending.planned
        if planned is None or planned.reduces or instrument is None:
            return ending
        px = rest.leader.fill_px or planned.px
        assert px is not None, "what is missing was filled at some price"
        allowed = self.allowed(_spot(rest, px), instrument, planned)
        if allowed is None:
            return Ending(given_up=ending.given_up + planned.qty)
        return Ending(allowed, ending.given_up)

    def _views(self, spot: Spot) -> dict[int, RiskView]:
        place = spot._replace(px=ZERO)
        if place not in self._read:
            if self._version is None:
                self._version = hold_crowd(self._session)
            due = DueSignal(spot.strategy_id, True, _as_opened(spot, self._now), self._version)
            self._read[place] = self._crowds.views(self._session, due, self._shard)
        return self._read[place]


def _spot(rest: Rest, px: Decimal) -> Spot:
    return Spot(rest.strategy_id, rest.symbol, rest.position_side, rest.side, px)


def _as_planned(rest: Rest, leg: str, qty: Decimal, px: Decimal) -> Planned:
    return Planned(
        rest.subscription_id, rest.account_id, leg, rest.side, OrderType.LIMIT, qty, px, False, rest.target_qty
    )


def _as_opened(spot: Spot, now: datetime) -> SignalFact:
    after = Decimal(1) if spot.side is Side.BUY else Decimal(-1)
    return SignalFact(0, spot.symbol, spot.px, ZERO, after, ZERO, now, position_side=spot.position_side)
