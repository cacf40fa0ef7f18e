"""How orders are put in words for both kinds of Bitget account. Source: Bitget API guide v2 and v3, Place order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from copydesk.kernel import VenueRefused
from copydesk.trading import Instrument, MarginMode, OrderRequest, OrderType, PositionSide, Side, TimeInForce
from copydesk.venues.bitget.classic_orders import ClassicWords
from copydesk.venues.bitget.classic_sides import position_side_of, side_of
from copydesk.venues.bitget.unified_orders import UnifiedWords
from venue_symbols import BTC, BTC_PERP

D = Decimal
BUY, SELL, MARKET, LIMIT = Side.BUY, Side.SELL, OrderType.MARKET, OrderType.LIMIT
NET, LONG, SHORT = PositionSide.NET, PositionSide.LONG, PositionSide.SHORT
CLASSIC, UNIFIED = ClassicWords(), UnifiedWords()


def order(
    side: Side, kind: OrderType = MARKET, px: str | None = None, *, of: Instrument = BTC_PERP, **more: Any
) -> Any:
    return OrderRequest("cd1", of.symbol, side, kind, D("0.05"), D(px) if px else None, **more)


def classic(wanted: OrderRequest, instrument: Instrument = BTC_PERP) -> dict[str, Any]:
    return CLASSIC.params(wanted, instrument)


def unified(wanted: OrderRequest, instrument: Instrument = BTC_PERP) -> dict[str, Any]:
    return UNIFIED.params(wanted, instrument)


@pytest.mark.parametrize(
    ("side", "held", "words"),
    [
        (BUY, LONG, ("buy", "open")),
        (SELL, LONG, ("buy", "close")),
        (SELL, SHORT, ("sell", "open")),
        (BUY, SHORT, ("sell", "close")),
    ],
)
def test_a_classic_hedge_order_names_the_direction_of_its_position(
    side: Side, held: PositionSide, words: tuple[str, str]
) -> None:
    body = classic(order(side, position_side=held, reduces=words[1] == "close"))
    assert (body["side"], body["tradeSide"]) == words
    assert "reduceOnly" not in body
    body = unified(order(side, position_side=held, reduces=words[1] == "close"))
    assert (body["side"], body["posSide"]) == (side.value, held.value)
    assert "reduceOnly" not in body


def test_a_one_way_close_is_reduce_only_in_each_kind_s_word() -> None:
    assert classic(order(SELL, reduces=True))["reduceOnly"] == "YES"
    assert unified(order(SELL, reduces=True))["reduceOnly"] == "yes"


def test_margin_mode_is_named_by_every_perpetual_order_and_cross_where_none_is_asked() -> None:
    for words in (classic, unified):
        assert words(order(BUY))["marginMode"] == "crossed"
        assert words(order(BUY, margin_mode=MarginMode.ISOLATED))["marginMode"] == "isolated"


def test_limits_say_how_long_they_stand() -> None:
    for given, text in (({}, "gtc"), ({"time_in_force": TimeInForce.IOC}, "ioc"), ({"post_only": True}, "post_only")):
        wanted = order(BUY, LIMIT, "60000.5", **given)
        assert classic(wanted)["force"] == text
        assert unified(wanted)["timeInForce"] == text
        assert classic(wanted)["price"] == unified(wanted)["price"] == "60000.5"


def test_attached_exits_of_a_perpetual_are_sent_and_those_of_a_pair_refused() -> None:
    exits = {"stop_loss_px": D(59000), "take_profit_px": D(62000)}
    body = classic(order(BUY, **exits))
    assert (body["presetStopLossPrice"], body["presetStopSurplusPrice"]) == ("59000", "62000")
    body = unified(order(BUY, **exits))
    assert (body["stopLoss"], body["slOrderType"], body["takeProfit"]) == ("59000", "market", "62000")
    for words in (CLASSIC, UNIFIED):
        with pytest.raises(VenueRefused, match="exits on an order"):
            words.params(order(BUY, LIMIT, "60000", of=BTC, **exits), BTC)


def test_a_market_buy_on_spot_is_refused_and_a_market_sell_is_not() -> None:
    for words in (CLASSIC, UNIFIED):
        with pytest.raises(VenueRefused, match="what to spend"):
            words.params(order(BUY, of=BTC), BTC)
    assert classic(order(SELL, of=BTC, reduces=True), BTC) == {
        "symbol": "BTCUSDT",
        "side": "sell",
        "size": "0.05",
        "clientOid": "cd1",
        "orderType": "market",
        "force": "gtc",
    }
    assert unified(order(SELL, of=BTC, reduces=True), BTC) == {
        "category": "SPOT",
        "symbol": "BTCUSDT",
        "qty": "0.05",
        "side": "sell",
        "clientOid": "cd1",
        "orderType": "market",
    }


@pytest.mark.parametrize(
    ("kind", "held", "classic_kind", "hold_side", "unified_name", "position"),
    [
        (OrderType.STOP_MARKET, NET, "loss_plan", "buy", "stopLoss", "long"),
        (OrderType.TAKE_PROFIT_MARKET, NET, "profit_plan", "buy", "takeProfit", "long"),
        (OrderType.STOP_MARKET, LONG, "loss_plan", "long", "stopLoss", "long"),
    ],
)
def test_what_closes_a_position_when_triggered_is_its_stop_or_take_profit(
    kind: OrderType, held: PositionSide, classic_kind: str, hold_side: str, unified_name: str, position: str
) -> None:
    wanted = order(SELL, kind, trigger_px=D(55000), reduces=True, position_side=held)
    body = classic(wanted)
    assert CLASSIC.endpoint(wanted).path.endswith("place-tpsl-order")
    assert (body["planType"], body["holdSide"], body["triggerPrice"]) == (classic_kind, hold_side, "55000")
    assert "executePrice" not in body, "it is executed at market"
    body = unified(wanted)
    assert (body["type"], body[unified_name], body["posSide"]) == ("tpsl", "55000", position)


def test_what_opens_a_position_when_triggered_is_a_plan_of_its_own() -> None:
    wanted = order(BUY, OrderType.STOP_LIMIT, "61100", trigger_px=D(61000))
    body = classic(wanted)
    assert CLASSIC.endpoint(wanted).path.endswith("mix/order/place-plan-order")
    assert (body["planType"], body["side"], body["price"], body["marginMode"]) == (
        "normal_plan",
        "buy",
        "61100",
        "crossed",
    )
    body = unified(wanted)
    assert (body["type"], body["triggerPrice"], body["triggerOrderPrice"]) == ("trigger", "61000", "61100")


def test_a_spot_plan_counts_base_units_also_where_it_buys_at_market() -> None:
    wanted = order(BUY, OrderType.STOP_MARKET, of=BTC, trigger_px=D(61000))
    body = classic(wanted, BTC)
    assert CLASSIC.endpoint(wanted).path.endswith("spot/trade/place-plan-order")
    assert (body["planType"], body["size"], body["orderType"]) == ("amount", "0.05", "market")


@pytest.mark.parametrize(
    ("side", "trade_side", "traded", "held"),
    [
        ("buy", "open", BUY, LONG),
        ("buy", "close", SELL, LONG),
        ("sell", "open", SELL, SHORT),
        ("sell", "close", BUY, SHORT),
        ("sell", "reduce_close_long", SELL, LONG),
        ("buy", "burst_close_short", BUY, SHORT),
    ],
)
def test_a_classic_execution_in_hedge_mode_tells_its_way_and_its_position(
    side: str, trade_side: str, traded: Side, held: PositionSide
) -> None:
    row = {"side": side, "tradeSide": trade_side, "posMode": "hedge_mode"}
    assert (side_of(row), position_side_of(row)) == (traded, held)


def test_in_one_way_mode_the_side_is_the_side_whatever_else_is_told() -> None:
    row = {"side": "sell", "tradeSide": "close", "posSide": "long", "posMode": "one_way_mode"}
    assert (side_of(row), position_side_of(row)) == (SELL, NET)
