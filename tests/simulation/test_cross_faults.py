"""Trouble across exchanges: answers lost, replicators killed, streams broken or mute. Nothing is doubled or lost."""

from __future__ import annotations

from cross_cast import Cast
from cross_desk import ORDER_PATHS, CrossDesk
from cross_stage import CrossScript

SCRIPT = CrossScript()
_INTENDED = "SELECT count(*) FROM delivery WHERE intents IS NOT NULL AND signal_id = (SELECT max(id) FROM signal)"


def go_flat(desk: CrossDesk, cast: Cast, side: str, qty: str) -> None:
    seq = desk.exchange.now()
    cast.trade(side, qty)
    desk.await_copied(cast, seq)


def test_answers_lost_after_execution_are_found_by_the_orders_ids(desk: CrossDesk) -> None:
    cast, seq = desk.casts["okx"], desk.exchange.now()
    for seat in cast.seats[::2] + cast.on("bybit") + cast.on("okx"):
        desk.exchange.harm("execute_then_drop", path=ORDER_PATHS[seat.venue], account=seat.account, times=1)
    cast.trade("buy", "0.4")
    desk.await_copied(cast, seq)
    desk.exchange.heal()
    seq = desk.exchange.now()
    for seat in cast.on("bybit") + cast.on("okx"):
        desk.exchange.harm("execute_then_drop", path=ORDER_PATHS[seat.venue], account=seat.account, times=1)
    cast.trade("sell", "0.4")
    desk.await_copied(cast, seq)
    struck = {record["account"] for record in desk.exchange.records() if record["kind"] == "fault"}
    assert {seat.account for seat in cast.on("okx") + cast.on("bybit")} <= struck


def test_a_replicator_that_dies_in_the_middle_of_all_exchanges_doubles_and_loses_nothing(desk: CrossDesk) -> None:
    cast, seq = desk.casts["okx"], desk.exchange.now()
    desk.roles.kill("replicator")
    desk.roles.start("replicator", dies_at="each-send:6")
    cast.trade("sell", "0.4")
    desk.roles.await_end("replicator")
    assert 0 < sum(map(len, desk.orders(cast, seq).values())) < len(cast.seats)
    desk.roles.start("replicator")
    desk.await_copied(cast, seq)
    go_flat(desk, cast, "buy", "0.4")


def test_a_replicator_that_dies_between_storing_and_sending_sends_after_its_restart(desk: CrossDesk) -> None:
    cast = desk.casts["bybit"]
    # The first open of all tells the leader's leverage, which has to be set before anything is stored.
    for side in ("sell", "buy"):
        go_flat(desk, cast, side, "4")
    seq = desk.exchange.now()
    desk.roles.kill("replicator")
    desk.roles.start("replicator", dies_at="copies-stored")
    cast.trade("buy", "8")
    desk.roles.await_end("replicator")
    assert desk.scalar(cast, _INTENDED) > 0 and not desk.arrived(cast, seq), desk.where()
    desk.roles.start("replicator")
    desk.await_copied(cast, seq)
    go_flat(desk, cast, "sell", "8")


def test_trades_made_while_a_leaders_stream_is_down_or_mute_are_copied(desk: CrossDesk) -> None:
    casts, quantities = (desk.casts["okx"], desk.casts["bybit"]), {"okx": "0.2", "bybit": "4"}
    seq = desk.exchange.now()
    for cast in casts:
        qty = quantities[cast.troupe.slug]
        cast.trade("buy", qty)
        harm = {"harm": "disconnect", "account": cast.leader}
        assert desk.exchange.control.call("POST", "faults", harm)["disconnected"] >= 1
        cast.trade("buy", qty)
    for cast in casts:
        desk.await_copied(cast, seq)
    seq = desk.exchange.now()
    for cast in casts:
        desk.exchange.control.call("POST", "faults", {"harm": "mute", "account": cast.leader})
        cast.trade("sell", quantities[cast.troupe.slug])
        cast.trade("sell", quantities[cast.troupe.slug])
    for cast in casts:
        desk.await_copied(cast, seq)
        assert set(desk.held(cast).values()) == {0}
