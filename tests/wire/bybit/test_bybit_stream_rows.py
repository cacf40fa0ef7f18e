"""The rows of the lab's Bybit streams, held against the fields that the v5 documentation lists."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import bybit_fields as documented
import pytest
from copydesk.venues.lab.dialects.bybit.books import BookView
from copydesk.venues.lab.dialects.bybit.public import PublicTopics
from copydesk.venues.lab.dialects.bybit.told import messages_of
from copydesk.venues.lab.exchange import Exchange
from copydesk.venues.lab.faults import FaultPlan
from copydesk.venues.lab.journal import Journal
from copydesk.venues.lab.keys import KeyRing
from copydesk.venues.lab.listings import LISTINGS
from copydesk.venues.lab.market import Market
from copydesk.venues.lab.model import BUY, LIMIT, MARKET, PERP, SELL, SPOT, AccountEvent, NewOrder
from copydesk.venues.lab.world import MarketClock, World

PX = Decimal(100_000)


class Ear:
    """Stands in for a connection: keeps what is sent to it."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []

    def send(self, payload: bytes, hold_ms: float = 0.0) -> None:
        self.frames.append(json.loads(payload))


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Exchange]:
    market, now_ms = Market(seed=0), time.time() * 1000.0
    world = World(
        market=market,
        journal=Journal(tmp_path / "journal.jsonl"),
        faults=FaultPlan(0),
        clock=MarketClock(market.start_ms + 2 * 86_400_000, now_ms, 1.0),
        clock_ms=lambda: time.time() * 1000.0,
    )
    made = Exchange(world, LISTINGS["bybit"], keys=KeyRing())
    world.exchanges["bybit"] = made
    world.pins["BTCUSDT"] = PX
    world.tick()
    made.create_account("a", {"USDT": Decimal(10_000), "BTC": Decimal(1)})
    yield made
    world.journal.close()


def heard(exchange: Exchange, *orders: NewOrder) -> list[AccountEvent]:
    """Place orders and return what the account's streams get to hear of them."""
    events: list[AccountEvent] = []
    hear = events.append
    exchange.streams.listen("a", hear)
    for order in orders:
        result = exchange.submit(order, int(exchange.now_ms()))
        assert result.reject is None
    exchange.streams.leave("a", hear)
    return events


def order(market: str, side: str = BUY, qty: str = "0.01") -> NewOrder:
    return NewOrder("a", "", "BTCUSDT", side, MARKET, Decimal(qty), market=market)


def assert_documented(told: dict[str, Any], *fields: documented.Fields) -> None:
    wanted = {name: kind for part in fields for name, kind in part.items()}
    assert {name: type(told.get(name)) for name in wanted} == wanted


def test_rows_of_a_perpetual_fill(exchange: Exchange) -> None:
    told = {m.topic: m for m in messages_of(exchange, "a", heard(exchange, order(PERP)))}

    assert list(told) == ["order", "execution", "wallet", "position"]
    assert_documented(told["order"].rows[0], documented.LINEAR_ORDER, documented.STREAM_ORDER)
    rest = {name: kind for name, kind in documented.LINEAR_EXECUTION.items() if name != "extraFees"}
    assert_documented(told["execution"].rows[0], rest, documented.STREAM_EXECUTION)
    assert_documented(told["position"].rows[0], documented.STREAM_POSITION)
    assert_documented(told["wallet"].rows[0], documented.WALLET)
    assert_documented(told["wallet"].rows[0]["coin"][0], documented.COIN)


def test_rows_of_a_spot_fill(exchange: Exchange) -> None:
    told = {m.topic: m for m in messages_of(exchange, "a", heard(exchange, order(SPOT)))}

    assert list(told) == ["order", "execution", "wallet"]
    assert_documented(told["order"].rows[0], documented.SPOT_ORDER, documented.STREAM_ORDER)
    assert {coin["coin"] for coin in told["wallet"].rows[0]["coin"]} == {"BTC", "USDT"}


def test_an_order_filled_at_once_is_told_once_and_a_resting_one_as_new(exchange: Exchange) -> None:
    resting = NewOrder("a", "", "BTCUSDT", BUY, LIMIT, Decimal("0.01"), px=Decimal(90_000), market=PERP)
    (told, *_) = messages_of(exchange, "a", heard(exchange, order(PERP, qty="0.6"), resting))

    assert [(row["orderStatus"], row["cumExecQty"]) for row in told.rows] == [("Filled", "0.600"), ("New", "0.000")]


def test_a_turned_position_closes_only_what_there_was(exchange: Exchange) -> None:
    events = heard(exchange, order(PERP, qty="0.02"), order(PERP, SELL, "0.05"))
    rows = [row for m in messages_of(exchange, "a", events) if m.topic == "execution" for row in m.rows]

    assert [(row["side"], row["execQty"], row["closedSize"]) for row in rows] == [
        ("Buy", "0.020", ""),
        ("Sell", "0.050", "0.020"),
    ]


def test_funding_is_an_execution_of_its_own_kind(exchange: Exchange) -> None:
    events = heard(exchange, order(PERP, qty="0.02"))
    events.clear()
    exchange.streams.listen("a", events.append)
    exchange.publish(exchange.perp.fund("BTCUSDT", Decimal("0.0001"), 1), 1)
    told = {m.topic: m for m in messages_of(exchange, "a", events)}
    (row,) = told["execution"].rows

    assert (row["execType"], row["feeRate"], row["side"]) == ("Funding", "0.0001", "Buy")
    assert Decimal(row["execFee"]) == Decimal(row["execValue"]) * Decimal("0.0001")
    assert "wallet" in told


def test_public_rows(exchange: Exchange) -> None:
    topics, ear = PublicTopics(exchange, PERP), Ear()
    for topic in ("publicTrade.BTCUSDT", "kline.1.BTCUSDT", "tickers.BTCUSDT", "orderbook.50.BTCUSDT"):
        topics.join(topic, ear)  # type: ignore[arg-type]
    exchange.streams.on_trade = lambda _market, trade: topics.on_trade(trade)
    exchange.submit(order(PERP), int(exchange.now_ms()))
    topics.tick()
    told = {frame["topic"]: frame for frame in reversed(ear.frames)}

    assert_documented(told["publicTrade.BTCUSDT"]["data"][0], documented.STREAM_TRADE)
    assert_documented(told["kline.1.BTCUSDT"]["data"][0], documented.STREAM_CANDLE)
    assert {"topic", "type", "ts", "cs", "data"} <= set(told["tickers.BTCUSDT"])
    assert {"topic", "type", "ts", "cts", "data"} == set(told["orderbook.50.BTCUSDT"])
    assert told["publicTrade.BTCUSDT"]["data"][0]["S"] == "Buy"


def test_a_level_that_leaves_the_depth_is_taken_away(exchange: Exchange) -> None:
    instrument = exchange.perp.instruments["BTCUSDT"]
    view, ear = BookView(exchange.perp, instrument, 50), Ear()
    ear.send(view.snapshot(1))
    exchange.world.pins["BTCUSDT"] = PX + 1000
    exchange.move(marks=False)
    change = view.change(2)
    assert change is not None
    ear.send(change)
    before, after = ear.frames
    gone = {px for px, qty in after["data"]["b"] if qty == "0"}

    assert gone == {px for px, _ in before["data"]["b"]}
    assert (after["type"], after["data"]["u"]) == ("delta", before["data"]["u"] + 1)


def test_a_quiet_best_level_repeats_itself_after_three_seconds(exchange: Exchange) -> None:
    view = BookView(exchange.spot, exchange.spot.instruments["BTCUSDT"], 1)
    first = json.loads(view.snapshot(0))

    assert view.repeat(2999) is None
    again = json.loads(view.repeat(3000) or b"{}")
    assert (again["type"], again["data"]) == ("snapshot", first["data"])


def test_what_was_taken_off_the_lists_is_still_told(exchange: Exchange) -> None:
    events = heard(exchange, order(PERP))
    del exchange.perp.instruments["BTCUSDT"]

    assert [m.topic for m in messages_of(exchange, "a", events)] == ["order", "execution", "wallet", "position"]
