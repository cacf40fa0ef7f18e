"""Positions on the lab's Bybit: leverage, modes, hedging, what protects a position, and conditional orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
from bybit_lab import BybitLab, Keys
from lab_thread import PX

SPOT, PERP = "BTC/USDT", "BTC/USDT:USDT"
HISTORY = "category=linear&symbol=BTCUSDT"


@pytest.fixture
def keys(bybit_lab: BybitLab) -> Iterator[Keys]:
    """An account of its own; the price is back at 100,000 afterwards."""
    yield bybit_lab.open_account()
    bybit_lab.pin(PX)


@pytest.fixture
def client(bybit_lab: BybitLab, keys: Keys) -> ccxt.bybit:
    client = bybit_lab.client(keys)
    client.load_markets()
    return client


def history(lab: BybitLab, keys: Keys) -> list[dict[str, Any]]:
    return list(lab.get("/v5/order/history", HISTORY, keys).result["list"])


def raw_position(lab: BybitLab, keys: Keys, idx: int = 0) -> dict[str, Any]:
    rows = lab.get("/v5/position/list", HISTORY, keys).result["list"]
    return next(dict(row) for row in rows if row["positionIdx"] == idx)


def test_a_position_opens_grows_and_closes(client: ccxt.bybit) -> None:
    client.create_order(PERP, "market", "buy", 0.02)
    client.create_order(PERP, "market", "buy", 0.01)
    grown = client.fetch_position(PERP)
    client.create_order(PERP, "market", "sell", 0.03, None, {"reduceOnly": True})

    assert (grown["side"], grown["contracts"], grown["leverage"]) == ("long", 0.03, 10)
    assert grown["notional"] == pytest.approx(0.03 * grown["entryPrice"])
    assert grown["initialMargin"] == pytest.approx(0.03 * PX / 10, rel=1e-3)
    assert client.fetch_positions() == []
    assert client.fetch_position(PERP)["contracts"] == 0


def test_a_reduce_only_order_never_opens(client: ccxt.bybit) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="current position is zero, cannot fix reduce-only order qty"):
        client.create_order(PERP, "market", "sell", 0.01, None, {"reduceOnly": True})
    client.create_order(PERP, "market", "buy", 0.01)
    with pytest.raises(ccxt.InvalidOrder, match="reduce-only order has same side with current position"):
        client.create_order(PERP, "market", "buy", 0.01, None, {"reduceOnly": True})
    client.create_order(PERP, "market", "sell", 0.05, None, {"reduceOnly": True})

    assert client.fetch_positions() == []


def test_leverage_decides_the_margin_and_says_when_it_stays(client: ccxt.bybit) -> None:
    client.set_leverage(25, PERP)
    client.create_order(PERP, "market", "buy", 0.01)

    assert client.fetch_leverage(PERP)["longLeverage"] == 25
    assert client.fetch_position(PERP)["initialMargin"] == pytest.approx(0.01 * PX / 25, rel=1e-3)
    with pytest.raises(ccxt.BadRequest, match='"retCode":110043'):
        client.set_leverage(25, PERP)
    with pytest.raises(ccxt.BadRequest, match="gt maxLeverage \\[12500\\] by risk limit"):
        client.set_leverage(200, PERP)


def test_hedge_mode_keeps_both_sides_apart(client: ccxt.bybit) -> None:
    client.set_position_mode(True, PERP)
    client.create_order(PERP, "market", "buy", 0.02, None, {"positionIdx": 1})
    client.create_order(PERP, "market", "sell", 0.01, None, {"positionIdx": 2})
    client.create_order(PERP, "market", "sell", 0.01, None, {"positionIdx": 1, "reduceOnly": True})

    held = {p["side"]: (p["contracts"], p["info"]["positionIdx"]) for p in client.fetch_positions()}

    assert held == {"long": (0.01, 1), "short": (0.01, 2)}
    with pytest.raises(ccxt.BadRequest, match="position idx not match position mode"):
        client.create_order(PERP, "market", "buy", 0.01)
    with pytest.raises(ccxt.BadRequest, match="110024"):
        client.set_position_mode(False, PERP)


def test_the_position_mode_belongs_to_a_symbol_and_can_be_set_for_all(client: ccxt.bybit) -> None:
    client.set_position_mode(True, PERP)
    client.create_order("ETH/USDT:USDT", "market", "buy", 0.1)
    with pytest.raises(ccxt.NoChange):
        client.set_position_mode(True, PERP)
    client.set_position_mode(True)

    client.create_order("SOL/USDT:USDT", "market", "buy", 1, None, {"positionIdx": 1})
    with pytest.raises(ccxt.BadRequest, match="position idx not match position mode"):
        client.create_order("ETH/USDT:USDT", "market", "buy", 0.1, None, {"positionIdx": 1})


def test_margin_mode_is_set_for_the_whole_account(client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys) -> None:
    client.set_margin_mode("isolated", PERP, {"leverage": 5})
    client.create_order(PERP, "market", "buy", 0.01)
    added = bybit_lab.post(
        "/v5/position/add-margin", {"category": "linear", "symbol": "BTCUSDT", "margin": "50"}, keys
    ).result

    assert bybit_lab.get("/v5/account/info", "", keys).result["marginMode"] == "ISOLATED_MARGIN"
    assert float(added["positionBalance"]) == pytest.approx(0.01 * PX / 10 + 50, rel=1e-3)
    with pytest.raises(ccxt.ExchangeError, match="3400045"):
        client.set_margin_mode("cross", PERP, {"leverage": 5})


def test_what_protects_a_position_is_shown_with_it_and_fires(
    client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys
) -> None:
    client.create_order(PERP, "market", "buy", 0.02)
    stop = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}
    assert (
        bybit_lab.post("/v5/position/trading-stop", stop | {"takeProfit": "110000", "stopLoss": "95000"}, keys).result
        == {}
    )
    shown = raw_position(bybit_lab, keys)
    again = bybit_lab.post("/v5/position/trading-stop", stop | {"stopLoss": "95000"}, keys).error
    bybit_lab.pin(94_990)
    orders = {row["stopOrderType"]: row for row in history(bybit_lab, keys)}

    assert (shown["takeProfit"], shown["stopLoss"]) == ("110000.00", "95000.00")
    assert again == (200, 34040, "not modified")
    assert (orders["StopLoss"]["orderStatus"], orders["StopLoss"]["cumExecQty"]) == ("Filled", "0.020")
    assert orders["StopLoss"]["createType"] == "CreateByStopLoss"
    assert orders["TakeProfit"]["orderStatus"] == "Deactivated"
    assert client.fetch_positions() == []


def test_a_stop_on_the_wrong_side_is_refused(client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys) -> None:
    client.create_order(PERP, "market", "buy", 0.02)
    stop = {"category": "linear", "symbol": "BTCUSDT", "tpslMode": "Full", "positionIdx": 0}

    refused = bybit_lab.post("/v5/position/trading-stop", stop | {"stopLoss": "105000"}, keys).error
    none = bybit_lab.post("/v5/position/trading-stop", stop | {"symbol": "ETHUSDT", "stopLoss": "1"}, keys).error

    text = "StopLoss:1050000000 set for Buy position should lower than base_price:1000050000??LastPrice"
    assert refused == (200, 10001, text)
    assert none == (200, 10001, "can not set tp/sl/ts for zero position")


def test_a_trailing_stop_follows_the_price_and_closes_behind_it(
    client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys
) -> None:
    client.create_order(PERP, "market", "buy", 0.02)
    client.create_order(PERP, "market", "sell", 0.02, None, {"trailingAmount": "1000"})
    shown = raw_position(bybit_lab, keys)["trailingStop"]
    bybit_lab.pin(103_000)
    held = client.fetch_position(PERP)["contracts"]
    bybit_lab.pin(101_900)
    (order,) = [row for row in history(bybit_lab, keys) if row["stopOrderType"] == "TrailingStop"]

    assert (shown, held) == ("1000.00", 0.02)
    assert (order["orderStatus"], order["side"], order["cumExecQty"]) == ("Filled", "Sell", "0.020")
    assert client.fetch_positions() == []


def test_partial_stops_close_their_own_size(client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys) -> None:
    client.create_order(PERP, "market", "buy", 0.03)
    client.create_order(PERP, "market", "sell", 0.01, None, {"stopLossPrice": 97_000, "tradingStopEndpoint": True})
    bybit_lab.pin(96_990)

    assert client.fetch_position(PERP)["contracts"] == 0.02
    assert history(bybit_lab, keys)[0]["stopOrderType"] == "PartialStopLoss"


def test_what_is_attached_to_an_order_waits_for_its_fill(client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys) -> None:
    exits = {"stopLoss": {"triggerPrice": 90_000}, "takeProfit": {"triggerPrice": 105_000}}
    placed = client.create_order(PERP, "limit", "buy", 0.01, 98_000, exits)
    before = client.fetch_open_orders(PERP)
    bybit_lab.pin(97_990)
    after = client.fetch_open_orders(PERP)
    shown = raw_position(bybit_lab, keys)
    bybit_lab.pin(105_010)

    assert [(o["id"], o["stopLossPrice"], o["takeProfitPrice"]) for o in before] == [(placed["id"], 90_000, 105_000)]
    assert sorted(o["info"]["stopOrderType"] for o in after) == ["StopLoss", "TakeProfit"]
    assert (shown["stopLoss"], shown["takeProfit"]) == ("90000.00", "105000.00")
    assert client.fetch_positions() == []
    assert {o["info"]["orderStatus"] for o in client.fetch_open_orders(PERP)} == set()


def test_what_is_attached_can_be_changed_and_taken_away(client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys) -> None:
    exits = {"stopLoss": {"triggerPrice": 90_000}, "takeProfit": {"triggerPrice": 105_000}}
    placed = client.create_order(PERP, "limit", "buy", 0.01, 98_000, exits)
    body = {"category": "linear", "symbol": "BTCUSDT", "orderId": placed["id"], "stopLoss": "91000", "takeProfit": "0"}

    assert bybit_lab.post("/v5/order/amend", body, keys).result["orderId"] == placed["id"]
    (order,) = client.fetch_open_orders(PERP)
    bybit_lab.pin(97_990)
    (stop,) = client.fetch_open_orders(PERP)

    assert (order["stopLossPrice"], order["takeProfitPrice"]) == (91_000, None)
    assert (stop["triggerPrice"], stop["info"]["stopOrderType"]) == (91_000, "StopLoss")


def test_a_conditional_order_keeps_its_id_when_it_triggers(client: ccxt.bybit, bybit_lab: BybitLab) -> None:
    asked = {"triggerPrice": 102_000, "triggerDirection": "ascending", "clientOrderId": "breakout"}
    placed = client.create_order(PERP, "market", "buy", 0.01, None, asked)
    (waiting,) = client.fetch_open_orders(PERP)
    bybit_lab.pin(102_010)
    done = client.fetch_order(placed["id"], PERP, {"acknowledged": True})

    assert (waiting["id"], waiting["status"], waiting["triggerPrice"]) == (placed["id"], "open", 102_000)
    assert (waiting["info"]["orderStatus"], waiting["info"]["stopOrderType"]) == ("Untriggered", "Stop")
    assert (done["status"], done["filled"], done["clientOrderId"]) == ("closed", 0.01, "breakout")
    assert (done["info"]["createType"], done["triggerPrice"]) == ("CreateByStopOrder", 102_000)


def test_a_conditional_order_is_changed_and_canceled(client: ccxt.bybit) -> None:
    asked = {"triggerPrice": 102_000, "triggerDirection": "ascending"}
    placed = client.create_order(PERP, "market", "buy", 0.01, None, asked)
    client.edit_order(placed["id"], PERP, "market", "buy", 0.02, None, {"triggerPrice": 103_000})
    (changed,) = client.fetch_open_orders(PERP)
    client.cancel_order(placed["id"], PERP)
    gone = client.fetch_order(placed["id"], PERP, {"acknowledged": True})

    assert (changed["triggerPrice"], changed["amount"]) == (103_000, 0.02)
    assert (gone["status"], gone["info"]["orderStatus"]) == ("canceled", "Deactivated")


def test_the_trigger_may_watch_the_mark_price(client: ccxt.bybit, bybit_lab: BybitLab) -> None:
    asked = {"triggerPrice": 98_000, "triggerDirection": "descending", "triggerBy": "MarkPrice"}
    client.create_order(PERP, "market", "sell", 0.01, None, asked)
    (waiting,) = client.fetch_open_orders(PERP)
    bybit_lab.pin(97_990)

    assert waiting["info"]["triggerBy"] == "MarkPrice"
    assert client.fetch_position(PERP)["side"] == "short"


def test_spot_conditional_orders_trigger_too(client: ccxt.bybit, bybit_lab: BybitLab) -> None:
    stop = client.create_order(SPOT, "market", "sell", 0.01, None, {"triggerPrice": 95_000})
    shield = client.create_order(SPOT, "limit", "sell", 0.01, 94_000, {"stopLossPrice": 96_000})
    kinds = {o["id"]: o["info"]["stopOrderType"] for o in client.fetch_open_orders(SPOT)}
    client.cancel_order(shield["id"], SPOT, {"orderFilter": "tpslOrder"})
    bybit_lab.pin(94_990)

    assert kinds == {stop["id"]: "Stop", shield["id"]: "tpslOrder"}
    assert client.fetch_order(stop["id"], SPOT, {"acknowledged": True})["filled"] == 0.01
    assert client.fetch_order(shield["id"], SPOT, {"acknowledged": True})["status"] == "canceled"


def test_a_market_order_stays_within_the_slippage_that_is_accepted(bybit_lab: BybitLab, keys: Keys) -> None:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.8"}
    tolerance = {"slippageToleranceType": "TickSize", "slippageTolerance": "1"}

    placed = bybit_lab.post("/v5/order/create", order | tolerance, keys).result
    too_much = bybit_lab.post("/v5/order/create", order | tolerance | {"slippageTolerance": "10001"}, keys).error
    (row,) = bybit_lab.get("/v5/order/realtime", f"category=linear&orderId={placed['orderId']}", keys).result["list"]

    assert (row["orderStatus"], row["orderType"], row["timeInForce"]) == ("Cancelled", "Market", "IOC")
    assert 0 < float(row["cumExecQty"]) < 0.8
    assert too_much == (200, 110108, "Allowable range: 1 to 10000 tick size")


def test_a_ruined_position_is_closed_by_the_exchange(client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys) -> None:
    client.create_order(SPOT, "market", "sell", 1)
    client.transfer("USDT", 108_000, "unified", "fund")
    client.set_leverage(100, PERP)
    client.create_order(PERP, "market", "buy", 1)
    liquidation_px = client.fetch_position(PERP)["liquidationPrice"]
    bybit_lab.pin(int(liquidation_px) - 50)
    last = bybit_lab.get("/v5/execution/list", HISTORY, keys).result["list"][0]

    assert liquidation_px < PX
    assert client.fetch_positions() == []
    assert (last["execType"], last["createType"]) == ("BustTrade", "CreateByTakeOver_PassThrough")
    assert client.fetch_balance()["USDT"]["total"] >= 0


def test_a_later_orders_stop_takes_the_place_of_the_first_for_the_whole_position(
    client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys
) -> None:
    client.create_order(PERP, "market", "buy", 0.01, None, {"stopLoss": {"triggerPrice": 90_000}})
    client.create_order(PERP, "market", "buy", 0.02, None, {"stopLoss": {"triggerPrice": 95_000}})
    stops = [o["triggerPrice"] for o in client.fetch_open_orders(PERP)]
    shown = raw_position(bybit_lab, keys)["stopLoss"]
    bybit_lab.pin(94_990)

    assert (stops, shown) == ([95_000], "95000.00")
    assert client.fetch_positions() == []


def test_in_partial_mode_each_order_keeps_its_own_stop(client: ccxt.bybit, bybit_lab: BybitLab) -> None:
    for px in (97_000, 95_000):
        client.create_order(
            PERP, "market", "buy", 0.01, None, {"stopLoss": {"triggerPrice": px}, "tpslMode": "Partial"}
        )
    kinds = [o["info"]["stopOrderType"] for o in client.fetch_open_orders(PERP)]
    bybit_lab.pin(96_990)

    assert kinds == ["PartialStopLoss", "PartialStopLoss"]
    assert client.fetch_position(PERP)["contracts"] == 0.01


def test_partial_stops_of_a_resting_order_are_changed_before_it_fills(
    client: ccxt.bybit, bybit_lab: BybitLab, keys: Keys
) -> None:
    stop = {"stopLoss": {"triggerPrice": 90_000}, "tpslMode": "Partial"}
    placed = client.create_order(PERP, "limit", "buy", 0.01, 98_000, stop)
    body = {"category": "linear", "symbol": "BTCUSDT", "orderId": placed["id"], "stopLoss": "92000"}
    assert bybit_lab.post("/v5/order/amend", body, keys).result["orderId"] == placed["id"]
    bybit_lab.pin(97_990)

    (left,) = client.fetch_open_orders(PERP)
    assert (left["triggerPrice"], left["amount"]) == (92_000, 0.01)
    assert left["info"]["stopOrderType"] == "PartialStopLoss"
