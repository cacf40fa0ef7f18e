"""A leader at a hundred times, isolated like the followers, long and short; and margin added or taken is told once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import ccxt
import pytest
from copydesk.replication import NewsKind
from copydesk.stack import wait_until
from simulation_desk import Desk
from simulation_stage import Script
from sqlalchemy import text

SCRIPT = Script(north=3, south=1, perpetuals=True, leverage_max=100, margin_mode="isolated")
SYMBOL = "BTC/USDT:USDT"
LEVERAGE = 100
# One who wants no more than twenty times, one like the leader, and one whose position is beyond the first bracket:
# 4 BTC at 100,000, where the exchange allows sixty-two times.
OWN_MAX, LARGE = 20, Decimal(8)
EXPECTED = (OWN_MAX, LEVERAGE, 62)

_PREPARED = text("SELECT count(*) FROM account_setup WHERE symbol = :symbol AND leverage IN (20, 100)")
_TERMS = (
    text("UPDATE subscription SET leverage_max = :most WHERE id = (SELECT min(id) FROM subscription)"),
    text(
        "UPDATE subscription SET sizing_value = :ratio, allocation = 1000000 "
        "WHERE id = (SELECT max(id) FROM subscription)"
    ),
)
_RECEIPTS = text(
    "SELECT reason_facts FROM copy WHERE symbol = :symbol AND NOT reduces AND signal_id = "
    "(SELECT max(id) FROM signal WHERE symbol = :symbol) ORDER BY subscription_id"
)
_NEWS = text("SELECT kind, facts FROM strategy_news ORDER BY id")
_SAMPLED = text("SELECT count(*) FROM equity_point WHERE at > :since")
_NOW = text("SELECT clock_timestamp()")


@pytest.fixture
def leader(desk: Desk) -> Iterator[ccxt.binance]:
    """The leader at a hundred times; followers have seen it, and are prepared."""
    client = desk.exchange.perpetual_client(desk.north.leader_key, desk.north.client.secret)
    client.load_markets()
    with suppress(ccxt.MarginModeAlreadySet):
        client.set_margin_mode("isolated", SYMBOL)
    client.set_leverage(LEVERAGE, SYMBOL)
    with desk.session(desk.north) as session:
        session.execute(_TERMS[0], {"most": OWN_MAX})
        session.execute(_TERMS[1], {"ratio": LARGE})
    trade(desk, client, "buy", "0.002")
    trade(desk, client, "sell", "0.002", flat=True)
    assert wait_until(lambda: prepared(desk) == len(desk.north.ratios), patience_s=30, poll_s=0.1), desk.where()
    yield client
    client.session.close()


def prepared(desk: Desk) -> int:
    with desk.session(desk.north) as session:
        return int(session.execute(_PREPARED, {"symbol": SYMBOL}).scalar_one())


def held(desk: Desk) -> list[dict[str, Any]]:
    """Return each follower's position as the exchange has it."""
    accounts = [desk.exchange.control.call("GET", "accounts", {"account": name}) for name in sorted(desk.north.ratios)]
    return [position for told in accounts for row in told["accounts"] for position in row["positions"]]


def trade(desk: Desk, leader: ccxt.binance, side: str, qty: str, *, flat: bool = False) -> None:
    """Let the leader trade, and wait until all followers hold something, or nothing."""
    leader.create_order(SYMBOL, "market", side, float(qty))
    count = 0 if flat else len(desk.north.ratios) if Decimal(qty) > Decimal("0.01") else 1

    def there() -> bool:
        return (
            len([one for one in held(desk) if Decimal(one["qty"])]) >= count
            if count
            else not any(Decimal(one["qty"]) for one in held(desk))
        )

    assert wait_until(there, patience_s=30, poll_s=0.1), (held(desk), desk.where())
    assert wait_until(desk.settled, patience_s=30, poll_s=0.1), desk.where()


@pytest.mark.parametrize(("side", "back"), [("buy", "sell"), ("sell", "buy")], ids=["long", "short"])
def test_a_hundred_times_is_followed_as_far_as_follower_and_bracket_allow(
    desk: Desk, leader: ccxt.binance, side: str, back: str
) -> None:
    trade(desk, leader, side, "0.5")
    found = held(desk)
    assert tuple(one["leverage"] for one in found) == EXPECTED
    assert {Decimal(one["qty"]) > 0 for one in found} == {side == "buy"}
    assert {one["margin_mode"] for one in found} == {"isolated"}
    with desk.session(desk.north) as session:
        own, same, large = session.execute(_RECEIPTS, {"symbol": SYMBOL}).scalars()
    assert (own["leverage_bound"], own["leverage"], own["leverage_wanted"]) == ("follower", "20", "100")
    assert same is None
    assert (large["leverage_bound"], large["leverage"]) == ("bracket", "62")
    assert Decimal(large["leverage_notional"]) > 300_000
    trade(desk, leader, back, "0.5", flat=True)


def news(desk: Desk) -> list[tuple[NewsKind, Decimal | None]]:
    with desk.session(desk.north) as session:
        rows = session.execute(_NEWS).all()
    return [(NewsKind(kind), None if facts["amount"] is None else Decimal(facts["amount"])) for kind, facts in rows]


def await_reading(desk: Desk) -> None:
    """Wait until the listener has read the leader's account once more."""
    with desk.session(desk.north) as session:
        since = session.execute(_NOW).scalar_one()

    def sampled() -> bool:
        with desk.session(desk.north) as session:
            return bool(session.execute(_SAMPLED, {"since": since}).scalar_one())

    assert wait_until(sampled, patience_s=60, poll_s=0.2), desk.where()


def test_margin_that_is_added_or_taken_is_told_once_also_over_a_restart(desk: Desk, leader: ccxt.binance) -> None:
    before = news(desk)
    trade(desk, leader, "buy", "0.5")
    await_reading(desk)
    leader.add_margin(SYMBOL, 700)
    assert wait_until(lambda: len(news(desk)) > len(before), patience_s=60, poll_s=0.2), desk.where()
    assert news(desk)[len(before) :] == [(NewsKind.MARGIN, Decimal(700))]
    desk.roles.kill("listener")
    desk.roles.start("listener")
    await_reading(desk)
    assert len(news(desk)) == len(before) + 1
    # What is done while nobody looks is told by the next process.
    desk.roles.kill("listener")
    leader.reduce_margin(SYMBOL, 300)
    desk.roles.start("listener")
    await_reading(desk)
    assert news(desk)[len(before) + 1 :] == [(NewsKind.MARGIN, Decimal(-300))]
    trade(desk, leader, "sell", "0.5", flat=True)
