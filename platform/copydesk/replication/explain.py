"""Why one follower's copies of one signal are as they are: what went in, what was decided, what came of it. Pure.

Values as they were stored, and what follows from them by arithmetic alone; `evidence` reads them, words are put to them
in the visitor's language elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.replication.burst import joined
from copydesk.replication.model import Bound, No, SignalFact
from copydesk.replication.sizing import BY_ALLOCATION
from copydesk.trading import Side, SizingMode, quote_currency

_BPS = Decimal(10_000)


class LegKind(StrEnum):
    """What an order of a signal is for; a leg is its kind, with a number behind where there may be several."""

    OPEN = "open"
    CLOSE = "close"
    FIX = "fix"
    TOP_UP = "top-up"
    SMALLER = "smaller"
    RESIZED = "resized"
    JOIN = "join"
    END = "end"
    FLAT = "flat"
    STOP = "stop"
    GUARD = "guard"
    REST = "rest"
    CATCH_UP = "catch-up"
    GIVE_BACK = "give-back"


class Sizing(StrEnum):
    """How the quantity that was sent came out of the one that was wanted: what a sentence about it says.

    From `kept_for_next` to `held_already` they refine what `Bound` says: it was carried and nothing was sent, nothing
    was sent for another reason, earlier roundings were made up for, or something was held or on its way already.
    """

    EXACT = "exact"
    STEP = "step"
    ALLOCATION = "allocation"
    QTY_MAX = "qty_max"
    BALANCE = "balance"
    MINIMUM_ROUNDED_UP = "minimum_rounded_up"
    CARRIED = "carried"
    KEPT_FOR_NEXT = "kept_for_next"
    NOTHING = "nothing"
    MADE_UP = "made_up"
    HELD_ALREADY = "held_already"
    RISK_LIMIT = "risk_limit"


class Absence(StrEnum):
    """Why there is no copy of a signal for a subscription, not even a denial."""

    NOT_SUBSCRIBED_YET = "not_subscribed_yet"
    SUBSCRIPTION_ENDED = "subscription_ended"
    JOINED = "joined"
    NOT_PLANNED_YET = "not_planned_yet"
    BEING_SENT = "being_sent"
    ORDER_PLACED = "order_placed"
    NOT_DELIVERED = "not_delivered"
    SEEN_ALREADY = "seen_already"


@dataclass(frozen=True)
class LeaderMove:
    """One signal with its leader. `equity` and `notional` are in quote currency, positions signed, in base units.

    `order_id` is the exchange's. An order that was placed and not filled has `cum_qty` 0 and moved nothing.
    """

    signal_id: int
    strategy_id: int
    strategy_slug: str
    strategy_name: str
    trader_name: str
    exchange: str
    fact: SignalFact
    side: str
    qty: Decimal
    cum_qty: Decimal
    order_id: str
    seen_at: datetime
    stored_at: datetime

    @property
    def base(self) -> str:
        return self.fact.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return quote_currency(self.fact.symbol)

    @property
    def seen_ms(self) -> int:
        return ms_between(self.fact.venue_at, self.seen_at)

    @property
    def stored_ms(self) -> int:
        return ms_between(self.fact.venue_at, self.stored_at)


@dataclass(frozen=True)
class FollowerTerms:
    """A subscription as it is now: a copy carries only its allocation of that time. `account` is what it is called."""

    subscription_id: int
    strategy_id: int
    account_id: int
    account: str
    shard: str
    exchange: str
    environment: str
    state: str
    state_reason: str | None
    copies: str
    sizing_mode: str
    sizing_value: Decimal | None
    size_policy: str
    leverage_max: int | None
    allocation: Decimal
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Handover:
    """A signal on the follower's lane: its delivery. `joined_into` is the later signal that it was planned with."""

    drained_at: datetime | None
    being_sent: bool
    joined_into: int | None


class FillTold(NamedTuple):
    """One execution of a copy."""

    trade_id: str
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str
    at: datetime


@dataclass(frozen=True)
class Decision:
    """Why an order is as large as it is; quantities without a sign but `book_qty`, the book before.

    `qty` is what was sent, 0 where nothing was; `px_limit` the worst price that it might pay.
    """

    wanted_qty: Decimal
    qty: Decimal
    allocation: Decimal
    book_qty: Decimal
    bound: Bound
    px_limit: Decimal | None = None

    @property
    def sizing(self) -> Sizing:
        """Name what made the quantity that was sent of the one that was wanted."""
        if self.bound is Bound.CARRIED:
            return Sizing.CARRIED if self.qty else Sizing.KEPT_FOR_NEXT
        if not self.qty:
            return Sizing.NOTHING
        if self.bound not in _REFINED:
            return Sizing(self.bound)
        if self.qty > self.wanted_qty:
            return Sizing.MADE_UP
        if self.bound is Bound.STEP:
            return Sizing.STEP
        return Sizing.EXACT if self.qty == self.wanted_qty else Sizing.HELD_ALREADY

    @property
    def meant_qty(self) -> Decimal:
        """Return what an order that closes was to leave of its book, signed."""
        return self.book_qty - self.wanted_qty if self.book_qty > 0 else self.book_qty + self.wanted_qty

    @property
    def difference(self) -> Decimal:
        """Return how much more (above zero) or less than wanted was sent."""
        return self.qty - self.wanted_qty


_REFINED = frozenset({Bound.NONE, Bound.STEP})


@dataclass(frozen=True)
class CopyTold:
    """One order, or denial, for this follower, with what became of it. `decision` is None where none was stored.

    `sent_ms` and `acked_ms` count from the exchange's time of the leader's execution, as `planned_ms` does;
    `slippage_bps` above zero is worse for the follower than the leader's price.
    """

    copy_id: int
    leg: str
    side: str
    type: str
    qty: Decimal
    px: Decimal | None
    reduces: bool
    waits: bool
    status: str
    reason: str | None
    facts: dict[str, str] | None
    client_order_id: str
    order_id: str | None
    cum_qty: Decimal
    avg_px: Decimal | None
    planned_ms: int
    sent_ms: int | None
    acked_ms: int | None
    slippage_bps: Decimal | None
    decision: Decision | None
    fills: tuple[FillTold, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Everything about one subscription and one signal.

    `together` are the leader's signals that were planned as one, this the last of them; just this one where no burst
    was joined. `whole` is the move that was sized. `absence` says why there is no copy at all, `unplaced` why an order
    of the leader's was left to its fills.
    """

    move: LeaderMove
    together: tuple[LeaderMove, ...]
    follower: FollowerTerms
    handover: Handover | None
    copies: tuple[CopyTold, ...]
    absence: Absence | None = None
    unplaced: No | None = None

    @property
    def whole(self) -> SignalFact:
        return whole_move([move.fact for move in self.together])

    @property
    def joined_into(self) -> int | None:
        """Return the later signal that this one was copied together with, None where it was copied by itself."""
        return self.handover.joined_into if self.handover else None

    @property
    def equity_share(self) -> Decimal | None:
        """Return which share of the equity the leader put into this increase; None for a reduction."""
        fact = self.whole
        if not fact.opens or fact.leader_equity <= 0:
            return None
        return increase_of(fact) * fact.px / fact.leader_equity

    @property
    def kept_share(self) -> Decimal | None:
        """Return which share of the position the leader kept; None where there was nothing to give up."""
        fact = self.whole
        if fact.opens or fact.position_before == fact.position_after:
            return None
        return max(fact.position_after / fact.position_before, ZERO) if fact.position_before else ZERO

    @property
    def ratio(self) -> Decimal | None:
        """Return by what the leader's quantity was multiplied, where the sizing has such a factor.

        Of the terms as they are now; the allocation is that of the first order.
        """
        allocation = next((copy.decision.allocation for copy in self.copies if copy.decision), self.follower.allocation)
        return ratio_of(self.follower, allocation, self.whole.leader_equity)


def leg_kind(leg: str) -> tuple[LegKind | None, int]:
    """Take a leg apart: its kind, None where that is not known, and its number, 1 for the first."""
    name, number = re.fullmatch(r"(.*?)(?:-(\d+))?", leg, re.DOTALL).groups()  # type: ignore[union-attr]
    kind = LegKind(name) if name in set(LegKind) else None
    return kind, int(number or 1)


def whole_move(burst: Sequence[SignalFact]) -> SignalFact:
    """Return the move that was sized: a burst of opens as one, at its average price."""
    return joined(burst)


def increase_of(fact: SignalFact) -> Decimal:
    """Return by how much the leader's position grew on its side; through zero only what lies beyond counts."""
    seen = fact.mirrored() if fact.short else fact
    return max(seen.position_after - max(seen.position_before, ZERO), ZERO)


def ratio_of(follower: FollowerTerms, allocation: Decimal, equity: Decimal) -> Decimal | None:
    """Return the factor between the leader's quantity and the follower's; None for fixed amounts."""
    if follower.sizing_mode in BY_ALLOCATION:
        times = follower.sizing_value if follower.sizing_mode == SizingMode.MULTIPLIER else Decimal(1)
        return allocation * (times or ZERO) / equity if equity > 0 else ZERO
    return follower.sizing_value if follower.sizing_mode == SizingMode.FIXED_RATIO else None


def copy_slippage_bps(side: str, leader_px: Decimal, avg_px: Decimal | None, cum_qty: Decimal) -> Decimal | None:
    """Return how much worse (+) or better (−) than the leader's price a copy filled; None where nothing was filled."""
    if avg_px is None or cum_qty <= 0 or leader_px <= 0:
        return None
    difference = avg_px - leader_px if side == Side.BUY else leader_px - avg_px
    return difference / leader_px * _BPS


def absence_of(move: LeaderMove, first: SignalFact, follower: FollowerTerms, handover: Handover | None) -> Absence:
    """Name why a signal has no copy for a subscription. `first` is the oldest signal that it was planned with."""
    if handover is not None and handover.joined_into is not None:
        return Absence.JOINED
    if follower.created_at > first.venue_at:
        return Absence.NOT_SUBSCRIBED_YET
    if follower.ended_at is not None and follower.ended_at <= move.stored_at:
        return Absence.SUBSCRIPTION_ENDED
    if handover is None:
        return Absence.ORDER_PLACED if move.cum_qty == 0 else Absence.NOT_DELIVERED
    if handover.drained_at is None:
        return Absence.NOT_PLANNED_YET
    return Absence.BEING_SENT if handover.being_sent else Absence.SEEN_ALREADY


def ms_between(since: datetime, until: datetime) -> int:
    """Return whole milliseconds from one moment to another; below zero where clocks disagree."""
    return round((until - since).total_seconds() * 1000)
