"""Public data of the unified account's API v3: instruments, tickers, books, candles, trades, funding, tiers.

Source: the reference's "UTA / Market", whose samples the shapes follow field by field.
"""

from __future__ import annotations

import orjson

from copydesk.venues.lab.dialects.bitget import errors
from copydesk.venues.lab.dialects.bitget.classic_mix_market import funding_row
from copydesk.venues.lab.dialects.bitget.figures import (
    MARKETS,
    Json,
    candle_row,
    candles,
    figures,
    halted,
    instruments,
    interval_of,
    mark_px,
    open_interest,
    taker_side,
    tape,
)
from copydesk.venues.lab.dialects.bitget.params import Call, limit_of, listed, required, text_of
from copydesk.venues.lab.dialects.bitget.routes import Routes, public
from copydesk.venues.lab.dialects.bitget.words import OTHER_FUTURES, number, places, trade_id_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, SPOT, LabInstrument

CATEGORIES = {market: category for category, market in MARKETS.items()}
_EMPTY = frozenset({*OTHER_FUTURES, "MARGIN"})


def category_of(call: Call) -> str:
    """Read the mandatory category; the answer is its market, "" for one that lists nothing here."""
    category = required(call.params, "category").upper()
    if category not in MARKETS and category not in _EMPTY:
        raise errors.invalid("category")
    return MARKETS.get(category, "")


def instrument_of(call: Call) -> tuple[str, LabInstrument]:
    """Read category and symbol."""
    market, symbol = category_of(call), required(call.params, "symbol")
    if not market:
        raise errors.ApiError("25100", f"Trading pair {symbol} does not exist")
    return market, listed(instruments(call.exchange, market), symbol)


def _chosen(call: Call) -> tuple[str, list[LabInstrument]]:
    market, symbol = category_of(call), text_of(call.params, "symbol")
    if not market:
        return SPOT, []
    all_listed = instruments(call.exchange, market)
    return market, [listed(all_listed, symbol)] if symbol else list(all_listed.values())


def _instruments(call: Call) -> bytes:
    market, chosen = _chosen(call)
    return orjson.dumps([_instrument(call.exchange, market, i) for i in chosen])


def _instrument(exchange: Exchange, market: str, i: LabInstrument) -> Json:
    listing, perpetual = exchange.listing, market == PERP
    view = {
        "symbol": i.venue_symbol,
        "category": CATEGORIES[market],
        "baseCoin": i.base,
        "quoteCoin": i.quote,
        "buyLimitPriceRatio": "4",
        "sellLimitPriceRatio": "0.8",
        "minOrderQty": number(i.qty_min),
        "maxOrderQty": number(i.qty_max),
        "pricePrecision": places(i.px_tick),
        "quantityPrecision": places(i.qty_step),
        "quotePrecision": "8",
        "minOrderAmount": number(i.notional_min),
        "maxSymbolOrderNum": "200",
        "maxProductOrderNum": "400",
        "status": "maintain" if halted(exchange, market, i.venue_symbol) else "online",
        "maintainTime": "",
        "symbolType": "crypto",
        "isRwa": "NO",
        "launchTime": "0",
    }
    if not perpetual:
        return view
    futures = {
        "feeRateUpRatio": "0.005",
        "makerFeeRate": number(listing.perp_maker_fee),
        "takerFeeRate": number(listing.perp_taker_fee),
        "openCostUpRatio": "0.01",
        "priceMultiplier": number(i.px_tick),
        "quantityMultiplier": number(i.qty_step),
        "type": "perpetual",
        "maxPositionNum": "200",
        "offTime": "-1",
        "limitOpenTime": "-1",
        "deliveryTime": "",
        "deliveryStartTime": "",
        "deliveryPeriod": "",
        "fundInterval": "8",
        "minLeverage": "1",
        "maxLeverage": str(max(b.leverage_max for b in i.brackets)),
        "maxMarketOrderQty": number(i.qty_max),
    }
    return {**view, **futures}


def ticker_view(exchange: Exchange, market: str, i: LabInstrument) -> Json:
    """Write the figures that REST and the stream share."""
    f = figures(exchange, market, i)
    view = {
        "lastPrice": number(f.last),
        "openPrice24h": number(f.open),
        "highPrice24h": number(f.high),
        "lowPrice24h": number(f.low),
        "ask1Price": number(f.top.ask_px),
        "bid1Price": number(f.top.bid_px),
        "bid1Size": number(f.top.bid_qty),
        "ask1Size": number(f.top.ask_qty),
        "price24hPcnt": number(f.change),
        "volume24h": number(f.volume),
        "turnover24h": number(f.turnover),
    }
    if market == PERP:
        view |= {
            "indexPrice": number(exchange.world.index(i)),
            "markPrice": number(mark_px(exchange, i)),
            "fundingRate": number(exchange.world.funding_rate(exchange.venue, i)),
            "openInterest": number(open_interest(exchange, i)),
            "deliveryStartTime": "",
            "deliveryTime": "",
            "deliveryStatus": "",
        }
    return view


def _tickers(call: Call) -> bytes:
    market, chosen = _chosen(call)
    rows = [
        {
            "category": CATEGORIES[market],
            "symbol": i.venue_symbol,
            "ts": str(call.now_ms),
            **ticker_view(call.exchange, market, i),
        }
        for i in chosen
    ]
    return orjson.dumps(rows)


def _book(call: Call) -> bytes:
    """Answer the book; its levels are JSON numbers."""
    market, instrument = instrument_of(call)
    depth = call.exchange.engine(market).depth(instrument.venue_symbol, limit_of(call.params, 50, 200))
    sides = ([(float(px), float(qty)) for px, qty in side] for side in (depth.asks, depth.bids))
    return orjson.dumps({**dict(zip("ab", sides, strict=True)), "ts": str(call.now_ms)})


def _candles(call: Call) -> bytes:
    rows = candles(call, instrument_of(call)[1], interval_of(required(call.params, "interval")), most=1000)
    return orjson.dumps([candle_row(candle) for candle in rows])


def _fills(call: Call) -> bytes:
    market, instrument = instrument_of(call)
    rows = [
        {
            "execId": trade_id_text(trade.trade_id),
            "execLinkId": trade_id_text(trade.trade_id),
            "price": number(trade.px),
            "size": number(trade.qty),
            "side": taker_side(trade),
            "ts": str(trade.at_ms),
            "isRPI": "NO",
        }
        for trade in tape(call, market, instrument, 100)
    ]
    return orjson.dumps(rows)


def _fund_rate(call: Call) -> bytes:
    return orjson.dumps([funding_row(call, listed(call.exchange.perp.instruments, required(call.params, "symbol")))])


def _open_interest(call: Call) -> bytes:
    _, chosen = _chosen(call)
    rows = [{"symbol": i.venue_symbol, "openInterest": number(open_interest(call.exchange, i))} for i in chosen]
    return orjson.dumps({"list": rows, "ts": str(call.now_ms)})


def _tiers(call: Call) -> bytes:
    _, instrument = instrument_of(call)
    tiers = [
        {
            "tier": str(tier),
            "minTierValue": number(bracket.notional_floor),
            "maxTierValue": number(bracket.notional_cap),
            "leverage": str(bracket.leverage_max),
            "mmr": number(bracket.maint_ratio),
        }
        for tier, bracket in enumerate(instrument.brackets, 1)
    ]
    return orjson.dumps(tiers)


MARKET_PATH = "/api/v3/market/"
ROUTES: Routes = {
    ("GET", MARKET_PATH + "instruments"): public(_instruments),
    ("GET", MARKET_PATH + "tickers"): public(_tickers),
    ("GET", MARKET_PATH + "orderbook"): public(_book),
    ("GET", MARKET_PATH + "candles"): public(_candles),
    ("GET", MARKET_PATH + "history-candles"): public(_candles),
    ("GET", MARKET_PATH + "fills"): public(_fills),
    ("GET", MARKET_PATH + "current-fund-rate"): public(_fund_rate),
    ("GET", MARKET_PATH + "open-interest"): public(_open_interest),
    ("GET", MARKET_PATH + "position-tier"): public(_tiers),
}
