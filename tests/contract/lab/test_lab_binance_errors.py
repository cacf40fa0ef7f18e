"""Every failure of the wire research, provoked on Binance: HTTP status, code, text, and what unmodified ccxt raises."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import ccxt
import pytest
from binance_lab import BinanceLab, Keys
from error_table import record

SPOT, UM = "BTC/USDT", "BTC/USDT:USDT"
OUT_OF_FUNDS = "Account has insufficient balance for requested action."
DENIED = "Invalid API-key, IP, or permissions for action."
UM_DENIED = f"{DENIED[:-1]}, request ip: 203.0.113.7"
NO_ORDER, UNKNOWN = "Order does not exist.", "Unknown order sent."


class Told(NamedTuple):
    """The last answer that ccxt got."""

    status: int
    code: int
    msg: str


class Case(NamedTuple):
    """One failure: how to provoke it with a fresh client of a rich account, and what must come of it."""

    name: str
    act: Callable[[Any], object]
    status: int
    code: int
    msg: str
    raises: type[ccxt.BaseError]


def order(symbol: str, *args: Any, **params: Any) -> Callable[[Any], object]:
    return lambda client: client.create_order(symbol, *args, params=params)


def raw(name: str, **params: Any) -> Callable[[Any], object]:
    """Call an implicit method of ccxt: what it is given goes out as it is."""
    return lambda client: getattr(client, name)(params)


def resting(symbol: str, px: int) -> Callable[[Any], object]:
    return order(symbol, "limit", "buy", 0.01, px)


def twice(symbol: str) -> Callable[[Any], object]:
    """Place two resting orders of one name."""

    def act(client: Any) -> object:
        same = {"newClientOrderId": f"twice-{time.time_ns()}"}
        client.create_order(symbol, "limit", "buy", 0.01, 90_000, same)
        return client.create_order(symbol, "limit", "buy", 0.01, 90_000, same)

    return act


def in_turn(*acts: Callable[[Any], object]) -> Callable[[Any], object]:
    def act(client: Any) -> object:
        return [one(client) for one in acts][-1]

    return act


PLAIN = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "90000",
}
ALGO = {"algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.01"}

CASES = [
    Case(
        "spot: insufficient balance",
        order(SPOT, "limit", "buy", 900, 90_000),
        400,
        -2010,
        OUT_OF_FUNDS,
        ccxt.InsufficientFunds,
    ),
    Case(
        "spot: minimum notional",
        order(SPOT, "limit", "buy", 0.00001, 90_000),
        400,
        -1013,
        "Filter failure: NOTIONAL",
        ccxt.BadRequest,
    ),
    Case(
        "spot: lot size",
        raw("private_post_order", **PLAIN | {"quantity": "0.0100001"}),
        400,
        -1013,
        "Filter failure: LOT_SIZE",
        ccxt.InvalidOrder,
    ),
    Case(
        "spot: precision",
        raw("private_post_order", **PLAIN | {"quantity": "0.010000001"}),
        400,
        -1111,
        "Parameter 'quantity' has too much precision.",
        ccxt.BadRequest,
    ),
    Case(
        "spot: price filter",
        raw("private_post_order", **PLAIN | {"price": "90000.001"}),
        400,
        -1013,
        "Filter failure: PRICE_FILTER",
        ccxt.InvalidOrder,
    ),
    Case(
        "spot: price far away",
        order(SPOT, "limit", "buy", 0.01, 10_000),
        400,
        -1013,
        "Filter failure: PERCENT_PRICE_BY_SIDE",
        ccxt.InvalidOrder,
    ),
    Case("spot: duplicate client id", twice(SPOT), 400, -2010, "Duplicate order sent.", ccxt.InvalidOrder),
    Case(
        "spot: unknown order, cancel", lambda c: c.cancel_order("999999", SPOT), 400, -2011, UNKNOWN, ccxt.OrderNotFound
    ),
    Case(
        "spot: unknown order, query", lambda c: c.fetch_order("999999", SPOT), 400, -2013, NO_ORDER, ccxt.OrderNotFound
    ),
    Case(
        "spot: post-only would take",
        order(SPOT, "limit", "buy", 0.01, 110_000, postOnly=True),
        400,
        -2010,
        "Order would immediately match and take.",
        ccxt.OrderImmediatelyFillable,
    ),
    Case(
        "spot: stop would trigger",
        order(SPOT, "market", "sell", 0.01, None, stopLossPrice=110_000),
        400,
        -2010,
        "Stop price would trigger immediately.",
        ccxt.OrderImmediatelyFillable,
    ),
    Case(
        "spot: surplus parameter",
        order(SPOT, "limit", "buy", 0.01, 90_000, stopLoss={"triggerPrice": 80_000}),
        400,
        -1104,
        "Not all sent parameters were read; read '11' parameter(s) but was sent '12'.",
        ccxt.BadRequest,
    ),
    Case(
        "spot: edit of an unknown order",
        lambda c: c.edit_order("999999", SPOT, "limit", "buy", 0.01, 90_000),
        400,
        -2022,
        "Order cancel-replace failed.",
        ccxt.BadResponse,
    ),
    Case("spot: unknown symbol", raw("public_get_depth", symbol="NOPE"), 400, -1121, "Invalid symbol.", ccxt.BadSymbol),
    Case(
        "um: insufficient margin",
        order(UM, "limit", "buy", 30, 90_000),
        400,
        -2019,
        "Margin is insufficient.",
        ccxt.InsufficientFunds,
    ),
    Case(
        "um: minimum notional",
        raw("fapiprivate_post_order", **PLAIN | {"quantity": "0.1", "symbol": "XRPUSDT", "price": "1"}),
        400,
        -4164,
        "Order's notional must be no smaller than 5 (unless you choose reduce only).",
        ccxt.InvalidOrder,
    ),
    Case(
        "um: quantity of zero",
        raw("fapiprivate_post_order", **PLAIN | {"quantity": "0"}),
        400,
        -4003,
        "Quantity less than or equal to zero.",
        ccxt.BadRequest,
    ),
    Case(
        "um: precision",
        raw("fapiprivate_post_order", **PLAIN | {"quantity": "0.0101"}),
        400,
        -1111,
        "Precision is over the maximum defined for this asset.",
        ccxt.BadRequest,
    ),
    Case(
        "um: tick size",
        raw("fapiprivate_post_order", **PLAIN | {"price": "90000.05"}),
        400,
        -4014,
        "Price not increased by tick size.",
        ccxt.BadRequest,
    ),
    Case(
        "um: price far above",
        order(UM, "limit", "sell", 0.01, 900_000),
        400,
        -4016,
        "Price is higher than mark price multiplier cap.",
        ccxt.BadRequest,
    ),
    Case(
        "um: price far below",
        order(UM, "limit", "buy", 0.01, 10_000),
        400,
        -4024,
        "Price is lower than mark price multiplier floor.",
        ccxt.BadRequest,
    ),
    Case("um: duplicate client id", twice(UM), 400, -4116, "ClientOrderId is duplicated.", ccxt.InvalidOrder),
    Case("um: unknown order, cancel", lambda c: c.cancel_order("999999", UM), 400, -2011, UNKNOWN, ccxt.OrderNotFound),
    Case("um: unknown order, query", lambda c: c.fetch_order("999999", UM), 400, -2013, NO_ORDER, ccxt.OrderNotFound),
    Case(
        "um: reduce-only without position",
        order(UM, "market", "sell", 0.01, None, reduceOnly=True),
        400,
        -2022,
        "ReduceOnly Order is rejected.",
        ccxt.InvalidOrder,
    ),
    Case(
        "um: stop would trigger",
        order(UM, "market", "sell", 0.01, None, stopLossPrice=110_000),
        400,
        -2021,
        "Order would immediately trigger.",
        ccxt.OrderImmediatelyFillable,
    ),
    Case(
        "um: post-only would take",
        order(UM, "limit", "buy", 0.01, 110_000, postOnly=True),
        400,
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
        ccxt.OrderNotFillable,
    ),
    Case(
        "um: above the bracket of the leverage",
        in_turn(lambda c: c.set_leverage(125, UM), order(UM, "market", "buy", 3.5)),
        400,
        -2027,
        "Exceeded the maximum allowable position at current leverage.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: invalid leverage",
        raw("fapiprivate_post_leverage", symbol="BTCUSDT", leverage=126),
        400,
        -4028,
        "Leverage 126 is not valid",
        ccxt.BadRequest,
    ),
    Case(
        "um: position side in one-way mode",
        order(UM, "market", "buy", 0.01, None, positionSide="LONG"),
        400,
        -4061,
        "Order's position side does not match user's setting.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: margin type unchanged",
        lambda c: c.set_margin_mode("cross", UM),
        400,
        -4046,
        "No need to change margin type.",
        ccxt.MarginModeAlreadySet,
    ),
    Case(
        "um: position mode unchanged",
        lambda c: c.set_position_mode(False, UM),
        400,
        -4059,
        "No need to change position side.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: position mode with open orders",
        in_turn(resting(UM, 90_000), lambda c: c.set_position_mode(True, UM)),
        400,
        -4067,
        "Position side cannot be changed if there exists open orders.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: position mode with a position",
        in_turn(order(UM, "market", "buy", 0.01), lambda c: c.set_position_mode(True, UM)),
        400,
        -4068,
        "Position side cannot be changed if there exists position.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: margin type with open orders",
        in_turn(resting(UM, 90_000), lambda c: c.set_margin_mode("isolated", UM)),
        400,
        -4047,
        "Margin type cannot be changed if there exists open orders.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: margin type with a position",
        in_turn(order(UM, "market", "buy", 0.01), lambda c: c.set_margin_mode("isolated", UM)),
        400,
        -4048,
        "Margin type cannot be changed if there exists position.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: conditional at the wrong endpoint",
        raw("fapiprivate_post_order", **PLAIN | {"type": "STOP_MARKET", "stopPrice": "95000"}),
        400,
        -4120,
        "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
        ccxt.InvalidOrder,
    ),
    Case(
        "um: quantity beside closePosition",
        raw("fapiprivate_post_algoorder", **ALGO | {"triggerPrice": "95000", "closePosition": "true"}),
        400,
        -4137,
        "Quantity must be zero with closePosition equals true.",
        ccxt.BadRequest,
    ),
    Case(
        "um: nothing to modify",
        in_turn(lambda c: edit_to(c, 0.01, 90_000)),
        400,
        -5027,
        "No need to modify the order.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: margin of a position that is not there",
        in_turn(lambda c: c.set_margin_mode("isolated", UM), lambda c: c.add_margin(UM, 10)),
        400,
        -4054,
        "Cannot add position margin: position is 0.",
        ccxt.OperationRejected,
    ),
    Case(
        "um: margin of a cross position",
        lambda c: c.add_margin(UM, 10),
        400,
        -4049,
        "Add margin only support for isolated position.",
        ccxt.BadRequest,
    ),
    Case(
        "um: too many orders in a batch",
        lambda c: c.create_orders(
            [{"symbol": UM, "type": "limit", "side": "buy", "amount": 0.01, "price": 90_000 + i} for i in range(6)]
        ),
        400,
        -4082,
        "Invalid number of batch place orders: 6",
        ccxt.BadRequest,
    ),
    Case(
        "um: listen key that is not there",
        raw("fapiprivate_put_listenkey"),
        400,
        -1125,
        "This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to recreate `listenKey`",
        ccxt.AuthenticationError,
    ),
    Case(
        "wallet: transfer of more than there is",
        lambda c: c.transfer("USDT", 99_999_999, "spot", "swap"),
        400,
        -5013,
        "Asset transfer failed: insufficient balance",
        ccxt.InsufficientFunds,
    ),
]


def edit_to(client: Any, amount: float, px: float) -> object:
    made = client.create_order(UM, "limit", "buy", amount, px)
    return client.edit_order(made["id"], UM, "limit", "buy", amount, px)


@pytest.fixture(scope="module")
def markets(binance_lab: BinanceLab) -> Iterator[Any]:
    """A client whose loaded markets the others share."""
    client = binance_lab.client(binance_lab.open_account())
    client.load_markets()
    yield client
    client.session.close()


@pytest.fixture
def make(binance_lab: BinanceLab, markets: Any) -> Iterator[Callable[..., Any]]:
    """Make clients that know the markets already."""
    made: list[Any] = []

    def client(keys: Keys, **more: Any) -> Any:
        one = binance_lab.client(keys, **more)
        one.set_markets_from_exchange(markets)
        made.append(one)
        return one

    yield client
    for one in made:
        one.session.close()


def failure(client: Any, act: Callable[[Any], object]) -> tuple[Told, type[BaseException]]:
    """Provoke a failure and return what was told on the wire, and what ccxt made of it."""
    statuses: list[int] = []
    client.session.hooks["response"] = [lambda response, **_: statuses.append(response.status_code)]
    with pytest.raises(ccxt.BaseError) as raised:
        act(client)
    body = client.parse_json(client.last_http_response)
    return Told(statuses[-1], body["code"], body["msg"]), raised.type


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_provoked_failure_is_told_as_in_production(
    binance_lab: BinanceLab, make: Callable[..., Any], case: Case
) -> None:
    client = make(binance_lab.open_account(futures="100000"))
    told, raised = failure(client, case.act)
    record("binance", case.name, *told, raised.__name__)
    assert (told, raised) == (Told(case.status, case.code, case.msg), case.raises)


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.mark.parametrize(("side", "denied"), [("spot", DENIED), ("um", UM_DENIED)])
@pytest.mark.parametrize("what", ["unknown key", "address", "permission", "expired"])
def test_a_key_that_may_not_is_denied_in_one_way(
    binance_lab: BinanceLab, make: Callable[..., Any], side: str, denied: str, what: str
) -> None:
    account = binance_lab.open_account().account
    keys = {
        "unknown key": lambda: Keys(account, "A" * 64, "x"),
        "address": lambda: binance_lab.issue_key(account, ips=("198.51.100.1",)),
        "permission": lambda: binance_lab.issue_key(account, ("read",)),
        "expired": lambda: binance_lab.issue_key(account, expires_ms=now_ms() - 1),
    }[what]()
    told, raised = failure(make(keys), order(SPOT if side == "spot" else UM, "market", "buy", 0.01))
    record("binance", f"{side}: {what}", *told, raised.__name__)
    assert (told, raised) == (Told(401, -2015, denied), ccxt.AuthenticationError)


@pytest.mark.parametrize("symbol", [SPOT, UM])
def test_a_key_in_bad_form_and_a_bad_signature_are_told_apart(
    binance_lab: BinanceLab, make: Callable[..., Any], symbol: str
) -> None:
    keys = binance_lab.open_account()
    rows = [
        ("bad form of the key", Keys("", "short", "x"), Told(401, -2014, "API-key format invalid.")),
        ("bad signature", keys._replace(secret="x"), Told(400, -1022, "Signature for this request is not valid.")),
    ]
    for name, login, expected in rows:
        told, raised = failure(make(login), order(symbol, "market", "buy", 0.01))
        record("binance", f"{'spot' if symbol == SPOT else 'um'}: {name}", *told, raised.__name__)
        assert (told, raised) == (expected, ccxt.AuthenticationError)


@pytest.mark.parametrize("symbol", [SPOT, UM])
@pytest.mark.parametrize(
    ("off_ms", "msg"),
    [
        (-15_000, "Timestamp for this request was 1000ms ahead of the server's time."),
        (15_000, "Timestamp for this request is outside of the recvWindow."),
    ],
)
def test_a_clock_that_is_off_is_told(
    binance_lab: BinanceLab, make: Callable[..., Any], symbol: str, off_ms: int, msg: str
) -> None:
    client = make(binance_lab.open_account(), options={"timeDifference": off_ms})
    told, raised = failure(client, order(symbol, "market", "buy", 0.01))
    record("binance", f"{'spot' if symbol == SPOT else 'um'}: clock off by {-off_ms} ms", *told, raised.__name__)
    assert (told, raised) == (Told(400, -1021, msg), ccxt.InvalidNonce)


def called(client: Any, count: int, act: Callable[[Any], object]) -> None:
    for _ in range(count):
        act(client)


@pytest.mark.parametrize(
    ("name", "busy", "count", "status", "begins"),
    [
        ("spot: too much weight", raw("public_get_depth", symbol="BTCUSDT", limit=5000), 24, 429, "Too much request w"),
        ("um: too much weight", raw("fapipublic_get_ticker_24hr"), 60, 429, "Too many requests; current limit of"),
        ("spot: banned", raw("public_get_depth", symbol="BTCUSDT", limit=5000), 24, 418, "Way too much request weight"),
        ("um: banned", raw("fapipublic_get_ticker_24hr"), 60, 418, "Way too many requests; IP(198.51.100.77) ban"),
    ],
)
def test_an_address_that_asks_too_much_must_wait(
    binance_lab: BinanceLab,
    make: Callable[..., Any],
    *,
    name: str,
    busy: Callable[[Any], object],
    count: int,
    status: int,
    begins: str,
) -> None:
    client = make(binance_lab.open_account())
    client.session.headers["X-Forwarded-For"] = "198.51.100.77"
    # Held still: the count starts anew with every minute of the clock.
    clock, at_ms = binance_lab.world.now_ms, binance_lab.world.now_ms()
    binance_lab.world.now_ms = lambda: at_ms
    try:
        called(client, count, busy)
        for _ in range(22 if status == 418 else 0):
            with pytest.raises(ccxt.DDoSProtection):
                busy(client)
        told, raised = failure(client, busy)
    finally:
        binance_lab.world.now_ms = clock
        binance_lab.forget_limits()
    record("binance", name, *told, raised.__name__)
    assert (told[:2], told.msg[: len(begins)], raised) == ((status, -1003), begins, ccxt.DDoSProtection)


@pytest.mark.parametrize(("symbol", "most", "limit"), [(SPOT, 50, "50 orders"), (UM, 300, "300 orders")])
def test_an_account_that_orders_too_much_must_wait(
    binance_lab: BinanceLab, make: Callable[..., Any], symbol: str, most: int, limit: str
) -> None:
    keys = binance_lab.open_account(USDT="1000000")
    path = "/api/v3/order" if symbol == SPOT else "/fapi/v1/order"
    clock, at_ms = binance_lab.world.now_ms, binance_lab.world.now_ms()
    binance_lab.world.now_ms = lambda: at_ms
    try:
        for _ in range(most):
            assert binance_lab.signed("POST", path, keys, PLAIN | {"quantity": "0.001"}).status == 200
        told, raised = failure(make(keys), resting(symbol, 90_000))
    finally:
        binance_lab.world.now_ms = clock
    record("binance", f"{'spot' if symbol == SPOT else 'um'}: too many orders", *told, raised.__name__)
    text = f"Too many new orders; current limit is {limit} per 10 SECOND."
    assert (told, raised) == (Told(429, -1015, text), ccxt.DDoSProtection)


TIMEOUT = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."


@pytest.mark.parametrize("symbol", [SPOT, UM])
@pytest.mark.parametrize(
    ("status", "code", "msg", "raises"),
    [
        (408, -1007, TIMEOUT, ccxt.RequestTimeout),
        (503, -1000, "An unknown error occurred while processing the request.", ccxt.OperationFailed),
        (500, -1001, "Internal error; unable to process your request. Please try again.", ccxt.OperationFailed),
    ],
)
def test_an_unknown_outcome_is_told_as_such_and_may_have_happened(
    binance_lab: BinanceLab,
    make: Callable[..., Any],
    *,
    symbol: str,
    status: int,
    code: int,
    msg: str,
    raises: type[ccxt.BaseError],
) -> None:
    client = make(binance_lab.open_account())
    fault = {"harm": "status", "status": status, "executes": True, "method": "POST", "times": 1}
    added = binance_lab.run(binance_lab.world.faults.add, fault)
    try:
        told, raised = failure(client, resting(symbol, 90_000))
    finally:
        binance_lab.run(binance_lab.world.faults.remove, added.id)
    record("binance", f"{'spot' if symbol == SPOT else 'um'}: HTTP {status}", *told, raised.__name__)
    assert (told, raised) == (Told(status, code, msg), raises)
    assert len(client.fetch_open_orders(symbol)) == 1


def test_after_a_success_a_revoked_key_looks_like_a_rate_limit_to_ccxt(
    binance_lab: BinanceLab, make: Callable[..., Any]
) -> None:
    keys = binance_lab.open_account()
    client = make(keys)
    client.fetch_balance()
    binance_lab.run(binance_lab.exchange.keys.revoke, keys.api_key)
    told, raised = failure(client, lambda c: c.fetch_balance())
    record("binance", "spot: revoked after success", *told, raised.__name__)
    assert (told, raised) == (Told(401, -2015, DENIED), ccxt.DDoSProtection)


def test_a_batch_with_one_bad_order_raises_nothing(binance_lab: BinanceLab, make: Callable[..., Any]) -> None:
    client = make(binance_lab.open_account())
    rows = [{"symbol": UM, "type": "limit", "side": "buy", "amount": a, "price": 90_000} for a in (0.01, 30)]
    bad, good = client.create_orders(rows)  # ccxt sorts by time, and the refused one has none.
    assert good["status"] == "open"
    assert (bad["status"], bad["info"]) == ("rejected", {"code": -2019, "msg": "Margin is insufficient."})


def test_an_attached_stop_loss_is_ignored_by_futures(binance_lab: BinanceLab, make: Callable[..., Any]) -> None:
    client = make(binance_lab.open_account())
    made = client.create_order(UM, "limit", "buy", 0.01, 90_000, {"stopLoss": {"triggerPrice": 80_000}})
    assert made["status"] == "open"
    assert client.fetch_open_orders(UM, params={"trigger": True}) == []
