"""Orders that ended without a fill are found for as long as the real exchange tells of them, and no longer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from control_world import PERP, SPOT, ControlWorld, control_world, submit
from copydesk.venues.lab.exchange import Exchange

HOUR_MS = 3_600_000
HOURS = {"okx": {SPOT: 2, PERP: 2}, "bybit": {SPOT: 24, PERP: 24}, "binance": {PERP: 72}}
CASES = [(venue, market, hours) for venue, markets in HOURS.items() for market, hours in markets.items()]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ControlWorld]:
    with control_world(tmp_path) as made:
        yield made


def pass_hours(lab: ControlWorld, venue: str, hours: int, *, more_ms: int = 0) -> None:
    for _ in range(hours):
        lab.call("POST", "faults", harm="clock_offset", venue=venue, offset_ms=HOUR_MS)
    lab.call("POST", "faults", harm="clock_offset", venue=venue, offset_ms=more_ms)
    lab.world.tick()


def found(exchange: Exchange, market: str) -> list[str]:
    """Return the orders that are found by name, of one that was filled, one that was canceled and one that rests."""
    engine = exchange.engine(market)
    symbol = next(i.venue_symbol for i in engine.instruments.values() if i.base == "BTC")
    named = [engine.order("ada", symbol, None, name) for name in ("filled", "canceled", "rests")]
    told = {order.client_order_id for order in engine.orders("ada")}
    assert told == {order.client_order_id for order in named if order is not None}
    return [order.client_order_id for order in named if order is not None]


def placed(lab: ControlWorld, venue: str, market: str) -> Exchange:
    exchange = lab.account("ada", venue)
    if not exchange.unified:
        lab.call("POST", "deposits", account="ada", asset="USDT", qty="100000", wallet="futures")
    submit(exchange, "ada", "0.01", market=market, client_order_id="filled")
    for name in ("canceled", "rests"):
        submit(exchange, "ada", "0.01", market=market, client_order_id=name, px="90000")
    canceled = next(order for order in exchange.engine(market).orders("ada") if order.client_order_id == "canceled")
    exchange.engine(market).cancel("ada", canceled.symbol, canceled.order_id, now_ms=int(exchange.now_ms()))
    return exchange


@pytest.mark.parametrize(("venue", "market", "hours"), CASES)
def test_an_order_that_ended_without_a_fill_is_forgotten_in_the_exchanges_time(
    lab: ControlWorld, venue: str, market: str, hours: int
) -> None:
    exchange = placed(lab, venue, market)
    pass_hours(lab, venue, hours, more_ms=-60_000)
    assert found(exchange, market) == ["filled", "canceled", "rests"]
    pass_hours(lab, venue, 0, more_ms=120_000)
    assert found(exchange, market) == ["filled", "rests"]


@pytest.mark.parametrize(("venue", "market"), [("binance", SPOT), ("bitget", SPOT), ("bitget", PERP)])
def test_where_no_short_time_is_told_nothing_is_forgotten(lab: ControlWorld, venue: str, market: str) -> None:
    exchange = placed(lab, venue, market)
    pass_hours(lab, venue, 24 * 7)
    assert found(exchange, market) == ["filled", "canceled", "rests"]


def test_orders_forgotten_by_script_leave_their_executions_behind(lab: ControlWorld) -> None:
    exchange = placed(lab, "okx", SPOT)
    lab.account("bob", "okx")
    submit(exchange, "bob", "0.01")
    assert lab.call("POST", "faults", harm="forget", venue="okx", account="ada") == {"id": 1, "forgotten": 2}
    assert found(exchange, SPOT) == ["rests"]
    assert [len(exchange.spot.trades(account)) for account in ("ada", "bob")] == [1, 1]
    assert len(exchange.spot.orders("bob")) == 1


def test_a_clock_that_is_set_back_keeps_nothing_from_being_forgotten(lab: ControlWorld) -> None:
    exchange = lab.account("ada", "okx")
    pass_hours(lab, "okx", 24)
    lab.call("DELETE", "faults")
    placed_later = submit(exchange, "ada", "0.01", client_order_id="canceled", px="90000").order
    assert placed_later is not None
    exchange.spot.cancel("ada", placed_later.symbol, placed_later.order_id, now_ms=int(exchange.now_ms()))
    lab.world.tick()
    pass_hours(lab, "okx", 3)
    assert found(exchange, SPOT) == []
