"""Reading accounts and markets that somebody looks at in the terminal, with what others leave of the rate budget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial

from redis.exceptions import RedisError

from copydesk.kernel import CopydeskError
from copydesk.replication import Whereabouts
from copydesk.terminal import AccountView, BookView, HeldPosition, OpenOrder
from copydesk.terminal.market import MINUTE_S, Candle, MarketBoard
from copydesk.terminal.sending import keep_view
from copydesk.venues import Balance, Draw, OrderFact, Position, drawing_on
from copydesk.workers.account import AccountReading, read_account
from copydesk.workers.terminal_orders import Desk, Reached, reach

log = logging.getLogger(__name__)


class Reader:
    """Read accounts into their rows, and books and candles into Redis."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._board = MarketBoard(desk.runtime.hasty_redis)
        self._minutes: dict[tuple[str, str], tuple[int, Candle]] = {}

    async def account(self, tenant_id: int, account_id: int, symbol: str) -> None:
        """Read an account and store what was seen, or what kept the exchange from telling."""
        view: AccountView | None = None
        trouble = ""
        try:
            there = await reach(self._desk, tenant_id, account_id)
            currency = self._desk.runtime.tenant(tenant_id).config.currency
            view = await self._read(there, symbol, currency)
        except CopydeskError as error:
            trouble = str(error)
        await asyncio.to_thread(self._keep, tenant_id, account_id, view, trouble)

    async def book(self, tenant_id: int, where: Whereabouts, symbol: str) -> None:
        """Read an instrument's book, and put it where pages find it."""
        try:
            exchange = await self._desk.floor.exchange(tenant_id, where)
            if symbol not in exchange.instruments:
                return
            with drawing_on(Draw.SPARE):
                depth = await exchange.venue.depth(symbol)
        except CopydeskError as error:
            log.info("the book of %s at %s is not read now: %s", symbol, where.exchange, error)
            return
        at_ms = int(self._desk.clock.now().timestamp() * 1000)
        await self._try(partial(self._board.write_book, where.exchange, symbol, BookView(*depth, at_ms)))

    async def candle(self, where: Whereabouts, symbol: str) -> None:
        """Add the price of now to the minute that is running."""
        px = await self._desk.floor.price(where, symbol)
        if px is None:
            return
        minute = int(self._desk.clock.now().timestamp()) // MINUTE_S * MINUTE_S
        key = (where.exchange, symbol)
        running = self._minutes.get(key)
        candle = running[1].with_px(px) if running and running[0] == minute else Candle(px, px, px, px)
        if running != (minute, candle):
            self._minutes[key] = minute, candle
            await self._try(partial(self._board.write_candle, *key, minute, candle))

    async def _read(self, there: Reached, symbol: str, currency: str) -> AccountView:
        venue = there.exchange.venue
        with drawing_on(Draw.SPARE):
            reading = await read_account(venue, there.key, perpetuals=True)
            listed = symbol in there.exchange.instruments
            facts = await venue.resting(there.key, symbol) if listed else []
            prices = await venue.prices()
        read_at = self._desk.clock.now()
        return view_of(reading, facts, prices, currency=currency, read_at=read_at)

    def _keep(self, tenant_id: int, account_id: int, view: AccountView | None, trouble: str) -> None:
        with self._desk.runtime.db.tenant(tenant_id) as session:
            keep_view(session, account_id, view, trouble=trouble, at=self._desk.clock.now())

    async def _try(self, write: partial[None]) -> None:
        try:
            await asyncio.to_thread(write)
        except RedisError as error:
            log.info("what is looked at is not written now: %s", error)


def view_of(
    reading: AccountReading,
    facts: Sequence[OrderFact],
    prices: Mapping[str, Decimal],
    *,
    currency: str,
    read_at: datetime,
) -> AccountView:
    """Gather what was read of an account for the page that shows it. Pure."""
    free = {name: balance.free for name, balance in {**reading.margin, **reading.coins}.items()}
    if currency in reading.margin:
        free[f"{currency}:futures"] = reading.margin[currency].free
    return AccountView(
        read_at,
        currency,
        reading.equity(prices, currency),
        free,
        tuple(_held(one) for one in reading.positions),
        {name: _owned(balance) for name, balance in reading.coins.items() if _owned(balance)},
        tuple(_resting(one) for one in facts),
    )


def _owned(balance: Balance) -> Decimal:
    return balance.free + balance.locked


def _held(one: Position) -> HeldPosition:
    return HeldPosition(
        one.symbol,
        one.qty,
        one.side,
        one.entry_px,
        one.mark_px,
        one.leverage,
        one.margin_mode,
        one.unrealized,
        one.liquidation_px,
    )


def _resting(one: OrderFact) -> OpenOrder:
    return OpenOrder(
        one.venue_order_id,
        one.symbol,
        one.side,
        one.type,
        one.qty,
        one.cum_qty,
        one.px,
        one.trigger_px,
        one.reduces,
        one.at_ms,
    )
