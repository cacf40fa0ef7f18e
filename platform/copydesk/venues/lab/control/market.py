"""Control calls on time, prices, books and the ways in which orders are filled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from copydesk.kernel import InvalidInput
from copydesk.venues.lab.control.body import Body, Call, Lab, count, decimal, flag, market_of, number, word
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, BookChange

SPEED_MAX = 100_000
RTT_MS_MAX = 60_000
DEPTH_MAX = 1_000
VOLATILITY_MAX = 50
BOOK_LEVELS = 5


def market_view(lab: Lab, _body: Body) -> Any:
    """Show how time runs and what bends the market."""
    world = lab.world
    return {
        "market_ms": int(world.market_ms()),
        "speed": world.market_clock.speed,
        "rtt_ms": world.rtt_ms,
        "pins": dict(world.pins),
        "volatility": world.market.volatility,
        "depth": {e.venue: e.makers[SPOT].depth for e in world.exchanges.values()},
        "light": [e.venue for e in world.exchanges.values() if e.light],
        "halted": [
            {"venue": e.venue, "market": market, "symbol": symbol}
            for e in world.exchanges.values()
            for market in (SPOT, PERP)
            for symbol, book in e.engine(market).books.items()
            if book.halted
        ],
    }


def books(lab: Lab, body: Body) -> Any:
    """Show the best prices, last trade, mark and funding of every instrument."""
    levels = count(body, "levels", BOOK_LEVELS, 100)
    return {"books": [row for exchange in lab.chosen(body) for row in _books(lab, exchange, levels)]}


def _books(lab: Lab, exchange: Exchange, levels: int) -> list[dict[str, Any]]:
    rows = []
    for market in (SPOT, PERP):
        engine = exchange.engine(market)
        for symbol, instrument in engine.instruments.items():
            depth, ticker = engine.depth(symbol, levels), engine.ticker(symbol)
            row: dict[str, Any] = {
                "venue": exchange.venue,
                "market": market,
                "symbol": symbol,
                "last_px": ticker.last_px,
                "halted": engine.books[symbol].halted,
                "bids": depth.bids,
                "asks": depth.asks,
            }
            if market == PERP:
                row["funding_rate"] = lab.world.funding_rate(exchange.venue, instrument)
            rows.append(row)
    return rows


def set_speed(lab: Lab, body: Body) -> Any:
    """Let market time run at another speed."""
    speed = number(body, "speed", SPEED_MAX)
    lab.world.market_clock.change_speed(speed, lab.world.now_ms())
    return {"speed": speed}


def set_rtt(lab: Lab, body: Body) -> Any:
    """Set the artificial round trip of every request."""
    lab.world.rtt_ms = number(body, "ms", RTT_MS_MAX)
    return {"ms": lab.world.rtt_ms}


def pin(lab: Lab, body: Body) -> Any:
    """Hold a pair's price on every exchange, or let it follow the market again (px null); books move at once."""
    symbol, world = word(body, "symbol"), lab.world
    require_pair(lab, symbol)
    if body.get("px") is None:
        world.pins.pop(symbol, None)
    else:
        px = decimal(body, "px")
        if px <= 0:
            raise InvalidInput(f"px: expected a price above 0, found {px}")
        world.pins[symbol] = px
    world.tick(marked=True)
    return {"pins": dict(world.pins)}


def require_pair(lab: Lab, symbol: str) -> None:
    """Refuse a pair that has no price path."""
    if symbol not in lab.world.market.symbols:
        raise InvalidInput(f"symbol: expected one of {sorted(lab.world.market.symbols)}, found {symbol!r}")


def set_depth(lab: Lab, body: Body) -> Any:
    """Let the house quote that many times its usual quantities; 0.01 is a thin book, 100 a deep one."""
    factor = decimal(body, "factor")
    if not Decimal("0.0001") <= factor <= DEPTH_MAX:
        raise InvalidInput(f"factor: expected a number from 0.0001 to {DEPTH_MAX}, found {factor}")
    for exchange in lab.chosen(body):
        now_ms = int(exchange.now_ms())
        for market, maker in exchange.makers.items():
            exchange.publish(maker.deepen(exchange.engine(market), factor, now_ms), now_ms)
    return {"depth": {exchange.venue: exchange.makers[SPOT].depth for exchange in lab.world.exchanges.values()}}


def set_volatility(lab: Lab, body: Body) -> Any:
    """Let prices move that many times as much as the replayed ones, from where they are."""
    factor = decimal(body, "factor")
    if not 0 <= factor <= VOLATILITY_MAX:
        raise InvalidInput(f"factor: expected a number from 0 to {VOLATILITY_MAX}, found {factor}")
    lab.world.market.stretch(factor, lab.world.market_ms())
    return {"volatility": factor}


def halt(lab: Lab, body: Body) -> Any:
    """Stop or resume one instrument of one exchange; cancels still work."""
    exchange, market, halted = lab.exchange(body), market_of(body), flag(body, "halted", default=True)
    engine, symbol = exchange.engine(market), word(body, "symbol")
    if symbol not in engine.instruments:
        raise InvalidInput(f"symbol: expected one of {sorted(engine.instruments)}, found {symbol!r}")
    engine.halt(symbol, halted)
    now_ms = int(exchange.now_ms())
    exchange.publish([BookChange(symbol, engine.books[symbol].update_id, now_ms)], now_ms)
    return {"halted": halted}


def set_light(lab: Lab, body: Body) -> Any:
    """Fill every order at the last price without a book, or match again; see light.py."""
    light = flag(body, "light", default=True)
    for exchange in lab.chosen(body):
        exchange.light = light
    return {"light": [exchange.venue for exchange in lab.world.exchanges.values() if exchange.light]}


CALLS = (
    Call("GET", "market", market_view, "", "speed, round trip, pins, factors, halts"),
    Call("GET", "books", books, "venue, levels", "best prices, last trade, funding of each instrument"),
    Call("POST", "speed", set_speed, "speed", "market time per wall time; 0 stands still"),
    Call("POST", "rtt", set_rtt, "ms", "artificial round trip of requests"),
    Call("POST", "marks", pin, "symbol (BTCUSDT), px or null", "pins a pair's price everywhere, or lets it go"),
    Call("POST", "depth", set_depth, "factor, venue", "how many times its usual quantities the house quotes"),
    Call("POST", "volatility", set_volatility, "factor", "how many times as much prices move as the candles"),
    Call("POST", "halt", halt, "symbol, venue (binance), market (spot), halted", "stops or resumes an instrument"),
    Call("POST", "light", set_light, "light, venue", "fills at the last price without a book, or matches again"),
)
