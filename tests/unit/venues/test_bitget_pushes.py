"""What Bitget's private channels tell. Source: Bitget API guide, WebSocket: Order channel (v2), Fill and Order (v3)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest
from copydesk.kernel import Unavailable, VenueRefused
from copydesk.trading import Credentials, Denial, PositionSide, Side
from copydesk.venues import VenueUrls
from copydesk.venues.bitget.adapter import Bitget
from copydesk.venues.bitget.stream import ClassicPushes, PrivateChannel, UnifiedPushes
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


def classic(row: dict[str, Any]) -> Any:
    return ClassicPushes(known_symbols()).read({"arg": FUTURES, "data": [row]})


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
    pushes = UnifiedPushes(known_symbols())
    assert pushes.read(topic("fill", UNIFIED_FILL)).trades == ()
    (trade,) = pushes.read(topic("order", UNIFIED_ORDER)).trades
    assert (trade.side, trade.position_side, trade.fee) == (Side.SELL, PositionSide.LONG, Decimal("0.569958"))
    (second,) = pushes.read(topic("fill", UNIFIED_FILL | {"execId": "10"})).trades
    assert second.position_side is PositionSide.LONG


def test_in_one_way_mode_the_hold_side_of_an_execution_is_no_position_of_its_own() -> None:
    pushes = UnifiedPushes(known_symbols())
    pushes.read(topic("order", UNIFIED_ORDER | {"holdMode": "one_way_mode"}))
    assert pushes.read(topic("fill", UNIFIED_FILL)).trades[0].position_side is PositionSide.NET


def test_a_unified_spot_execution_waits_for_nothing() -> None:
    fill = UNIFIED_FILL | {"category": "spot"}
    (trade,) = UnifiedPushes(known_symbols()).read(topic("fill", fill)).trades
    assert trade.symbol == "BTC/USDT"


def of_channel(*messages: dict[str, Any] | str, kind: str = "classic") -> list[Any]:
    """Return what a channel of an account of that kind makes of each message."""

    async def run() -> list[Any]:
        venue = Bitget(VenueUrls.lab("bitget", "http://127.0.0.1:9", "ws://127.0.0.1:9"), symbols=known_symbols())
        try:
            venue.kinds.remember(KEY, getattr(venue.kinds, kind))
            channel = PrivateChannel(venue, KEY)
            url = await channel.open()
            assert url.endswith("/v2/ws/private" if kind == "classic" else "/v3/ws/private")
            heard = [channel.read(m if isinstance(m, str) else orjson.dumps(m).decode()) for m in messages]
            return [*heard, venue.kinds.known(KEY)]
        finally:
            await venue.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize("kind", ["classic", "unified"])
def test_a_channel_is_confirmed_when_every_topic_is(kind: str) -> None:
    subscribed = {"event": "subscribe", "arg": {}}
    login, first, second, pong, _ = of_channel(
        {"event": "login", "code": 0, "msg": ""}, subscribed, subscribed, "pong", kind=kind
    )
    (frame,) = login.send
    assert orjson.loads(frame)["op"] == "subscribe" and len(orjson.loads(frame)["args"]) == 2
    assert (login.confirmed, first.confirmed, second.confirmed) == (False, False, True)
    assert not pong.event


def test_a_refused_login_names_what_is_wrong_with_the_key() -> None:
    heard, _ = of_channel({"event": "error", "code": 30015, "msg": "Invalid sign"})
    assert isinstance(heard.failure, VenueRefused)
    assert heard.failure.code == Denial.KEY_SECRET_WRONG.value


def test_an_account_of_another_kind_is_asked_for_its_kind_before_the_next_connection() -> None:
    heard, known = of_channel({"event": "error", "code": 40085, "msg": "You are in Unified Account mode"})
    assert isinstance(heard.failure, Unavailable)
    assert known is None
