"""Every copied position of a perpetual has a stop resting at the exchange, which acts though nobody of us is alive."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import ccxt
import pytest
from copydesk.stack import wait_until
from simulation_desk import Desk
from simulation_stage import ROLES, Script
from sqlalchemy import text
from stop_desk import BOOKED, FALLEN, SYMBOL, armed, held, invest, pin

# Few: booking what a stop closed costs 7 of the weight that an address has in a minute.
FOLLOWERS = 3
SCRIPT = Script(
    north=FOLLOWERS,
    south=1,
    perpetuals=True,
    limits=("drawdown > 5 % of equity -> close_and_disarm",),
    protective=True,
)

_RESTING = text("SELECT count(*) FROM protective_stop WHERE state = 'resting'")
_OPEN = text("SELECT count(*) FROM protective_stop WHERE state IN ('placing', 'resting', 'canceling')")
_DISARMED = text("SELECT count(*) FROM subscription WHERE state = 'disarmed'")
_UNDER_WAY = text("SELECT count(*) FROM risk_act WHERE state IN ('firing', 'closing')")
_ACTS = text("SELECT count(*) FROM risk_act WHERE scope = 'position' AND state = 'closed'")
_GUARDS = text("SELECT count(*) FROM copy WHERE leg LIKE 'guard-%' AND status = 'filled'")
_ENDS = text(
    "SELECT signal_id, leg, status, reason, reason_facts, count(*) FROM copy GROUP BY 1, 2, 3, 4, 5 ORDER BY 1"
)
_STATES = text("SELECT state, state_reason, count(*) FROM subscription GROUP BY 1, 2")
_DETACHED = text("SELECT array_agg(concat_ws(chr(32), subscription_id, qty, reason, at)) FROM book_adjustment")


@pytest.fixture
def leader(desk: Desk) -> Iterator[ccxt.binance]:
    """The leader's client, with every follower armed and nobody holding anything."""
    with armed(desk) as client:
        yield client
    assert wait_until(lambda: desk.scalar(desk.north, _OPEN) == 0, patience_s=20, poll_s=0.05), desk.where()


def ends(desk: Desk) -> list[object]:
    """Return what became of the newest copies, and how subscriptions stand, for messages."""
    with desk.session(desk.north) as session:
        return [tuple(row) for query in (_ENDS, _STATES) for row in session.execute(query)]


def protect(desk: Desk, leader: ccxt.binance, side: str = "buy") -> None:
    """Let the leader open a position, everybody copy it, and everybody's stop come to rest."""
    invest(desk, leader, side)
    resting = wait_until(lambda: desk.scalar(desk.north, _RESTING) == FOLLOWERS, patience_s=20, poll_s=0.05)
    assert resting, (desk.scalar(desk.north, _RESTING), desk.where())


def await_disarmed(desk: Desk) -> None:
    """Wait until our own stops have seen what is lost as well, and have come to their end."""
    disarmed = wait_until(lambda: desk.scalar(desk.north, _DISARMED) == FOLLOWERS, patience_s=20, poll_s=0.1)
    assert disarmed, (ends(desk), desk.where())
    assert wait_until(lambda: desk.scalar(desk.north, _UNDER_WAY) == 0, patience_s=90, poll_s=0.1), desk.where()
    desk.await_calm()


@pytest.fixture
def owners() -> Iterator[dict[str, ccxt.binance]]:
    """Clients of followers' owners, by account, opened when first wanted."""
    opened: dict[str, ccxt.binance] = {}
    yield opened
    for client in opened.values():
        client.session.close()


def owner(desk: Desk, owners: dict[str, ccxt.binance], account: str) -> ccxt.binance:
    if account not in owners:
        owners[account] = desk.exchange.perpetual_client(*desk.exchange.with_perpetuals(account, "1"))
        owners[account].load_markets()
    return owners[account]


def stops(desk: Desk, owners: dict[str, ccxt.binance], account: str) -> list[tuple[Decimal, Decimal]]:
    """Return quantity and trigger of the conditional orders that rest for an account, as the exchange tells them."""
    listed = owner(desk, owners, account).fetch_open_orders(SYMBOL, params={"trigger": True})
    return [(Decimal(str(order["amount"])), Decimal(str(order["triggerPrice"]))) for order in listed]


def test_a_stop_rests_for_each_copied_position_and_goes_with_it(
    desk: Desk, leader: ccxt.binance, owners: dict[str, ccxt.binance]
) -> None:
    protect(desk, leader)
    before = held(desk)
    for account, qty in before.items():
        ((stop_qty, trigger_px),) = stops(desk, owners, account)
        assert stop_qty == qty
        assert Decimal(80_000) < trigger_px < Decimal(99_000)
    leader.create_order(SYMBOL, "market", "sell", 4)

    def follows() -> bool:
        now = held(desk)
        return all(now[one] < before[one] and [qty for qty, _ in stops(desk, owners, one)] == [now[one]] for one in now)

    assert wait_until(follows, patience_s=20, poll_s=0.5), desk.where()
    leader.create_order(SYMBOL, "market", "sell", 4)
    assert wait_until(lambda: not any(stops(desk, owners, one) for one in before), patience_s=20, poll_s=0.5), (
        desk.where()
    )


def test_while_the_platform_is_dead_the_stop_closes_the_position_and_later_everybody_is_told(
    desk: Desk, leader: ccxt.binance
) -> None:
    protect(desk, leader, "sell")
    for role in (*ROLES, "risk"):
        desk.roles.kill(role)
    pin(desk, Decimal(125_000))
    assert wait_until(lambda: not any(held(desk).values()), patience_s=10, poll_s=0.05), (held(desk), desk.where())
    assert desk.exchange.position(desk.north.leader) == -8
    acts, guards = desk.scalar(desk.north, _ACTS), desk.scalar(desk.north, _GUARDS)
    for role in (*ROLES, "risk"):
        desk.roles.start(role)
    booked = wait_until(lambda: desk.scalar(desk.north, BOOKED) == 0, patience_s=60, poll_s=0.1)
    assert booked, desk.where()
    told = wait_until(lambda: desk.scalar(desk.north, _ACTS) - acts == FOLLOWERS, patience_s=20, poll_s=0.1)
    assert told, desk.where()
    assert desk.scalar(desk.north, _GUARDS) - guards == FOLLOWERS
    await_disarmed(desk)
    assert desk.scalar(desk.north, _DETACHED) is None
    assert not any(held(desk).values())


def test_a_gap_through_our_stop_and_the_exchanges_closes_once(desk: Desk, leader: ccxt.binance) -> None:
    protect(desk, leader)
    pin(desk, FALLEN)
    assert wait_until(lambda: not any(held(desk).values()), patience_s=10, poll_s=0.05), (held(desk), desk.where())
    assert wait_until(lambda: desk.scalar(desk.north, BOOKED) == 0, patience_s=90, poll_s=0.1), desk.where()
    await_disarmed(desk)
    assert desk.scalar(desk.north, _DETACHED) is None
    assert not any(held(desk).values()), "closed twice"


def test_a_stop_that_its_owner_has_canceled_rests_again(
    desk: Desk, leader: ccxt.binance, owners: dict[str, ccxt.binance]
) -> None:
    protect(desk, leader)
    account = next(iter(desk.north.ratios))
    ((qty, _),) = stops(desk, owners, account)
    owner(desk, owners, account).cancel_all_orders(SYMBOL, {"trigger": True})
    assert stops(desk, owners, account) == []
    again = wait_until(lambda: [one for one, _ in stops(desk, owners, account)] == [qty], patience_s=30, poll_s=0.5)
    assert again, desk.where()
