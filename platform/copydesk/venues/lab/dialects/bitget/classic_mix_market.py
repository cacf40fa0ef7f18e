"""Classic public data of USDT futures: contracts, tickers, books, candles, trades, funding, leverage tiers.

Source: the reference's "Future / Market", whose samples the shapes follow field by field.
"""

from __future__ import annotations

from typing import Any

import orjson

from copydesk.venues.lab.dialects.bitget.classic_market import chosen, contract_of, past_trades, product_of, trades
from copydesk.venues.lab.dialects.bitget.figures import (
    Json,
    candle_row,
    candles,
    figures,
    halted,
    interval_of,
    mark_px,
    open_interest,
)
from copydesk.venues.lab.dialects.bitget.params import Call, limit_of, required, text_of
from copydesk.venues.lab.dialects.bitget.routes import Routes, public
from copydesk.venues.lab.dialects.bitget.words import USDT_FUTURES, number, places
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import PERP, LabInstrument

ORDERS_MAX = "400"
_NO_TIME = ""
_NEVER = "-1"


def _contracts(call: Call) -> bytes:
    if product_of(call) != USDT_FUTURES:
        return b"[]"
    return orjson.dumps([_contract(call.exchange, i) for i in chosen(call, PERP)])


def _contract(exchange: Exchange, i: LabInstrument) -> Json:
    px_places = places(i.px_tick)
    return {
        "symbol": i.venue_symbol,
        "baseCoin": i.base,
        "quoteCoin": i.quote,
        "buyLimitPriceRatio": "4",
        "sellLimitPriceRatio": "0.8",
        "feeRateUpRatio": "0.005",
        "makerFeeRate": number(exchange.listing.perp_maker_fee),
        "takerFeeRate": number(exchange.listing.perp_taker_fee),
        "openCostUpRatio": "0.01",
        "supportMarginCoins": [i.settle],
        "minTradeNum": number(i.qty_min),
        "priceEndStep": number(i.px_tick.scaleb(int(px_places))),
        "volumePlace": places(i.qty_step),
        "pricePlace": px_places,
        "sizeMultiplier": number(i.qty_step),
        "symbolType": "perpetual",
        "minTradeUSDT": number(i.notional_min),
        "maxSymbolOrderNum": "200",
        "maxProductOrderNum": ORDERS_MAX,
        "maxPositionNum": "150",
        "symbolStatus": "maintain" if halted(exchange, PERP, i.venue_symbol) else "normal",
        "offTime": _NEVER,
        "limitOpenTime": _NEVER,
        "deliveryTime": _NO_TIME,
        "deliveryStartTime": _NO_TIME,
        "deliveryPeriod": "",
        "launchTime": _NO_TIME,
        "fundInterval": "8",
        "minLever": "1",
        "maxLever": str(max(b.leverage_max for b in i.brackets)),
        "posLimit": "0.1",
        "maintainTime": _NO_TIME,
        "openTime": _NO_TIME,
        "maxMarketOrderQty": number(i.qty_max),
        "maxOrderQty": number(i.qty_max),
        "isRwa": "NO",
    }


def mix_ticker(exchange: Exchange, i: LabInstrument, now_ms: int) -> Json:
    f = figures(exchange, PERP, i)
    return {
        "symbol": i.venue_symbol,
        "lastPr": number(f.last),
        "askPr": number(f.top.ask_px),
        "bidPr": number(f.top.bid_px),
        "bidSz": number(f.top.bid_qty),
        "askSz": number(f.top.ask_qty),
        "high24h": number(f.high),
        "low24h": number(f.low),
        "ts": str(now_ms),
        "change24h": number(f.change),
        "baseVolume": number(f.volume),
        "quoteVolume": number(f.turnover),
        "usdtVolume": number(f.turnover),
        "openUtc": number(f.open_utc),
        "changeUtc24h": number(f.change_utc),
        "indexPrice": number(exchange.world.index(i)),
        "fundingRate": number(exchange.world.funding_rate(exchange.venue, i)),
        "holdingAmount": number(open_interest(exchange, i)),
        "deliveryStartTime": None,
        "deliveryTime": None,
        "deliveryStatus": "",
        "open24h": number(f.open),
        "markPrice": number(mark_px(exchange, i)),
    }


def _mix_tickers(call: Call) -> bytes:
    if product_of(call) != USDT_FUTURES:
        return b"[]"
    chosen = call.exchange.perp.instruments.values()
    return orjson.dumps([mix_ticker(call.exchange, i, call.now_ms) for i in chosen])


def _mix_ticker(call: Call) -> bytes:
    return orjson.dumps([mix_ticker(call.exchange, contract_of(call), call.now_ms)])


def _mix_book(call: Call) -> bytes:
    """Answer merge-depth in full precision; its levels are numbers, and `limit` may be a word."""
    instrument = contract_of(call)
    limit = 500 if text_of(call.params, "limit") == "max" else limit_of(call.params, 100, 1000)
    depth = call.exchange.perp.depth(instrument.venue_symbol, limit)
    return orjson.dumps(
        {
            "asks": [(float(px), float(qty)) for px, qty in depth.asks],
            "bids": [(float(px), float(qty)) for px, qty in depth.bids],
            "ts": str(call.now_ms),
            "scale": number(instrument.px_tick),
            "precision": "scale0",
            "isMaxPrecision": "NO",
        }
    )


def _mix_candles(call: Call) -> bytes:
    rows = candles(call, contract_of(call), interval_of(required(call.params, "granularity")), most=1000)
    return orjson.dumps([candle_row(candle) for candle in rows])


def _prices(call: Call) -> bytes:
    instrument, exchange = contract_of(call), call.exchange
    row = {
        "symbol": instrument.venue_symbol,
        "price": number(figures(exchange, PERP, instrument).last),
        "indexPrice": number(exchange.world.index(instrument)),
        "markPrice": number(mark_px(exchange, instrument)),
        "ts": str(call.now_ms),
    }
    return orjson.dumps([row])


def funding_row(call: Call, instrument: LabInstrument) -> Json:
    world = call.exchange.world
    return {
        "symbol": instrument.venue_symbol,
        "fundingRate": number(world.funding_rate(call.exchange.venue, instrument)),
        "fundingRateInterval": "8",
        "nextUpdate": str(world.next_funding_ms()),
        "minFundingRate": "-0.003",
        "maxFundingRate": "0.003",
    }


def _fund_rate(call: Call) -> bytes:
    if text_of(call.params, "symbol"):
        return orjson.dumps([funding_row(call, contract_of(call))])
    chosen: Any = call.exchange.perp.instruments.values() if product_of(call) == USDT_FUTURES else ()
    return orjson.dumps([funding_row(call, i) for i in chosen])


def _funding_time(call: Call) -> bytes:
    row = {
        "symbol": contract_of(call).venue_symbol,
        "nextFundingTime": str(call.exchange.world.next_funding_ms()),
        "ratePeriod": "8",
    }
    return orjson.dumps([row])


def _open_interest(call: Call) -> bytes:
    instrument = contract_of(call)
    row = {"symbol": instrument.venue_symbol, "size": number(open_interest(call.exchange, instrument))}
    return orjson.dumps({"openInterestList": [row], "ts": str(call.now_ms)})


def _position_tiers(call: Call) -> bytes:
    instrument = contract_of(call)
    tiers = [
        {
            "symbol": instrument.venue_symbol,
            "level": str(level),
            "startUnit": number(bracket.notional_floor),
            "endUnit": number(bracket.notional_cap),
            "leverage": str(bracket.leverage_max),
            "keepMarginRate": number(bracket.maint_ratio),
        }
        for level, bracket in enumerate(instrument.brackets, 1)
    ]
    return orjson.dumps(tiers)


MIX_MARKET = "/api/v2/mix/market/"
ROUTES: Routes = {
    ("GET", MIX_MARKET + "contracts"): public(_contracts),
    ("GET", MIX_MARKET + "ticker"): public(_mix_ticker),
    ("GET", MIX_MARKET + "tickers"): public(_mix_tickers),
    ("GET", MIX_MARKET + "merge-depth"): public(_mix_book),
    ("GET", MIX_MARKET + "candles"): public(_mix_candles),
    ("GET", MIX_MARKET + "history-candles"): public(_mix_candles),
    ("GET", MIX_MARKET + "fills"): public(trades(PERP, 100)),
    ("GET", MIX_MARKET + "fills-history"): public(past_trades(PERP), 10),
    ("GET", MIX_MARKET + "symbol-price"): public(_prices),
    ("GET", MIX_MARKET + "current-fund-rate"): public(_fund_rate),
    ("GET", MIX_MARKET + "funding-time"): public(_funding_time),
    ("GET", MIX_MARKET + "open-interest"): public(_open_interest),
    ("GET", MIX_MARKET + "query-position-lever"): public(_position_tiers, 10),
}
