"""OKX market data over REST: tickers, books, tapes and candles.

Source: okx.com/docs-v5, "Order Book Trading", "Market Data". Candles of 6 hours and more open on UTC+8 boundaries,
those whose name ends in "utc" on UTC ones. Bars under a minute, over a day and of 3 minutes are not simulated.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.okx import errors
from copydesk.venues.lab.dialects.okx.catalog import Listed
from copydesk.venues.lab.dialects.okx.desk import Desk
from copydesk.venues.lab.dialects.okx.params import Call, integer_of, limit_of, required, text_of
from copydesk.venues.lab.dialects.okx.routes import Routes, public
from copydesk.venues.lab.history import DAY_MS, MINUTE_MS
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import SPOT, PublicTrade

HOUR_MS = 60 * MINUTE_MS
CHINA_MS = 8 * HOUR_MS
CANDLES_MAX, HISTORY_CANDLES_MAX = 300, 300
TRADES_MAX = 500
BOOK_MAX, FULL_BOOK_MAX = 400, 5000
PLACES = Decimal("1E-8")


class Bar(NamedTuple):
    """A candle's length; `part_ms` is the length of what it is put together from, `shift_ms` how it lies in UTC."""

    length_ms: int
    part_ms: int
    shift_ms: int = 0


BARS: dict[str, Bar] = {
    **{f"{n}m": Bar(n * MINUTE_MS, n * MINUTE_MS) for n in (1, 5, 15, 30)},
    **{f"{n}H": Bar(n * HOUR_MS, n * HOUR_MS) for n in (1, 2, 4)},
    **{f"{n}Hutc": Bar(n * HOUR_MS, n * HOUR_MS) for n in (6, 12)},
    "1Dutc": Bar(DAY_MS, DAY_MS),
    **{f"{n}H": Bar(n * HOUR_MS, 2 * HOUR_MS, CHINA_MS) for n in (6, 12)},
    "1D": Bar(DAY_MS, 2 * HOUR_MS, CHINA_MS),
}


def ticker_view(desk: Desk, listed: Listed, now_ms: int) -> dict[str, str]:
    """Write the ticker; volumes of swaps are in contracts and base currency, of spot in base and quote currency."""
    exchange, instrument = desk.exchange, listed.instrument
    ticker = exchange.engine(listed.market).ticker(listed.inst_id)
    day = exchange.history.day(instrument.price_symbol, exchange.market_ms())
    last = ticker.last_px or ticker.bid_px or day.open
    contracts = day.volume / listed.size
    open_px = decimal_text(day.open)
    return {
        "instType": listed.inst_type,
        "instId": listed.inst_id,
        "last": decimal_text(last),
        "lastSz": listed.contracts(ticker.last_qty),
        "askPx": decimal_text(ticker.ask_px) if ticker.ask_px else "",
        "askSz": listed.contracts(ticker.ask_qty),
        "bidPx": decimal_text(ticker.bid_px) if ticker.bid_px else "",
        "bidSz": listed.contracts(ticker.bid_qty),
        "open24h": open_px,
        "high24h": decimal_text(max(day.high, last)),
        "low24h": decimal_text(min(day.low, last)),
        "volCcy24h": decimal_text((day.quote_volume if listed.market == SPOT else day.volume).quantize(PLACES)),
        "vol24h": decimal_text(contracts.quantize(PLACES)),
        "ts": str(now_ms),
        "sodUtc0": open_px,
        "sodUtc8": open_px,
    }


def _ticker(desk: Desk, call: Call) -> list[dict[str, str]]:
    return [ticker_view(desk, desk.catalog.named(call.params), call.now_ms)]


def _tickers(desk: Desk, call: Call) -> list[dict[str, str]]:
    return [ticker_view(desk, one, call.now_ms) for one in desk.catalog.chosen(call.params, type_needed=True)]


def level_rows(listed: Listed, levels: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Write book levels: price, quantity, a field that is no longer used, number of orders."""
    return [[decimal_text(px), listed.contracts(qty), "0", "1" if qty else "0"] for px, qty in levels]


def _books(desk: Desk, call: Call) -> list[dict[str, Any]]:
    return _book(desk, call, BOOK_MAX)


def _full_books(desk: Desk, call: Call) -> list[dict[str, Any]]:
    found = _book(desk, call, FULL_BOOK_MAX)
    for side in ("asks", "bids"):
        found[0][side] = [[px, qty, count] for px, qty, _, count in found[0][side]]
    return found


def _book(desk: Desk, call: Call, most: int) -> list[dict[str, Any]]:
    listed = desk.catalog.named(call.params)
    size = integer_of(call.params, "sz") or 1
    if size > most:
        raise errors.bad_parameter("sz")
    depth = desk.exchange.engine(listed.market).depth(listed.inst_id, size)
    return [
        {
            "asks": level_rows(listed, depth.asks),
            "bids": level_rows(listed, depth.bids),
            "ts": str(call.now_ms),
            "seqId": depth.update_id,
        }
    ]


def trade_view(listed: Listed, trade: PublicTrade) -> dict[str, Any]:
    """Write a trade of the tape; `side` is the taker's."""
    return {
        "instId": listed.inst_id,
        "side": "sell" if trade.buyer_is_maker else "buy",
        "sz": listed.contracts(trade.qty),
        "px": decimal_text(trade.px),
        "source": "0",
        "tradeId": str(trade.trade_id),
        "ts": str(trade.at_ms),
    }


def _trades(desk: Desk, call: Call) -> list[dict[str, Any]]:
    listed = desk.catalog.named(call.params)
    prints = list(desk.exchange.prints(listed.market, listed.inst_id))
    limit = limit_of(call.params, maximum=TRADES_MAX)
    return [trade_view(listed, trade) for trade in reversed(prints[-limit:])]


def _candles(desk: Desk, call: Call) -> list[list[str]]:
    listed, bar = desk.catalog.named(call.params), bar_of(text_of(call.params, "bar") or "1m")
    after, before = integer_of(call.params, "after"), integer_of(call.params, "before")
    limit = limit_of(call.params, maximum=CANDLES_MAX)
    found = bars(desk, listed, bar, call.now_ms, limit=limit, end_ms=None if after is None else after - 1)
    running = _opening(call.now_ms, bar)
    return [candle_row(listed, c, c.open_ms < running) for c in reversed(found) if before is None or c.open_ms > before]


def _mark_candles(desk: Desk, call: Call) -> list[list[str]]:
    """List candles of the mark price, which is the middle of the book; they have no volume."""
    return [[*row[:5], row[8]] for row in _candles(desk, call)]


def _index_candles(desk: Desk, call: Call) -> list[list[str]]:
    """List candles of a pair's index, which is the price of the replayed market."""
    family = required(call.params, "instId")
    if not any(one.family == family for one in desk.catalog.all):
        raise errors.unknown_instrument()
    return _mark_candles(desk, call)


def bar_of(name: str) -> Bar:
    """Find a candle length by its name."""
    bar = BARS.get(name)
    if bar is None:
        raise errors.bad_parameter("bar")
    return bar


def _opening(at_ms: int, bar: Bar) -> int:
    """Return when the candle that holds a moment opened."""
    return (at_ms + bar.shift_ms) // bar.length_ms * bar.length_ms - bar.shift_ms


def bars(desk: Desk, listed: Listed, bar: Bar, now_ms: int, *, limit: int, end_ms: int | None = None) -> list[Candle]:
    """Return candles, oldest first, the last of them holding `end_ms` (by default the present)."""
    exchange, each = desk.exchange, bar.length_ms // bar.part_ms
    symbol = listed.instrument.price_symbol
    last_ms = now_ms if end_ms is None else min(end_ms, now_ms)
    if bar.shift_ms:
        # Whole candles only, so that the parts of the last one are all there.
        last_ms = min(now_ms, _opening(last_ms, bar) + bar.length_ms - 1)
    parts = exchange.history.klines(
        symbol, bar.part_ms, now_ms=now_ms, market_ms=exchange.market_ms(), limit=limit * each, end_ms=last_ms
    )
    if not bar.shift_ms:
        return parts
    groups: dict[int, list[Candle]] = {}
    for part in parts:
        groups.setdefault(_opening(part.open_ms, bar), []).append(part)
    return [_joined(opened, group) for opened, group in sorted(groups.items())][-limit:]


def _joined(open_ms: int, group: list[Candle]) -> Candle:
    return Candle(
        open_ms,
        group[0].open,
        max(part.high for part in group),
        min(part.low for part in group),
        group[-1].close,
        sum((part.volume for part in group), ZERO),
    )


def candle_row(listed: Listed, candle: Candle, done: bool) -> list[str]:
    """Write a candle: time, prices, volume in the wire's unit, in base (spot: quote) and in quote currency."""
    quote = decimal_text((candle.volume * candle.close).quantize(PLACES))
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [
        str(candle.open_ms),
        *(decimal_text(px) for px in prices),
        decimal_text((candle.volume / listed.size).quantize(PLACES)),
        quote if listed.market == SPOT else decimal_text(candle.volume),
        quote,
        "1" if done else "0",
    ]


def index_ticker(desk: Desk, listed: Listed, now_ms: int) -> dict[str, str]:
    """Write the index of a pair."""
    exchange, instrument = desk.exchange, listed.instrument
    index = exchange.world.index(instrument)
    day = exchange.history.day(instrument.price_symbol, exchange.market_ms())
    open_px = decimal_text(day.open)
    return {
        "instId": listed.family,
        "idxPx": decimal_text(index.quantize(PLACES)),
        "high24h": decimal_text(max(day.high, index).quantize(PLACES)),
        "low24h": decimal_text(min(day.low, index).quantize(PLACES)),
        "open24h": open_px,
        "sodUtc0": open_px,
        "sodUtc8": open_px,
        "ts": str(now_ms),
    }


def _index_tickers(desk: Desk, call: Call) -> list[dict[str, str]]:
    name, quote = text_of(call.params, "instId"), text_of(call.params, "quoteCcy")
    if not name and not quote:
        raise errors.either_id("quoteCcy", "instId")
    chosen = [
        one
        for one in desk.catalog.all
        if one.market == SPOT and name in ("", one.family) and quote in ("", one.instrument.quote)
    ]
    if not chosen:
        raise errors.unknown_instrument()
    return [index_ticker(desk, one, call.now_ms) for one in chosen]


ROUTES: Routes = {
    ("GET", "/market/ticker"): public(_ticker, 20),
    ("GET", "/market/tickers"): public(_tickers, 20),
    ("GET", "/market/books"): public(_books, 40),
    ("GET", "/market/books-full"): public(_full_books, 10),
    ("GET", "/market/trades"): public(_trades, 100),
    ("GET", "/market/candles"): public(_candles, 40),
    ("GET", "/market/history-candles"): public(_candles, 20),
    ("GET", "/market/mark-price-candles"): public(_mark_candles, 20),
    ("GET", "/market/index-candles"): public(_index_candles, 20),
    ("GET", "/market/index-tickers"): public(_index_tickers, 20),
}
