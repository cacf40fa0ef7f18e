"""Our order requests are those of unmodified ccxt, apart from broker prefix, time stamp and receive window."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qsl

import ccxt
import pytest
from copydesk.trading import Credentials, OrderRequest, OrderType, Side, TimeInForce
from copydesk.venues.binance_orders import order_form, sign

KEY = Credentials(1, "k" * 64, "s" * 64)
RAW_MARKET = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": False,
    "permissions": [],
    "permissionSets": [["SPOT"]],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00", "stepSize": "0.00001000"},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "maxNotional": "9000000.00"},
    ],
}
MARKET_BUY = OrderRequest("x-TKT5PX2Fabc", "BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("0.01230"))
LIMIT_IOC = OrderRequest(
    "x-TKT5PX2Fabd", "BTCUSDT", Side.BUY, OrderType.LIMIT, Decimal("0.5"), Decimal("60000.10"), TimeInForce.IOC
)
LIMIT_GTC = OrderRequest(
    "x-TKT5PX2Fabe", "BTCUSDT", Side.SELL, OrderType.LIMIT, Decimal("2.00"), Decimal("61000"), TimeInForce.GTC
)


def ccxt_body(order: OrderRequest) -> tuple[dict[str, str], str, dict[str, str]]:
    """Return parameters, body and headers of the request that ccxt would send."""
    client = ccxt.binance({"apiKey": KEY.api_key, "secret": KEY.secret})
    client.options |= {"crossMarginPairsData": [], "isolatedMarginPairsData": []}  # As load_markets would find.
    client.set_markets([client.parse_market(RAW_MARKET)])
    parameters = {"clientOrderId": order.client_order_id}
    if order.time_in_force:
        parameters["timeInForce"] = order.time_in_force.value
    price = float(order.px) if order.px is not None else None
    request = client.create_order_request(
        "BTC/USDT", order.type.value, order.side.value, float(order.qty), price, parameters
    )
    signed = client.sign("order", ["private"], "POST", request)
    assert signed["url"].endswith("/api/v3/order")
    return dict(parse_qsl(signed["body"])), signed["body"], signed["headers"]


@pytest.mark.parametrize("order", [MARKET_BUY, LIMIT_IOC, LIMIT_GTC], ids=["market", "limit-ioc", "limit-gtc"])
def test_card_01_an_order_has_the_parameters_that_ccxt_would_send(order: OrderRequest) -> None:
    theirs, _, headers = ccxt_body(order)
    ours = dict(parse_qsl(sign(order_form(order, timestamp_ms=1, recv_window_ms=2000), KEY.secret)))
    ignored = {"timestamp", "recvWindow", "signature"}
    assert {k: v for k, v in ours.items() if k not in ignored} == {k: v for k, v in theirs.items() if k not in ignored}
    assert set(ours) == set(theirs)
    assert headers["X-MBX-APIKEY"] == KEY.api_key
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("order", [MARKET_BUY, LIMIT_IOC, LIMIT_GTC], ids=["market", "limit-ioc", "limit-gtc"])
def test_card_02_the_same_text_gets_the_same_signature_as_from_ccxt(order: OrderRequest) -> None:
    _, body, _ = ccxt_body(order)
    assert sign(body.rpartition("&signature=")[0], KEY.secret) == body
