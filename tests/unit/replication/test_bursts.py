"""Opens of a leader that wait together are planned as one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from copydesk.replication.burst import burst_length, joined
from copydesk.replication.model import SignalFact
from plan_values import NOW, D, signal


def waiting(*positions: str, apart_ms: int = 100) -> list[SignalFact]:
    return [
        signal(before, after, id=number, venue_at=NOW + timedelta(milliseconds=apart_ms * number))
        for number, (before, after) in enumerate(pairwise(positions), start=1)
    ]


def length(signals: list[SignalFact], *, late_s: int = 1) -> int:
    return burst_length(signals, now=NOW + timedelta(seconds=late_s), age_ms_max=20_000)


def test_opens_of_one_instrument_within_half_a_second_are_one() -> None:
    assert length(waiting("0", "1", "2", "3")) == 3


def test_an_open_later_than_half_a_second_begins_anew() -> None:
    assert length(waiting("0", "1", "2", "3", "4", apart_ms=200)) == 3


def test_a_close_ends_a_burst_and_is_never_joined() -> None:
    assert length(waiting("0", "1", "2", "1", "2")) == 2
    assert length(waiting("2", "1", "0")) == 1


def test_a_signal_that_waits_alone_is_itself() -> None:
    (only,) = waiting("0", "1")
    assert length([only]) == 1
    assert joined([only]) is only


def test_signals_with_a_gap_between_them_are_not_joined() -> None:
    first, _, third = waiting("0", "1", "2", "3")
    assert length([first, third]) == 1


def test_a_turn_to_the_other_side_is_not_joined() -> None:
    assert length([replace(s, symbol="BTC/USDT:USDT") for s in waiting("0", "1", "-1")]) == 1


def test_an_open_that_is_too_old_is_refused_alone() -> None:
    assert length(waiting("0", "1", "2"), late_s=21) == 1


def test_one_signal_of_a_burst_has_the_average_price_the_oldest_age_and_the_newest_id() -> None:
    first, second = waiting("0", "1", "4")
    one = joined([replace(first, px=D(40)), replace(second, px=D(60), first_of_order=False)])
    assert (one.id, one.position_before, one.position_after) == (2, D(0), D(4))
    assert (one.px, one.venue_at, one.first_of_order, one.orders) == (D(55), first.venue_at, True, 1)
