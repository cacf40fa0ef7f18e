"""A product's day at a glance, as Bybit's tickers tell it over REST and in streams."""

from __future__ import annotations

from decimal import Decimal

from copydesk.kernel import ZERO, decimal_text
from copydesk.venues.lab.dialects.bybit.views import px_text, qty_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import INDEX, MARK, PERP, SPOT, LabInstrument

FUNDING_HOURS = "8"
FUNDING_CAP = "0.003"
HOUR_MS = 3_600_000


def day_of(exchange: Exchange, market: str, i: LabInstrument) -> dict[str, str]:
    """Return what spot and perpetual tickers share."""
    ticker = exchange.engine(market).ticker(i.venue_symbol)
    day = exchange.history.day(i.price_symbol, exchange.market_ms())
    last = ticker.last_px or ticker.bid_px or day.open
    return {
        "symbol": i.venue_symbol,
        "bid1Price": px_text(ticker.bid_px, i),
        "bid1Size": qty_text(ticker.bid_qty, i),
        "ask1Price": px_text(ticker.ask_px, i),
        "ask1Size": qty_text(ticker.ask_qty, i),
        "lastPrice": px_text(last, i),
        "prevPrice24h": px_text(day.open, i),
        "price24hPcnt": decimal_text(round((last - day.open) / day.open, 6)),
        "highPrice24h": px_text(max(day.high, last), i),
        "lowPrice24h": px_text(min(day.low, last), i),
        "turnover24h": f"{day.quote_volume:.4f}",
        "volume24h": f"{day.volume:.4f}",
    }


def spot_ticker(exchange: Exchange, i: LabInstrument) -> dict[str, str]:
    """`usdIndexPrice` marks spot tickers; clients tell the products apart by it."""
    return {**day_of(exchange, SPOT, i), "usdIndexPrice": px_text(exchange.world.index(i), i)}


def open_interest(exchange: Exchange, i: LabInstrument) -> Decimal:
    """Return how much is held long in a contract; as much is held short."""
    legs = exchange.perp.markets[i.venue_symbol].legs.values()
    return sum((leg.qty for leg in legs if leg.qty > 0), ZERO)


def linear_ticker(exchange: Exchange, i: LabInstrument, now_ms: int) -> dict[str, str]:
    perp, world, symbol = exchange.perp, exchange.world, i.venue_symbol
    mark, held = perp.watched_px(symbol, MARK), open_interest(exchange, i)
    hour_ago = exchange.history.klines(
        i.price_symbol, HOUR_MS, now_ms=now_ms, market_ms=exchange.market_ms(), limit=1, end_ms=now_ms
    )
    day = day_of(exchange, PERP, i)
    return {
        **day,
        "indexPrice": px_text(perp.watched_px(symbol, INDEX), i),
        "markPrice": px_text(mark, i),
        "prevPrice1h": px_text(hour_ago[-1].open, i) if hour_ago else day["lastPrice"],
        "openInterest": qty_text(held, i),
        "openInterestValue": f"{held * mark:.2f}",
        "fundingRate": decimal_text(world.funding_rate(exchange.venue, i)),
        "nextFundingTime": str(world.next_funding_ms()),
        "predictedDeliveryPrice": "",
        "basisRate": "",
        "deliveryFeeRate": "",
        "deliveryTime": "0",
        "basis": "",
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
        "fundingIntervalHour": FUNDING_HOURS,
        "basisRateYear": "",
        "fundingCap": FUNDING_CAP,
    }
