"""A leader's perpetual is copied long and short, through a reversal and a killed replicator; the exchange is truth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal

import ccxt
import pytest
from copydesk.stack import wait_until
from simulation_desk import Desk
from simulation_stage import Script
from sqlalchemy import text

SCRIPT = Script(north=12, south=1, perpetuals=True)
SYMBOL = "BTC/USDT:USDT"
STEP = Decimal("0.001")
RTT_MS = 120

_BOOKS = text(
    "SELECT a.label, b.qty FROM book b JOIN subscription s ON s.id = b.subscription_id "
    "JOIN account a ON a.id = s.account_id WHERE b.symbol = :symbol"
)
_LEGS = text(
    "SELECT leg, reduces, waits, status FROM copy WHERE symbol = :symbol AND signal_id = "
    "(SELECT max(id) FROM signal WHERE symbol = :symbol) ORDER BY subscription_id, id"
)


@pytest.fixture
def leader(desk: Desk) -> Iterator[ccxt.binance]:
    client = desk.exchange.perpetual_client(desk.north.leader_key, desk.north.client.secret)
    client.load_markets()
    yield client
    client.session.close()


def wanted(desk: Desk, position: str) -> dict[str, Decimal]:
    """Return what each follower holds when the leader holds that, in whole steps towards zero."""
    held = Decimal(position)
    return {
        name: (held * ratio / STEP).to_integral_value(ROUND_DOWN) * STEP for name, ratio in desk.north.ratios.items()
    }


def held(desk: Desk) -> dict[str, Decimal]:
    return {name: desk.exchange.position(name) for name in desk.north.ratios}


def await_positions(desk: Desk, position: str) -> None:
    """Wait until every follower holds its part on the exchange, and until books and exchange agree on it."""
    expected = wanted(desk, position)

    def near() -> bool:
        return all(abs(qty - expected[name]) <= STEP for name, qty in held(desk).items())

    assert wait_until(near, patience_s=30, poll_s=0.1), (held(desk), expected, desk.where())
    assert wait_until(desk.settled, patience_s=30, poll_s=0.1), desk.where()
    assert wait_until(lambda: books(desk) == held(desk), patience_s=10, poll_s=0.1), (books(desk), held(desk))
    assert near(), (held(desk), expected, desk.where())


def books(desk: Desk) -> dict[str, Decimal]:
    with desk.session(desk.north) as session:
        return dict(session.execute(_BOOKS, {"symbol": SYMBOL}).all())


def test_a_short_a_reversal_and_a_close_are_copied(desk: Desk, leader: ccxt.binance) -> None:
    leader.create_order(SYMBOL, "market", "sell", 0.4)
    await_positions(desk, "-0.4")
    leader.create_order(SYMBOL, "market", "buy", 1.0)
    await_positions(desk, "0.6")
    with desk.session(desk.north) as session:
        legs = [tuple(row) for row in session.execute(_LEGS, {"symbol": SYMBOL})]
    assert legs == [("close", True, False, "filled"), ("open", False, False, "filled")] * len(desk.north.ratios)
    leader.create_order(SYMBOL, "market", "sell", 0.2)
    await_positions(desk, "0.4")
    leader.create_order(SYMBOL, "market", "sell", 0.4)
    await_positions(desk, "0")
    assert set(held(desk).values()) == {Decimal(0)}


def test_a_reversal_under_a_killed_replicator_ends_on_the_right_side(desk: Desk, leader: ccxt.binance) -> None:
    leader.create_order(SYMBOL, "market", "buy", 0.6)
    await_positions(desk, "0.6")
    desk.exchange.rtt(RTT_MS)
    leader.create_order(SYMBOL, "market", "sell", 1.0)
    before = wanted(desk, "0.6")
    assert wait_until(lambda: any(qty < before[name] for name, qty in held(desk).items()), patience_s=20, poll_s=0.01)
    desk.roles.kill("replicator")
    desk.exchange.rtt(0)
    desk.roles.start("replicator")
    await_positions(desk, "-0.4")
    leader.create_order(SYMBOL, "market", "buy", 0.4)
    await_positions(desk, "0")
