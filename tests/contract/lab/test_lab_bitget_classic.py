"""Bitget's classic accounts as unmodified ccxt uses them: market data, orders, plan orders, positions, wallets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import ccxt
import pytest
from bitget_lab import BitgetLab, Keys
from lab_thread import PX

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"


@pytest.fixture
def keys(bitget_lab: BitgetLab) -> Keys:
    bitget_lab.pin(PX)
    return bitget_lab.open_account()


@pytest.fixture
def client(bitget_lab: BitgetLab, keys: Keys) -> ccxt.bitget:
    return bitget_lab.visitor(keys)


def _ids(orders: Iterable[Any]) -> set[str]:
    return {order["id"] for order in orders}


def test_the_probe_finds_a_classic_account_and_lists_its_markets(client: ccxt.bitget) -> None:
    markets = client.load_markets()
    assert client.options["uta"] is False
    assert {SPOT, SWAP, "ETH/USDT", "ETH/USDT:USDT"} <= set(markets)
    spot, swap = markets[SPOT], markets[SWAP]
    assert (spot["precision"]["price"], spot["precision"]["amount"], spot["limits"]["cost"]["min"]) == (0.01, 1e-05, 1)
    assert (swap["precision"]["price"], swap["precision"]["amount"], swap["contractSize"]) == (0.1, 0.001, 1)
    assert (spot["taker"], swap["taker"], swap["maker"]) == (0.001, 0.0005, 0.0002)


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_market_data_stands_around_the_pinned_price(client: ccxt.bitget, symbol: str) -> None:
    ticker, book = client.fetch_ticker(symbol), client.fetch_order_book(symbol, 5)
    assert abs(ticker["last"] - PX) < 200
    assert book["bids"][0][0] < book["asks"][0][0]
    assert (len(book["bids"]), len(book["asks"])) == (5, 5)
    candles = client.fetch_ohlcv(symbol, "1h", limit=3)
    assert [later[0] - earlier[0] for earlier, later in pairwise(candles)] == [3_600_000] * 2
    assert all(low <= first <= high and low <= last <= high for _, first, high, low, last, _ in candles)
    assert {trade["side"] for trade in client.fetch_trades(symbol)} <= {"buy", "sell"}
    assert abs(client.fetch_time() - client.milliseconds()) < 5_000


def test_a_perpetual_has_funding_and_leverage_tiers(client: ccxt.bitget) -> None:
    funding, tiers = client.fetch_funding_rate(SWAP), client.fetch_market_leverage_tiers(SWAP)
    assert abs(funding["fundingRate"]) < 0.01
    assert funding["interval"] == "8h"
    assert tiers[0]["maxLeverage"] > tiers[-1]["maxLeverage"]


def test_a_spot_market_order_trades_at_once_and_pays_its_fee_in_the_asset(client: ccxt.bitget) -> None:
    placed = client.create_order(SPOT, "market", "buy", 0.01, PX)
    order = client.fetch_order(placed["id"], SPOT)
    assert (order["status"], order["type"], order["side"]) == ("closed", "market", "buy")
    assert 998 < order["cost"] <= 1_000
    (trade,) = client.fetch_my_trades(SPOT)
    assert (trade["order"], trade["takerOrMaker"], trade["fee"]["currency"]) == (placed["id"], "taker", "BTC")
    assert trade["fee"]["cost"] == pytest.approx(trade["amount"] * 0.001)
    assert client.fetch_balance()["BTC"]["total"] == pytest.approx(1 + trade["amount"] - trade["fee"]["cost"])


def test_a_spot_limit_order_is_found_by_both_names_until_it_is_canceled(client: ccxt.bitget) -> None:
    placed = client.create_order(SPOT, "limit", "buy", 0.01, 90_000, {"clientOid": "mine-1"})
    assert client.fetch_order("", SPOT, {"clientOid": "mine-1"})["id"] == placed["id"]
    assert client.fetch_balance()["USDT"]["used"] == 900.0
    (opened,) = client.fetch_open_orders(SPOT)
    assert (opened["id"], opened["price"], opened["amount"], opened["status"]) == (placed["id"], 90_000, 0.01, "open")
    client.cancel_order(placed["id"], SPOT)
    assert client.fetch_open_orders(SPOT) == []
    assert client.fetch_order(placed["id"], SPOT)["status"] == "canceled"
    assert client.fetch_balance()["USDT"]["used"] == 0.0


def test_editing_a_spot_order_replaces_it(client: ccxt.bitget) -> None:
    placed = client.create_order(SPOT, "limit", "buy", 0.01, 90_000)
    edited = client.edit_order(placed["id"], SPOT, "limit", "buy", 0.02, 91_000)
    assert edited["id"] != placed["id"]
    (opened,) = client.fetch_open_orders(SPOT)
    assert (opened["id"], opened["price"], opened["amount"]) == (edited["id"], 91_000, 0.02)
    assert client.fetch_order(placed["id"], SPOT)["status"] == "canceled"


def test_a_batch_tells_each_orders_fate(client: ccxt.bitget) -> None:
    row = {"symbol": SPOT, "type": "limit", "side": "buy", "price": 90_000}
    rows = [{**row, "amount": 0.01}, {**row, "amount": 5_000}]
    # ccxt returns those that were placed and keeps the whole answer.
    assert len(client.create_orders(rows)) == 1
    (failed,) = client.safe_dict(client.parse_json(client.last_http_response), "data")["failureList"]
    assert failed["errorCode"] == "43012"
    client.cancel_all_orders(SPOT)
    assert client.fetch_open_orders(SPOT) == []


def test_a_spot_plan_order_waits_for_its_price_and_then_trades(bitget_lab: BitgetLab, client: ccxt.bitget) -> None:
    placed = client.create_order(SPOT, "market", "sell", 0.01, None, {"triggerPrice": 90_000})
    (waiting,) = client.fetch_open_orders(SPOT, params={"trigger": True})
    assert (waiting["id"], waiting["triggerPrice"], waiting["status"]) == (placed["id"], 90_000, "open")
    client.edit_order(placed["id"], SPOT, "market", "sell", 0.01, None, {"triggerPrice": 91_000})
    bitget_lab.pin(90_500)
    assert client.fetch_open_orders(SPOT, params={"trigger": True}) == []
    (trade,) = client.fetch_my_trades(SPOT)
    assert (trade["side"], trade["amount"]) == ("sell", 0.01)


def test_a_one_way_position_is_opened_turned_and_closed(bitget_lab: BitgetLab, client: ccxt.bitget) -> None:
    client.set_leverage(20, SWAP)
    client.create_order(SWAP, "market", "buy", 0.1)
    (position,) = client.fetch_positions([SWAP])
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", 0.1, 20)
    assert (position["marginMode"], position["hedged"]) == ("cross", False)
    bitget_lab.pin(101_000)
    assert client.fetch_position(SWAP)["unrealizedPnl"] == pytest.approx(100, abs=10)
    client.create_order(SWAP, "market", "sell", 0.3)
    assert client.fetch_position(SWAP)["side"] == "short"
    client.create_order(SWAP, "market", "buy", 0.2, None, {"reduceOnly": True})
    assert client.fetch_positions([SWAP]) == []


def test_both_sides_stand_at_once_in_hedge_mode(client: ccxt.bitget) -> None:
    client.set_position_mode(True, SWAP)
    client.create_order(SWAP, "market", "buy", 0.1, None, {"hedged": True})
    client.create_order(SWAP, "market", "sell", 0.2, None, {"hedged": True})
    close = client.create_order(SWAP, "market", "sell", 0.04, None, {"hedged": True, "reduceOnly": True})
    held = {p["side"]: p["contracts"] for p in client.fetch_positions([SWAP])}
    assert held == {"long": pytest.approx(0.06), "short": 0.2}
    raw = client.fetch_order(close["id"], SWAP)["info"]
    assert (raw["side"], raw["tradeSide"], raw["posSide"]) == ("buy", "close", "long")


def test_a_futures_limit_order_carries_its_presets_and_is_edited(client: ccxt.bitget) -> None:
    attached = {"stopLoss": {"triggerPrice": 80_000}, "takeProfit": {"triggerPrice": 120_000}}
    placed = client.create_order(SWAP, "limit", "buy", 0.01, 90_000, {"clientOid": "mine-2", **attached})
    (opened,) = client.fetch_open_orders(SWAP)
    assert (opened["id"], opened["stopLossPrice"], opened["takeProfitPrice"]) == (placed["id"], 80_000, 120_000)
    assert client.fetch_open_orders(SWAP, params={"planType": "profit_loss"}) == []
    edited = client.edit_order(placed["id"], SWAP, "limit", "buy", 0.02, 91_000)
    (opened,) = client.fetch_open_orders(SWAP)
    assert (opened["price"], opened["amount"]) == (91_000, 0.02)
    client.cancel_order(edited["id"], SWAP)
    assert client.fetch_order(edited["id"], SWAP)["status"] == "canceled"


def test_presets_become_plan_orders_once_their_order_has_traded(bitget_lab: BitgetLab, client: ccxt.bitget) -> None:
    attached = {"stopLoss": {"triggerPrice": 80_000}, "takeProfit": {"triggerPrice": 120_000}}
    client.create_order(SWAP, "limit", "buy", 0.01, 99_000, attached)
    bitget_lab.pin(98_000)
    waiting = client.fetch_open_orders(SWAP, params={"planType": "profit_loss"})
    assert {order["triggerPrice"] for order in waiting} == {80_000, 120_000}
    bitget_lab.pin(79_900)
    assert client.fetch_positions([SWAP]) == []
    assert client.fetch_open_orders(SWAP, params={"planType": "profit_loss"}) == []


def test_a_stop_loss_closes_the_position_and_every_kind_of_plan_is_listed_apart(
    bitget_lab: BitgetLab, client: ccxt.bitget
) -> None:
    client.create_order(SWAP, "market", "buy", 0.1)
    plan = client.create_order(SWAP, "market", "buy", 0.05, None, {"triggerPrice": 80_000})
    stop = client.create_order(SWAP, "market", "sell", 0.1, None, {"stopLossPrice": 95_000})
    trail = client.create_order(
        SWAP, "market", "sell", 0.05, None, {"trailingPercent": "1", "trailingTriggerPrice": "105000"}
    )
    kinds: dict[str, dict[str, Any]] = {
        plan["id"]: {"trigger": True},
        stop["id"]: {"planType": "profit_loss"},
        trail["id"]: {"trailing": True},
    }
    for plan_id, params in kinds.items():
        assert _ids(client.fetch_open_orders(SWAP, params=params)) == {plan_id}
    client.cancel_order(trail["id"], SWAP, {"trailing": True})
    assert client.fetch_open_orders(SWAP, params={"trailing": True}) == []
    bitget_lab.pin(94_900)
    assert client.fetch_positions([SWAP]) == []
    assert client.fetch_open_orders(SWAP, params={"planType": "profit_loss"}) == []


def test_money_moves_between_the_wallets(client: ccxt.bitget) -> None:
    client.transfer("USDT", 100, "swap", "spot")
    assert client.fetch_balance()["USDT"]["total"] == 100_100
    assert client.fetch_balance({"type": "swap"})["USDT"]["total"] == 99_900


def test_a_key_tells_its_rights_and_addresses(bitget_lab: BitgetLab) -> None:
    def told(permissions: Iterable[str], ips: Iterable[str] = ()) -> tuple[list[str], str]:
        key = bitget_lab.issue_key(bitget_lab.open_account().account, permissions, ips)
        info = bitget_lab.call("GET", "/api/v2/spot/account/info", keys=key).data
        return info["authorities"], info["ips"]

    assert told(["read"])[0] == ["coor", "cpor", "stor"]
    assert set(told(["read", "trade", "perp"])[0]) >= {"coow", "cpow", "stow"}
    assert "wwow" in told(["read", "withdraw"], [bitget_lab.ip])[0]
    assert told(["read"], [bitget_lab.ip])[1] == bitget_lab.ip


def test_margin_mode_and_leverage_are_read_back(client: ccxt.bitget) -> None:
    client.set_margin_mode("isolated", SWAP)
    client.set_leverage(15, SWAP)
    setting = client.fetch_leverage(SWAP)
    assert (setting["marginMode"], setting["longLeverage"], setting["shortLeverage"]) == ("isolated", 15, 15)
    client.create_order(SWAP, "market", "buy", 0.1, None, {"marginMode": "isolated"})
    assert 0.9 * PX < client.fetch_position(SWAP)["liquidationPrice"] < PX
