"""The leader's stream breaks, falls silent or repeats itself, or nobody listens for a while."""

from __future__ import annotations

import time

from copydesk.stack import wait_until
from simulation_desk import Desk
from simulation_stage import Script

# The age is short for the last test; a listener needs most of it to start.
SCRIPT = Script(north=20, south=10, south_age_ms=2_500)


def test_replaying_the_leaders_last_50_events_places_no_order(desk: Desk) -> None:
    seq = desk.exchange.now()
    for _ in range(9):
        desk.north.buy(0.2)
        desk.north.sell_all()
    desk.await_copied(desk.north, seq, orders=18)
    replayed = desk.exchange.control.call("POST", "replay", {"account": desk.north.leader, "count": 50})
    assert replayed["replayed"] == 50
    # The stream is in order: once this trade is copied, all that was replayed has been read.
    desk.north.buy()
    desk.await_verdict(desk.north, seq, orders=19)
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=20)


def test_trades_made_while_the_stream_is_down_are_copied(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.north.buy(0.5)
    harm = {"account": desk.north.leader, "harm": "disconnect"}
    assert desk.exchange.control.call("POST", "faults", harm)["disconnected"] >= 1  # One per market of the key.
    desk.north.buy(0.5)
    desk.await_verdict(desk.north, seq, orders=2, healing="the leader's stream disconnected")
    assert desk.exchange.control.call("POST", "faults", harm)["disconnected"] >= 1  # One per market of the key.
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=3)


def test_trades_on_a_stream_that_is_connected_but_mute_are_found_by_the_probe(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.exchange.control.call("POST", "faults", {"account": desk.north.leader, "harm": "mute"})
    desk.north.buy()
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=2, healing="the leader's stream mute")
    desk.exchange.heal()
    desk.north.buy()
    desk.north.sell_all()
    desk.await_verdict(desk.north, seq, orders=4)


def test_what_happened_while_nobody_listened_is_closed_always_and_opened_only_while_fresh(desk: Desk) -> None:
    seq = desk.exchange.now()
    desk.south.buy()
    desk.await_copied(desk.south, seq)
    desk.roles.kill("listener")
    desk.south.sell_all()
    desk.south.buy(0.5)
    too_old_at = time.monotonic() + SCRIPT.south_age_ms / 1000
    wait_until(lambda: time.monotonic() > too_old_at, patience_s=10)
    late = desk.exchange.now()
    desk.roles.start("listener")
    desk.await_orders(desk.south, late, 10)
    desk.await_signals(desk.south, 3)
    desk.await_calm()
    sides = [order["side"] for order in desk.glance(desk.south, late)]
    assert sides == ["sell"] * 10, f"{sides}; {desk.where()}"
    assert {reason for account in desk.south.ratios for reason in desk.reasons(desk.south, account)} == {
        None,
        "signal_too_old",
    }
