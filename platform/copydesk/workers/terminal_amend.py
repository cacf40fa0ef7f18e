"""Changing an order that rests: by the exchange where it can, else by canceling it and sending another one.

The other one is stored only once it is certain that the first is canceled, for what that one left over. Nothing is
repeated whose outcome is unknown: then the act is doubtful, and the next reading of the account tells the terms.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal

from copydesk.kernel import OutcomeUnknown, floor_to_step
from copydesk.terminal import Act, Ended, HandOrder, OrderState
from copydesk.terminal.change import Change, changes_in_place
from copydesk.terminal.outcome import after_looking
from copydesk.terminal.sending import add_replacement, group_of, order_now, reterm
from copydesk.venues import Amendment, Draw, drawing_on
from copydesk.workers.terminal_orders import Desk, Reached, cancel, look, reach, refusal_of, see_price, store


async def amend(desk: Desk, tenant_id: int, act: Act) -> str | None:
    """Give an order the terms that an act names; return why it keeps its own."""
    order = await asyncio.to_thread(_order, desk, tenant_id, int(act.facts["order_id"]))
    if not order.amendable:
        return str(Ended.OVER_BEFORE)
    change = Change(Decimal(act.facts["qty"]), Decimal(act.facts["px"]))
    there = await reach(desk, tenant_id, act.account_id)
    refusal = await asyncio.to_thread(refusal_of, desk.runtime, tenant_id, order, there)
    if refusal is not None:
        return refusal
    if changes_in_place(order.planned.symbol, there.exchange.venue.traits):
        return await _change(desk, tenant_id, there, order, change)
    return await _replace(desk, tenant_id, there, act, order, change)


async def _change(desk: Desk, tenant_id: int, there: Reached, order: HandOrder, change: Change) -> str | None:
    told = order.planned
    assert order.client_order_id is not None, "what was sent has a name"
    await see_price(desk, there, order)
    wanted = Amendment(
        order.client_order_id,
        told.symbol,
        told.side,
        *change,
        reduces=told.reduce_only,
        position_side=told.position_side,
    )
    try:
        with drawing_on(Draw.OPENS):
            view = await there.exchange.venue.amend(there.key, wanted)
    except OutcomeUnknown:
        desk.changed(tenant_id, order)
        raise
    if view is None:
        await look(desk, tenant_id, order)
        return str(Ended.OVER_BEFORE)
    await asyncio.to_thread(_reterm, desk, tenant_id, order, change)
    await store(desk, tenant_id, order, after_looking(order, view, now=desk.clock.now()))
    desk.changed(tenant_id, order)
    return None


async def _replace(
    desk: Desk, tenant_id: int, there: Reached, act: Act, order: HandOrder, change: Change
) -> str | None:
    """Cancel an order, and store another one for what it has left over of the new quantity."""
    instrument = there.exchange.instruments[order.planned.symbol]
    if await asyncio.to_thread(_awaited, desk, tenant_id, order):
        return str(Ended.EXITS_WAIT)
    if floor_to_step(change.qty - order.cum_qty, instrument.qty_step) < instrument.qty_min:
        return str(Ended.NOTHING_LEFT)
    await cancel(desk, tenant_id, order, Ended.REPLACED)
    ended = await asyncio.to_thread(_order, desk, tenant_id, order.id)
    if ended.state in (OrderState.OPEN, OrderState.IN_FLIGHT):
        raise OutcomeUnknown("whether the order was canceled is not known yet; no other one was sent")
    left = floor_to_step(change.qty - ended.cum_qty, instrument.qty_step)
    if ended.state is not OrderState.CANCELED or left < instrument.qty_min:
        return str(Ended.NOTHING_LEFT)
    await asyncio.to_thread(_add, desk, tenant_id, act, ended, change._replace(qty=left))
    return None


def _awaited(desk: Desk, tenant_id: int, order: HandOrder) -> bool:
    """Tell whether exits wait for an order: they are for what that one is filled, and for no other."""
    with desk.runtime.db.tenant(tenant_id) as session:
        return any(one.waits for one in group_of(session, order.id))


def _order(desk: Desk, tenant_id: int, order_id: int) -> HandOrder:
    with desk.runtime.db.tenant(tenant_id) as session:
        return order_now(session, order_id)


def _reterm(desk: Desk, tenant_id: int, order: HandOrder, change: Change) -> None:
    with desk.runtime.db.tenant(tenant_id) as session:
        reterm(session, order.id, change.qty, change.px)


def _add(desk: Desk, tenant_id: int, act: Act, order: HandOrder, change: Change) -> None:
    with desk.runtime.db.tenant(tenant_id) as session:
        add_replacement(session, act, order.id, change.qty, change.px, at=desk.clock.now())
