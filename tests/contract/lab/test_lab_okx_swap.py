"""OKX swaps through unmodified ccxt: positions, leverage, modes and conditional orders; a contract is 0.01 BTC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ccxt
import pytest
from copydesk.venues.lab.delisting import delist
from lab_thread import PX
from okx_lab import OkxLab

SWAP = "BTC/USDT:USDT"
ASK, BID = 100_005.0, 99_995.0


@pytest.fixture
def client(fresh_okx: OkxLab) -> Iterator[ccxt.okx]:
    made = fresh_okx.client(fresh_okx.open_account(USDT="10000"))
    made.load_markets()
    yield made
    fresh_okx.pin(PX)


def position(client: ccxt.okx) -> tuple[object, ...]:
    (found,) = client.fetch_positions([SWAP])
    return found["side"], found["contracts"], found["entryPrice"], found["leverage"]


def test_a_position_is_counted_in_contracts(client: ccxt.okx) -> None:
    client.set_leverage(10, SWAP)
    placed = client.create_order(SWAP, "market", "buy", 5)
    order = client.fetch_order(placed["id"], SWAP)
    assert (order["amount"], order["filled"], order["average"]) == (5.0, 5.0, ASK)
    assert order["cost"] == pytest.approx(5 * 0.01 * ASK)
    found = client.fetch_position(SWAP)
    assert position(client) == ("long", 5.0, ASK, 10.0)
    assert (found["notional"], found["markPrice"]) == (5_000.0, PX)
    assert (found["marginMode"], found["hedged"]) == ("cross", False)
    assert found["initialMargin"] == 500.0
    assert found["unrealizedPnl"] == pytest.approx(-0.25)
    assert found["maintenanceMargin"] == pytest.approx(20.0)
    assert client.fetch_balance()["free"]["USDT"] == pytest.approx(10_000 - 500 - 0.25 - 5000.25 * 0.0005)


def test_profit_follows_the_mark_and_is_paid_on_closing(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 10)
    fresh_okx.pin(101_000)
    assert client.fetch_position(SWAP)["unrealizedPnl"] == pytest.approx(0.1 * (101_000 - ASK))
    placed = client.create_order(SWAP, "market", "sell", 10, None, {"reduceOnly": True})
    order = client.fetch_order(placed["id"], SWAP)
    assert order["reduceOnly"]
    gained = 0.1 * (order["average"] - ASK)
    assert float(order["info"]["pnl"]) == pytest.approx(gained)
    assert client.fetch_positions([SWAP]) == []
    fees = 0.1 * (ASK + order["average"]) * 0.0005
    assert client.fetch_balance()["total"]["USDT"] == pytest.approx(10_000 + gained - fees)


def test_a_short_position_is_negative_in_net_mode(client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "sell", 3)
    assert position(client)[:3] == ("short", 3.0, BID)
    assert client.fetch_positions([SWAP])[0]["info"]["pos"] == "-3"


def test_selling_more_than_is_held_turns_the_position(client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 1)
    client.create_order(SWAP, "market", "sell", 3)
    assert position(client)[:2] == ("short", 2.0)


def test_both_sides_can_be_held_in_long_short_mode(client: ccxt.okx) -> None:
    client.set_position_mode(True)
    assert client.fetch_position_mode()["hedged"]
    client.create_order(SWAP, "market", "buy", 2, None, {"hedged": True})
    client.create_order(SWAP, "market", "sell", 1, None, {"hedged": True})
    held = {p["side"]: (p["contracts"], p["hedged"]) for p in client.fetch_positions([SWAP])}
    assert held == {"long": (2.0, True), "short": (1.0, True)}
    client.create_order(SWAP, "market", "sell", 2, None, {"hedged": True, "reduceOnly": True})
    assert [p["side"] for p in client.fetch_positions([SWAP])] == ["short"]
    with pytest.raises(ccxt.BadRequest):
        client.create_order(SWAP, "market", "buy", 1)
    with pytest.raises(ccxt.BadRequest):
        client.close_position(SWAP)
    client.close_position(SWAP, "sell")
    assert client.fetch_positions([SWAP]) == []


def test_a_position_can_be_closed_whole(client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 2)
    client.create_order(SWAP, "limit", "sell", 2, 110_000, {"reduceOnly": True})
    client.close_position(SWAP, None, {"autoCxl": True, "clientOrderId": "closes1"})
    assert client.fetch_positions([SWAP]) == client.fetch_open_orders(SWAP) == []
    assert client.fetch_order(None, SWAP, {"clientOrderId": "closes1"})["status"] == "closed"


def move_margin(client: ccxt.okx, kind: str, amount: int) -> None:
    """Move margin as `add_margin` does; ccxt stumbles over the answer, whoever gives it."""
    wanted = {"instId": "BTC-USDT-SWAP", "posSide": "net", "type": kind, "amt": amount}
    moved = client.private_post_account_position_margin_balance(wanted)["data"][0]
    assert (moved["amt"], moved["type"], moved["ccy"]) == (str(amount), kind, "USDT")


def test_an_isolated_position_has_a_margin_of_its_own(client: ccxt.okx) -> None:
    client.set_margin_mode("isolated", SWAP, {"leverage": 5})
    client.create_order(SWAP, "market", "buy", 1, None, {"marginMode": "isolated"})
    before = client.fetch_position(SWAP)
    assert (before["marginMode"], before["leverage"]) == ("isolated", 5.0)
    assert before["positionMargin"] == pytest.approx(ASK * 0.01 / 5, abs=0.01)
    move_margin(client, "add", 50)
    assert client.fetch_position(SWAP)["positionMargin"] == pytest.approx(before["positionMargin"] + 50)
    move_margin(client, "reduce", 20)
    assert client.fetch_position(SWAP)["positionMargin"] == pytest.approx(before["positionMargin"] + 30)


def test_leverage_is_told_and_the_same_again_is_no_error(client: ccxt.okx) -> None:
    for _ in range(2):
        client.set_leverage(7, SWAP)
    found = client.fetch_leverage(SWAP)
    assert (found["longLeverage"], found["shortLeverage"], found["marginMode"]) == (7, 7, "cross")


def test_tiers_end_where_the_next_begin(client: ccxt.okx) -> None:
    tiers = client.fetch_market_leverage_tiers(SWAP)
    assert [tier["maxLeverage"] for tier in tiers] == [125.0, 62.0, 25.0, 12.0, 5.0]
    assert [tier["minNotional"] for tier in tiers[1:]] == [tier["maxNotional"] for tier in tiers[:-1]]


def test_funding_and_mark_price_are_told(client: ccxt.okx) -> None:
    funding = client.fetch_funding_rate(SWAP)
    assert (funding["interval"], abs(funding["fundingRate"]) < 0.003) == ("8h", True)
    assert funding["fundingTimestamp"] > client.milliseconds()
    assert client.fetch_mark_price(SWAP)["markPrice"] == PX


def test_a_batch_is_placed_amended_and_canceled_together(client: ccxt.okx) -> None:
    order = {"symbol": SWAP, "type": "limit", "side": "buy", "amount": 1}
    ids = [one["id"] for one in client.create_orders([{**order, "price": 90_000}, {**order, "price": 91_000}])]
    client.edit_orders([{**order, "id": one, "amount": 2, "price": 92_000} for one in ids])
    assert {(o["amount"], o["price"]) for o in client.fetch_open_orders(SWAP)} == {(2.0, 92_000.0)}
    assert [one["id"] for one in client.cancel_orders(ids, SWAP)] == ids
    assert client.fetch_open_orders(SWAP) == []


def algos(client: ccxt.okx, kind: str) -> list[dict[str, object]]:
    return client.fetch_open_orders(SWAP, None, None, {"trigger": True, "ordType": kind})


def test_a_stop_loss_fires_at_its_price(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 2)
    stop = client.create_order(SWAP, "market", "sell", 2, None, {"stopLossPrice": 98_000, "reduceOnly": True})
    (listed,) = algos(client, "conditional")
    assert (listed["id"], listed["stopLossPrice"], listed["status"]) == (stop["id"], 98_000.0, "open")
    fresh_okx.pin(97_000)
    assert client.fetch_positions([SWAP]) == algos(client, "conditional") == []
    fired = client.fetch_order(stop["id"], SWAP, {"trigger": True})
    assert (fired["status"], fired["info"]["state"], fired["info"]["actualSide"]) == ("closed", "effective", "sl")
    placed = client.fetch_order(fired["info"]["ordId"], SWAP)
    assert (placed["status"], placed["info"]["algoId"], placed["filled"]) == ("closed", stop["id"], 2.0)


def test_of_a_pair_the_other_goes_when_one_fires(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 2)
    wanted = {"stopLossPrice": 98_000, "takeProfitPrice": 102_000, "reduceOnly": True}
    pair = client.create_order(SWAP, "market", "sell", 2, None, wanted)
    (listed,) = algos(client, "oco")
    assert (listed["id"], listed["stopLossPrice"], listed["takeProfitPrice"]) == (pair["id"], 98_000.0, 102_000.0)
    fresh_okx.pin(103_000)
    assert client.fetch_positions([SWAP]) == algos(client, "oco") == []
    fired = client.fetch_order(pair["id"], SWAP, {"trigger": True})["info"]
    assert (fired["state"], fired["actualSide"], fired["ordType"]) == ("effective", "tp", "oco")


def test_a_trigger_order_places_its_order_when_the_price_gets_there(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    plan = client.create_order(SWAP, "limit", "buy", 1, 98_000, {"triggerPrice": 99_000})
    assert [order["id"] for order in algos(client, "trigger")] == [plan["id"]]
    assert client.fetch_open_orders(SWAP) == []
    fresh_okx.pin(98_900)
    (placed,) = client.fetch_open_orders(SWAP)
    assert (placed["price"], placed["amount"], placed["info"]["algoId"]) == (98_000.0, 1.0, plan["id"])
    assert placed["info"]["source"] == "6"


def test_a_trailing_stop_follows_the_best_price(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 1)
    client.create_order(SWAP, "market", "sell", 1, None, {"trailingPercent": 1, "reduceOnly": True})
    assert algos(client, "move_order_stop")[0]["info"]["callbackRatio"] == "0.01"
    fresh_okx.pin(105_000)
    assert len(client.fetch_positions([SWAP])) == 1
    fresh_okx.pin(103_900)
    assert client.fetch_positions([SWAP]) == algos(client, "move_order_stop") == []


def test_an_algo_order_can_be_amended_and_canceled(client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 2)
    stop = client.create_order(SWAP, "market", "sell", 2, None, {"stopLossPrice": 98_000, "reduceOnly": True})
    client.edit_order(stop["id"], SWAP, "conditional", "sell", 1, None, {"stopLossPrice": 97_000, "newSlOrdPx": -1})
    (listed,) = algos(client, "conditional")
    assert (listed["stopLossPrice"], listed["amount"]) == (97_000.0, 1.0)
    client.cancel_order(stop["id"], SWAP, {"trigger": True})
    assert algos(client, "conditional") == []
    history = client.fetch_canceled_orders(SWAP, None, None, {"trigger": True, "ordType": "conditional"})
    assert [(order["id"], order["status"]) for order in history] == [(stop["id"], "canceled")]


def test_what_is_attached_to_an_order_protects_its_position(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    guards = {"stopLoss": {"triggerPrice": 95_000}, "takeProfit": {"triggerPrice": 105_000}}
    parent = client.create_order(SWAP, "limit", "buy", 1, 99_000, guards)
    order = client.fetch_order(parent["id"], SWAP)
    assert (order["stopLossPrice"], order["takeProfitPrice"]) == (95_000.0, 105_000.0)
    assert algos(client, "oco") == []
    fresh_okx.pin(98_500)
    (guard,) = algos(client, "oco")
    assert guard["id"] == order["info"]["attachAlgoOrds"][0]["attachAlgoId"]
    assert (guard["stopLossPrice"], guard["takeProfitPrice"], guard["amount"]) == (95_000.0, 105_000.0, 1.0)
    fresh_okx.pin(106_000)
    assert client.fetch_positions([SWAP]) == algos(client, "oco") == []


def test_a_spot_stop_sells_what_is_held(fresh_okx: OkxLab) -> None:
    client = fresh_okx.client(fresh_okx.open_account())
    stop = client.create_order("BTC/USDT", "market", "sell", 0.5, None, {"stopLossPrice": 98_000})
    fresh_okx.pin(97_000)
    fired = client.fetch_order(stop["id"], "BTC/USDT", {"trigger": True})
    fresh_okx.pin(PX)
    assert fired["info"]["state"] == "effective"
    assert client.fetch_balance()["total"]["BTC"] == 0.5


def test_a_position_without_enough_margin_is_liquidated(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.set_leverage(50, SWAP)
    client.create_order(SWAP, "market", "buy", 250)
    assert 96_000 < client.fetch_position(SWAP)["liquidationPrice"] < PX
    fresh_okx.pin(96_000)
    assert client.fetch_positions([SWAP]) == []
    assert client.fetch_balance()["total"].get("USDT", 0) >= 0
    order = client.fetch_closed_orders(SWAP)[-1]
    assert (order["side"], order["info"]["category"]) == ("sell", "full_liquidation")


def test_funding_is_charged_and_listed(fresh_okx: OkxLab, client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 10)
    rate = client.fetch_funding_rate(SWAP)
    world = fresh_okx.world
    before = client.fetch_balance()["total"]["USDT"]
    fresh_okx.run(world.market_clock.change_speed, 0.0, world.now_ms())
    world.market_clock.origin_ms += 8 * 3_600_000
    fresh_okx.pin(PX)
    fresh_okx.run(world.market_clock.change_speed, 1.0, world.now_ms())
    (charged,) = client.fetch_funding_rate_history(SWAP)
    (paid,) = client.fetch_funding_history(SWAP)
    assert abs(charged["fundingRate"]) < 0.003 and rate["info"]["method"] == "current_period"
    assert paid["amount"] == pytest.approx(-10 * 0.01 * PX * charged["fundingRate"])
    assert client.fetch_balance()["total"]["USDT"] == pytest.approx(before + paid["amount"], abs=1e-6)


def test_bills_tell_what_moved_the_money(client: ccxt.okx) -> None:
    client.create_order(SWAP, "market", "buy", 1)
    client.transfer("USDT", 5, "trading", "funding")
    (trade,) = client.fetch_ledger(params={"type": "swap"})
    assert (trade["type"], trade["amount"]) == ("trade", pytest.approx(-0.01 * ASK * 0.0005))
    (moved,) = client.fetch_transfers("USDT")
    assert (moved["fromAccount"], moved["toAccount"], moved["amount"]) == ("trading", "funding", 5.0)


def test_open_interest_is_what_all_hold(client: ccxt.okx) -> None:
    before = client.fetch_open_interest(SWAP)["openInterestAmount"]
    client.create_order(SWAP, "market", "buy", 3)
    assert client.fetch_open_interest(SWAP)["openInterestAmount"] == pytest.approx(before + 3)


def test_a_delisted_contract_is_gone_but_its_past_is_not(tmp_path: Path) -> None:
    lab, symbol = OkxLab(tmp_path), "ETH/USDT:USDT"
    lab.start()
    try:
        client = lab.client(lab.open_account())
        client.create_order(symbol, "market", "buy", 1)
        lab.run(delist, lab.exchange, "perp", "ETH-USDT-SWAP")
        lab.run(lab.okx.tick)
        assert client.fetch_positions() == []
        assert client.fetch_my_trades(symbol) and client.fetch_closed_orders(symbol)
        with pytest.raises(ccxt.BadSymbol):
            client.create_order(symbol, "market", "buy", 1)
        assert symbol not in client.load_markets(True)
    finally:
        lab.stop()
