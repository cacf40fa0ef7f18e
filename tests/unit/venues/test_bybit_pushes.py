"""What Bybit's private connection says and what is made of it.

Payloads from Bybit v5 API: WebSocket Connect, Execution, Order; refusals as users have met them (pybit #152, #300).
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest
from copydesk.kernel import OutcomeUnknown, Unavailable, VenueRefused
from copydesk.trading import Denial, PositionSide, Side
from copydesk.venues import VenueUrls
from copydesk.venues.bybit.adapter import Bybit
from copydesk.venues.bybit.stream import PrivateChannel
from copydesk.venues.stream import Heard
from json_exchange import BYBIT_BTC, BYBIT_PERP, KEY, known

D = Decimal
EXECUTION: dict[str, Any] = {
    "category": "linear", "symbol": "BTCUSDT", "closedSize": "", "execFee": "26.3725275", "execId": "0ab1bdf7",
    "execPrice": "95900.1", "execQty": "0.5", "execType": "Trade", "orderId": "9aac161b", "orderLinkId": "",
    "orderType": "Market", "side": "Sell", "execTime": "1746270400353", "feeCurrency": "", "seq": 140612148849382,
}  # fmt: skip
ORDER = {"category": "linear", "symbol": "BTCUSDT", "orderId": "9aac161b", "positionIdx": 2, "orderStatus": "Filled"}


def hear(*messages: dict[str, Any]) -> list[Heard]:
    async def act() -> list[Heard]:
        urls = VenueUrls.lab("bybit", "http://127.0.0.1:9", "ws://127.0.0.1:9")
        venue = Bybit(urls, symbols=known(BYBIT_BTC, BYBIT_PERP))
        channel = PrivateChannel(venue, KEY)
        try:
            return [channel.read(orjson.dumps(message).decode()) for message in messages]
        finally:
            await venue.aclose()

    return asyncio.run(act())


def executed(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"topic": "execution", "id": "386825804", "creationTime": 1746270400355, "data": list(rows)}


def ordered(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"topic": "order", "id": "5923240c", "creationTime": 1672364262474, "data": list(rows)}


def test_an_execution_waits_until_its_order_says_which_position_it_changed() -> None:
    waiting, told, later = hear(executed(EXECUTION), ordered(ORDER), executed(EXECUTION | {"execId": "0ab1bdf8"}))
    assert (waiting.event, waiting.trades) == (True, ())
    (trade,) = told.trades
    assert (trade.trade_id, trade.side, trade.position_side) == ("0ab1bdf7", Side.SELL, PositionSide.SHORT)
    assert (trade.qty, trade.px, trade.fee, trade.fee_currency) == (D("0.5"), D("95900.1"), D("26.3725275"), "USDT")
    assert [one.position_side for one in later.trades] == [PositionSide.SHORT]


def test_an_order_that_was_heard_of_before_lets_its_executions_pass() -> None:
    _, told = hear(ordered(ORDER | {"positionIdx": 0}), executed(EXECUTION))
    assert [trade.position_side for trade in told.trades] == [PositionSide.NET]


def test_an_execution_of_a_pair_waits_for_nothing() -> None:
    (heard,) = hear(executed(EXECUTION | {"category": "spot", "side": "Buy"}))
    assert [(trade.symbol, trade.fee_currency) for trade in heard.trades] == [("BTC/USDT", "BTC")]


def test_funding_and_what_is_not_listed_is_no_trade() -> None:
    funding = EXECUTION | {"execType": "Funding"}
    inverse, unlisted = EXECUTION | {"category": "inverse", "symbol": "BTCUSD"}, EXECUTION | {"symbol": "NEWUSDT"}
    executions, orders = hear(executed(funding, inverse, unlisted), ordered(ORDER))
    assert (executions.trades, orders.trades) == ((), ())


def test_executions_whose_orders_never_come_are_forgotten_in_the_end() -> None:
    """REST tells them; here they would gather for as long as the connection lives."""
    orphans = [executed(EXECUTION | {"orderId": f"lost-{n}", "execId": f"e{n}"}) for n in range(1001)]
    *_, first, last = hear(*orphans, ordered(ORDER | {"orderId": "lost-0"}), ordered(ORDER | {"orderId": "lost-1000"}))
    assert first.trades == ()
    assert [trade.trade_id for trade in last.trades] == ["e1000"]


def auth(text: str) -> Heard:
    (heard,) = hear({"success": False, "ret_msg": text, "op": "auth", "conn_id": "cejreaspqfh3sjdnldmg-p"})
    return heard


@pytest.mark.parametrize("text", ["Params Error", "request expired: o@1, now[2] diff[1]", "error:request expired", ""])
def test_a_login_that_came_too_late_is_tried_again(text: str) -> None:
    """Bybit tells a clock that differs with the words for anything: the key may be good."""
    assert isinstance(auth(text).failure, Unavailable)


@pytest.mark.parametrize(
    ("text", "denial"),
    [
        ("API key is invalid.", Denial.KEY_REJECTED),
        ("Error sign, please check your signature generation algorithm.", Denial.KEY_SECRET_WRONG),
        ("Unmatched IP, please check your API key's bound IP addresses.", Denial.KEY_ADDRESS_REFUSED),
        ("Your api key has expired.", Denial.KEY_EXPIRED),
        ("Permission denied, please check your API key permissions.", Denial.KEY_READ_ONLY),
    ],
)
def test_a_refused_key_ends_the_stream_by_name(text: str, denial: Denial) -> None:
    failure = auth(text).failure
    assert isinstance(failure, VenueRefused)
    assert failure.code == denial.value


def test_a_refused_login_never_repeats_what_was_signed() -> None:
    failure = auth("Error sign, please check. origin_string[GET/realtime1700000000000THEKEY]").failure
    assert "THEKEY" not in str(failure)


def test_the_login_is_followed_by_the_subscription_and_that_by_its_confirmation() -> None:
    login, subscribed, pong = hear(
        {"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"},
        {"success": True, "ret_msg": "", "op": "subscribe", "conn_id": "c"},
        {"req_id": "test", "op": "pong", "args": ["1675418560633"], "conn_id": "c"},
    )
    assert orjson.loads(login.send[0]) == {"op": "subscribe", "args": ["order", "execution"]}
    assert (subscribed, pong) == (Heard(confirmed=True), Heard())


def test_a_refused_subscription_is_tried_again() -> None:
    (heard,) = hear({"success": False, "ret_msg": "error:handler not found", "op": "subscribe", "conn_id": "c"})
    assert isinstance(heard.failure, Unavailable | OutcomeUnknown)
