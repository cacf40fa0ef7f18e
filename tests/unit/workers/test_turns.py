"""Brands take turns at the threads of a replicator, however many lanes one of them has."""

from __future__ import annotations

from copydesk.workers.turns import Lane, Turns

NOISY, QUIET, OTHER = 1, 2, 3


def crowd(tenant_id: int, count: int) -> list[Lane]:
    return [(tenant_id, f"binance-lab:{number}") for number in range(count)]


def begin(turns: Turns) -> list[Lane]:
    begun = []
    while (lane := turns.next()) is not None:
        begun.append(lane)
    return begun


def test_one_brand_alone_has_every_common_place_and_none_of_those_kept() -> None:
    turns = Turns(4, 2)
    for lane in crowd(NOISY, 9):
        turns.add(lane)
    assert begin(turns) == crowd(NOISY, 4)


def test_who_comes_while_another_brand_has_all_places_begins_at_once() -> None:
    turns = Turns(4, 2)
    for lane in crowd(NOISY, 9):
        turns.add(lane)
    begin(turns)
    for lane in crowd(QUIET, 3):
        turns.add(lane)
    assert begin(turns) == crowd(QUIET, 1)
    turns.done((NOISY, "binance-lab:0"))
    assert begin(turns) == []
    turns.done((NOISY, "binance-lab:1"))
    assert begin(turns) == [(QUIET, "binance-lab:1")]


def test_each_free_place_goes_to_the_brand_with_the_fewest_running() -> None:
    turns = Turns(6, 0)
    for lane in [*crowd(NOISY, 9), *crowd(QUIET, 9), *crowd(OTHER, 1)]:
        turns.add(lane)
    begun = [tenant_id for tenant_id, _ in begin(turns)]
    assert begun == [NOISY, QUIET, OTHER, NOISY, QUIET, NOISY]


def test_a_brand_gives_way_only_to_one_that_waits_and_has_less_running() -> None:
    turns = Turns(2, 0)
    for lane in crowd(NOISY, 3):
        turns.add(lane)
    begin(turns)
    assert not turns.crowded_by(NOISY)
    turns.add((QUIET, "binance-lab:0"))
    assert turns.crowded_by(NOISY)
    turns.done((NOISY, "binance-lab:0"))
    assert begin(turns) == [(QUIET, "binance-lab:0")]
    assert not turns.crowded_by(NOISY)
    assert not turns.crowded_by(QUIET)
