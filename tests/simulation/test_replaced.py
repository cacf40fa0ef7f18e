"""A replicator freezes and another takes over; truth is the exchange's journal."""

from __future__ import annotations

from simulation_desk import Desk
from simulation_stage import Script

# A desk of its own: asking after the orders in doubt uses up what the exchange allows one address in a minute.
SCRIPT = Script(north=10, south=60)
RTT_LONG_MS = 250


def test_a_replicator_that_froze_in_a_fan_out_and_was_replaced_sends_nothing_when_it_wakes(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.roles.start("replicator-2")
    desk.await_worker("replicator-2")
    desk.exchange.rtt(RTT_LONG_MS)
    desk.south.buy()
    desk.await_orders(desk.south, seq, 20)
    frozen = desk.freeze_sender(desk.south)
    assert len(desk.glance(desk.south, seq)) < 60

    desk.exchange.rtt(0)
    desk.await_orders(desk.south, seq, 60)
    desk.roles.thaw(frozen)
    desk.await_verdict(desk.south, seq)
    desk.south.sell_all()
    desk.await_verdict(desk.south, seq, orders=2)
    assert not desk.roles.ended(), desk.where()
    desk.roles.stop("replicator-2")
