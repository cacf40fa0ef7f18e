"""Our order bodies for Bitget are those of unmodified ccxt, for both kinds of account.

Where we differ on purpose: words are in the guide's small letters; a unified account's market orders name no time in
force, and its perpetual orders always name the margin mode.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import ccxt
import pytest
from copydesk.trading import (
    Credentials,
    Instrument,
    MarginMode,
    OrderRequest,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
)
from copydesk.venues.bitget import instruments
from copydesk.venues.bitget.classic_orders import ClassicWords
from copydesk.venues.bitget.endpoints import CLASSIC, UNIFIED
from copydesk.venues.bitget.traits import BITGET, EXCHANGE_WINDOW_MS
from copydesk.venues.bitget.unified_orders import UnifiedWords
from copydesk.venues.bitget.wire import BitgetWire
from copydesk.venues.traits import Endpoint

D = Decimal
NOW_MS = 1_700_000_000_123
KEY = Credentials(1, "key", "s" * 32, "phrase")
SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
RAW: dict[str, dict[str, Any]] = {
    SPOT: {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "minTradeAmount": "0",
        "maxTradeAmount": "900000000", "takerFeeRate": "0.002", "makerFeeRate": "0.002", "pricePrecision": "2",
        "quantityPrecision": "6", "quotePrecision": "8", "status": "online", "minTradeUSDT": "1",
        "buyLimitPriceRatio": "0.05", "sellLimitPriceRatio": "0.05", "areaSymbol": "no", "orderQuantity": "200",
        "openTime": "1532454360000", "offTime": "",
    },
    PERP: {
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05", "feeRateUpRatio": "0.005", "makerFeeRate": "0.0002",
        "takerFeeRate": "0.0006", "openCostUpRatio": "0.01", "supportMarginCoins": ["USDT"], "minTradeNum": "0.001",
        "priceEndStep": "1", "volumePlace": "3", "pricePlace": "1", "sizeMultiplier": "0.001",
        "symbolType": "perpetual", "minTradeUSDT": "5", "maxSymbolOrderNum": "200", "maxProductOrderNum": "400",
        "maxPositionNum": "150", "symbolStatus": "normal", "offTime": "-1", "limitOpenTime": "-1",
        "deliveryTime": "", "deliveryStartTime": "", "deliveryPeriod": "", "launchTime": "", "fundInterval": "8",
        "minLever": "1", "maxLever": "125", "posLimit": "0.05", "maintainTime": "",
    },
}  # fmt: skip
BUY, SELL, MARKET, LIMIT = Side.BUY, Side.SELL, OrderType.MARKET, OrderType.LIMIT
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def order(symbol: str, side: Side, kind: OrderType, qty: str, px: str | None = None, **more: Any) -> OrderRequest:
    return OrderRequest("cd0123456789abcdef", symbol, side, kind, D(qty), D(px) if px else None, **more)


CASES = {
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
    "perpetual fill or kill": (
        order(PERP, BUY, LIMIT, "0.05", "60000.5", time_in_force=TimeInForce.FOK),
        {"timeInForce": "FOK"},
    ),
    "perpetual isolated": (
        order(PERP, BUY, MARKET, "0.05", margin_mode=MarginMode.ISOLATED),
        {"marginMode": "isolated"},
    ),
    "perpetual with exits": (
        order(PERP, BUY, LIMIT, "0.05", "60000.5", stop_loss_px=D(59000), take_profit_px=D(62000)),
        {"stopLoss": {"triggerPrice": 59000}, "takeProfit": {"triggerPrice": 62000}},
    ),
    "hedge mode, open a long": (order(PERP, BUY, MARKET, "0.05", position_side=LONG), {"hedged": True}),
    "hedge mode, close a long": (
        order(PERP, SELL, MARKET, "0.05", position_side=LONG, reduces=True),
        {"hedged": True, "reduceOnly": True},
    ),
    "hedge mode, close a short": (
        order(PERP, BUY, MARKET, "0.05", position_side=SHORT, reduces=True),
        {"hedged": True, "reduceOnly": True},
    ),
    "one-way stop entry": (
        order(PERP, BUY, OrderType.STOP_LIMIT, "0.05", "61100", trigger_px=D(61000)),
        {"triggerPrice": "61000", "triggerType": "fill_price"},
    ),
}


@pytest.fixture(scope="module")
def theirs() -> Any:
    """ccxt that has read the instruments as the exchange documents them."""
    exchange = ccxt.bitget({"apiKey": KEY.api_key, "secret": KEY.secret, "password": KEY.password})

    def answer(path: str, *_: Any, params: dict[str, Any] | None = None, **__: Any) -> dict[str, Any]:
        raw = {"v2/spot/public/symbols": RAW[SPOT], "v2/mix/market/contracts": RAW[PERP]}.get(path)
        wanted = raw is not None and (params or _asked(_)).get("productType", "USDT-FUTURES") == "USDT-FUTURES"
        return {"code": "00000", "msg": "success", "data": [raw] if wanted else []}

    exchange.fetch2 = answer
    exchange.options["uta"] = False
    exchange.set_markets(exchange.fetch_default_markets({}))
    return exchange


def _asked(arguments: tuple[Any, ...]) -> dict[str, Any]:
    return next((one for one in arguments if isinstance(one, dict)), {})


def instrument(symbol: str) -> Instrument:
    read = instruments.perpetual_instruments if symbol == PERP else instruments.spot_instruments
    return read([RAW[symbol]])[symbol]


def asked(wanted: OrderRequest, extra: dict[str, Any]) -> tuple[Any, ...]:
    """Put an order in ccxt's words."""
    kind = "limit" if wanted.px else "market"
    price = float(wanted.px) if wanted.px else None
    return (
        wanted.symbol,
        kind,
        wanted.side.value,
        float(wanted.qty),
        price,
        {"clientOid": "cd0123456789abcdef", **extra},
    )


@pytest.mark.parametrize("case", CASES)
def test_our_body_for_a_classic_account_is_that_of_ccxt(theirs: Any, case: str) -> None:
    wanted, extra = CASES[case]
    body = {k: v for k, v in theirs.create_order_request(*asked(wanted, extra)).items() if v is not None}
    for name in ("force", "tradeSide"):
        if name in body:
            body[name] = body[name].lower()
    if wanted.type.conditional:
        # The guide knows `price` alone in a plan of this kind, and no `force`.
        assert body.pop("executePrice") == body["price"]
        body.pop("force")
    assert ClassicWords().params(wanted, instrument(wanted.symbol)) == body


@pytest.mark.parametrize("case", [case for case in CASES if "entry" not in case])
def test_our_body_for_a_unified_account_is_that_of_ccxt(theirs: Any, case: str) -> None:
    wanted, extra = CASES[case]
    body = {k: v for k, v in theirs.create_uta_order_request(*asked(wanted, extra)).items() if v is not None}
    if wanted.type is MARKET:
        body.pop("timeInForce")
    if wanted.symbol == PERP:
        body.setdefault("marginMode", "crossed")
    assert UnifiedWords().params(wanted, instrument(wanted.symbol)) == body


@pytest.mark.parametrize(
    ("words", "endpoint", "api"),
    [
        (ClassicWords(), CLASSIC.endpoints["submit_perpetual"], "mix"),
        (UnifiedWords(), UNIFIED.endpoints["submit"], "uta"),
    ],
)
def test_our_signature_of_an_order_is_that_of_ccxt(theirs: Any, words: Any, endpoint: Endpoint, api: str) -> None:
    body = words.params(order(PERP, BUY, LIMIT, "0.05", "60000.5"), instrument(PERP))
    backdated_ms = EXCHANGE_WINDOW_MS - BITGET.recv_window_ms
    theirs.nonce = lambda: NOW_MS - backdated_ms
    signed = theirs.sign(endpoint.path.removeprefix("/api/"), ["private", api], "POST", dict(body))
    _, headers, sent = BitgetWire(words, "").render(endpoint, body, KEY, NOW_MS)
    ours = dict(line.split(": ", 1) for line in headers.strip().split("\r\n"))
    assert sent.decode() == signed["body"]
    for name in ("ACCESS-KEY", "ACCESS-SIGN", "ACCESS-TIMESTAMP", "ACCESS-PASSPHRASE"):
        assert ours[name] == signed["headers"][name]
