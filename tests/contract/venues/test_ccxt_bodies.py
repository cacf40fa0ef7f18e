"""Our JSON order bodies for OKX and Bybit are those of unmodified ccxt, apart from ids and broker tags.

Where we differ on purpose the case says so: we always name the position on Bybit, and never leave a unit to a default.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import orjson
import pytest
from copydesk.trading import Credentials, Instrument, OrderRequest, OrderType, Side, TimeInForce
from copydesk.venues.bybit import account as bybit_account
from copydesk.venues.bybit.orders import order_params as bybit_params
from copydesk.venues.bybit.traits import REST as BYBIT_REST
from copydesk.venues.bybit.wire import BybitWire
from copydesk.venues.okx import account as okx_account
from copydesk.venues.okx.orders import order_params as okx_params
from copydesk.venues.okx.traits import REST as OKX_REST
from copydesk.venues.okx.wire import OkxWire

D = Decimal
NOW_MS = 1_700_000_000_123
KEY = Credentials(1, "key", "s" * 32, "phrase")
OKX_RAW: dict[str, dict[str, Any]] = {
    "BTC/USDT": {
        "instType": "SPOT", "instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "settleCcy": "", "uly": "",
        "instFamily": "", "ctVal": "", "ctMult": "", "ctValCcy": "", "ctType": "", "tickSz": "0.1",
        "lotSz": "0.00000001", "minSz": "0.00001", "maxLmtSz": "9999999999", "maxMktSz": "1000000", "lever": "10",
        "listTime": "1548133413000",
        "expTime": "", "state": "live", "alias": "", "optType": "", "stk": "",
    },
    "BTC/USDT:USDT": {
        "instType": "SWAP", "instId": "BTC-USDT-SWAP", "baseCcy": "", "quoteCcy": "", "settleCcy": "USDT",
        "uly": "BTC-USDT", "instFamily": "BTC-USDT", "ctVal": "0.01", "ctMult": "1", "ctValCcy": "BTC",
        "ctType": "linear", "tickSz": "0.1", "lotSz": "0.01", "minSz": "0.01", "maxLmtSz": "100000000",
        "maxMktSz": "20000", "lever": "100", "listTime": "1611916828000", "expTime": "", "state": "live", "alias": "",
        "optType": "", "stk": "",
    },
}  # fmt: skip
BYBIT_RAW: dict[str, dict[str, Any]] = {
    "BTC/USDT": {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
        "marginTrading": "utaOnly", "priceFilter": {"tickSize": "0.01"},
        "lotSizeFilter": {
            "basePrecision": "0.000001", "quotePrecision": "0.0000001", "minOrderQty": "0.000011",
            "maxOrderQty": "83", "minOrderAmt": "5", "maxOrderAmt": "8000000", "maxLimitOrderQty": "83",
            "maxMarketOrderQty": "41",
        },
    },
    "BTC/USDT:USDT": {
        "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1584230400000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001", "maxMktOrderQty": "500.000",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True, "fundingInterval": 480,
    },
}  # fmt: skip
BUY, SELL, MARKET, LIMIT = Side.BUY, Side.SELL, OrderType.MARKET, OrderType.LIMIT
SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"


def order(symbol: str, side: Side, kind: OrderType, qty: str, px: str | None = None, **more: Any) -> OrderRequest:
    return OrderRequest("cd0123456789abcdef", symbol, side, kind, D(qty), D(px) if px else None, **more)


CASES = {
    "spot market buy in base units": (order(SPOT, BUY, MARKET, "0.5"), {}),
    "spot market sell": (order(SPOT, SELL, MARKET, "0.5"), {}),
    "spot limit": (order(SPOT, BUY, LIMIT, "0.5", "60000.5"), {}),
    "spot immediate or cancel": (
        order(SPOT, BUY, LIMIT, "0.5", "60000.5", time_in_force=TimeInForce.IOC),
        {"timeInForce": "IOC"},
    ),
    "spot post only": (order(SPOT, BUY, LIMIT, "0.5", "60000.5", post_only=True), {"postOnly": True}),
    "perpetual market": (order(PERP, BUY, MARKET, "0.05"), {}),
    "perpetual limit": (order(PERP, SELL, LIMIT, "0.05", "60000.5"), {}),
    "perpetual close": (order(PERP, SELL, MARKET, "0.05", reduces=True), {"reduceOnly": True}),
    "perpetual close that crosses": (order(PERP, SELL, MARKET, "0.05", reduces=True, crosses=True), {}),
    "perpetual fill or kill": (
        order(PERP, BUY, LIMIT, "0.05", "60000.5", time_in_force=TimeInForce.FOK),
        {"timeInForce": "FOK"},
    ),
}


def okx_of(raw: dict[str, Any]) -> Instrument:
    found = okx_account.spot_instruments([raw]) | okx_account.perpetual_instruments([raw])
    return next(iter(found.values()))


def bybit_of(raw: dict[str, Any]) -> Instrument:
    read = bybit_account.perpetual_instruments if "contractType" in raw else bybit_account.spot_instruments
    return next(iter(read([raw]).values()))


def ccxt_amount(wanted: OrderRequest, contract: Decimal) -> float:
    return float(wanted.qty / contract)


@pytest.mark.parametrize("case", CASES)
def test_our_body_for_okx_is_that_of_ccxt(case: str) -> None:
    wanted, extra = CASES[case]
    raw = OKX_RAW[wanted.symbol]
    instrument = okx_of(raw)
    theirs = ccxt.okx()
    theirs.set_markets([theirs.parse_market(raw)])
    params = {"clientOrderId": wanted.client_order_id, **extra}
    amount = ccxt_amount(wanted, instrument.contract_size)
    price = float(wanted.px) if wanted.px else None
    body = theirs.create_order_request(wanted.symbol, wanted.type.value, wanted.side.value, amount, price, params)
    body.pop("tag", None)
    if wanted.type is LIMIT:
        body.pop("tgtCcy", None)  # Only market orders have a choice of unit.
    ours = okx_params(wanted, instrument, "")
    assert ours == {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize("case", CASES)
def test_our_body_for_bybit_is_that_of_ccxt(case: str) -> None:
    wanted, extra = CASES[case]
    raw = BYBIT_RAW[wanted.symbol]
    theirs = ccxt.bybit()
    theirs.set_markets([_market(theirs, raw)])
    params = {"orderLinkId": wanted.client_order_id, **extra}
    price = float(wanted.px) if wanted.px else None
    body = theirs.create_order_request(
        wanted.symbol, wanted.type.value, wanted.side.value, float(wanted.qty), price, params, True
    )
    ours = bybit_params(wanted, bybit_of(raw))
    # We always name the position, and the time in force of limit orders.
    assert ours.pop("positionIdx", 0) == 0
    if ours.get("timeInForce") == "GTC":
        body.setdefault("timeInForce", "GTC")
    assert ours == body


def _market(theirs: Any, raw: dict[str, Any]) -> Any:
    """Let ccxt parse the documented instrument as it does those of the exchange."""
    theirs.publicGetV5MarketInstrumentsInfo = lambda *_: {"result": {"list": [raw], "nextPageCursor": ""}}
    theirs.public_get_v5_market_instruments_info = theirs.publicGetV5MarketInstrumentsInfo
    if "contractType" in raw:
        return theirs.fetch_future_markets({"category": "linear"})[0]
    return theirs.fetch_spot_markets({})[0]


@pytest.mark.parametrize(
    ("exchange", "wire", "endpoint", "names"),
    [
        (ccxt.okx, OkxWire(""), OKX_REST.endpoints["submit"], ("OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP")),
        (ccxt.bybit, BybitWire(""), BYBIT_REST.endpoints["submit_perpetual"], ("X-BAPI-SIGN", "X-BAPI-TIMESTAMP")),
    ],
)
def test_our_signature_is_that_of_ccxt(exchange: Any, wire: Any, endpoint: Any, names: tuple[str, str]) -> None:
    body = {"symbol": "BTCUSDT", "side": "Buy", "qty": "0.01"}
    theirs = exchange({"apiKey": KEY.api_key, "secret": KEY.secret, "password": KEY.password})
    theirs.milliseconds = theirs.nonce = lambda: NOW_MS
    theirs.options["recvWindow"] = 2000
    path = endpoint.path.removeprefix("/api/v5/").removeprefix("/")
    signed = theirs.sign(path, ["private"], "POST", dict(body))
    _, headers, sent = wire.render(endpoint, body, KEY, NOW_MS)
    ours = dict(line.split(": ", 1) for line in headers.strip().split("\r\n"))
    assert orjson.loads(sent) == orjson.loads(signed["body"])
    if sent.decode() == signed["body"]:
        assert {name: ours[name] for name in names} == {name: signed["headers"][name] for name in names}
    else:
        pytest.fail("the bodies differ in their bytes, so the signatures cannot be compared")
