"""A leader who is liquidated at the exchange takes followers out by the same signals, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import ccxt
import pytest
from copydesk.stack import wait_until
from simulation_desk import Desk
from simulation_stage import PRICES, Script
from sqlalchemy import text

SCRIPT = Script(north=12, south=1, perpetuals=True)
SYMBOL = "BTC/USDT:USDT"
MARKET = "BTCUSDT"
# At fifty times leverage two percent are all the margin there is.
LEVERAGE = 50
FALLEN = PRICES[MARKET] * Decimal("0.97")

_STATES = text("SELECT DISTINCT state FROM subscription")
_LEGS = text("SELECT DISTINCT leg, status FROM copy WHERE symbol = :symbol AND reduces")


@pytest.fixture
def leader(desk: Desk) -> Iterator[ccxt.binance]:
    client = desk.exchange.perpetual_client(desk.north.leader_key, desk.north.client.secret)
    client.load_markets()
    yield client
    desk.exchange.pin(MARKET, PRICES[MARKET])
    client.session.close()


def held(desk: Desk) -> set[Decimal]:
    return {desk.exchange.position(name) for name in desk.north.ratios}


def test_a_liquidated_leader_takes_followers_out_who_were_not_liquidated(desk: Desk, leader: ccxt.binance) -> None:
    leader.set_margin_mode("isolated", SYMBOL)
    leader.set_leverage(LEVERAGE, SYMBOL)
    leader.create_order(SYMBOL, "market", "buy", 0.4)
    assert wait_until(lambda: min(held(desk)) > 0, patience_s=30, poll_s=0.1), (held(desk), desk.where())
    desk.exchange.pin(MARKET, FALLEN)
    assert wait_until(lambda: held(desk) == {Decimal(0)}, patience_s=30, poll_s=0.1), (held(desk), desk.where())
    assert wait_until(desk.settled, patience_s=30, poll_s=0.1), desk.where()
    with desk.session(desk.north) as session:
        assert session.execute(_STATES).scalars().all() == ["synced"]
        assert {leg for leg, _ in session.execute(_LEGS, {"symbol": SYMBOL})} == {"close"}
