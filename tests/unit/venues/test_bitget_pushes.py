"""What Bitget's private channels tell.

Source: Bitget API guide, WebSocket: Order and Plan order channels (v2), Fill, Order and Strategy order (v3).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import orjson
import pytest
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial, OrderStatus, OrderType, PositionSide, Side
from copydesk.venues import VenueUrls
from copydesk.venues.bitget.adapter import Bitget
from copydesk.venues.bitget.stream import ClassicPushes, PrivateChannel, UnifiedPushes
from json_exchange import JsonExchange
from raw_exchange import raw_exchange
from venue_symbols import known_symbols

KEY = Credentials(1, "key", "s" * 32, "phrase")
FUTURES = {"instType": "USDT-FUTURES", "channel": "orders", "instId": "default"}
CLASSIC_ORDER = {
    "instId": "BTCUSDT",
    "orderId": "1",
    "clientOid": "cd1",
    "side": "buy",
    "posMode": "hedge_mode",
    "posSide": "long",
    "tradeSide": "close",
    "orderType": "market",
    "status": "filled",
    "tradeId": "111",
    "baseVolume": "0.01",
    "accBaseVolume": "0.02",
    "fillPrice": "27000.5",
    "fillFee": "-0.162003",
    "fillFeeCoin": "USDT",
    "fillTime": "1695718781146",
}
UNIFIED_FILL = {
    "symbol": "BTCUSDT",
    "category": "usdt-futures",
    "orderId": "7",
    "clientOid": "cd1",
    "execId": "9",
    "orderType": "market",
    "side": "sell",
    "tradeSide": "close",
    "holdSide": "long",
    "execPrice": "94993",
    "execQty": "0.01",
    "execTime": "1736378720623",
    "feeDetail": [{"feeCoin": "USDT", "fee": "0.569958"}],
}
UNIFIED_ORDER = {"category": "usdt-futures", "orderId": "7", "holdMode": "hedge_mode", "holdSide": "long"}
CLASSIC_PLAN = {
    "instId": "BTCUSDT",
    "orderId": "5",
    "clientOid": "cd5",
    "triggerPrice": "27000.000000000",
    "triggerType": "fill_price",
    "planType": "sl",
    "price": "27000.000000000",
    "size": "0.020000000",
    "orderType": "market",
    "side": "buy",
    "tradeSide": "close",
    "posSide": "long",
    "posMode": "hedge_mode",
    "status": "live",
    "cTime": "1695719197612",
    "uTime": "1695719197613",
}
STRATEGY = {
    "category": "usdt-futures",
    "symbol": "BTCUSDT",
    "orderId": "6",
    "clientOid": "cd6",
    "qty": "0.02",
    "side": "sell",
    "posSide": "long",
    "type": "tpsl",
    "status": "pending",
    "takeProfit": "",
    "stopLoss": "27000",
    "slOrderType": "market",
    "slLimitPrice": "",
    "createdTime": "1695719197612",
    "updatedTime": "1695719197613",
}
SETTINGS = {"code": "00000", "msg": "success", "requestTime": 1, "data": {"holdMode": "hedge_mode"}}
OVER = OrderStatus.CANCELED


def classic(row: dict[str, Any]) -> Any:
    return ClassicPushes(known_symbols()).read({"arg": FUTURES, "data": [row]})


def plans(row: dict[str, Any], product: str = "USDT-FUTURES") -> Any:
    arg = {"instType": product, "channel": "orders-algo", "instId": "default"}
    return ClassicPushes(known_symbols()).read({"arg": arg, "data": [row]})


def strategy(row: dict[str, Any], *, hedge: bool = False) -> Any:
    return UnifiedPushes(known_symbols(), hedge=hedge).read(topic("strategy-order", row))


def topic(name: str, row: dict[str, Any]) -> dict[str, Any]:
    return {"arg": {"instType": "UTA", "topic": name}, "data": [row]}


def test_a_classic_push_tells_the_execution_that_changed_its_order() -> None:
    (trade,) = classic(CLASSIC_ORDER).trades
    assert (trade.trade_id, trade.qty, trade.px) == ("111", Decimal("0.01"), Decimal("27000.5"))
    assert (trade.fee, trade.fee_currency) == (Decimal("0.162003"), "USDT")
    assert (trade.side, trade.position_side) == (Side.SELL, PositionSide.LONG)


@pytest.mark.parametrize(
    "change", [{"tradeId": ""}, {"status": "cancelled"}, {"status": "live"}, {"instId": "NEWUSDT"}]
)
def test_a_classic_push_without_an_execution_of_ours_tells_that_the_account_lives(change: dict[str, str]) -> None:
    heard = classic(CLASSIC_ORDER | change)
    assert heard.event and heard.trades == ()


def test_a_unified_execution_waits_for_the_order_that_names_its_position() -> None:
    pushes = UnifiedPushes(known_symbols(), hedge=False)
    assert pushes.read(topic("fill", UNIFIED_FILL)).trades == ()
    (trade,) = pushes.read(topic("order", UNIFIED_ORDER)).trades
    assert (trade.side, trade.position_side, trade.fee) == (Side.SELL, PositionSide.LONG, Decimal("0.569958"))
    (second,) = pushes.read(topic("fill", UNIFIED_FILL | {"execId": "10"})).trades
    assert second.position_side is PositionSide.LONG


def test_in_one_way_mode_the_hold_side_of_an_execution_is_no_position_of_its_own() -> None:
    pushes = UnifiedPushes(known_symbols(), hedge=False)
    pushes.read(topic("order", UNIFIED_ORDER | {"holdMode": "one_way_mode"}))
    assert pushes.read(topic("fill", UNIFIED_FILL)).trades[0].position_side is PositionSide.NET


def test_a_unified_spot_execution_waits_for_nothing() -> None:
    fill = UNIFIED_FILL | {"category": "spot"}
    (trade,) = UnifiedPushes(known_symbols(), hedge=False).read(topic("fill", fill)).trades
    assert trade.symbol == "BTC/USDT"


def test_a_classic_stop_is_told_with_its_terms_and_no_price_though_the_channel_repeats_its_trigger() -> None:
    heard = plans(CLASSIC_PLAN)
    (fact,) = heard.orders
    assert (heard.event, heard.trades) == (True, ())
    assert (fact.venue_order_id, fact.type, fact.status) == ("5", OrderType.STOP_MARKET, OrderStatus.ACCEPTED)
    assert (fact.qty, fact.trigger_px, fact.px) == (Decimal("0.02"), Decimal(27_000), None)
    assert (fact.side, fact.position_side, fact.at_ms) == (Side.SELL, PositionSide.LONG, 1695719197613)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"planType": "psl", "size": "0"}, OrderType.STOP_MARKET),
        ({"planType": "tp"}, OrderType.TAKE_PROFIT_MARKET),
        ({"planType": "ptp", "size": "0"}, OrderType.TAKE_PROFIT_MARKET),
        ({"planType": "tp", "orderType": "limit", "executePrice": "26990"}, OrderType.TAKE_PROFIT_LIMIT),
    ],
)
def test_the_channel_has_words_of_its_own_for_exits(change: dict[str, str], kind: OrderType) -> None:
    (fact,) = plans(CLASSIC_PLAN | change).orders
    assert (fact.type, fact.closes_all) == (kind, "size" in change)


@pytest.mark.parametrize(
    ("state", "status"),
    [("executed", OVER), ("executing", OVER), ("cancelled", OVER), ("fail_execute", OrderStatus.REJECTED)],
)
def test_a_classic_stop_that_waits_no_more_is_over(state: str, status: OrderStatus) -> None:
    (fact,) = plans(CLASSIC_PLAN | {"status": state}).orders
    assert (fact.venue_order_id, fact.status, fact.cum_qty) == ("5", status, 0)


@pytest.mark.parametrize(
    ("change", "product"),
    [
        ({"planType": "pl"}, "USDT-FUTURES"),
        ({"planType": "track"}, "USDT-FUTURES"),
        ({"instId": "NEWUSDT"}, "USDT-FUTURES"),
        ({"planType": "amount", "posMode": "", "tradeSide": "", "posSide": ""}, "SPOT"),
    ],
)
def test_a_classic_plan_that_opens_or_trails_or_is_not_listed_is_an_event_alone(
    change: dict[str, str], product: str
) -> None:
    heard = plans(CLASSIC_PLAN | change, product)
    assert heard.event and heard.orders == ()


def test_a_classic_spot_plan_that_sells_is_a_stop() -> None:
    row = {name: CLASSIC_PLAN[name] for name in CLASSIC_PLAN if name not in ("posMode", "posSide", "tradeSide")}
    (fact,) = plans(row | {"planType": "amount", "side": "sell"}, "SPOT").orders
    assert (fact.symbol, fact.type, fact.side) == ("BTC/USDT", OrderType.STOP_MARKET, Side.SELL)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("pending", OrderStatus.ACCEPTED),
        ("success", OVER),
        ("cancelled", OVER),
        ("failed", OrderStatus.REJECTED),
    ],
)
def test_a_strategy_is_told_with_its_terms_and_state(state: str, status: OrderStatus) -> None:
    heard = strategy(STRATEGY | {"status": state})
    (fact,) = heard.orders
    assert (heard.event, fact.venue_order_id, fact.type, fact.status) == (True, "6", OrderType.STOP_MARKET, status)
    assert (fact.qty, fact.trigger_px, fact.px) == (Decimal("0.02"), Decimal(27_000), None)


def test_a_strategy_with_both_exits_is_told_as_two() -> None:
    both = strategy(STRATEGY | {"takeProfit": "33000"}).orders
    assert [fact.venue_order_id for fact in both] == ["6:stopLoss", "6:takeProfit"]


def test_the_position_of_a_strategy_follows_the_account_s_mode_as_its_last_order_told_it() -> None:
    pushes = UnifiedPushes(known_symbols(), hedge=False)
    assert pushes.read(topic("strategy-order", STRATEGY)).orders[0].position_side is PositionSide.NET
    pushes.read(topic("order", UNIFIED_ORDER))
    assert pushes.read(topic("strategy-order", STRATEGY)).orders[0].position_side is PositionSide.LONG


@asynccontextmanager
async def bitget_on(settings: dict[str, Any], kind: str) -> AsyncIterator[Bitget]:
    """Open a Bitget that knows the key's kind of account and answers for its settings."""
    async with raw_exchange(JsonExchange({"GET /api/v3/account/settings": settings})) as server:
        venue = Bitget(VenueUrls.lab("bitget", server.url, "ws://127.0.0.1:9"), symbols=known_symbols())
        venue.kinds.remember(KEY, getattr(venue.kinds, kind))
        try:
            yield venue
        finally:
            await venue.aclose()


def of_channel(*messages: dict[str, Any] | str, kind: str = "classic") -> list[Any]:
    """Return what a channel of an account of that kind makes of each message."""

    async def run() -> list[Any]:
        async with bitget_on(SETTINGS, kind) as venue:
            channel = PrivateChannel(venue, KEY)
            url = await channel.open()
            assert url.endswith("/v2/ws/private" if kind == "classic" else "/v3/ws/private")
            heard = [channel.read(m if isinstance(m, str) else orjson.dumps(m).decode()) for m in messages]
            return [*heard, venue.kinds.known(KEY)]

    return asyncio.run(run())


LOGIN = {"event": "login", "code": 0, "msg": ""}
SUBSCRIBED: dict[str, Any] = {"event": "subscribe", "arg": {}}
CLASSIC_WANTED = [
    {"instType": product, "channel": channel, "instId": "default"}
    for channel in ("orders", "orders-algo")
    for product in ("SPOT", "USDT-FUTURES")
]
UNIFIED_WANTED = [{"instType": "UTA", "topic": name} for name in ("order", "fill", "strategy-order")]


@pytest.mark.parametrize(("kind", "wanted"), [("classic", CLASSIC_WANTED), ("unified", UNIFIED_WANTED)])
def test_a_channel_is_confirmed_when_every_topic_is(kind: str, wanted: list[dict[str, str]]) -> None:
    login, *confirmations, pong, _ = of_channel(LOGIN, *[SUBSCRIBED] * len(wanted), "pong", kind=kind)
    (frame,) = login.send
    assert orjson.loads(frame) == {"op": "subscribe", "args": wanted}
    assert [heard.confirmed for heard in (login, *confirmations)] == [False] * len(wanted) + [True]
    assert not pong.event


def test_without_a_channel_of_triggers_the_others_are_listened_to_all_the_same() -> None:
    refused = {"event": "error", "arg": UNIFIED_WANTED[2], "code": 30001, "msg": "topic:strategy-order doesn't exist"}
    *_, last, _ = of_channel(LOGIN, SUBSCRIBED, SUBSCRIBED, refused, kind="unified")
    assert last.confirmed and last.failure is None


def test_without_a_channel_of_executions_there_is_no_stream() -> None:
    refused = {"event": "error", "arg": UNIFIED_WANTED[1], "code": 30001, "msg": "topic:fill doesn't exist"}
    *_, last, _ = of_channel(LOGIN, SUBSCRIBED, refused, kind="unified")
    assert last.failure is not None


def test_an_account_that_is_unified_no_more_is_found_out_before_the_connection() -> None:
    async def story() -> None:
        classic = {"code": "40084", "msg": "You are in Classic Account mode", "requestTime": 1, "data": None}
        async with bitget_on(classic, "unified") as venue:
            with pytest.raises(Unavailable):
                await PrivateChannel(venue, KEY).open()
            assert venue.kinds.known(KEY) is None

    asyncio.run(story())


def test_a_refused_login_names_what_is_wrong_with_the_key() -> None:
    heard, _ = of_channel({"event": "error", "code": 30015, "msg": "Invalid sign"})
    assert isinstance(heard.failure, VenueRefused)
    assert heard.failure.code == Denial.KEY_SECRET_WRONG.value


def test_an_account_of_another_kind_is_asked_for_its_kind_before_the_next_connection() -> None:
    heard, known = of_channel({"event": "error", "code": 40085, "msg": "You are in Unified Account mode"})
    assert isinstance(heard.failure, Unavailable)
    assert known is None
