"""Leaders and followers on different exchanges: every kind of move, and what one exchange cannot take."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from cross_cast import VENUES
from cross_desk import CrossDesk
from cross_stage import CrossScript

SCRIPT = CrossScript()


def test_a_short_a_part_of_it_a_reversal_and_a_close_are_copied_on_every_exchange(desk: CrossDesk) -> None:
    cast = desk.casts["okx"]
    for side, qty in (("sell", "0.4"), ("buy", "0.15"), ("buy", "0.55"), ("sell", "0.3")):
        seq = desk.exchange.now()
        cast.trade(side, qty)
        desk.await_copied(cast, seq)
    assert set(desk.held(cast).values()) == {Decimal(0)}


def test_an_open_of_prepared_accounts_costs_no_call(desk: CrossDesk) -> None:
    cast = desk.casts["okx"]
    # The first open of all tells the leader's leverage.
    for side in ("sell", "buy"):
        seq = desk.exchange.now()
        cast.trade(side, "0.3")
        desk.await_copied(cast, seq)
    seq = desk.exchange.now()
    cast.trade("buy", "0.3")
    desk.await_copied(cast, seq)
    assert desk.setups(seq) == []
    cast.trade("sell", "0.3")
    desk.await_copied(cast, seq)


def test_a_leader_on_spot_is_copied_on_every_exchange(desk: CrossDesk) -> None:
    cast = desk.casts["spot"]
    for side, qty in (("buy", "50"), ("sell", "20"), ("buy", "10")):
        seq = desk.exchange.now()
        cast.trade(side, qty)
        desk.await_copied(cast, seq)
    seq = desk.exchange.now()
    cast.trade("sell", cast.free())
    desk.await_copied(cast, seq)


def test_what_only_one_exchange_can_count_is_copied_there_and_named_elsewhere(desk: CrossDesk) -> None:
    """A contract of OKX can be split finer than the smallest order of the others."""
    cast, seq = desk.casts["okx"], desk.exchange.now()
    elsewhere = [seat for seat in cast.seats if seat.venue != "okx"]
    cast.trade("buy", "0.006")
    desk.await_copied(cast, seq, besides=elsewhere)
    for venue in VENUES:
        expected = ("filled", None) if venue == "okx" else ("denied", "below_qty_min")
        assert desk.outcomes(cast, venue) == Counter({expected: cast.troupe.each})
    seq = desk.exchange.now()
    cast.trade("sell", "0.006")
    desk.await_copied(cast, seq, besides=elsewhere)
    assert set(desk.held(cast).values()) == {Decimal(0)}


def test_an_instrument_halted_on_one_exchange_is_named_there_and_copied_elsewhere(desk: CrossDesk) -> None:
    cast, seq = desk.casts["okx"], desk.exchange.now()
    halt = {"venue": "bybit", "market": "perp", "symbol": "BTCUSDT"}
    desk.exchange.control.call("POST", "halt", {**halt, "halted": True})
    try:
        cast.trade("sell", "0.3")
        desk.await_copied(cast, seq, besides=cast.on("bybit"))
        assert desk.outcomes(cast, "bybit") == Counter({("rejected", "instrument_halted"): cast.troupe.each})
    finally:
        desk.exchange.control.call("POST", "halt", {**halt, "halted": False})
    seq = desk.exchange.now()
    cast.trade("buy", "0.3")
    desk.await_copied(cast, seq, besides=cast.on("bybit"))
    assert desk.outcomes(cast, "bybit") == Counter({("denied", "nothing_to_reduce"): cast.troupe.each})


def test_an_instrument_that_one_exchange_does_not_list_is_named_there_and_copied_elsewhere(desk: CrossDesk) -> None:
    cast = desk.casts["spot"]
    desk.exchange.control.call(
        "POST", "faults", {"harm": "delist", "venue": "bybit", "market": "spot", "symbol": "SOLUSDT"}
    )
    desk.restart("replicator")
    seq = desk.exchange.now()
    cast.trade("buy", "50")
    desk.await_copied(cast, seq, besides=cast.on("bybit"))
    assert desk.outcomes(cast, "bybit") == Counter({("denied", "instrument_unmapped"): cast.troupe.each})
    seq = desk.exchange.now()
    cast.trade("sell", cast.free())
    desk.await_copied(cast, seq, besides=cast.on("bybit"))
    desk.exchange.heal()
    desk.restart("replicator")
