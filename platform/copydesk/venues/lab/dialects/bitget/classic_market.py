"""Classic public data of spot: times, coins, instruments, tickers, books, candles and trades.

Source: the reference's "Spot / Market", whose samples the shapes follow field by field.
"""

from __future__ import annotations

import orjson

from copydesk.venues.lab.dialects.bitget import errors
from copydesk.venues.lab.dialects.bitget.figures import (
    Json,
    candle_row,
    candles,
    figures,
    halted,
    instruments,
    interval_of,
    levels,
    taker_side,
    tape,
)
from copydesk.venues.lab.dialects.bitget.params import Call, limit_of, listed, required, text_of
from copydesk.venues.lab.dialects.bitget.routes import Handler, Routes, public
from copydesk.venues.lab.dialects.bitget.words import (
    OTHER_FUTURES,
    USDT_FUTURES,
    number,
    places,
    trade_id_text,
)
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.model import SPOT, LabInstrument, PublicTrade

ORDERS_MAX = "400"
_NO_TIME = ""
_NEVER = "-1"
_VALUE_MAX = "10000000"


def product_of(call: Call) -> str:
    """Read the mandatory product type, of either case; one that the exchange does not have is refused."""
    product = required(call.params, "productType").upper()
    if product != USDT_FUTURES and product not in OTHER_FUTURES:
        raise errors.invalid("productType")
    return product


def contract_of(call: Call) -> LabInstrument:
    """Read the mandatory `symbol` of a contract; only USDT futures list any here."""
    if product_of(call) != USDT_FUTURES:
        raise errors.not_listed(required(call.params, "symbol"))
    return listed(call.exchange.perp.instruments, required(call.params, "symbol"))


def pair_of(call: Call) -> LabInstrument:
    return listed(call.exchange.spot.instruments, required(call.params, "symbol"))


def _time(call: Call) -> bytes:
    return b'{"serverTime":"%d"}' % call.now_ms


def _coins(call: Call) -> bytes:
    """List the coins; none can be deposited or withdrawn over a chain here."""
    wanted = text_of(call.params, "coin").upper()
    names = sorted({coin for i in call.exchange.spot.instruments.values() for coin in (i.base, i.quote)})
    coins = [
        {"coinId": str(place), "coin": coin, "transfer": "true", "areaCoin": "no", "chains": [_chain(coin)]}
        for place, coin in enumerate(names, 1)
        if wanted in ("", coin)
    ]
    return orjson.dumps(coins)


def _chain(coin: str) -> Json:
    return {
        "chain": coin,
        "needTag": "false",
        "withdrawable": "false",
        "rechargeable": "false",
        "withdrawFee": "0",
        "extraWithdrawFee": "0",
        "depositConfirm": "1",
        "withdrawConfirm": "1",
        "minDepositAmount": "0",
        "minWithdrawAmount": "0",
        "browserUrl": "",
        "contractAddress": None,
        "withdrawStep": "0",
        "withdrawMinScale": "8",
        "congestion": "normal",
    }


def _symbols(call: Call) -> bytes:
    fee = number(call.exchange.listing.spot_fee)
    return orjson.dumps([_symbol(call.exchange, i, fee) for i in chosen(call, SPOT)])


def _symbol(exchange: Exchange, i: LabInstrument, fee: str) -> Json:
    return {
        "symbol": i.venue_symbol,
        "baseCoin": i.base,
        "quoteCoin": i.quote,
        "minTradeAmount": number(i.qty_min),
        "maxTradeAmount": number(i.qty_max),
        "takerFeeRate": fee,
        "makerFeeRate": fee,
        "pricePrecision": places(i.px_tick),
        "quantityPrecision": places(i.qty_step),
        "quotePrecision": "8",
        "status": "halt" if halted(exchange, SPOT, i.venue_symbol) else "online",
        "minTradeUSDT": number(i.notional_min),
        "buyLimitPriceRatio": "4",
        "sellLimitPriceRatio": "0.8",
        "areaSymbol": "no",
        "orderQuantity": "200",
        "maxLimitOrderValue": _VALUE_MAX,
        "maxMarketOrderValue": _VALUE_MAX,
        "openTime": "1532454360000",
        "offTime": "",
    }


def chosen(call: Call, market: str) -> list[LabInstrument]:
    """Return the instrument that `symbol` names, else all."""
    symbol, all_listed = text_of(call.params, "symbol"), instruments(call.exchange, market)
    return [listed(all_listed, symbol)] if symbol else list(all_listed.values())


def spot_ticker(exchange: Exchange, i: LabInstrument, now_ms: int) -> Json:
    f = figures(exchange, SPOT, i)
    return {
        "open": number(f.open),
        "symbol": i.venue_symbol,
        "high24h": number(f.high),
        "low24h": number(f.low),
        "lastPr": number(f.last),
        "quoteVolume": number(f.turnover),
        "baseVolume": number(f.volume),
        "usdtVolume": number(f.turnover),
        "ts": str(now_ms),
        "bidPr": number(f.top.bid_px),
        "askPr": number(f.top.ask_px),
        "bidSz": number(f.top.bid_qty),
        "askSz": number(f.top.ask_qty),
        "openUtc": number(f.open_utc),
        "changeUtc24h": number(f.change_utc),
        "change24h": number(f.change),
    }


def _spot_tickers(call: Call) -> bytes:
    return orjson.dumps([spot_ticker(call.exchange, i, call.now_ms) for i in chosen(call, SPOT)])


def _spot_book(call: Call) -> bytes:
    depth = call.exchange.spot.depth(pair_of(call).venue_symbol, limit_of(call.params, 150, 150))
    book = {"asks": levels(depth.asks), "bids": levels(depth.bids), "ts": str(call.now_ms)}
    return orjson.dumps(book)


def _spot_candles(call: Call) -> bytes:
    rows = candles(call, pair_of(call), interval_of(required(call.params, "granularity")), most=1000)
    # Spot tells the quote volume a second time, in USDT.
    return orjson.dumps([[*row, row[-1]] for row in map(candle_row, rows)])


def _public_trade(trade: PublicTrade) -> Json:
    return {
        "tradeId": trade_id_text(trade.trade_id),
        "price": number(trade.px),
        "size": number(trade.qty),
        "side": taker_side(trade),
        "ts": str(trade.at_ms),
        "symbol": trade.symbol,
    }


def trades(market: str, most: int) -> Handler:
    def answer(call: Call) -> bytes:
        return orjson.dumps(_trades(call, market, most))

    return answer


def past_trades(market: str) -> Handler:
    """Return the handler of earlier trades: there the sides begin with a capital (sic)."""

    def answer(call: Call) -> bytes:
        return orjson.dumps([{**row, "side": row["side"].title()} for row in _trades(call, market, 1000)])

    return answer


def _trades(call: Call, market: str, most: int) -> list[Json]:
    instrument = pair_of(call) if market == SPOT else contract_of(call)
    return [_public_trade(trade) for trade in tape(call, market, instrument, most)]


def _no_margin(_call: Call) -> bytes:
    """List no pair that can be borrowed: this lab lends no money."""
    return b"[]"


SPOT_MARKET = "/api/v2/spot/market/"
ROUTES: Routes = {
    ("GET", "/api/v2/public/time"): public(_time),
    ("GET", "/api/v2/spot/public/coins"): public(_coins, 3),
    ("GET", "/api/v2/spot/public/symbols"): public(_symbols),
    ("GET", "/api/v2/margin/currencies"): public(_no_margin, 10),
    ("GET", SPOT_MARKET + "tickers"): public(_spot_tickers),
    ("GET", SPOT_MARKET + "orderbook"): public(_spot_book),
    ("GET", SPOT_MARKET + "candles"): public(_spot_candles),
    ("GET", SPOT_MARKET + "history-candles"): public(_spot_candles),
    ("GET", SPOT_MARKET + "fills"): public(trades(SPOT, 500), 10),
    ("GET", SPOT_MARKET + "fills-history"): public(past_trades(SPOT), 10),
}
