"""What OKX's private connection says and what is made of it.

Payloads from OKX API guide v5: WebSocket Login, Connection count limit, Notification, Order channel, Algo orders
channel.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial, OrderStatus, OrderType, PositionSide, Side
from copydesk.venues import VenueUrls
from copydesk.venues.okx.adapter import Okx
from copydesk.venues.okx.stream import AlgosChannel, LoginChannel, OrdersChannel
from copydesk.venues.stream import Heard
from json_exchange import KEY, OKX_BTC, OKX_PERP, known

D = Decimal
FILLED: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "ordId": "312", "clOrdId": "", "side": "sell", "posSide": "short",
    "ordType": "limit", "state": "partially_filled", "sz": "5", "accFillSz": "2", "tradeId": "87", "fillSz": "2",
    "fillPx": "60000.5", "fillFee": "-0.6", "fillFeeCcy": "USDT", "fillTime": "1597026383085", "execType": "M",
    "category": "normal",
}  # fmt: skip

STOP: dict[str, Any] = {
    "instType": "SWAP", "instId": "BTC-USDT-SWAP", "algoId": "581878926302093312", "ordId": "", "ordIdList": [],
    "ordType": "conditional", "side": "sell", "posSide": "long", "state": "live", "sz": "5", "slTriggerPx": "55000",
    "slOrdPx": "-1", "tpTriggerPx": "", "tpOrdPx": "", "triggerPx": "", "ordPx": "", "last": "60000",
    "reduceOnly": "true", "closeFraction": "", "cTime": "1685002746818", "uTime": "1708679675245",
}  # fmt: skip
PAIR = STOP | {"ordType": "oco", "tpTriggerPx": "65000", "tpOrdPx": "64900"}


def hear(*messages: Any, channel_type: type[LoginChannel] = OrdersChannel) -> list[Heard]:
    async def act() -> list[Heard]:
        urls = VenueUrls.lab("okx", "http://127.0.0.1:9", "ws://127.0.0.1:9")
        venue = Okx(urls, symbols=known(OKX_BTC, OKX_PERP))
        channel = channel_type(venue, KEY)
        try:
            return [channel.read(m if isinstance(m, str) else orjson.dumps(m).decode()) for m in messages]
        finally:
            await venue.aclose()

    return asyncio.run(act())


def push(*rows: dict[str, Any]) -> Heard:
    (heard,) = hear({"arg": {"channel": "orders", "instType": "ANY", "uid": "1"}, "data": list(rows)})
    return heard


def algos(*rows: dict[str, Any]) -> Heard:
    said = {"arg": {"channel": "orders-algo", "instType": "ANY", "uid": "1"}, "data": list(rows)}
    (heard,) = hear(said, channel_type=AlgosChannel)
    return heard


def test_an_execution_is_told_in_base_units_with_its_own_fee() -> None:
    (trade,) = push(FILLED).trades
    assert (trade.qty, trade.px, trade.fee, trade.fee_currency) == (D("0.02"), D("60000.5"), D("0.6"), "USDT")
    assert (trade.side, trade.position_side, trade.order_type) == (Side.SELL, PositionSide.SHORT, OrderType.LIMIT)
    assert (trade.symbol, trade.trade_id, trade.at_ms) == ("BTC/USDT:USDT", "87", 1597026383085)


def test_several_executions_in_one_push_are_all_told() -> None:
    heard = push(FILLED, FILLED | {"tradeId": "88", "accFillSz": "5", "fillSz": "3", "state": "filled"})
    assert [(trade.trade_id, trade.qty) for trade in heard.trades] == [("87", D("0.02")), ("88", D("0.03"))]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "live", "tradeId": "", "fillSz": "0", "fillPx": "", "fillTime": ""},
        {"state": "canceled", "tradeId": "87", "fillSz": "0"},
        {"state": "partially_filled", "tradeId": "", "fillSz": "", "amendResult": "0"},
    ],
)
def test_news_of_an_order_without_an_execution_is_an_event_and_no_trade(change: dict[str, str]) -> None:
    heard = push(FILLED | change)
    assert (heard.event, heard.trades) == (True, ())


def test_the_leader_s_liquidation_is_an_execution_like_any_other() -> None:
    (trade,) = push(FILLED | {"category": "full_liquidation", "tradeId": "-1", "side": "buy"}).trades
    assert (trade.trade_id, trade.side) == ("-1", Side.BUY)


def test_what_is_traded_with_borrowed_coins_or_not_listed_is_no_trade_of_ours() -> None:
    margin = FILLED | {"instType": "MARGIN", "instId": "BTC-USDT", "posSide": "net"}
    dated = FILLED | {"instType": "FUTURES", "instId": "BTC-USDT-261225"}
    unlisted = FILLED | {"instId": "NEW-USDT-SWAP"}
    assert push(margin, dated, unlisted).trades == ()


def test_a_stop_that_waits_is_told_with_its_terms_in_base_units() -> None:
    heard = algos(STOP)
    (fact,) = heard.orders
    assert (heard.event, heard.trades) == (True, ())
    assert (fact.venue_order_id, fact.type, fact.status) == (
        STOP["algoId"],
        OrderType.STOP_MARKET,
        OrderStatus.ACCEPTED,
    )
    assert (fact.qty, fact.trigger_px, fact.px, fact.at_ms) == (D("0.05"), D(55_000), None, 1708679675245)
    assert (fact.side, fact.position_side, fact.reduces) == (Side.SELL, PositionSide.LONG, True)


@pytest.mark.parametrize(
    ("state", "status"), [("canceled", OrderStatus.CANCELED), ("order_failed", OrderStatus.REJECTED)]
)
def test_a_stop_that_ends_without_an_order_is_told_as_over(state: str, status: OrderStatus) -> None:
    (fact,) = algos(STOP | {"state": state}).orders
    assert (fact.venue_order_id, fact.status, fact.placed_by) == (STOP["algoId"], status, "")


def test_a_stop_that_has_triggered_is_told_as_the_order_that_it_placed() -> None:
    """It is no order that begins to wait, should nobody have heard of it before."""
    (fact,) = algos(STOP | {"state": "effective", "ordId": "312", "ordIdList": ["312"]}).orders
    assert (fact.venue_order_id, fact.placed_by, fact.placed_id) == ("312", STOP["algoId"], "")
    assert algos(STOP | {"state": "effective"}).orders == ()


def test_a_pair_is_told_as_two_orders_and_ends_with_the_list_once_one_has_triggered() -> None:
    both = algos(PAIR).orders
    assert [(fact.venue_order_id, fact.type) for fact in both] == [
        (PAIR["algoId"] + ":sl", OrderType.STOP_MARKET),
        (PAIR["algoId"] + ":tp", OrderType.TAKE_PROFIT_LIMIT),
    ]
    assert {fact.status for fact in algos(PAIR | {"state": "canceled"}).orders} == {OrderStatus.CANCELED}
    assert algos(PAIR | {"state": "effective", "ordId": "312", "ordIdList": ["312"]}).orders == ()


def test_conditional_orders_that_are_not_ours_to_copy_are_events_alone() -> None:
    margin = STOP | {"instType": "MARGIN", "instId": "BTC-USDT"}
    trailing = STOP | {"ordType": "move_order_stop", "slTriggerPx": "", "slOrdPx": ""}
    assert algos(margin, trailing, STOP | {"instId": "NEW-USDT-SWAP"}) == Heard(event=True)


def test_each_connection_subscribes_to_its_own_channel_and_reads_no_other() -> None:
    orders = {"arg": {"channel": "orders", "instType": "ANY", "uid": "1"}, "data": [FILLED]}
    login, other = hear({"event": "login", "code": "0", "msg": ""}, orders, channel_type=AlgosChannel)
    assert orjson.loads(login.send[0])["args"] == [{"channel": "orders-algo", "instType": "ANY"}]
    assert other == Heard()


def test_the_login_is_followed_by_the_subscription_and_that_by_its_confirmation() -> None:
    login, counted, subscribed, pong = hear(
        {"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"},
        {"event": "channel-conn-count", "channel": "orders", "connCount": "2", "connId": "a4d3ae55"},
        {"event": "subscribe", "arg": {"channel": "orders", "instType": "ANY"}, "connId": "a4d3ae55"},
        "pong",
    )
    assert orjson.loads(login.send[0])["args"] == [{"channel": "orders", "instType": "ANY"}]
    assert (counted, subscribed, pong) == (Heard(), Heard(confirmed=True), Heard())


def test_a_subscription_that_is_ended_for_too_many_connections_ends_this_one() -> None:
    """It comes after the confirmation, and nothing is told any more."""
    (heard,) = hear({"event": "channel-conn-count-error", "channel": "orders", "connCount": "31", "connId": "a4d3ae55"})
    assert isinstance(heard.failure, Unavailable)


def test_a_notice_ends_the_connection_before_okx_does() -> None:
    (heard,) = hear({"event": "notice", "code": "64008", "msg": "The connection will soon be closed.", "connId": "a"})
    assert isinstance(heard.failure, Unavailable)


@pytest.mark.parametrize(
    ("code", "denial"),
    [
        ("60005", Denial.KEY_REJECTED),
        ("60032", Denial.KEY_REJECTED),
        ("60007", Denial.KEY_SECRET_WRONG),
        ("60024", Denial.KEY_PASSPHRASE_WRONG),
    ],
)
def test_a_refused_key_ends_the_stream_by_name(code: str, denial: Denial) -> None:
    (heard,) = hear({"event": "error", "code": code, "msg": "no", "connId": "a"})
    assert isinstance(heard.failure, VenueRefused)
    assert heard.failure.code == denial.value


@pytest.mark.parametrize("code", ["60004", "60006", "60009", "60014", "63999", "60018"])
def test_what_does_not_name_the_key_is_tried_again(code: str) -> None:
    (heard,) = hear({"event": "error", "code": code, "msg": "no", "connId": "a"})
    assert isinstance(heard.failure, Unavailable | OutcomeUnknown)
