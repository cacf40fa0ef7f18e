"""Failures of Bitget: how to provoke each, its status, code and text, and what unmodified ccxt raises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ccxt
from bitget_lab import BitgetLab, Keys

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
MIX = {"symbol": "BTCUSDT", "productType": "USDT-FUTURES", "marginCoin": "USDT", "marginMode": "crossed"}
Provoke = Callable[[BitgetLab, Keys, ccxt.bitget], Any]
Told = tuple[str, int, str, str, type[Exception], Provoke]


def _order(symbol: str, qty: float, px: float | None = 90_000, side: str = "buy", **params: Any) -> Provoke:
    kind = "market" if px is None else "limit"
    return lambda _lab, _keys, client: client.create_order(symbol, kind, side, qty, px, params)


def _spot(**order: str) -> Provoke:
    """Send a spot order as it is, past ccxt's own rounding."""
    whole = {"symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "price": "90000", **order}
    return lambda _lab, _keys, client: client.private_spot_post_v2_spot_trade_place_order(whole)


def _mix(**order: str) -> Provoke:
    whole = {**MIX, "side": "buy", "orderType": "limit", "force": "gtc", "price": "90000", "size": "0.01", **order}
    return lambda _lab, _keys, client: client.private_mix_post_v2_mix_order_place_order(whole)


def _uta(**order: str) -> Provoke:
    whole = {"category": "USDT-FUTURES", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "90000"}
    return lambda _lab, _keys, client: client.private_uta_post_v3_trade_place_order({**whole, "qty": "0.01", **order})


def _then(*steps: Provoke) -> Provoke:
    return lambda lab, keys, client: [step(lab, keys, client) for step in steps]


def _with(**attributes: str) -> Provoke:
    """Ask for the balance with other credentials."""

    def ask(_lab: BitgetLab, _keys: Keys, client: ccxt.bitget) -> Any:
        for name, value in attributes.items():
            setattr(client, name, value)
        return client.fetch_balance()

    return ask


def _key(balance: str = "spot", **rights: Any) -> Provoke:
    """Ask for the balance with another key of the same account."""

    def ask(lab: BitgetLab, keys: Keys, client: ccxt.bitget) -> Any:
        other = lab.issue_key(keys.account, **rights)
        client.apiKey, client.secret, client.password = other[1:]
        return client.fetch_balance({"type": balance})

    return ask


def _skewed(ms: int) -> Provoke:
    def ask(_lab: BitgetLab, _keys: Keys, client: ccxt.bitget) -> Any:
        client.options["timeDifference"] = ms
        return client.fetch_balance()

    return ask


def _bad_stamp(lab: BitgetLab, keys: Keys, client: ccxt.bitget) -> Any:
    client.nonce = lambda: "soon"  # type: ignore[method-assign,assignment]
    return client.fetch_balance()


def _too_fast(lab: BitgetLab, keys: Keys, client: ccxt.bitget) -> Any:
    """Ask eleven times in one second of the exchange's clock where ten are allowed."""
    lab.classic.clock_offset_ms = -(lab.world.now_ms() % 1000.0)
    try:
        return [client.fetch_balance() for _ in range(11)]
    finally:
        lab.classic.clock_offset_ms = 0.0


def _halted(lab: BitgetLab, keys: Keys, client: ccxt.bitget) -> Any:
    lab.classic.spot.halt("ETHUSDT")
    try:
        return client.create_order("ETH/USDT", "limit", "buy", 1, 2000)
    finally:
        lab.classic.spot.halt("ETHUSDT", False)


def _wrong_kind(unified: bool) -> Provoke:
    def ask(lab: BitgetLab, _keys: Keys, _client: ccxt.bitget) -> Any:
        client = lab.client(lab.open_account(unified=unified), options={"uta": not unified})
        client.set_markets_from_exchange(_client)
        return client.fetch_balance()

    return ask


_LONG = _order(SWAP, 0.01, None)
_HEDGE: Provoke = lambda _lab, _keys, client: client.set_position_mode(True, SWAP)  # noqa: E731 - one step of many
AUTH, DENIED, NONCE = ccxt.AuthenticationError, ccxt.PermissionDenied, ccxt.InvalidNonce
INVALID, MISSING, FUNDS, PLAIN = ccxt.InvalidOrder, ccxt.OrderNotFound, ccxt.InsufficientFunds, ccxt.ExchangeError

FAILURES: list[Told] = [
    ("key malformed", 400, "40006", "Invalid ACCESS_KEY", AUTH, _with(apiKey="nonsense")),
    ("key unknown", 400, "40037", "Apikey does not exist", AUTH, _with(apiKey="bg_" + "0" * 32)),
    ("key expired", 400, "40037", "Apikey does not exist", AUTH, _key(expires_ms=1)),
    ("signature", 400, "40009", "sign signature error", AUTH, _with(secret="0" * 64)),
    ("passphrase", 400, "40012", "apikey/password is incorrect", AUTH, _with(password="wrong")),
    ("address", 400, "40018", "Invalid IP", DENIED, _key(ips=("198.51.100.1",))),
    (
        "right to read futures",
        400,
        "40014",
        "Incorrect permissions, need future order read or future order write permissions",
        DENIED,
        _key("swap", permissions=("trade",)),
    ),
    (
        "right to trade spot",
        400,
        "40014",
        "Incorrect permissions, need spot order write permissions",
        DENIED,
        _then(_key(permissions=("read",)), _order(SPOT, 0.01)),
    ),
    ("time too old", 400, "40008", "Request timestamp expired", NONCE, _skewed(60_000)),
    ("time no number", 400, "40005", "Invalid ACCESS_TIMESTAMP", NONCE, _bad_stamp),
    ("too many calls", 429, "429", "Too Many Requests", ccxt.DDoSProtection, _too_fast),
    ("classic key on v3", 400, "40084", "You are in Classic Account mode", PLAIN, _wrong_kind(unified=False)),
    ("unified key on v2", 400, "40085", "You are in Unified Account mode", DENIED, _wrong_kind(unified=True)),
    ("spot balance", 400, "43012", "Insufficient balance", FUNDS, _order(SPOT, 900)),
    ("futures balance", 400, "40762", "The order amount exceeds the balance", FUNDS, _order(SWAP, 90)),
    ("spot notional", 400, "45110", "less than the minimum amount 1 USDT", INVALID, _spot(size="0.00001")),
    (
        "futures notional",
        400,
        "45110",
        "less than the minimum amount 5 USDT",
        INVALID,
        lambda _lab, _keys, client: client.create_order("SOL/USDT:USDT", "limit", "buy", 0.1, 45),
    ),
    (
        "size precision",
        400,
        "40808",
        "Parameter verification exception size checkBDScale error value=0.000015 checkScale=5",
        INVALID,
        _spot(size="0.000015"),
    ),
    (
        "price precision",
        400,
        "40808",
        "Parameter verification exception price checkBDScale error value=90000.001 checkScale=2",
        INVALID,
        _spot(size="0.01", price="90000.001"),
    ),
    (
        "futures price step",
        400,
        "45115",
        "The price you enter should be a multiple of 0.1",
        PLAIN,
        _mix(price="90000.05"),
    ),
    ("size too large", 400, "45112", "more than the maximum order quantity", PLAIN, _spot(size="9001")),
    (
        "spot price too low",
        400,
        "43008",
        "The current order price cannot be less than 10000USDT",
        PLAIN,
        _spot(side="sell", size="0.01", price="10000"),
    ),
    ("market closed", 400, "41114", "The current trading pair is under maintenance", ccxt.OnMaintenance, _halted),
    (
        "spot client id twice",
        400,
        "43118",
        "clientOrderId duplicate",
        PLAIN,
        _then(*[_order(SPOT, 0.001, clientOid="twice")] * 2),
    ),
    (
        "futures client id twice",
        400,
        "40786",
        "Duplicate clientOid",
        PLAIN,
        _then(*[_order(SWAP, 0.001, clientOid="twice")] * 2),
    ),
    (
        "client id too long",
        400,
        "40305",
        "clientOid or clientOrderId length",
        ccxt.BadRequest,
        _order(SPOT, 0.001, clientOid="x" * 65),
    ),
    (
        "spot order unknown",
        400,
        "43001",
        "The order does not exist",
        MISSING,
        lambda _lab, _keys, client: client.cancel_order("1300000000000999999", SPOT),
    ),
    (
        "futures order unknown",
        400,
        "40768",
        "Order does not exist",
        MISSING,
        lambda _lab, _keys, client: client.cancel_order("1400000000000999999", SWAP),
    ),
    (
        "futures query unknown",
        400,
        "40109",
        "The data of the order cannot be found",
        MISSING,
        lambda _lab, _keys, client: client.fetch_order("1400000000000999999", SWAP),
    ),
    (
        "plan unknown",
        400,
        "43025",
        "Plan order does not exist",
        INVALID,
        lambda _lab, _keys, client: client.cancel_order("1500000000000999999", SPOT, {"trigger": True}),
    ),
    (
        "nothing to reduce",
        400,
        "22002",
        "No position to close",
        PLAIN,
        _order(SWAP, 0.01, None, "sell", reduceOnly=True),
    ),
    (
        "reducing too much",
        400,
        "40757",
        "Not enough position is available.",
        PLAIN,
        _then(_LONG, _order(SWAP, 0.02, None, "sell", reduceOnly=True)),
    ),
    (
        "hedge order in one-way mode",
        400,
        "40774",
        "The order type for unilateral position",
        INVALID,
        _order(SWAP, 0.01, None, hedged=True),
    ),
    ("one-way order in hedge mode", 400, "400172", "side mismatch", ccxt.BadRequest, _then(_HEDGE, _LONG)),
    ("position mode in use", 400, "40920", "Position or order exists", PLAIN, _then(_LONG, _HEDGE)),
    (
        "margin mode in use",
        400,
        "45117",
        "Currently holding positions or orders",
        PLAIN,
        _then(_LONG, lambda _lab, _keys, client: client.set_margin_mode("isolated", SWAP)),
    ),
    (
        "leverage too high",
        400,
        "45045",
        "Exceeds the maximum possible leverage",
        PLAIN,
        lambda _lab, _keys, client: client.set_leverage(200, SWAP),
    ),
    (
        "stop on the wrong side",
        400,
        "40917",
        "Stop price for long positions please < mark price 100000",
        INVALID,
        _then(_LONG, _order(SWAP, 0.01, None, "sell", stopLossPrice=110_000)),
    ),
    (
        "stop without position",
        400,
        "43023",
        "Insufficient position",
        PLAIN,
        _order(SWAP, 0.01, None, "sell", stopLossPrice=90_000),
    ),
    (
        "transfer above what is there",
        400,
        "43117",
        "Exceeds the maximum amount that can be transferred",
        PLAIN,
        lambda _lab, _keys, client: client.transfer("USDT", 1_000_000, "swap", "spot"),
    ),
    ("parameter missing", 400, "40019", "Parameter size cannot be empty", ccxt.BadRequest, _spot()),
    ("parameter nonsense", 400, "40020", "Parameter size error", ccxt.BadRequest, _spot(size="much")),
    (
        "symbol unknown",
        400,
        "40034",
        "Parameter NOUSDT does not exist",
        PLAIN,
        _spot(symbol="NOUSDT", size="1"),
    ),
]
UNIFIED_FAILURES: list[Told] = [
    ("unified balance", 400, "25202", "Insufficient balance", PLAIN, _order(SPOT, 900)),
    ("unified margin", 400, "25203", "Insufficient margin", PLAIN, _uta(qty="90")),
    ("unified minimum", 400, "25611", "Order quantity must be greater than", PLAIN, _order(SPOT, 0.00001)),
    ("unified quantity step", 400, "25610", "Order amount does not meet precision", PLAIN, _uta(qty="0.0105")),
    ("unified price step", 400, "25244", "Price should be a multiple of 0.1", PLAIN, _uta(price="90000.05")),
    (
        "unified client id twice",
        400,
        "25212",
        "Duplicate clientOid",
        PLAIN,
        _then(*[_order(SWAP, 0.01, clientOid="u")] * 2),
    ),
    (
        "unified order unknown",
        400,
        "25204",
        "Order does not exist",
        PLAIN,
        lambda _lab, _keys, client: client.cancel_order("1400000000000999999", SWAP),
    ),
    (
        "unified nothing to reduce",
        400,
        "25227",
        "No position available to close",
        PLAIN,
        _order(SWAP, 0.01, None, "sell", reduceOnly=True),
    ),
    ("unified hold mode in use", 400, "25010", "Unsupported position mode switch", PLAIN, _then(_LONG, _HEDGE)),
    (
        "unified leverage",
        400,
        "25223",
        "Exceeds Max. leverage",
        PLAIN,
        lambda _lab, _keys, client: client.set_leverage(200, SWAP),
    ),
    (
        "right to read unified",
        400,
        "40014",
        "Incorrect permissions, need uta manage read or uta manage write permissions",
        DENIED,
        _key(permissions=("transfer",)),
    ),
]
