"""Our order requests are those of unmodified ccxt, apart from broker prefix, time stamp and receive window."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import ccxt
import pytest
from copydesk.trading import Credentials, OrderRequest, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues.binance.perpetual_account import instruments_of as perpetuals_of
from copydesk.venues.binance.signing import sign
from copydesk.venues.binance.spot_account import instruments_of
from copydesk.venues.binance.wire import BinanceWire, PerpetualWire, SpotWire

KEY = Credentials(1, "k" * 64, "s" * 64)
RAW_MARKET: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT"],
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
RAW_PERPETUAL: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "pair": "BTCUSDT",
    "contractType": "PERPETUAL",
    "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000,
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "marginAsset": "USDT",
    "pricePrecision": 2,
    "quantityPrecision": 3,
    "baseAssetPrecision": 8,
    "quotePrecision": 8,
    "orderTypes": ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.10", "maxPrice": "1000000.00", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.001", "maxQty": "120", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "50"},
    ],
}
SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
D = Decimal


@dataclass(frozen=True)
class Case:
    """An order of ours, and what ccxt must be told to send the same."""

    order: OrderRequest
    params: dict[str, Any]


def spot(side: Side, kind: OrderType, qty: str, px: str | None = None, **more: Any) -> OrderRequest:
    return OrderRequest("x-TKT5PX2Fabc", SPOT, side, kind, D(qty), D(px) if px else None, **more)


def perp(side: Side, kind: OrderType, qty: str, px: str | None = None, **more: Any) -> OrderRequest:
    return OrderRequest("x-cvBPrNm9abc", PERP, side, kind, D(qty), D(px) if px else None, **more)


BUY, SELL, MARKET, LIMIT = Side.BUY, Side.SELL, OrderType.MARKET, OrderType.LIMIT
STOP, LONG = OrderType.STOP_MARKET, PositionSide.LONG
CASES: dict[str, Case] = {
    "spot market": Case(spot(BUY, MARKET, "0.01230"), {}),
    "spot ioc": Case(spot(BUY, LIMIT, "0.5", "60000.10", time_in_force=TimeInForce.IOC), {"timeInForce": "IOC"}),
    "spot gtc": Case(spot(SELL, LIMIT, "2.00", "61000", time_in_force=TimeInForce.GTC), {"timeInForce": "GTC"}),
    "spot post-only": Case(spot(SELL, LIMIT, "2", "61000", post_only=True), {"postOnly": True}),
    "spot stop": Case(spot(SELL, STOP, "2", trigger_px=D(50000)), {"stopLossPrice": 50000}),
    "perp market": Case(perp(BUY, MARKET, "0.010"), {}),
    "perp ioc": Case(perp(SELL, LIMIT, "0.5", "60000.1", time_in_force=TimeInForce.IOC), {"timeInForce": "IOC"}),
    "perp post-only": Case(perp(SELL, LIMIT, "0.5", "60000.1", post_only=True), {"postOnly": True}),
    "perp close": Case(perp(SELL, MARKET, "0.010", reduces=True), {"reduceOnly": True}),
    "perp hedge open": Case(perp(BUY, MARKET, "0.010", position_side=LONG), {"positionSide": "LONG"}),
    "perp hedge close": Case(perp(SELL, MARKET, "0.010", position_side=LONG, reduces=True), {"positionSide": "LONG"}),
    "perp stop": Case(
        perp(SELL, STOP, "0.010", trigger_px=D(50000), reduces=True), {"stopLossPrice": 50000, "reduceOnly": True}
    ),
    "perp take profit": Case(
        perp(SELL, OrderType.TAKE_PROFIT_MARKET, "0.010", trigger_px=D(70000)), {"takeProfitPrice": 70000}
    ),
}
MARGIN_FREE = {"crossMarginPairsData": [], "isolatedMarginPairsData": []}  # As load_markets would find.


def ccxt_client() -> Any:
    client = ccxt.binance({"apiKey": KEY.api_key, "secret": KEY.secret})
    client.options |= MARGIN_FREE
    client.set_markets([client.parse_market(RAW_MARKET), client.parse_market(RAW_PERPETUAL)])
    return client


def ccxt_request(case: Case) -> tuple[str, str, dict[str, str]]:
    """Return URL, body and headers of the request that ccxt would send."""
    client, order = ccxt_client(), case.order
    caught: list[tuple[str, str, dict[str, str]]] = []

    def fetch(url: str, method: str, headers: dict[str, str], body: str) -> Any:
        caught.append((url, body, headers))
        raise ccxt.NetworkError("caught")

    client.fetch = fetch
    params = {"clientOrderId": order.client_order_id, **case.params}
    price = float(order.px) if order.px is not None else None
    # ccxt calls conditional orders by the type that they become, and by the trigger that is given.
    kind = "market" if order.type.conditional else order.type.value
    with pytest.raises(ccxt.NetworkError, match="caught"):
        client.create_order(order.symbol, kind, order.side.value, float(order.qty), price, params)
    return caught[0]


def our_request(order: OrderRequest) -> tuple[str, str]:
    """Return path and body of what we would send."""
    perpetual = order.symbol == PERP
    wire: BinanceWire = PerpetualWire() if perpetual else SpotWire()
    instruments = perpetuals_of([RAW_PERPETUAL]) if perpetual else instruments_of([RAW_MARKET])
    endpoint = wire.order_endpoint(order)
    _, _, body = wire.render(endpoint, wire.order_params(order, instruments[order.symbol]), KEY, 1)
    return endpoint.path, body.decode()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_card_01_an_order_has_the_parameters_that_ccxt_would_send(case: Case) -> None:
    url, body, headers = ccxt_request(case)
    path, ours_text = our_request(case.order)
    assert url.endswith(path)
    theirs, ours = dict(parse_qsl(body)), dict(parse_qsl(ours_text))
    ignored = {"timestamp", "recvWindow", "signature"}
    assert {k: v for k, v in ours.items() if k not in ignored} == {k: v for k, v in theirs.items() if k not in ignored}
    assert set(ours) == set(theirs)
    assert headers["X-MBX-APIKEY"] == KEY.api_key
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_card_02_the_same_text_gets_the_same_signature_as_from_ccxt(case: Case) -> None:
    _, body, _ = ccxt_request(case)
    assert sign(body.rpartition("&signature=")[0], KEY.secret) == body
