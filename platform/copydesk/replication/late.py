"""What a late joiner may take over: the leader's positions as of the subscription, their entry, what is left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from copydesk.kernel import ZERO, round_to_step
from copydesk.replication.model import SignalFact
from copydesk.trading import PositionSide


class Move(NamedTuple):
    """One step of a leader's book, at an average price; `older` than the subscription by the exchange's time."""

    before: Decimal
    after: Decimal
    px: Decimal
    older: bool = False


class Standing(NamedTuple):
    """A position that the leader holds; `entry_px` is None where it is older than what we have seen."""

    symbol: str
    position_side: PositionSide
    qty: Decimal
    entry_px: Decimal | None
    signal_id: int


class Leads(NamedTuple):
    """What a preview needs of the leader: equity in quote currency, and leverage by perpetual."""

    equity: Decimal
    leverage: Mapping[str, int | None]


def entry_px(moves: Iterable[Move]) -> Decimal | None:
    """Return the average price at which the present position was built; None where its beginning was not seen.

    Reducing leaves the average as it is, as exchanges count it; going through zero begins anew.
    """
    held, px = ZERO, None
    known = False
    for move in moves:
        if move.before * move.after <= 0:
            held, px, known = abs(move.after), move.px, True
        elif abs(move.after) > abs(move.before):
            added = abs(move.after) - abs(move.before)
            px = (px * held + move.px * added) / (held + added) if known and px is not None else None
            held = abs(move.after)
        else:
            held = abs(move.after)
    return px if known and held else None


def left_of(qty: Decimal, moves: Iterable[Move]) -> Decimal:
    """Return how much of a position the leader still holds after these moves; what was added since is not part of it.

    A reduction takes its share of what is old and what is new alike, as it does from followers. A move that was told
    late, but made before the subscription began, belongs to the position.
    """
    for move in moves:
        if move.before * move.after <= 0:
            qty = move.after if move.older else ZERO
        elif abs(move.after) < abs(move.before):
            qty = qty * move.after / move.before
        elif move.older:
            qty += move.after - move.before
    return qty


def is_better(px: Decimal, entry: Decimal | None, *, short: bool) -> bool:
    """Tell whether a price is at least as good for a follower as the leader's entry."""
    if entry is None:
        return False
    return px >= entry if short else px <= entry


def joining_signal(standing: Standing, left: Decimal, px: Decimal, newest: SignalFact) -> SignalFact:
    """Return the signal that a leader would give who opened at `px` now what is left of a position.

    `newest` lends its id, equity, leverage and time.
    """
    return replace(
        newest,
        symbol=standing.symbol,
        px=px,
        position_before=ZERO,
        position_after=left,
        first_of_order=True,
        position_side=standing.position_side,
    )


def bounded_px(planned_px: Decimal, entry: Decimal | None, tick: Decimal, *, short: bool) -> Decimal:
    """Hold a joining order's limit to the leader's entry too, rounded to the tick on the follower's side."""
    if entry is None:
        return planned_px
    bound = round_to_step(entry, tick, ROUND_CEILING if short else ROUND_FLOOR)
    return max(planned_px, bound) if short else min(planned_px, bound)
