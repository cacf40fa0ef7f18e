"""The demo's traders: a plain ccxt program. It knows an exchange's address and its own API keys, nothing else.

Each plan is a few lines that look at recent prices and say what to do; `Desk` turns that into orders.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import ccxt.async_support as ccxt  # type: ignore[import-untyped]

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
WINDOW = 12
STAKE_SHARE = 0.12  # Part of the free money that one entry uses.


class Desk:
    """One trader's account: recent prices, what it holds, and the orders it places."""

    def __init__(self, exchange: Any, symbol: str) -> None:
        self.exchange = exchange
        self.symbol = symbol
        self.prices: deque[float] = deque(maxlen=WINDOW)
        self.held = self.money = 0.0

    def look(self, tickers: dict[str, Any], balance: dict[str, Any]) -> None:
        """Take in the last price and what is free of both currencies."""
        self.prices.append(tickers[self.symbol]["last"])
        self.held = balance.get(self.symbol.split("/")[0], {}).get("free") or 0.0
        self.money = balance["USDT"]["free"]

    @property
    def average(self) -> float:
        return sum(self.prices) / len(self.prices)

    @property
    def flat(self) -> bool:
        return self.held * self.prices[-1] < 10

    async def buy(self, share: float = 1.0) -> None:
        """Buy at market for a part of the stake."""
        qty = self.money * STAKE_SHARE * share / self.prices[-1]
        await self.order("market", "buy", qty)

    async def sell(self, share: float = 1.0) -> None:
        """Sell at market a part of what is held."""
        await self.order("market", "sell", self.held * share)

    async def order(self, kind: str, side: str, qty: float, price: float | None = None) -> None:
        """Place an order, unless it is too small for the exchange."""
        if qty * self.prices[-1] < 10:
            return
        amount = self.exchange.amount_to_precision(self.symbol, qty)
        if price is not None:
            price = self.exchange.price_to_precision(self.symbol, price)
        await self.exchange.create_order(self.symbol, kind, side, amount, price)


async def crossover(desk: Desk) -> None:
    """Hold while the price is above its own average."""
    if desk.flat and desk.prices[-1] > desk.average:
        await desk.buy()
    elif not desk.flat and desk.prices[-1] < desk.average:
        await desk.sell()


async def ladder(desk: Desk) -> None:
    """Buy dips in thirds, sell rallies in thirds, the last third with a sell of everything."""
    if desk.prices[-1] < desk.average:
        await desk.buy(1 / 3)
    elif desk.held * desk.prices[-1] < 0.05 * desk.money:
        await desk.sell()
    else:
        await desk.sell(1 / 3)


async def breakout(desk: Desk) -> None:
    """Enter at the top of the recent range, leave in its middle."""
    high, low = max(desk.prices), min(desk.prices)
    if desk.flat and desk.prices[-1] >= high:
        await desk.buy()
    elif not desk.flat and desk.prices[-1] <= (high + low) / 2:
        await desk.sell()


async def reversion(desk: Desk) -> None:
    """Bid a little below weakness, offer a little above strength, with limit orders that cross at once or rest."""
    last = desk.prices[-1]
    await desk.exchange.cancel_all_orders(desk.symbol) if await desk.exchange.fetch_open_orders(desk.symbol) else None
    if last < desk.average and desk.held * last < desk.money:
        await desk.order("limit", "buy", desk.money * STAKE_SHARE / 2 / last, last * 1.0005)
    elif not desk.flat:
        await desk.order("limit", "sell", desk.held / 2, last * 0.9995)


PLANS: dict[str, Callable[[Desk], Any]] = {
    "crossover": crossover,
    "ladder": ladder,
    "breakout": breakout,
    "reversion": reversion,
}


async def trade(seat: dict[str, str], number: int, urls: dict[str, Any], pace_s: float, stop: asyncio.Event) -> None:
    """Follow one plan on changing symbols until told to stop; trouble with the exchange is waited out.

    Each trader calls from a loopback address of its own, as if from a machine of its own: limits are per address.
    """
    options = {"fetchMargins": False, "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
    exchange = ccxt.binance({"apiKey": seat["api_key"], "secret": seat["secret"], "urls": urls, "options": options})
    own_address = aiohttp.TCPConnector(local_addr=(f"127.0.1.{number}", 0))
    exchange.session = aiohttp.ClientSession(connector=own_address)
    rng = random.Random(seat["account"])  # noqa: S311 - variety, not security
    desks = [Desk(exchange, symbol) for symbol in SYMBOLS]
    try:
        while not stop.is_set():
            try:
                tickers = await exchange.fetch_tickers(list(SYMBOLS))
                balance = await exchange.fetch_balance()
                for desk in desks:
                    desk.look(tickers, balance)
                await PLANS[seat["plan"]](rng.choice(desks))
            except ccxt.BaseError as error:
                print(f"{seat['account']}: {error}", flush=True)  # noqa: T201 - a program of its own
            await _pause(stop, pace_s * rng.uniform(0.7, 1.3))
    finally:
        await exchange.close()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def trade_all(seats_file: Path, urls: dict[str, Any], pace_s: float, stop: asyncio.Event) -> None:
    """Run every seat of the file at once."""
    seats = json.loads(seats_file.read_text())
    await asyncio.gather(*(trade(seat, n, urls, pace_s, stop) for n, seat in enumerate(seats, start=1)))
