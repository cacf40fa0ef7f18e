"""What is to be done about a follower's resting order: what it should say, and the one step that leads there. Pure.

Level-triggered: a step follows from what the leader's order is now and what ours is known to be, whatever happened in
between (platform/docs/algorithms/orders.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import ZERO, floor_to_step, round_to_step
from copydesk.replication.model import Bound
from copydesk.trading import TERMINAL, Denial, Instrument, OrderStatus, OrderType, PositionSide, Side
from copydesk.venues import Feature, VenueTraits

REST = "rest"
CATCH_UP = "catch-up"
GIVE_BACK = "give-back"

# Beside the facts of a limit that made an order smaller: how much it would have been.
WANTED = "limit_wanted"

# A ratio is rounded up, in its eighteenth place: what that adds to a quantity was not wanted by anyone.
_WANTED_STEP = Decimal("1E-10")

_MARKET = frozenset({OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET, OrderType.MARKET})
_STOPS = frozenset({OrderType.STOP_MARKET, OrderType.STOP_LIMIT})


class RestState(StrEnum):
    """What is known of a resting order.

    `placing`, `amending`, `canceling`: stored, and sent or about to be, so that its outcome is in doubt. `resting`: at
    the exchange. `over`: not any more, the leader's still goes on or is to be reconciled. `done`: nothing is left to
    do; with a reason, that it never rested, and fills are copied instead.
    """

    PLACING = "placing"
    RESTING = "resting"
    AMENDING = "amending"
    CANCELING = "canceling"
    OVER = "over"
    DONE = "done"


IN_DOUBT = frozenset({RestState.PLACING, RestState.AMENDING, RestState.CANCELING})


class Step(StrEnum):
    """What a lane does next about one resting order."""

    WAIT = "wait"
    LOOK = "look"
    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    FINISH = "finish"


class OrderTerms(NamedTuple):
    """What an order says: its whole quantity, its limit, its trigger."""

    qty: Decimal
    px: Decimal | None
    trigger_px: Decimal | None


@dataclass(frozen=True, slots=True)
class LeaderTerms:
    """The leader's order as it is now, and the leader's position that it belongs to, without a sign.

    `fill_px` and `filled_at` are of its newest fill.
    """

    status: OrderStatus
    qty: Decimal
    cum_qty: Decimal
    px: Decimal | None
    trigger_px: Decimal | None
    closes_all: bool
    position: Decimal
    fill_px: Decimal | None = None
    filled_at: datetime | None = None

    @property
    def over(self) -> bool:
        return self.status in TERMINAL

    @property
    def left_share(self) -> Decimal:
        """Return which part of the leader's position the rest of the order closes, at most all."""
        if self.closes_all:
            return Decimal(1)
        if self.position <= 0:
            return ZERO
        return min((self.qty - self.cum_qty) / self.position, Decimal(1))


@dataclass(frozen=True, slots=True)
class Rest:
    """A follower's resting order with everything that its next step depends on.

    `drained` is how much of the leader's order the lane has planned as fills; `got` what all our revisions were
    filled, `cum_qty` what the newest was. `held` is what an order of this side could close, `as_if_held` the same as
    if every resting order of the book were filled exactly as the leader's. `moving`: other orders of the book are on
    their way, or fills of the leader are not planned yet. `kept`: the subscription still wants it. `stirred`: the
    leader's order has fills, and has just changed. `usable`: the account's key is not known to be dead.
    `allocation` is in quote currency, `book_qty` what the book holds, signed. `limited` is what a receipt says of the
    limit that made the order smaller, or keeps it from growing.
    """

    subscription_id: int
    account_id: int
    leader_order_id: int
    signal_id: int
    symbol: str
    position_side: PositionSide
    side: Side
    type: OrderType
    reduces: bool
    state: RestState
    revision: int
    ratio: Decimal
    from_qty: Decimal
    base_qty: Decimal
    qty: Decimal
    px: Decimal | None
    trigger_px: Decimal | None
    next_qty: Decimal | None
    next_px: Decimal | None
    copy_id: int | None
    client_order_id: str | None
    reason: str | None
    looks: int
    look_at: datetime | None
    proof_at: datetime | None
    leader: LeaderTerms
    drained: Decimal
    got: Decimal
    cum_qty: Decimal
    told: bool
    venue_order_id: str | None
    planned_at: datetime | None
    acked_at: datetime | None
    held: Decimal
    as_if_held: Decimal
    target_qty: Decimal
    moving: bool
    kept: bool
    stirred: bool
    usable: bool = True
    allocation: Decimal = ZERO
    book_qty: Decimal = ZERO
    strategy_id: int = 0
    limited: Mapping[str, str] | None = None

    @property
    def due_qty(self) -> Decimal:
        """Return what the leader's fills, as far as they are planned, ask of this follower."""
        return self.base_qty + self.ratio * max(self.drained - self.from_qty, ZERO)

    @property
    def earlier_qty(self) -> Decimal:
        """Return what earlier revisions were filled."""
        return self.got - self.cum_qty

    @property
    def asked_qty(self) -> Decimal:
        """Return what the rest of the leader's order asks for, before the exchange's rules and what is held."""
        if self.reduces:
            return self.due_qty + self.as_if_held * self.leader.left_share - self.got
        return self.base_qty + self.ratio * (self.leader.qty - self.from_qty) - self.got

    @property
    def recalled(self) -> bool:
        """Tell whether the subscription goes over to copying fills: the order ends before the leader's does."""
        return self.reason == Denial.ORDERS_RECALLED

    @property
    def terms(self) -> OrderTerms:
        return OrderTerms(self.qty, self.px, self.trigger_px)


def order_px(px: Decimal | None, side: Side, instrument: Instrument, kind: OrderType) -> Decimal | None:
    """Return the leader's limit on the follower's ticks, never worse for the follower; None for orders at market."""
    if kind in _MARKET or px is None:
        return None
    return round_to_step(px, instrument.px_tick, ROUND_FLOOR if side is Side.BUY else ROUND_CEILING)


def trigger_px(
    px: Decimal | None, side: Side, instrument: Instrument, kind: OrderType, *, reduces: bool
) -> Decimal | None:
    """Return the leader's trigger on the follower's ticks: exits trigger no later than the leader's, entries no sooner.

    A stop to buy waits for the price to rise, a take-profit to buy for it to fall; sales the other way round.
    """
    if px is None or not kind.conditional:
        return None
    rises = (side is Side.BUY) is (kind in _STOPS)
    return round_to_step(px, instrument.px_tick, ROUND_FLOOR if rises is reduces else ROUND_CEILING)


def wanted_terms(rest: Rest, instrument: Instrument | None, *, fresh: bool) -> OrderTerms | None:
    """Return what the order should say now, or None where nothing should rest.

    `fresh` asks about a new order, which has nothing filled; else about the one that rests.
    """
    leader = rest.leader
    if instrument is None or leader.over or not rest.kept or rest.recalled:
        return None
    if not instrument.trading:
        # What rests may stay while the exchange has halted the market.
        return None if fresh else rest.terms
    cum_qty = ZERO if fresh else rest.cum_qty
    step = instrument.qty_step
    if not rest.reduces:
        left = floor_to_step(min(rest.asked_qty + cum_qty, instrument.qty_max) - cum_qty, step)
        smallest = instrument.qty_min
    elif rest.moving and not fresh:
        left, smallest = rest.qty - cum_qty, step
    else:
        left = floor_to_step(min(rest.asked_qty, rest.held, instrument.qty_max), step)
        smallest = instrument.qty_min
        # The follower's own fills come in other parts than the leader's: one step more or less is no change.
        if not fresh and left > 0 and abs(left + cum_qty - rest.qty) <= step:
            left = rest.qty - cum_qty
    if left < smallest or left <= 0:
        return None
    return OrderTerms(
        left + cum_qty,
        order_px(leader.px, rest.side, instrument, rest.type),
        trigger_px(leader.trigger_px, rest.side, instrument, rest.type, reduces=rest.reduces),
    )


def placed_for(
    rest: Rest, terms: OrderTerms, instrument: Instrument | None, limited: Mapping[str, str]
) -> tuple[Decimal, Bound]:
    """Return what a new order was to be, and what made it smaller than that; `limited` is of the limit that did."""
    if WANTED in limited:
        return Decimal(limited[WANTED]), Bound.RISK_LIMIT
    wanted = floor_to_step(max(rest.asked_qty, ZERO), _WANTED_STEP)
    largest = ZERO if instrument is None else instrument.qty_max
    bounds = (
        (terms.qty >= wanted, Bound.NONE),
        (terms.qty == largest, Bound.QTY_MAX),
        (rest.reduces and rest.held < wanted, Bound.BALANCE),
    )
    return wanted, next((bound for holds, bound in bounds if holds), Bound.STEP)


def next_step(rest: Rest, instrument: Instrument | None, traits: VenueTraits, now: datetime) -> Step:
    """Decide the next step of one resting order.

    Nothing is asked of an exchange with a dead key: what rests there stays until its owner renews the key.
    """
    if not rest.usable and (rest.state is not RestState.OVER or not rest.told):
        return Step.WAIT
    if rest.state in IN_DOUBT:
        # A cancellation may be repeated: what it finds canceled already is read next.
        step = Step.CANCEL if rest.state is RestState.CANCELING else Step.LOOK
        return step if rest.look_at is None or rest.look_at <= now else Step.WAIT
    if rest.state is RestState.RESTING:
        return _step_at_exchange(rest, instrument, traits, now)
    if rest.state is RestState.OVER:
        return _step_after(rest, instrument, now)
    return Step.WAIT


def _step_at_exchange(rest: Rest, instrument: Instrument | None, traits: VenueTraits, now: datetime) -> Step:
    wanted = wanted_terms(rest, instrument, fresh=False)
    if wanted is None:
        return Step.CANCEL
    if wanted != rest.terms:
        return Step.AMEND if amendable(rest, wanted, traits) else Step.CANCEL
    return Step.LOOK if rest.stirred or rest.look_at is None or rest.look_at <= now else Step.WAIT


def _step_after(rest: Rest, instrument: Instrument | None, now: datetime) -> Step:
    if not rest.told:
        return Step.LOOK if rest.look_at is None or rest.look_at <= now else Step.WAIT
    if rest.leader.over or rest.recalled:
        return Step.FINISH if rest.drained >= rest.leader.cum_qty else Step.WAIT
    if rest.reason is not None or (rest.reduces and rest.moving):
        return Step.WAIT
    return Step.WAIT if wanted_terms(rest, instrument, fresh=True) is None else Step.PLACE


def amendable(rest: Rest, wanted: OrderTerms, traits: VenueTraits) -> bool:
    """Tell whether the exchange changes this order in place: a plain limit, where it has such a request."""
    feature = Feature.PERPETUAL_AMEND if ":" in rest.symbol else Feature.SPOT_AMEND
    return rest.type is OrderType.LIMIT and traits.supports(feature) and wanted.qty > rest.cum_qty
