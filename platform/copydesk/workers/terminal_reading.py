"""Reading accounts and markets that somebody looks at in the terminal, with what others leave of the rate budget."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from redis.exceptions import RedisError

from copydesk.kernel import CopydeskError
from copydesk.replication import Whereabouts
from copydesk.terminal import AccountView, BookView, HeldPosition, OpenOrder
from copydesk.terminal.bars import MINUTE_S, Bars
from copydesk.terminal.market import MarketBoard
from copydesk.terminal.sending import keep_view
from copydesk.venues import Balance, Candle, Draw, Interval, OrderFact, Position, drawing_on
from copydesk.workers.account import AccountReading, read_account
from copydesk.workers.terminal_orders import Desk, Reached, reach

log = logging.getLogger(__name__)

BARS_EVERY_S = 30.0
PRICES_LAST_S = 10.0
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_BARS_AFTER_TROUBLE_S = 5.0


class Reader:
    """Read accounts into their rows, and books and candles into Redis."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._board = MarketBoard(desk.runtime.hasty_redis)
        self._minutes: dict[tuple[str, str], tuple[int, Candle]] = {}
        self._seen: dict[tuple[int, int], AccountView] = {}
        self._valued: dict[Whereabouts, tuple[float, Mapping[str, Decimal]]] = {}
        self._bars_due: dict[tuple[str, str, Interval], float] = {}

    async def account(self, tenant_id: int, account_id: int, symbol: str) -> bool:
        """Read an account and store what was seen, or what kept the exchange from telling; tell whether it is new."""
        view: AccountView | None = None
        trouble = ""
        try:
            there = await reach(self._desk, tenant_id, account_id)
            currency = self._desk.runtime.tenant(tenant_id).config.currency
            view = await self._read(there, symbol, currency)
        except CopydeskError as error:
            trouble = str(error)
        await asyncio.to_thread(self._keep, tenant_id, account_id, view, trouble)
        if view is None:
            return False
        seen, whose = view._replace(read_at=_NEVER), (tenant_id, account_id)
        before, self._seen[whose] = self._seen.get(whose), seen
        return seen != before

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
            await self._try(partial(self._board.write_minute, *key, minute, candle))

    async def bars(self, tenant_id: int, where: Whereabouts, symbol: str) -> None:
        """Read the exchange's own candles that somebody looks at; between two readings prices carry them on."""
        try:
            asked = await asyncio.to_thread(self._board.asked_bars, where.exchange, symbol)
        except RedisError:
            return
        now = time.monotonic()
        self._bars_due = {key: due for key, due in self._bars_due.items() if due > now}
        for interval in asked:
            key = (where.exchange, symbol, interval)
            if key not in self._bars_due:
                told = await self._bars(tenant_id, where, symbol, interval)
                self._bars_due[key] = now + (BARS_EVERY_S if told.candles else _BARS_AFTER_TROUBLE_S)
                await self._try(partial(self._board.write_bars, *key, told))

    async def _bars(self, tenant_id: int, where: Whereabouts, symbol: str, interval: Interval) -> Bars:
        try:
            exchange = await self._desk.floor.exchange(tenant_id, where)
            if symbol not in exchange.instruments:
                return Bars()
            with drawing_on(Draw.SPARE):
                candles = await exchange.venue.candles(symbol, interval)
        except CopydeskError as error:
            log.info("candles of %s at %s are not read now: %s", symbol, where.exchange, error)
            return Bars()
        return Bars(int(self._desk.clock.now().timestamp()), candles)

    async def _read(self, there: Reached, symbol: str, currency: str) -> AccountView:
        venue = there.exchange.venue
        with drawing_on(Draw.SPARE):
            reading, facts, prices = await asyncio.gather(
                read_account(venue, there.key, perpetuals=True), _facts(there, symbol), self._prices(there)
            )
        read_at = self._desk.clock.now()
        return view_of(reading, facts, prices, currency=currency, read_at=read_at)

    async def _prices(self, there: Reached) -> Mapping[str, Decimal]:
        """Return last prices, which value what an account owns; a few seconds old at most."""
        now, (read_at, prices) = time.monotonic(), self._valued.get(there.where, (float("-inf"), {}))
        if now - read_at > PRICES_LAST_S:
            prices = await there.exchange.venue.prices()
            self._valued[there.where] = now, prices
        return prices

    def _keep(self, tenant_id: int, account_id: int, view: AccountView | None, trouble: str) -> None:
        with self._desk.runtime.db.tenant(tenant_id) as session:
            keep_view(session, account_id, view, trouble=trouble, at=self._desk.clock.now())

    async def _try(self, write: partial[None]) -> None:
        try:
            await asyncio.to_thread(write)
        except RedisError as error:
            log.info("what is looked at is not written now: %s", error)


async def _facts(there: Reached, symbol: str) -> list[OrderFact]:
    listed = symbol in there.exchange.instruments
    return await there.exchange.venue.resting(there.key, symbol) if listed else []


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
