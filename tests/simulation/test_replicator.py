"""The replicator dies or freezes at the worst moments; truth is the exchange's journal."""

from __future__ import annotations

import time

from copydesk.stack import wait_until
from simulation_desk import Cast, Desk
from simulation_exchange import Record
from simulation_stage import Script

# The exchange allows one address 6,000 weight a minute, and asking after an order costs 4 to 9 of them: only one
# of these faults may strike the whole crowd.
SCRIPT = Script(north=200, south=60)
RTT_MS = 250


def go_flat(desk: Desk, cast: Cast, after_seq: int) -> None:
    """Close what the test opened: every book must follow down to nothing."""
    cast.sell_all()
    desk.await_verdict(cast, after_seq, orders=2)


def under_way(orders: list[Record], at_ms: float) -> list[Record]:
    """Return the orders that the exchange had executed but not yet answered at that time."""
    return [order for order in orders if at_ms - RTT_MS < order["at_ms"] <= at_ms]


def test_a_calm_market_is_copied_once_each(desk: Desk) -> None:
    """First without any fault, so that a failure elsewhere speaks of the fault."""
    seq = desk.exchange.now()
    desk.north.buy()
    desk.await_verdict(desk.north, seq)
    go_flat(desk, desk.north, seq)


def test_a_replicator_killed_in_the_middle_of_a_fan_out_of_200_doubles_and_loses_nothing(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.exchange.rtt(RTT_MS)
    desk.north.buy()
    desk.await_orders(desk.north, seq, 60)
    killed_ms = time.time() * 1000
    desk.roles.kill("replicator")
    desk.exchange.rtt(0)
    desk.exchange.records()
    executed = desk.glance(desk.north, seq)
    in_flight = under_way(executed, killed_ms)
    assert 0 < len(in_flight) < len(executed) < 200, (len(in_flight), len(executed))
    assert desk.states(desk.north)["intended"] == 200

    desk.roles.start("replicator")
    desk.await_verdict(desk.north, seq, healing="the replicator killed in a fan-out of 200")
    go_flat(desk, desk.north, seq)


def test_a_replicator_killed_between_storing_and_sending_sends_after_its_restart(desk: Desk) -> None:
    """The exchange stands still meanwhile: what fills the connections has left us unexecuted, the rest never left."""
    seq = desk.exchange.now()
    desk.roles.freeze("replicator")
    desk.south.buy()
    desk.await_signals(desk.south, 1)
    desk.roles.freeze("lab")
    desk.roles.thaw("replicator")
    stored = wait_until(lambda: desk.states(desk.south).get("intended") == 60, patience_s=15)
    desk.roles.kill("replicator")
    assert stored and not desk.glance(desk.south, seq), f"{desk.states(desk.south)}; {desk.where()}"
    desk.roles.thaw("lab")
    desk.exchange.records()
    assert len(desk.glance(desk.south, seq)) < 60

    desk.roles.start("replicator")
    desk.await_verdict(desk.south, seq, healing="the replicator killed between storing and sending")
    go_flat(desk, desk.south, seq)
