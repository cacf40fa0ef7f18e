"""The demo's traders: plain ccxt on every exchange. They know the exchanges' addresses and their own API keys only."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import ccxt.async_support as ccxt  # type: ignore[import-untyped]

from copydesk.demo.cast import BASES, LEVERAGE, PERP, QUOTE, SPOT, symbol_of
from copydesk.demo.plans import Move, moves
from copydesk.venues.lab import ccxt_urls

# An order worth less is left out.
_WORTH_MIN = 12.0


# Traders of perpetuals take longer: fills of their copies are read back one by one, out of the same rate budget.
_PATIENCE = {SPOT: 1.0, PERP: 1.8}


class Rhythm(NamedTuple):
    """How often a spot trader acts, in seconds on average, and the seed of what traders do."""

    pace_s: float
    seed: int


class Desk:
    """One trader's account: what it holds and the orders it places; `equity` is what shares of it are taken of."""

    def __init__(self, exchange: Any, market: str) -> None:
        self.exchange = exchange
        self.market = market
        self.equity = 0.0

    async def open(self) -> None:
        """Read the markets and the money, and set the leverage of perpetuals."""
        await self.exchange.load_markets()
        self.equity = (await self.exchange.fetch_balance())[QUOTE]["total"]
        if self.market == PERP:
            for base in BASES:
                await self._set_leverage(symbol_of(base, PERP))

    async def _set_leverage(self, symbol: str) -> None:
        """Set it for cross margin; an exchange that calls an unchanged one an error has it already."""
        cross = {"mgnMode": "cross"} if self.exchange.id == "okx" else {}
        try:
            await self.exchange.set_leverage(LEVERAGE, symbol, cross)
        except ccxt.BadRequest as error:
            if "not modified" not in str(error):
                raise

    async def move(self, move: Move) -> None:
        """Trade at market what lies between the position and the move's exposure; zero closes everything."""
        symbol = symbol_of(move.base, self.market)
        px = (await self.exchange.fetch_ticker(symbol))["last"]
        held = await self._held(move.base, symbol)
        change = self.equity * move.exposure / px - held
        if abs(change) * px < _WORTH_MIN:
            return
        closing = move.exposure == 0
        size = self.exchange.market(symbol)["contractSize"] if self.market == PERP else 1
        qty = self.exchange.amount_to_precision(symbol, abs(change) / size)
        params = {"reduceOnly": True} if closing and self.market == PERP else {}
        await self.exchange.create_order(symbol, "market", "buy" if change > 0 else "sell", float(qty), None, params)

    async def _held(self, base: str, symbol: str) -> float:
        """Return the position in base units, a short below zero."""
        if self.market == SPOT:
            return float((await self.exchange.fetch_balance()).get(base, {}).get("free") or 0)
        signs = {"long": 1, "short": -1}
        positions = await self.exchange.fetch_positions([symbol])
        return float(sum(signs.get(p["side"], 0) * (p["contracts"] or 0) * (p["contractSize"] or 1) for p in positions))


def open_exchange(seat: Mapping[str, str], urls: Mapping[str, Any], number: int) -> Any:
    """Open an unmodified ccxt client that calls from a loopback address of its own: limits are per address."""
    swap = "linear" if seat["venue"] in ("binance", "bybit") else "swap"
    kind = "spot" if seat["market"] == SPOT else swap
    options = {"defaultType": SPOT if seat["market"] == SPOT else "swap", "fetchMarkets": {"types": [kind]}}
    keys = {"apiKey": seat["api_key"], "secret": seat["secret"], "password": seat["passphrase"]}
    exchange = getattr(ccxt, seat["venue"])({**keys, "urls": urls, "options": options})
    exchange.has["fetchCurrencies"] = False
    own_address = aiohttp.TCPConnector(local_addr=(f"127.0.1.{number}", 0))
    exchange.session = aiohttp.ClientSession(connector=own_address)
    return exchange


async def trade(seat: Mapping[str, str], exchange: Any, rhythm: Rhythm, stop: asyncio.Event) -> None:
    """Follow one plan until told to stop; trouble with the exchange is told and waited out."""
    desk, account = Desk(exchange, seat["market"]), seat["account"]
    pauses = random.Random(f"{rhythm.seed} {account} pauses")  # noqa: S311 - variety, not security
    upcoming = moves(seat["plan"], rhythm.seed, account)
    opened = False
    try:
        while not stop.is_set():
            try:
                if opened:
                    await desk.move(next(upcoming))
                else:
                    await desk.open()
                    opened = True
            except ccxt.BaseError as error:
                print(f"{account}: {error}", flush=True)  # noqa: T201 - a program of its own
            await _pause(stop, rhythm.pace_s * _PATIENCE[seat["market"]] * pauses.uniform(0.7, 1.3))
    finally:
        await exchange.close()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def trade_all(seats_file: Path, bases: tuple[str, str], rhythm: Rhythm, stop: asyncio.Event) -> None:
    """Run every seat of the file at once; `bases` are the simulated exchanges' REST and stream addresses."""
    seats = json.loads(seats_file.read_text())
    works = [
        trade(seat, open_exchange(seat, ccxt_urls(seat["venue"], *bases), number), rhythm, stop)
        for number, seat in enumerate(seats, start=1)
    ]
    await asyncio.gather(*works)
