"""What to ask of the lab's Bybit so that it refuses, and how: request, code, text, and what ccxt raises."""

from __future__ import annotations

from typing import Any, NamedTuple

import ccxt

CREATE, CANCEL, AMEND = "/v5/order/create", "/v5/order/cancel", "/v5/order/amend"
WALLET = "/v5/account/wallet-balance"
BUY = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "90000"}
LINEAR, SPOT = {"category": "linear", **BUY}, {"category": "spot", **BUY}
UNIFIED = {"accountType": "UNIFIED"}
NOBODY = {"category": "linear", "symbol": "BTCUSDT", "orderId": "5923240c-59f4-420b-9adb-3639adc9dd90"}
NOTHING: tuple[str, dict[str, Any]] = ("", {})


class Failure(NamedTuple):
    """One request that must fail. `first` comes before it; `key` says which key and how it is used."""

    name: str
    path: str
    params: dict[str, Any]
    code: int
    text: str
    raises: type[ccxt.BaseError]
    status: int = 200
    first: tuple[str, dict[str, Any]] = NOTHING
    key: str = "good"


POOR = ccxt.InsufficientFunds
INVALID = ccxt.InvalidOrder
BAD = ccxt.BadRequest
LOST = ccxt.OrderNotFound
STRANGER = ccxt.AuthenticationError
DENIED = ccxt.PermissionDenied
OTHER = ccxt.ExchangeError
F = Failure
OUT_OF_WINDOW = (
    "invalid request, please check your server timestamp or recv_window param. "
    r"req_timestamp\[\d+\],server_timestamp\[\d+\],recv_window\[5000\]"
)

FAILURES = [
    F("insufficient balance, spot", CREATE, SPOT | {"qty": "5"}, 170131, "Insufficient balance.", POOR),
    F("insufficient balance, linear", CREATE, LINEAR | {"qty": "50"}, 110007, "ab not enough for new order", POOR),
    F("min notional, spot", CREATE, SPOT | {"qty": "0.00001"}, 170140, "Order value exceeded lower limit.", INVALID),
    F(
        "min notional, linear",
        CREATE,
        LINEAR | {"symbol": "XRPUSDT", "qty": "1", "price": "2"},
        110094,
        "Order does not meet minimum order value 5USDT",
        INVALID,
    ),
    F("lot size, spot", CREATE, SPOT | {"qty": "0.010001"}, 170137, "Order quantity has too many decimals.", INVALID),
    F("lot size, linear", CREATE, LINEAR | {"qty": "0.0105"}, 10001, "Qty invalid", BAD),
    F(
        "smallest quantity, linear",
        CREATE,
        LINEAR | {"qty": "0.0001"},
        10001,
        "The number of contracts exceeds minimum limit allowed",
        BAD,
    ),
    F(
        "largest quantity, linear",
        CREATE,
        LINEAR | {"qty": "1001"},
        10001,
        "The number of contracts exceeds maximum limit allowed: "
        "too large, order_qty:100100000000 > max_qty:100000000000",
        BAD,
    ),
    F("largest quantity, spot", CREATE, SPOT | {"qty": "9001"}, 170381, "Order quantity too large.", OTHER),
    F("price too high, spot", CREATE, SPOT | {"price": "600000"}, 170132, "Order price too high.", INVALID),
    F(
        "price too low, spot",
        CREATE,
        SPOT | {"price": "10000", "qty": "0.1"},
        170133,
        "Order price lower than the minimum.",
        INVALID,
    ),
    F(
        "price decimals, spot",
        CREATE,
        SPOT | {"price": "90000.001"},
        170134,
        "Order price has too many decimals.",
        INVALID,
    ),
    F(
        "price out of range, linear",
        CREATE,
        LINEAR | {"price": "600000"},
        110003,
        "Order price is out of permissible range",
        INVALID,
    ),
    F(
        "client id twice, spot",
        CREATE,
        SPOT | {"orderLinkId": "twice-spot"},
        170141,
        "Duplicate clientOrderId.",
        INVALID,
        first=(CREATE, SPOT | {"orderLinkId": "twice-spot"}),
    ),
    F(
        "client id twice, linear",
        CREATE,
        LINEAR | {"orderLinkId": "twice"},
        110072,
        "OrderLinkedID is duplicate",
        INVALID,
        first=(CREATE, LINEAR | {"orderLinkId": "twice"}),
    ),
    F(
        "client id too long",
        CREATE,
        LINEAR | {"orderLinkId": "x" * 37},
        10001,
        "params error: orderLinkId invalid",
        BAD,
    ),
    F(
        "client id with a forbidden letter",
        CREATE,
        LINEAR | {"orderLinkId": "a.b"},
        10001,
        "params error: orderLinkId invalid",
        BAD,
    ),
    F(
        "unknown order, spot",
        CANCEL,
        {"category": "spot", "symbol": "BTCUSDT", "orderId": "1321003749386327552"},
        170213,
        "Order does not exist.",
        LOST,
    ),
    F("unknown order, linear", CANCEL, NOBODY, 110001, "order not exists or too late to cancel", LOST),
    F("unknown order, amended", AMEND, NOBODY | {"qty": "1"}, 110001, "order not exists or too late to replace", LOST),
    F(
        "reduce-only without position",
        CREATE,
        LINEAR | {"side": "Sell", "price": "110000", "reduceOnly": True},
        110017,
        "current position is zero, cannot fix reduce-only order qty",
        INVALID,
    ),
    F(
        "position side, one-way mode",
        CREATE,
        LINEAR | {"positionIdx": 1},
        10001,
        "position idx not match position mode",
        BAD,
    ),
    F(
        "position mode unchanged",
        "/v5/position/switch-mode",
        {"category": "linear", "symbol": "BTCUSDT", "mode": 0},
        110025,
        "Position mode is not modified",
        ccxt.NoChange,
    ),
    F(
        "leverage unchanged",
        "/v5/position/set-leverage",
        {"category": "linear", "symbol": "BTCUSDT", "buyLeverage": "10", "sellLeverage": "10"},
        110043,
        "leverage not modified",
        BAD,
    ),
    F(
        "portfolio margin",
        "/v5/account/set-margin-mode",
        {"setMarginMode": "PORTFOLIO_MARGIN"},
        3400045,
        "Set margin mode failed",
        OTHER,
    ),
    F(
        "isolated margin by symbol",
        "/v5/position/switch-isolated",
        {"category": "linear", "symbol": "BTCUSDT", "tradeMode": 1},
        100028,
        "unified account is forbidden",
        DENIED,
    ),
    F(
        "margin of a cross position",
        "/v5/position/add-margin",
        {"category": "linear", "symbol": "BTCUSDT", "margin": "10"},
        110015,
        "The position is in cross margin mode.",
        BAD,
        first=(CREATE, LINEAR | {"price": "101000"}),
    ),
    F(
        "trigger already passed, rising",
        CREATE,
        LINEAR | {"triggerPrice": "90000", "triggerDirection": 1},
        110092,
        r"expect Rising, but trigger_price\[900000000\] <= current\[\d+\]\?\?LastPrice",
        INVALID,
    ),
    F(
        "trigger already passed, falling",
        CREATE,
        LINEAR | {"triggerPrice": "110000", "triggerDirection": 2},
        110093,
        r"expect Falling, but trigger_price\[1100000000\] >= current\[\d+\]\?\?LastPrice",
        INVALID,
    ),
    F("side, linear", CREATE, LINEAR | {"side": "buy"}, 10001, "params error: side invalid", BAD),
    F("side, spot", CREATE, SPOT | {"side": "buy"}, 170117, "Invalid side.", INVALID),
    F("type, spot", CREATE, SPOT | {"orderType": "limit"}, 170116, "Invalid orderType.", INVALID),
    F("time in force, spot", CREATE, SPOT | {"timeInForce": "DAY"}, 170115, "Invalid timeInForce.", INVALID),
    F("symbol, spot", CREATE, SPOT | {"symbol": "NOPEUSDT"}, 170121, "Invalid symbol.", INVALID),
    F("symbol, linear", CREATE, LINEAR | {"symbol": "NOPEUSDT"}, 10001, "params error: symbol invalid", BAD),
    F("category", CREATE, LINEAR | {"category": "futures"}, 10001, "Illegal category", BAD),
    F(
        "amend without change",
        AMEND,
        {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "same", "qty": "0.01"},
        10001,
        "order not modified",
        BAD,
        first=(CREATE, LINEAR | {"orderLinkId": "same"}),
    ),
    F(
        "transfer above balance",
        "/v5/asset/transfer/inter-transfer",
        {
            "transferId": "42c0cfb0-6bca-4242-bc76-4e6df6cbab16",
            "coin": "USDT",
            "amount": "999999",
            "fromAccountType": "UNIFIED",
            "toAccountType": "FUND",
        },
        131212,
        "Insufficient balance",
        POOR,
    ),
    F(
        "transfer to itself",
        "/v5/asset/transfer/inter-transfer",
        {
            "transferId": "42c0cfb0-6bca-4242-bc76-4e6df6cbab17",
            "coin": "USDT",
            "amount": "1",
            "fromAccountType": "FUND",
            "toAccountType": "FUND",
        },
        131211,
        "fromAccountType can't be the same as toAccountType",
        BAD,
    ),
    F("unknown key", WALLET, UNIFIED, 10003, "API key is invalid.", STRANGER, key="unknown"),
    F(
        "wrong signature",
        WALLET,
        UNIFIED,
        10004,
        r"Error sign, please check your signature generation algorithm\. origin_string\[.*\]",
        STRANGER,
        key="wrong secret",
    ),
    F(
        "late timestamp",
        WALLET,
        UNIFIED,
        10002,
        OUT_OF_WINDOW,
        ccxt.InvalidNonce,
        key="late",
    ),
    F(
        "early timestamp",
        WALLET,
        UNIFIED,
        10002,
        OUT_OF_WINDOW,
        ccxt.InvalidNonce,
        key="early",
    ),
    F(
        "address not bound to the key",
        WALLET,
        UNIFIED,
        10010,
        "Unmatched IP, please check your API key's bound IP addresses.",
        DENIED,
        key="elsewhere",
    ),
    F(
        "read-only key trades",
        CREATE,
        LINEAR,
        10005,
        "Permission denied, please check your API key permissions.",
        DENIED,
        key="read-only",
    ),
    F(
        "spot key trades perpetuals",
        CREATE,
        LINEAR,
        10005,
        "Permission denied, please check your API key permissions.",
        DENIED,
        key="spot only",
    ),
    F("expired key", WALLET, UNIFIED, 33004, "Your api key has expired.", STRANGER, key="expired"),
    F("unknown path", "/v5/order/nothing", LINEAR, 10017, "Route not found.", BAD, status=404),
]
