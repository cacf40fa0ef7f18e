"""What somebody does on an account besides giving orders: cancel, leverage and margin mode, closing positions.

Each is done once: what may have happened is left as doubtful, and the next reading of the account shows what is so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial

from copydesk.kernel import CopydeskError, OutcomeUnknown, Unavailable, VenueRefused, floor_to_step
from copydesk.terminal import Act, ActKind, ActState, Ended, HandOrder, OrderState, Part, Planned
from copydesk.terminal.model import OPEN_STATES
from copydesk.terminal.sending import add_close, begin, end_act, group_of, open_orders
from copydesk.trading import Denial, MarginMode, OrderType, PositionSide, Side
from copydesk.venues import Draw, Position, drawing_on
from copydesk.workers.account import read_account
from copydesk.workers.terminal_amend import amend
from copydesk.workers.terminal_orders import Desk, Reached, cancel, reach

_TRIED_FOR_S = 5.0
_LOOK_AGAIN_S = 0.2


async def do(desk: Desk, tenant_id: int, act: Act) -> None:
    """Do one act, and store how it ended."""
    if act.state is ActState.DOING:  # Left half done by a desk that is gone.
        await _end(desk, tenant_id, act, ActState.DOUBTFUL)
        return
    if not await asyncio.to_thread(_begun, desk, tenant_id, act):
        return
    try:
        refused = await _patiently(partial(_WAYS[act.kind], desk, tenant_id, act))
    except OutcomeUnknown as doubt:
        await _end(desk, tenant_id, act, ActState.DOUBTFUL, message=str(doubt))
    except VenueRefused as refusal:
        await _end(desk, tenant_id, act, ActState.REFUSED, reason=refusal.code, message=str(refusal))
    except CopydeskError as trouble:
        await _end(desk, tenant_id, act, ActState.REFUSED, reason=Ended.NOT_SENT, message=str(trouble))
    else:
        await _end(desk, tenant_id, act, ActState.REFUSED if refused else ActState.DONE, reason=refused)


async def _patiently(way: Callable[[], Awaitable[str | None]]) -> str | None:
    """Go a way, and where provably nothing happened for a moment's sake, once more after that, for some seconds."""
    until = time.monotonic() + _TRIED_FOR_S
    while True:
        try:
            return await way()
        except Unavailable as later:
            if later.told_s is None or time.monotonic() + later.told_s >= until:
                raise
            await asyncio.sleep(later.told_s)


async def _cancel(desk: Desk, tenant_id: int, act: Act) -> str | None:
    """Cancel an order; one that others take the place of, only once the exchange has those."""
    if "after" in act.facts and not await asyncio.to_thread(_taken, desk, tenant_id, int(act.facts["after"])):
        return str(Ended.NEW_NOT_TAKEN)
    order = await asyncio.to_thread(_open_order, desk, tenant_id, int(act.facts["order_id"]))
    if order is not None:
        await cancel(desk, tenant_id, order, Ended.BY_OWNER)
    return None


async def _cancel_all(desk: Desk, tenant_id: int, act: Act) -> str | None:
    """Cancel everything of one instrument, also what was not given here; ours are asked about then."""
    there = await reach(desk, tenant_id, act.account_id)
    with drawing_on(Draw.RESERVE):
        await there.exchange.venue.cancel_all(there.key, act.symbol)
    for order in await asyncio.to_thread(_open_orders, desk, tenant_id):
        if (order.account_id, order.planned.symbol) == (act.account_id, act.symbol):
            await cancel(desk, tenant_id, order, Ended.BY_OWNER)
    return None


async def _leverage(desk: Desk, tenant_id: int, act: Act) -> str | None:
    there = await reach(desk, tenant_id, act.account_id)
    mode, leverage = MarginMode(act.facts["margin_mode"]), int(act.facts["leverage"])
    with drawing_on(Draw.OPENS):
        await there.exchange.venue.set_margin_mode(there.key, act.symbol, mode, leverage)
        await there.exchange.venue.set_leverage(there.key, act.symbol, leverage, mode)
    return None


async def _close_position(desk: Desk, tenant_id: int, act: Act) -> str | None:
    """Store an order that closes what is held at this moment; it is sent like any other."""
    there = await reach(desk, tenant_id, act.account_id)
    if ":" in act.symbol:
        held = await _positions(there, act.symbol)
        closes = [close_of(one) for one in held]
    else:
        closes = await _coin_close(there, act.symbol)
    return await _add(desk, tenant_id, act, closes)


async def _close_all(desk: Desk, tenant_id: int, act: Act) -> str | None:
    there = await reach(desk, tenant_id, act.account_id)
    return await _add(desk, tenant_id, act, [close_of(one) for one in await _positions(there, None)])


def close_of(position: Position) -> Planned:
    """Return the market order that closes a perpetual position. Pure."""
    side = Side.SELL if position.qty > 0 else Side.BUY
    held = position.side
    return Planned(
        position.symbol,
        side,
        OrderType.MARKET,
        abs(position.qty),
        reduce_only=True,
        position_side=held if held is not None else PositionSide.NET,
        part=Part.CLOSE,
    )


async def _positions(there: Reached, symbol: str | None) -> Sequence[Position]:
    with drawing_on(Draw.RESERVE):
        return await there.exchange.venue.positions(there.key, symbol)


async def _coin_close(there: Reached, symbol: str) -> list[Planned]:
    """Sell what is free of a coin, as far as the exchange's step allows."""
    instrument = there.exchange.instruments.get(symbol)
    if instrument is None:
        raise VenueRefused(f"{symbol} is not listed any more", code=Denial.INSTRUMENT_UNMAPPED)
    with drawing_on(Draw.RESERVE):
        reading = await read_account(there.exchange.venue, there.key, perpetuals=False)
    coin = reading.coins.get(instrument.base)
    qty = floor_to_step(coin.free if coin is not None else Decimal(0), instrument.qty_step)
    if qty < instrument.qty_min or qty == 0:
        return []
    return [Planned(symbol, Side.SELL, OrderType.MARKET, qty, reduce_only=True, part=Part.CLOSE)]


async def _add(desk: Desk, tenant_id: int, act: Act, closes: Sequence[Planned]) -> str | None:
    if not closes:
        return str(Ended.NO_POSITION)
    await asyncio.to_thread(_added, desk, tenant_id, act, closes)
    return None


_WAYS = {
    ActKind.CANCEL: _cancel,
    ActKind.CANCEL_ALL: _cancel_all,
    ActKind.AMEND: amend,
    ActKind.LEVERAGE: _leverage,
    ActKind.CLOSE_POSITION: _close_position,
    ActKind.CLOSE_ALL: _close_all,
}


def _taken(desk: Desk, tenant_id: int, group_id: int) -> bool:
    """Tell whether the exchange has taken every order of a group; raises `Unavailable` while that is not known."""
    with desk.runtime.db.tenant(tenant_id) as session:
        states = {one.state for one in group_of(session, group_id)}
    if states & {OrderState.PLANNED, OrderState.SENDING, OrderState.IN_FLIGHT}:
        raise Unavailable("the orders that take its place are on their way", retry_after_s=_LOOK_AGAIN_S)
    return OrderState.REJECTED not in states


def _added(desk: Desk, tenant_id: int, act: Act, closes: Sequence[Planned]) -> None:
    with desk.runtime.db.tenant(tenant_id) as session:
        for number, one in enumerate(closes):
            add_close(session, act, one, number, at=desk.clock.now())


def _begun(desk: Desk, tenant_id: int, act: Act) -> bool:
    with desk.runtime.db.tenant(tenant_id) as session:
        return begin(session, act, at=desk.clock.now())


def _open_orders(desk: Desk, tenant_id: int) -> list[HandOrder]:
    with desk.runtime.db.tenant(tenant_id) as session:
        return [one for one in open_orders(session) if one.state in OPEN_STATES]


def _open_order(desk: Desk, tenant_id: int, order_id: int) -> HandOrder | None:
    return next((one for one in _open_orders(desk, tenant_id) if one.id == order_id), None)


async def _end(
    desk: Desk, tenant_id: int, act: Act, state: ActState, *, reason: str | None = None, message: str = ""
) -> None:
    def store() -> None:
        with desk.runtime.db.tenant(tenant_id) as session:
            end_act(session, act, state, at=desk.clock.now(), reason=reason, message=message)

    await asyncio.to_thread(store)
