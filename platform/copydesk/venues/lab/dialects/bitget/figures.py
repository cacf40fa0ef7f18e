"""Figures of the market that REST and streams of both generations tell: day, top of book, mark, candles, tape."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from copydesk.venues.lab.dialects.bitget import errors
from copydesk.venues.lab.dialects.bitget.params import Call, integer_of, limit_of, text_of, within
from copydesk.venues.lab.dialects.bitget.words import TRADE_BASE, id_of, number
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.history import DAY_MS, MINUTE_MS
from copydesk.venues.lab.market import Candle
from copydesk.venues.lab.model import BUY, PERP, SELL, SPOT, LabInstrument, PublicTrade, Ticker

HOUR_MS: Final = 60 * MINUTE_MS
# The names of both generations and of the channels; the exchange counts long ones from midnight in UTC+8 unless they
# end in "utc", here all are counted in UTC. Months are longer than the replayed slice and not offered.
_BASE = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1H": 60, "2H": 120, "4H": 240, "6H": 360, "12H": 720}
_DAYS = {"1D": 1, "3D": 3, "1W": 7}
INTERVALS: Final[dict[str, int]] = {
    **{name: minutes * MINUTE_MS for name, minutes in _BASE.items()},
    **{name: days * DAY_MS for name, days in _DAYS.items()},
    **{f"{minutes}min": minutes * MINUTE_MS for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}h": hours * HOUR_MS for hours in (1, 4, 6, 12)},
    **{"1day": DAY_MS, "3day": 3 * DAY_MS, "1week": 7 * DAY_MS},
    **{"6Hutc": 6 * HOUR_MS, "12Hutc": 12 * HOUR_MS, "1Dutc": DAY_MS, "3Dutc": 3 * DAY_MS, "1Wutc": 7 * DAY_MS},
}


class Figures(NamedTuple):
    """The last 24 hours of an instrument and its prices now; `change` is a ratio."""

    top: Ticker
    last: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    change: Decimal
    volume: Decimal
    turnover: Decimal
    open_utc: Decimal
    change_utc: Decimal


_RATIO = Decimal("0.00001")


def figures(exchange: Exchange, market: str, instrument: LabInstrument) -> Figures:
    """Return the figures that tickers show."""
    top, market_ms = exchange.engine(market).ticker(instrument.venue_symbol), exchange.market_ms()
    day = exchange.history.day(instrument.price_symbol, market_ms)
    last = top.last_px or top.bid_px or day.open
    today = _today_open(exchange, instrument)
    return Figures(
        top,
        last,
        day.open,
        max(day.high, last),
        min(day.low, last),
        ((last - day.open) / day.open).quantize(_RATIO),
        day.volume,
        day.quote_volume.quantize(Decimal("1E-8")),
        today,
        ((last - today) / today).quantize(_RATIO),
    )


def _today_open(exchange: Exchange, instrument: LabInstrument) -> Decimal:
    candle = exchange.history.klines(
        instrument.price_symbol, DAY_MS, now_ms=exchange.now_ms(), market_ms=exchange.market_ms(), limit=1
    )
    return candle[0].open


def mark_px(exchange: Exchange, instrument: LabInstrument) -> Decimal:
    return exchange.world.price(exchange.venue, instrument)


def open_interest(exchange: Exchange, instrument: LabInstrument) -> Decimal:
    """Return a plausible open interest in base units: a quarter of the day's volume, since the replay knows none."""
    day = exchange.history.day(instrument.price_symbol, exchange.market_ms())
    return (day.volume / 4).quantize(instrument.qty_step)


def interval_of(name: str) -> int:
    """Return the length of a candle in ms."""
    interval_ms = INTERVALS.get(name)
    if interval_ms is None:
        raise errors.ApiError("400171", f"Parameter verification failed granularity{name}")
    return interval_ms


def candles(call: Call, instrument: LabInstrument, interval_ms: int, *, most: int) -> list[Candle]:
    """Return the candles asked for, oldest first."""
    exchange = call.exchange
    return exchange.history.klines(
        instrument.price_symbol,
        interval_ms,
        now_ms=call.now_ms,
        market_ms=exchange.market_ms(),
        limit=limit_of(call.params, 100, most),
        start_ms=integer_of(call.params, "startTime"),
        end_ms=integer_of(call.params, "endTime"),
    )


def latest_candle(exchange: Exchange, instrument: LabInstrument, interval_ms: int, count: int = 1) -> list[Candle]:
    return exchange.history.klines(
        instrument.price_symbol, interval_ms, now_ms=exchange.now_ms(), market_ms=exchange.market_ms(), limit=count
    )


def candle_row(candle: Candle) -> list[str]:
    """Write a candle as both generations list it: time, prices, base volume, quote volume."""
    return [
        str(candle.open_ms),
        number(candle.open),
        number(candle.high),
        number(candle.low),
        number(candle.close),
        number(candle.volume),
        number((candle.volume * candle.close).quantize(Decimal("1E-8"))),
    ]


def tape(call: Call, market: str, instrument: LabInstrument, most: int) -> list[PublicTrade]:
    """Return the public trades asked for, newest first."""
    limit, before = limit_of(call.params, 100, most), id_of(text_of(call.params, "idLessThan"), TRADE_BASE)
    trades: Iterable[PublicTrade] = reversed(call.exchange.prints(market, instrument.venue_symbol))
    chosen = [
        trade for trade in trades if within(call.params, trade.at_ms) and (before is None or trade.trade_id < before)
    ]
    return chosen[:limit]


def taker_side(trade: PublicTrade) -> str:
    return SELL if trade.buyer_is_maker else BUY


def levels(rows: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Write book levels as texts."""
    return [[number(px), number(qty)] for px, qty in rows]


def instruments(exchange: Exchange, market: str) -> dict[str, LabInstrument]:
    return exchange.spot.instruments if market == SPOT else exchange.perp.instruments


def halted(exchange: Exchange, market: str, symbol: str) -> bool:
    return exchange.engine(market).books[symbol].halted


MARKETS: Final = {"SPOT": SPOT, "USDT-FUTURES": PERP}
Json = dict[str, Any]
