"""How Bybit lists its instruments, and its risk limits.

Source: v5 documentation, "Get Instruments Info", "Get Risk Limit".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

import orjson

from copydesk.kernel import decimal_text
from copydesk.venues.lab.dialects.bybit import errors
from copydesk.venues.lab.dialects.bybit.listing import page_of
from copydesk.venues.lab.dialects.bybit.params import EMPTY_CATEGORIES, LINEAR, Call, limit_of, market_of, text_of
from copydesk.venues.lab.dialects.bybit.routes import Route, Routes
from copydesk.venues.lab.dialects.bybit.tags import px_places_of
from copydesk.venues.lab.dialects.bybit.views import px_text, qty_text
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.filters import PX_MAX
from copydesk.venues.lab.model import PERP, SPOT, LabInstrument

LAUNCHED_MS = "1585526400000"
FUNDING_MINUTES = 480
FUNDING_RATE_MAX = "0.003"
QUOTE_PRECISION = Decimal("0.00000001")
PX_RATIO = "0.01"


def spot_row(i: LabInstrument) -> dict[str, Any]:
    most = qty_text(i.qty_max, i)
    return {
        "symbolId": symbol_id(i),
        "symbol": i.venue_symbol,
        "baseCoin": i.base,
        "quoteCoin": i.quote,
        "innovation": "0",
        "symbolType": "",
        "xstockMultiplier": "1",
        "status": "Trading",
        "marginTrading": "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": decimal_text(i.qty_step),
            "quotePrecision": decimal_text(QUOTE_PRECISION),
            "minOrderQty": decimal_text(i.qty_min),
            "maxOrderQty": most,
            "minOrderAmt": decimal_text(i.notional_min),
            "maxOrderAmt": "1999999999",
            "maxLimitOrderQty": most,
            "maxMarketOrderQty": most,
            "postOnlyMaxLimitOrderSize": most,
        },
        "priceFilter": {"tickSize": decimal_text(i.px_tick)},
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
    }


def linear_row(i: LabInstrument) -> dict[str, Any]:
    most, tick = qty_text(i.qty_max, i), px_text(i.px_tick, i)
    leverage_max = max((bracket.leverage_max for bracket in i.brackets), default=1)
    return {
        "symbol": i.venue_symbol,
        "symbolId": symbol_id(i),
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": i.base,
        "quoteCoin": i.quote,
        "symbolType": "",
        "launchTime": LAUNCHED_MS,
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(px_places_of(i.px_tick)),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": f"{leverage_max}.00", "leverageStep": "1"},
        "priceFilter": {"minPrice": tick, "maxPrice": px_text(PX_MAX, i), "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": most,
            "minOrderQty": qty_text(i.qty_min, i),
            "qtyStep": qty_text(i.qty_step, i),
            "postOnlyMaxOrderQty": most,
            "maxMktOrderQty": most,
            "minNotionalValue": decimal_text(i.notional_min),
        },
        "unifiedMarginTrade": True,
        "fundingInterval": FUNDING_MINUTES,
        "settleCoin": i.settle,
        "copyTrading": "both",
        "upperFundingRate": FUNDING_RATE_MAX,
        "lowerFundingRate": f"-{FUNDING_RATE_MAX}",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": PX_RATIO, "priceLimitRatioY": PX_RATIO},
        "displayName": "",
        "forbidUplWithdrawal": False,
    }


def symbol_id(i: LabInstrument) -> int:
    return crc32(i.symbol.encode()) % 10_000


def chosen(exchange: Exchange, call: Call, market: str) -> list[LabInstrument]:
    """Return the instruments that `symbol` or `baseCoin` name, else all."""
    listed, symbol = exchange.engine(market).instruments, text_of(call.params, "symbol")
    if symbol:
        if symbol not in listed:
            raise errors.unlisted_symbol()
        return [listed[symbol]]
    base = text_of(call.params, "baseCoin")
    return [i for i in listed.values() if base in ("", i.base)]


def _instruments(exchange: Exchange, call: Call) -> bytes:
    category, status = text_of(call.params, "category"), text_of(call.params, "status")
    if category in EMPTY_CATEGORIES or status not in ("", "Trading"):
        return orjson.dumps({"category": category, "list": [], "nextPageCursor": ""})
    market = market_of(call.params)
    found = chosen(exchange, call, market)
    if market == SPOT:
        return orjson.dumps({"category": category, "list": [spot_row(i) for i in found]})
    size = limit_of(call.params, 500, 1000)
    page, cursor = page_of(call.params, found, lambda i: i.venue_symbol, size)
    cursor = cursor if len(page) < len(found) and page[-1] is not found[-1] else ""
    return orjson.dumps({"category": category, "list": [linear_row(i) for i in page], "nextPageCursor": cursor})


def _risk_limit(exchange: Exchange, call: Call) -> bytes:
    category = text_of(call.params, "category")
    if category in EMPTY_CATEGORIES:
        return orjson.dumps({"category": category, "list": [], "nextPageCursor": ""})
    if category != LINEAR:
        raise errors.bad_category()
    tiers = [tier for i in chosen(exchange, call, PERP) for tier in _tiers(i)]
    return orjson.dumps({"category": category, "list": tiers, "nextPageCursor": ""})


def _tiers(i: LabInstrument) -> list[dict[str, Any]]:
    return [
        {
            "id": place,
            "symbol": i.venue_symbol,
            "riskLimitValue": decimal_text(bracket.notional_cap),
            "maintenanceMargin": decimal_text(bracket.maint_ratio),
            "initialMargin": decimal_text(round(Decimal(1) / bracket.leverage_max, 4)),
            "isLowestRisk": int(place == 1),
            "maxLeverage": f"{bracket.leverage_max}.00",
            "mmDeduction": decimal_text(bracket.maint_deduction),
        }
        for place, bracket in enumerate(i.brackets, 1)
    ]


ROUTES: Routes = {
    ("GET", "/v5/market/instruments-info"): Route(_instruments),
    ("GET", "/v5/market/risk-limit"): Route(_risk_limit),
}
