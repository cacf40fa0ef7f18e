"""Bitget's unified accounts as unmodified ccxt uses them once its probe has found one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ccxt
import pytest
from bitget_lab import BitgetLab, Keys
from lab_thread import PX

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
PATH = "/api/v3/account/info"


@pytest.fixture
def keys(bitget_lab: BitgetLab) -> Keys:
    bitget_lab.pin(PX)
    return bitget_lab.open_account(unified=True)


@pytest.fixture
def client(bitget_lab: BitgetLab, keys: Keys) -> ccxt.bitget:
    client = bitget_lab.visitor(keys)
    client.load_markets()
    return client


def test_the_probe_finds_a_unified_account(client: ccxt.bitget) -> None:
    assert client.options["uta"] is True
    assert {SPOT, SWAP} <= set(client.markets)
    assert client.markets[SWAP]["contractSize"] == 1


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_market_data_stands_around_the_pinned_price(client: ccxt.bitget, symbol: str) -> None:
    assert abs(client.fetch_ticker(symbol)["last"] - PX) < 200
    book = client.fetch_order_book(symbol, 5)
    assert book["bids"][0][0] < book["asks"][0][0]
    assert len(client.fetch_ohlcv(symbol, "1h", limit=3)) == 3
    assert {trade["side"] for trade in client.fetch_trades(symbol)} <= {"buy", "sell"}


def test_a_market_buy_counts_quote_currency(client: ccxt.bitget) -> None:
    placed = client.create_order(SPOT, "market", "buy", 1_000)
    order = client.fetch_order(placed["id"], SPOT)
    assert (order["status"], order["side"], order["type"]) == ("closed", "buy", "market")
    assert 998 < float(order["info"]["cumExecValue"]) <= 1_000
    (trade,) = client.fetch_my_trades(SPOT)
    assert (trade["order"], trade["fee"]["currency"], trade["takerOrMaker"]) == (placed["id"], "BTC", "taker")


def test_a_limit_order_is_edited_in_place_and_canceled(client: ccxt.bitget) -> None:
    placed = client.create_order(SPOT, "limit", "buy", 0.01, 90_000, {"clientOid": "mine-1"})
    assert client.fetch_order("", SPOT, {"clientOid": "mine-1"})["id"] == placed["id"]
    edited = client.edit_order(placed["id"], SPOT, "limit", "buy", 0.02, 91_000)
    (opened,) = client.fetch_open_orders(SPOT)
    assert (edited["id"], opened["id"], opened["price"], opened["amount"]) == (placed["id"], placed["id"], 91_000, 0.02)
    client.cancel_order(placed["id"], SPOT)
    assert client.fetch_open_orders(SPOT) == []
    assert client.fetch_order(placed["id"], SPOT)["status"] == "canceled"


def test_a_batch_tells_each_orders_fate(client: ccxt.bitget) -> None:
    row: dict[str, Any] = {"symbol": SPOT, "type": "limit", "side": "buy", "price": 90_000}
    good, poor = client.create_orders([{**row, "amount": 0.01}, {**row, "amount": 5_000}])
    assert good["id"]
    assert poor["info"]["code"] == "25202"
    client.cancel_all_orders(SPOT)
    assert client.fetch_open_orders(SPOT) == []


def test_one_account_holds_coins_and_position(bitget_lab: BitgetLab, client: ccxt.bitget) -> None:
    client.set_leverage(20, SWAP)
    client.create_order(SWAP, "market", "buy", 0.1)
    (position,) = client.fetch_positions([SWAP])
    assert (position["side"], position["contracts"], position["leverage"]) == ("long", 0.1, 20)
    assert (position["marginMode"], position["hedged"]) == ("cross", False)
    before = client.fetch_balance()["USDT"]["total"]
    bitget_lab.pin(101_000)
    assert client.fetch_balance()["USDT"]["total"] == pytest.approx(before, abs=110)
    client.create_order(SWAP, "market", "sell", 0.1, None, {"reduceOnly": True})
    assert client.fetch_positions([SWAP]) == []


def test_both_sides_stand_at_once_in_hedge_mode(client: ccxt.bitget) -> None:
    client.set_position_mode(True, SWAP)
    client.create_order(SWAP, "market", "buy", 0.1, None, {"hedged": True})
    client.create_order(SWAP, "market", "sell", 0.2, None, {"hedged": True})
    client.create_order(SWAP, "market", "sell", 0.04, None, {"hedged": True, "reduceOnly": True})
    held = {p["side"]: p["contracts"] for p in client.fetch_positions([SWAP])}
    assert held == {"long": pytest.approx(0.06), "short": 0.2}


def test_a_stop_loss_is_a_strategy_order_until_it_closes_the_position(
    bitget_lab: BitgetLab, client: ccxt.bitget
) -> None:
    client.create_order(SWAP, "market", "buy", 0.1)
    stop = client.create_order(SWAP, "market", "sell", 0.1, None, {"stopLossPrice": 90_000, "reduceOnly": True})
    (waiting,) = client.fetch_open_orders(SWAP, params={"trigger": True})
    # ccxt has no word of its own for a strategy order's `pending`.
    assert (waiting["id"], waiting["stopLossPrice"], waiting["status"]) == (stop["id"], 90_000, "pending")
    client.edit_order(stop["id"], SWAP, "market", "sell", 0.1, None, {"stopLossPrice": 95_000})
    bitget_lab.pin(94_900)
    assert client.fetch_open_orders(SWAP, params={"trigger": True}) == []
    assert client.fetch_positions([SWAP]) == []


def test_an_order_carries_its_presets(client: ccxt.bitget) -> None:
    attached = {"stopLoss": {"triggerPrice": 80_000}, "takeProfit": {"triggerPrice": 120_000}}
    client.create_order(SWAP, "limit", "buy", 0.01, 90_000, attached)
    (opened,) = client.fetch_open_orders(SWAP)
    assert (opened["stopLossPrice"], opened["takeProfitPrice"]) == (80_000, 120_000)


def test_a_key_tells_its_rights(bitget_lab: BitgetLab) -> None:
    def told(permissions: Iterable[str], ips: Iterable[str] = ()) -> dict[str, Any]:
        account = bitget_lab.open_account(unified=True).account
        info: dict[str, Any] = bitget_lab.call("GET", PATH, keys=bitget_lab.issue_key(account, permissions, ips)).data
        return info

    assert told(["read"])["permType"] == "read_only"
    trading = told(["read", "trade", "perp"], [bitget_lab.ip])
    assert (trading["permType"], trading["ips"]) == ("read_and_write", bitget_lab.ip)
    assert "uta_trade" in trading["permissions"]
    assert "withdraw" not in trading["permissions"]
    assert "withdraw" in told(["read", "withdraw"], [bitget_lab.ip])["permissions"]
