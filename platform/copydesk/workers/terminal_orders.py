"""Sending orders by hand and finding out what became of them: stored first, claimed, sent once, never again.

What the exchange's answers mean is judged where copies are judged (`terminal.outcome`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from copydesk.bootstrap import OpenExchange, Runtime
from copydesk.bootstrap.terminal_floor import Floor
from copydesk.kernel import Clock, CopydeskError, OutcomeUnknown, Unavailable, VenueRefused
from copydesk.replication import UNKNOWN_WAIT_MS, Whereabouts
from copydesk.replication.look import Answer, ask_all
from copydesk.replication.rest_calls import cancel_named
from copydesk.risk import Spot
from copydesk.risk.switches import read_board
from copydesk.terminal import Ended, HandOrder, OrderState
from copydesk.terminal.exits import exit_qty
from copydesk.terminal.model import EXITS
from copydesk.terminal.outcome import Settled, after_looking, after_sending, as_copy, given_up
from copydesk.terminal.sending import AccountPlace, accounts, claim, digest_of, group_of, release, settle
from copydesk.trading import Credentials, Denial, Environment
from copydesk.venues import Outcome, client_order_id

log = logging.getLogger(__name__)

# What was claimed and waits for a connection longer than this is not sent any more.
_SEND_WITHIN_S = 5.0


class Desk(NamedTuple):
    """What sending needs of the desk: the runtime, the exchanges, a clock, and whom to tell of a change."""

    runtime: Runtime
    floor: Floor
    clock: Clock
    changed: Callable[[int, HandOrder], None]


class Reached(NamedTuple):
    """An account's exchange, opened, with its key."""

    where: Whereabouts
    exchange: OpenExchange
    key: Credentials
    account: AccountPlace


async def reach(desk: Desk, tenant_id: int, account_id: int) -> Reached:
    """Open an account's exchange and key; raises `CopydeskError` where one of them does not open."""
    account = await asyncio.to_thread(_account, desk.runtime, tenant_id, account_id)
    where = Whereabouts(account.venue, Environment(account.environment), account.egress)
    keys = await asyncio.to_thread(desk.runtime.keys.credentials, tenant_id, [account_id])
    if not account.active or account_id not in keys:
        raise VenueRefused("the account's key cannot be used", code=Denial.ACCOUNT_UNUSABLE)
    return Reached(where, await desk.floor.exchange(tenant_id, where), keys[account_id], account)


async def see_price(desk: Desk, there: Reached, order: HandOrder) -> None:
    """Have the signer know a price of now, without which it lets nothing open."""
    px = await desk.floor.price(there.where, order.planned.symbol)
    if px is None and not order.planned.reduce_only:
        await desk.floor.ask_price(there.where, order.planned.symbol, there.exchange)


async def send(desk: Desk, tenant_id: int, order: HandOrder) -> None:
    """Claim and send a planned order; what may not be sent ends with the reason.

    An exit protects somebody: while provably nothing of it was sent it is kept, and the trouble is raised.
    """
    try:
        there = await reach(desk, tenant_id, order.account_id)
        await see_price(desk, there, order)
        prefix = await desk.floor.prefix(tenant_id, there.where)
    except CopydeskError as error:
        if order.waits and not isinstance(error, VenueRefused):
            raise
        reason = error.code if isinstance(error, VenueRefused) else Ended.NOT_SENT
        await store(desk, tenant_id, order, given_up(order, OrderState.REJECTED, reason, str(error)))
        return
    refusal = await asyncio.to_thread(refusal_of, desk.runtime, tenant_id, order, there)
    if refusal is not None:
        await store(desk, tenant_id, order, given_up(order, OrderState.REJECTED, refusal))
        return
    name = client_order_id(prefix, digest_of(tenant_id, order.id), there.exchange.venue.traits)
    claimed = await asyncio.to_thread(_claimed, desk, tenant_id, order, name)
    if claimed is None:
        return
    outcome = await _submitted(there, claimed)
    if order.waits and isinstance(outcome.result, Unavailable):
        await asyncio.to_thread(_release, desk, tenant_id, claimed)
        raise outcome.result
    wait_ms = desk.runtime.number(UNKNOWN_WAIT_MS)
    settled = after_sending(claimed, outcome, now=desk.clock.now(), unknown_wait_ms=wait_ms)
    await store(desk, tenant_id, claimed, settled)


async def _submitted(there: Reached, order: HandOrder) -> Outcome:
    """Send a claimed order; one of which nothing was sent, for the rate budget's sake, is tried again in a moment."""
    until = time.monotonic() + _SEND_WITHIN_S
    while True:
        pair = (there.key, order.request())
        (outcome,) = await there.exchange.venue.submit_many([pair], may_send=lambda: time.monotonic() < until)
        result = outcome.result
        waits_s = result.told_s if isinstance(result, Unavailable) and outcome.sent_at is None else None
        if waits_s is None or time.monotonic() + waits_s >= until:
            return outcome
        await asyncio.sleep(waits_s)


async def look(desk: Desk, tenant_id: int, order: HandOrder) -> None:
    """Ask what became of an order, and store it; trouble in asking leaves it for later."""
    now = desk.clock.now()
    try:
        there = await reach(desk, tenant_id, order.account_id)
        answer: Answer = await _answer(there, order, now)
    except CopydeskError as trouble:
        answer = trouble
    await store(desk, tenant_id, order, after_looking(order, answer, now=desk.clock.now()))


async def _answer(there: Reached, order: HandOrder, now: datetime) -> Answer:
    """Ask for an order as copies are asked for; a conditional one has its own list."""
    if not order.planned.type.conditional:
        (answer,) = await ask_all(there.exchange, [as_copy(order)], {order.account_id: there.key}, now=now)
        return answer
    assert order.client_order_id is not None, "only what was named is asked about"
    return await there.exchange.venue.query(there.key, order.planned.symbol, order.client_order_id, conditional=True)


async def cancel(desk: Desk, tenant_id: int, order: HandOrder, reason: str) -> None:
    """Take an order back. Raises what the exchange says against it; in doubt it is looked at soon."""
    if order.state is OrderState.PLANNED:
        await store(desk, tenant_id, order, given_up(order, OrderState.CANCELED, reason))
        return
    assert order.client_order_id is not None, "what was sent has a name"
    there = await reach(desk, tenant_id, order.account_id)
    conditional = order.planned.type.conditional
    try:
        view = await cancel_named(
            there.exchange.venue, there.key, order.planned.symbol, order.client_order_id, conditional=conditional
        )
    except OutcomeUnknown:
        await look(desk, tenant_id, order)
        raise
    if view is None:
        await look(desk, tenant_id, order)
        return
    settled = after_looking(order, view, now=desk.clock.now())
    ended = settled.state is OrderState.CANCELED
    await store(desk, tenant_id, order, settled._replace(reason=reason) if ended else settled)


async def follow_entry(desk: Desk, tenant_id: int, waiting: HandOrder) -> None:
    """Send an exit whose entry is over, for what that was filled; end it where nothing was."""
    assert waiting.group_id is not None, "an exit that waits has an entry"
    group = await asyncio.to_thread(_group, desk.runtime, tenant_id, waiting.group_id)
    entry = next(one for one in group if one.id == waiting.group_id)
    if entry.state in (OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED):
        if entry.cum_qty == 0:
            ended = given_up(waiting, OrderState.CANCELED, Ended.ENTRY_NOT_FILLED)
            await store(desk, tenant_id, waiting, ended)
            return
        there = await reach(desk, tenant_id, waiting.account_id)
        qty = exit_qty(entry.cum_qty, there.exchange.instruments[waiting.planned.symbol])
        await send(desk, tenant_id, waiting._replace(planned=waiting.planned._replace(qty=qty)))


async def store(desk: Desk, tenant_id: int, order: HandOrder, settled: Settled) -> None:
    """Store what became of an order, tell its owner, and take back the exit that a filled one leaves over."""
    stored = await asyncio.to_thread(_settle, desk, tenant_id, settled)
    if not stored:
        return
    if settled.state is not order.state or settled.cum_qty != order.cum_qty:
        desk.changed(tenant_id, order)
    if settled.state is OrderState.FILLED and order.planned.part in EXITS and order.group_id is not None:
        for other in await asyncio.to_thread(_group, desk.runtime, tenant_id, order.group_id):
            if other.id != order.id and other.planned.part in EXITS and other.state not in _OVER:
                await _take_back(desk, tenant_id, other)


_OVER = frozenset({OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED})


async def _take_back(desk: Desk, tenant_id: int, other: HandOrder) -> None:
    try:
        await cancel(desk, tenant_id, other, Ended.OTHER_EXIT_FILLED)
    except CopydeskError as error:
        # It only reduces: at the worst it is refused when it triggers. The next look asks what became of it.
        log.warning("order %s of brand %s is not taken back yet: %s", other.id, tenant_id, error)


def refusal_of(runtime: Runtime, tenant_id: int, order: HandOrder, there: Reached) -> str | None:
    """Name why nothing is opened: the key's owner keeps it from that, or somebody has thrown a switch."""
    if order.planned.reduce_only:
        return None
    if there.account.key_denial is not None:
        return there.account.key_denial
    spot = Spot(tenant_id, there.where.exchange, order.planned.symbol, order.strategy_id or 0)
    switch = read_board(runtime.db, [tenant_id]).stopped(spot)
    return None if switch is None else Denial.STOPPED_BY_SWITCH


def _account(runtime: Runtime, tenant_id: int, account_id: int) -> AccountPlace:
    with runtime.db.tenant(tenant_id) as session:
        return accounts(session, [account_id])[account_id]


def _claimed(desk: Desk, tenant_id: int, order: HandOrder, name: str) -> HandOrder | None:
    with desk.runtime.db.tenant(tenant_id) as session:
        return claim(session, order, name, at=desk.clock.now())


def _release(desk: Desk, tenant_id: int, order: HandOrder) -> None:
    with desk.runtime.db.tenant(tenant_id) as session:
        release(session, order)


def _group(runtime: Runtime, tenant_id: int, group_id: int) -> list[HandOrder]:
    with runtime.db.tenant(tenant_id) as session:
        return group_of(session, group_id)


def _settle(desk: Desk, tenant_id: int, settled: Settled) -> bool:
    with desk.runtime.db.tenant(tenant_id) as session:
        return settle(session, settled, at=desk.clock.now())


def is_due(order: HandOrder, now: datetime, *, heard: bool, claim_lasts: timedelta) -> bool:
    """Tell whether what became of an order is to be asked now. Pure."""
    if order.state is OrderState.SENDING:
        # Claimed by a desk that is gone: it would have stored an answer long ago.
        return order.sent_at is not None and now - order.sent_at > claim_lasts
    if order.state not in (OrderState.IN_FLIGHT, OrderState.OPEN):
        return False
    return heard or order.next_check_at is None or order.next_check_at <= now
