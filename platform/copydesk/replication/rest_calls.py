"""Say to an exchange what resting orders need, all at once: place, amend, cancel, and ask what became of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from copydesk.kernel import CopydeskError, Unavailable, VenueRefused
from copydesk.replication.dispatch import Part, send_parts
from copydesk.replication.resting import OrderTerms, Rest, Step
from copydesk.risk import ThrownSwitch
from copydesk.trading import TERMINAL, Credentials, Denial, Fill, OrderView
from copydesk.venues import Amendment, Draw, Outcome, Venue, drawing_on

_CLOCKS_APART = timedelta(minutes=1)
NO_KEY = VenueRefused("the key cannot be opened", code=Denial.ACCOUNT_UNUSABLE)


class Executions(NamedTuple):
    """All that was executed of an order that the exchange has forgotten."""

    fills: tuple[Fill, ...]


# What the exchange said about one order: a view, its executions alone, that it has none, or trouble.
Answer = OrderView | Executions | CopydeskError | None


class Right(NamedTuple):
    """Whether the lane may send anything at this moment, and which switch stops an order that opens."""

    may_send: Callable[[], bool]
    stopped: Callable[[Rest], ThrownSwitch | None]


class Task(NamedTuple):
    """One step of one resting order, with what the order is to say where the step sends that.

    `limited` is what a receipt says of the limit that made it smaller, or keeps it from growing; empty where limits let
    it be, None where they were not asked.
    """

    rest: Rest
    step: Step
    terms: OrderTerms | None
    limited: Mapping[str, str] | None = None


async def send_all(
    venue: Venue,
    keys: Mapping[int, Credentials],
    placing: Sequence[Part],
    others: Sequence[Task],
    *,
    right: Right,
    now: datetime,
) -> tuple[list[Outcome], list[Answer]]:
    """Place orders and take every other step at once; trouble with one is its answer.

    The `right` is asked for before whatever changes something, each time. Outcomes are in the order of the parts.
    """
    asked = [_take(venue, keys.get(task.rest.account_id), task, right, now) for task in others]
    placed = send_parts(venue, [part.orders(keys) for part in placing])
    outcomes, answers = await asyncio.gather(placed, asyncio.gather(*asked))
    return outcomes, answers


async def _take(venue: Venue, key: Credentials | None, task: Task, right: Right, now: datetime) -> Answer:
    rest = task.rest
    if key is None:
        return NO_KEY
    assert rest.client_order_id is not None, "only what was placed once is asked about"
    try:
        if task.step is Step.LOOK:
            return await _look(venue, key, rest, now)
        if not right.may_send():
            return Unavailable("the lane belongs to another worker")
        if task.step is Step.CANCEL:
            return await _cancel(venue, key, rest)
        if not rest.reduces and right.stopped(rest) is not None:
            return Unavailable("a switch stops opens")
        assert task.terms is not None and task.terms.px is not None, "an amendment has a price"
        meant = (rest.reduces, rest.position_side)
        change = Amendment(rest.client_order_id, rest.symbol, rest.side, task.terms.qty, task.terms.px, *meant)
        return await venue.amend(key, change)
    except CopydeskError as trouble:
        return trouble


async def _cancel(venue: Venue, key: Credentials, rest: Rest) -> Answer:
    assert rest.client_order_id is not None, "only what was placed once is canceled"
    return await cancel_named(venue, key, rest.symbol, rest.client_order_id, conditional=rest.type.conditional)


async def cancel_named(
    venue: Venue, key: Credentials, symbol: str, client_order_id: str, *, conditional: bool
) -> OrderView | None:
    """Cancel an order; of a conditional one that has triggered, the order that it placed, as far as that has a name."""
    with drawing_on(Draw.RESERVE):
        view = await venue.cancel(key, symbol, client_order_id, conditional=conditional)
        if view is not None or not conditional:
            return view
        placed = await venue.query(key, symbol, client_order_id, conditional=True)
        if placed is None or placed.status in TERMINAL:
            return placed
        listed = await venue.open_orders(key, symbol)
        named = next((order for order in listed if order.venue_order_id == placed.venue_order_id), None)
        if named is None or not named.client_order_id:
            return placed
        canceled = await venue.cancel(key, symbol, named.client_order_id)
        return None if canceled is None else canceled._replace(client_order_id=client_order_id)


async def _look(venue: Venue, key: Credentials, rest: Rest, now: datetime) -> Answer:
    """Ask for an order; of one that was acknowledged and is forgotten, its executions are asked for."""
    assert rest.client_order_id is not None, "only what was placed once is asked about"
    conditional = rest.type.conditional
    with drawing_on(Draw.OPENS):
        view = await venue.query(key, rest.symbol, rest.client_order_id, conditional=conditional)
        if view is not None or rest.acked_at is None or rest.venue_order_id is None or rest.planned_at is None:
            return view
        if now - rest.acked_at < timedelta(seconds=venue.traits.absence_age_s_min):
            return None
        since_ms = int((rest.planned_at - _CLOCKS_APART).timestamp() * 1000)
        return Executions(await venue.fills(key, rest.symbol, rest.venue_order_id, since_ms=since_ms))
