"""Kill switches against real roles: whoever throws one only stores it, and the replicators do the rest."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from copydesk.replication import resume
from copydesk.risk import Reach, Stops
from copydesk.risk.switches import NewSwitch, Subjects, lift, nudge, read_switches, throw
from copydesk.stack import wait_until
from simulation_desk import Cast, Desk
from simulation_verdict import placed_by
from sqlalchemy import text

_DENIED = text("SELECT count(*) FROM copy WHERE reason = 'stopped_by_switch' AND symbol = :symbol")
_HELD = text("SELECT coalesce(max(abs(qty)), 0) FROM book WHERE symbol = :symbol")
_CLOSING = text("SELECT count(*) FROM errand WHERE CAST(:symbol AS text) <> ''")
_DISARMED = text("SELECT id FROM subscription WHERE state = 'disarmed'")
# Less than one step of these pairs.
DUST = Decimal("0.0001")


@pytest.fixture(autouse=True)
def all_is_lifted(desk: Desk) -> Iterator[None]:
    """Lift what a test has thrown and resume whom it stopped: the desk is shared."""
    yield
    for cast in desk.casts.values():
        with desk.runtime.db.tenant(tenant_id(desk, cast)) as session:
            for switch in read_switches(session):
                lift(session, switch.id, "the test")
        with desk.runtime.db.tenant(tenant_id(desk, cast)) as session:
            for subscription_id in session.execute(_DISARMED).scalars().all():
                resume(session, subscription_id)
    nudge(desk.runtime.redis)


def tenant_id(desk: Desk, cast: Cast) -> int:
    return desk.runtime.tenant_ids[cast.slug]


def told(desk: Desk, cast: Cast, query: object) -> Decimal:
    with desk.runtime.db.tenant(tenant_id(desk, cast)) as session:
        return Decimal(session.execute(query, {"symbol": cast.pair}).scalar_one())  # type: ignore[call-overload]


def throw_one(desk: Desk, cast: Cast, stops: Stops) -> None:
    with desk.runtime.db.tenant(tenant_id(desk, cast)) as session:
        throw(session, NewSwitch(Reach.TENANT, "", stops, "drill", "Mara"), Subjects())
    nudge(desk.runtime.redis)


def test_opens_stop_in_one_brand_and_closes_go_through(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.north.buy()
    desk.await_copied(desk.north, seq)
    throw_one(desk, desk.north, Stops.OPENS)

    def is_denied() -> bool:
        desk.north.buy(0.25)
        return told(desk, desk.north, _DENIED) > 0

    assert wait_until(is_denied, patience_s=30, poll_s=0.5), desk.where()
    desk.await_calm()
    stopped, denied = desk.exchange.now(), told(desk, desk.north, _DENIED)
    desk.north.buy()
    desk.south.buy()
    desk.await_orders(desk.south, stopped, len(desk.south.ratios))
    enough = denied + len(desk.north.ratios)
    assert wait_until(lambda: told(desk, desk.north, _DENIED) >= enough, patience_s=30, poll_s=0.1), desk.where()
    assert not placed_by(desk.exchange.records(), desk.north.ratios, stopped)
    for cast in desk.casts.values():
        cast.sell_all()
    flat = wait_until(lambda: told(desk, desk.north, _HELD) < DUST, patience_s=60, poll_s=0.1)
    assert flat, desk.where()
    desk.await_calm()
    assert {order["side"] for order in placed_by(desk.exchange.records(), desk.north.ratios, stopped)} == {"sell"}


def test_whoever_closes_a_brand_only_stores_it_and_the_replicators_close(desk: Desk) -> None:
    seq = desk.exchange.now()
    for cast in desk.casts.values():
        cast.buy()
    for cast in desk.casts.values():
        desk.await_copied(cast, seq)
    stopped = desk.exchange.now()
    throw_one(desk, desk.south, Stops.ALL)
    flat = wait_until(lambda: told(desk, desk.south, _HELD) < DUST, patience_s=60, poll_s=0.1)
    assert flat, desk.where()
    assert wait_until(lambda: told(desk, desk.south, _CLOSING) == 0, patience_s=60, poll_s=0.1), desk.where()
    desk.await_calm()
    sides = {order["side"] for order in placed_by(desk.exchange.records(), desk.south.ratios, stopped)}
    assert sides == {"sell"}
    assert not placed_by(desk.exchange.records(), desk.north.ratios, stopped)
    for cast in desk.casts.values():
        cast.sell_all()
    flat = wait_until(lambda: told(desk, desk.north, _HELD) < DUST, patience_s=60, poll_s=0.1)
    assert flat, desk.where()
    desk.await_calm()
