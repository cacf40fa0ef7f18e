"""Unmodified ccxt on Binance USDⓈ-M under production's own addresses; spot's conditional orders and the wallet too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
from binance_lab import BinanceLab

SPOT, UM = "BTC/USDT", "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def markets(binance_lab: BinanceLab) -> Iterator[Any]:
    client = binance_lab.client(binance_lab.open_account())
    client.load_markets()
    yield client
    client.session.close()


@pytest.fixture
def client(binance_lab: BinanceLab, markets: Any) -> Iterator[Any]:
    """A client with an account of its own: 10,000 USDT on either side, 1 BTC on spot."""
    one = binance_lab.client(binance_lab.open_account())
    one.set_markets_from_exchange(markets)
    yield one
    one.session.close()


def only(rows: list[Any]) -> Any:
    assert len(rows) == 1, rows
    return rows[0]


def test_contracts_carry_their_filters(markets: Any) -> None:
    market = markets.market(UM)
    assert (market["swap"], market["linear"], market["active"], market["contractSize"]) == (True, True, True, 1)
    assert (market["precision"]["amount"], market["precision"]["price"]) == (0.001, 0.1)
    assert market["limits"]["cost"]["min"] == 5
    assert set(markets.symbols) == {
        f"{base}/USDT{kind}" for base in ("BTC", "ETH", "SOL", "XRP", "BNB") for kind in ("", ":USDT")
    }


def test_market_data_surrounds_the_price(client: Any) -> None:
    book = client.fetch_order_book(UM, 5)
    assert book["bids"][0][0] < 100_000 < book["asks"][0][0]
    assert client.fetch_bids_asks([UM])[UM]["bid"] == book["bids"][0][0]
    assert client.fetch_ticker(UM)["last"] > 0
    assert client.fetch_mark_price(UM)["markPrice"] == 100_000
    assert len(client.fetch_ohlcv(UM, "1m", limit=3)) == 3
    assert client.fetch_trades(UM)[-1]["symbol"] == UM
    rate = client.fetch_funding_rate(UM)
    assert abs(rate["fundingRate"]) <= 0.003
    assert rate["fundingTimestamp"] > client.milliseconds()


def test_a_market_order_opens_a_position_and_costs_its_fee(client: Any) -> None:
    order = client.create_order(UM, "market", "buy", 0.01)
    assert (order["status"], order["filled"]) == ("closed", 0.01)
    position = only(client.fetch_positions([UM]))
    assert (position["side"], position["contracts"], position["entryPrice"]) == ("long", 0.01, order["average"])
    assert position["initialMargin"] == pytest.approx(0.01 * 100_000 / 20)
    fill = only(client.fetch_my_trades(UM))
    assert (fill["order"], fill["takerOrMaker"], fill["fee"]["currency"]) == (order["id"], "taker", "USDT")
    balance = client.fetch_balance({"type": "swap"})
    assert float(balance["info"]["totalWalletBalance"]) == pytest.approx(10_000 - fill["fee"]["cost"])
    assert balance["USDT"]["used"] == pytest.approx(50)


def test_a_closed_position_leaves_its_profit_in_the_wallet(binance_lab: BinanceLab, client: Any) -> None:
    client.create_order(UM, "market", "sell", 0.1)
    binance_lab.pin(99_000)
    try:
        client.create_order(UM, "market", "buy", 0.1, None, {"reduceOnly": True})
    finally:
        binance_lab.pin(100_000)
    assert client.fetch_positions([UM]) == []
    sold, bought = client.fetch_my_trades(UM)
    profit = (sold["price"] - bought["price"]) * 0.1
    assert float(bought["info"]["realizedPnl"]) == pytest.approx(profit)
    fees = sold["fee"]["cost"] + bought["fee"]["cost"]
    assert client.fetch_balance({"type": "swap"})["USDT"]["total"] == pytest.approx(10_000 + profit - fees)
    types = [row["info"]["incomeType"] for row in client.fetch_ledger("USDT", params={"type": "swap"})]
    assert sorted(types) == ["COMMISSION", "COMMISSION", "REALIZED_PNL"]


def test_a_limit_order_lives_is_edited_and_canceled(client: Any) -> None:
    order = client.create_order(UM, "limit", "buy", 0.01, 90_000, {"newClientOrderId": "my/own:id.1"})
    assert (order["status"], order["clientOrderId"]) == ("open", "my/own:id.1")
    edited = client.edit_order(order["id"], UM, "limit", "buy", 0.02, 91_000)
    assert (edited["id"], edited["amount"], edited["price"]) == (order["id"], 0.02, 91_000)
    assert only(client.fetch_open_orders(UM))["id"] == order["id"]
    assert client.fetch_order(None, UM, {"clientOrderId": "my/own:id.1"})["id"] == order["id"]
    assert client.cancel_order(order["id"], UM)["status"] == "canceled"
    assert client.fetch_order(order["id"], UM)["status"] == "canceled"
    assert only(client.fetch_canceled_orders(UM))["id"] == order["id"]
    assert client.fetch_open_orders(UM) == []


def test_times_in_force_are_kept(client: Any) -> None:
    client.set_leverage(50, UM)
    taken = client.create_order(UM, "limit", "buy", 1.5, 100_010, {"timeInForce": "IOC"})
    assert taken["status"] == "expired"
    assert 0 < taken["filled"] < 1.5
    killed = client.create_order(UM, "limit", "buy", 1.5, 100_010, {"timeInForce": "FOK"})
    assert (killed["status"], killed["filled"]) == ("expired", 0)
    rests = client.create_order(UM, "limit", "buy", 0.01, 90_000, {"postOnly": True})
    assert (rests["status"], rests["timeInForce"], rests["postOnly"]) == ("open", "PO", True)
    until = client.milliseconds() // 1000 * 1000 + 700_000
    timed = client.create_order(UM, "limit", "buy", 0.01, 90_000, {"timeInForce": "GTD", "goodTillDate": until})
    assert (timed["info"]["timeInForce"], timed["info"]["goodTillDate"]) == ("GTD", until)


def test_batches_place_and_cancel(client: Any) -> None:
    rows = [{"symbol": UM, "type": "limit", "side": "buy", "amount": 0.01, "price": 90_000 + i} for i in range(3)]
    made = client.create_orders(rows)
    assert [order["status"] for order in made] == ["open"] * 3
    gone = client.cancel_orders([order["id"] for order in made[:2]], UM)
    assert [order["status"] for order in gone] == ["canceled"] * 2
    client.cancel_all_orders(UM)
    assert client.fetch_open_orders(UM) == []


def test_a_batch_is_queried_by_ids(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "90000",
    }
    made = binance_lab.signed("POST", "/fapi/v1/order", keys, order).body
    asked = {"symbol": "BTCUSDT", "orderIdList": f"[{made['orderId']},999999]"}
    found = binance_lab.signed("GET", "/fapi/v1/batchOrders", keys, asked).body
    assert (found[0]["price"], found[1]["code"]) == ("90000.00", -2013)


def test_hedge_mode_holds_both_sides(client: Any) -> None:
    assert client.fetch_position_mode()["hedged"] is False
    client.set_position_mode(True, UM)
    assert client.fetch_position_mode()["hedged"] is True
    client.create_order(UM, "market", "buy", 0.01, None, {"positionSide": "LONG"})
    client.create_order(UM, "market", "sell", 0.02, None, {"positionSide": "SHORT"})
    held = {p["info"]["positionSide"]: (p["side"], p["contracts"]) for p in client.fetch_positions([UM])}
    assert held == {"LONG": ("long", 0.01), "SHORT": ("short", 0.02)}
    with pytest.raises(ccxt.BadRequest, match="-1106"):
        client.create_order(UM, "market", "sell", 0.01, None, {"positionSide": "LONG", "reduceOnly": True})
    client.create_order(UM, "market", "sell", 0.01, None, {"positionSide": "LONG"})
    assert [p["side"] for p in client.fetch_positions([UM])] == ["short"]


def test_leverage_and_isolated_margin(client: Any) -> None:
    assert client.set_leverage(7, UM)["leverage"] == 7
    assert client.fetch_leverage(UM)["longLeverage"] == 7
    client.set_margin_mode("isolated", UM)
    assert client.fetch_margin_mode(UM)["marginMode"] == "isolated"
    client.create_order(UM, "market", "buy", 0.01)
    before = float(only(client.fetch_positions([UM]))["info"]["isolatedWallet"])
    assert before == pytest.approx(float(only(client.fetch_my_trades(UM))["cost"]) / 7)
    client.add_margin(UM, 10)
    client.reduce_margin(UM, 4)
    position = only(client.fetch_positions([UM]))
    assert float(position["info"]["isolatedWallet"]) == pytest.approx(before + 6)
    assert 0 < position["liquidationPrice"] < 90_000
    assert client.fetch_leverage_tiers([UM])[UM][0]["maxLeverage"] == 125


def test_a_stop_closes_the_position_when_the_price_gets_there(binance_lab: BinanceLab, client: Any) -> None:
    client.create_order(UM, "market", "buy", 0.01)
    stop = client.create_order(UM, "market", "sell", 0.01, None, {"stopLossPrice": 97_000, "reduceOnly": True})
    profit = client.create_order(UM, "limit", "sell", 0.01, 103_000, {"takeProfitPrice": 102_900, "reduceOnly": True})
    waiting = client.fetch_open_orders(UM, params={"trigger": True})
    assert {order["id"] for order in waiting} == {stop["id"], profit["id"]}
    binance_lab.pin(96_900)
    try:
        assert client.fetch_positions([UM]) == []
        fired = client.fetch_order(stop["id"], UM, {"trigger": True})["info"]
        assert (fired["algoStatus"], fired["actualType"]) == ("FINISHED", "MARKET")
        placed = client.fetch_order(fired["actualOrderId"], UM)
        assert (placed["status"], placed["info"]["origType"]) == ("closed", "STOP_MARKET")
    finally:
        binance_lab.pin(100_000)
    client.cancel_order(profit["id"], UM, {"trigger": True})
    assert client.fetch_open_orders(UM, params={"trigger": True}) == []


def test_a_whole_position_is_closed_by_a_stop_without_quantity(binance_lab: BinanceLab, client: Any) -> None:
    client.create_order(UM, "market", "buy", 0.03)
    asked = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "triggerPrice": "98000",
        "closePosition": "true",
    }
    made = client.fapiprivate_post_algoorder({**asked, "algoType": "CONDITIONAL", "workingType": "MARK_PRICE"})
    assert (made["closePosition"], made["workingType"], made["algoStatus"]) == (True, "MARK_PRICE", "NEW")
    binance_lab.pin(97_000)
    try:
        assert client.fetch_positions([UM]) == []
    finally:
        binance_lab.pin(100_000)


def test_a_trailing_stop_follows_the_price(binance_lab: BinanceLab, client: Any) -> None:
    client.create_order(UM, "market", "buy", 0.01)
    made = client.create_order(UM, "market", "sell", 0.01, None, {"trailingPercent": 1, "reduceOnly": True})
    assert made["info"]["callbackRate"] == "1"
    try:
        binance_lab.pin(103_000)
        assert only(client.fetch_positions([UM]))["contracts"] == 0.01
        binance_lab.pin(101_900)
        assert client.fetch_positions([UM]) == []
    finally:
        binance_lab.pin(100_000)


def test_a_ruined_position_is_liquidated(binance_lab: BinanceLab, client: Any) -> None:
    client.set_leverage(100, UM)
    client.set_margin_mode("isolated", UM)
    client.create_order(UM, "market", "buy", 0.1)
    binance_lab.pin(98_900)
    try:
        assert client.fetch_positions([UM]) == []
        forced = only(client.fapiprivate_get_forceorders({"symbol": "BTCUSDT"}))
        assert (forced["clientOrderId"][:10], forced["status"]) == ("autoclose-", "FILLED")
    finally:
        binance_lab.pin(100_000)


def test_the_dead_mans_switch_cancels_unless_it_is_renewed(binance_lab: BinanceLab, client: Any) -> None:
    client.create_order(UM, "limit", "buy", 0.01, 90_000)
    switch = {"symbol": "BTCUSDT", "countdownTime": 60_000}
    assert client.fapiprivate_post_countdowncancelall(switch) == {"symbol": "BTCUSDT", "countdownTime": "60000"}
    binance_lab.skew_ms = 61_000
    try:
        binance_lab.run(binance_lab.world.tick)
    finally:
        binance_lab.skew_ms = 0
    assert client.fetch_open_orders(UM) == []


def test_money_moves_between_the_wallets(client: Any) -> None:
    moved = client.transfer("USDT", 1_500, "spot", "swap")
    assert client.fetch_balance()["USDT"]["free"] == 8_500
    assert client.fetch_balance({"type": "swap"})["USDT"]["free"] == 11_500
    client.transfer("USDT", 500, "swap", "funding")
    assert client.fetch_balance({"type": "funding"})["USDT"]["free"] == 500
    assert only(client.fetch_transfers("USDT"))["id"] == moved["id"]
    income = client.fapiprivate_get_income({"incomeType": "TRANSFER"})
    assert [row["income"] for row in income] == ["1500.00000000", "-500.00000000"]


def test_a_spot_stop_keeps_its_id_when_it_fires(binance_lab: BinanceLab, client: Any) -> None:
    stop = client.create_order(SPOT, "limit", "sell", 0.01, 96_000, {"stopLossPrice": 97_000})
    assert (stop["info"]["type"], stop["triggerPrice"]) == ("STOP_LOSS_LIMIT", 97_000)
    assert only(client.fetch_open_orders(SPOT))["info"]["isWorking"] is False
    binance_lab.pin(96_900)
    try:
        fired = client.fetch_order(stop["id"], SPOT)
        assert (fired["status"], fired["filled"], fired["triggerPrice"]) == ("closed", 0.01, 97_000)
    finally:
        binance_lab.pin(100_000)


def test_spot_take_profits_and_trailing_stops_are_listed_and_canceled(client: Any) -> None:
    profit = client.create_order(SPOT, "market", "sell", 0.01, None, {"takeProfitPrice": 103_000})
    trailing = client.create_order(
        SPOT, "market", "sell", 0.01, None, {"trailingPercent": 1, "stopLossOrTakeProfit": "stopLoss"}
    )
    assert [order["id"] for order in client.fetch_open_orders(SPOT)] == [profit["id"], trailing["id"]]
    assert client.cancel_order(profit["id"], SPOT)["status"] == "canceled"
    assert only(client.cancel_all_orders(SPOT))["id"] == trailing["id"]
    assert {order["status"] for order in client.fetch_orders(SPOT)} == {"canceled"}


def test_a_spot_order_shrinks_where_it_stands(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    order = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.02",
        "price": "90000",
    }
    placed = binance_lab.signed("POST", "/api/v3/order", keys, order).body
    asked = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    path = "/api/v3/order/amend/keepPriority"
    told = binance_lab.signed("PUT", path, keys, {**asked, "newQty": "0.01"}).body["amendedOrder"]
    assert (told["qty"], told["status"]) == ("0.01000000", "NEW")
    larger = binance_lab.signed("PUT", path, keys, {**asked, "newQty": "0.03"})
    assert larger.error == (400, -2038, "Order amend (quantity increase) is not supported.")


def test_key_rights_are_told_with_their_invariants(binance_lab: BinanceLab, client: Any) -> None:
    account = binance_lab.open_account().account

    def told(permissions: tuple[str, ...], ips: tuple[str, ...] = ()) -> dict[str, Any]:
        keys = binance_lab.issue_key(account, permissions, ips)
        client.apiKey, client.secret = keys.api_key, keys.secret
        answer = client.sapi_get_account_apirestrictions()
        assert isinstance(answer, dict)
        return answer

    rights = told(("read", "perp"))
    assert (rights["enableReading"], rights["enableFutures"], rights["enableSpotAndMarginTrading"]) == (
        True,
        True,
        False,
    )
    assert (rights["ipRestrict"], rights["enableWithdrawals"], rights["permitsUniversalTransfer"]) == (
        False,
        False,
        False,
    )
    rights = told(("read", "withdraw", "transfer"), (binance_lab.ip,))
    assert (rights["ipRestrict"], rights["enableWithdrawals"], rights["enableInternalTransfer"]) == (True, True, True)


def test_funding_is_charged_told_and_listed(binance_lab: BinanceLab, client: Any) -> None:
    client.create_order(UM, "market", "buy", 0.01)
    before = float(client.fetch_balance({"type": "swap"})["info"]["totalWalletBalance"])
    binance_lab.run(lambda: binance_lab.world.market_clock.change_speed(0.0, binance_lab.world.now_ms()))

    def pass_eight_hours() -> None:
        binance_lab.world.market_clock.origin_ms += 8 * 3_600_000
        binance_lab.world.tick()

    try:
        binance_lab.run(pass_eight_hours)
        binance_lab.pin(101_000)  # What was charged stays told, though the mark has moved since.
        binance_lab.run(binance_lab.binance.tick)
    finally:
        binance_lab.pin(100_000)
        binance_lab.run(lambda: binance_lab.world.market_clock.change_speed(1.0, binance_lab.world.now_ms()))
    paid = float(client.fetch_balance({"type": "swap"})["info"]["totalWalletBalance"]) - before
    row = only(client.fetch_funding_history(UM))
    assert row["amount"] == pytest.approx(paid)
    rate = client.fetch_funding_rate_history(UM)[-1]["fundingRate"]
    assert paid == pytest.approx(-rate * 0.01 * 100_000)


def test_order_lists_are_refused_by_pairs_without_them(binance_lab: BinanceLab) -> None:
    keys = binance_lab.open_account()
    working = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "90000", "workingQuantity": "0.01"}
    refused = binance_lab.signed("POST", "/api/v3/orderList/oto", keys, {"symbol": "BTCUSDT", **working})
    assert refused.error == (400, -2010, "OTO orders are not supported for this symbol.")
    assert binance_lab.signed("GET", "/api/v3/openOrderList", keys).body == []
