"""Figures of a fan-out, held against their bars: from rows to what is printed."""

from __future__ import annotations

import pytest
from copydesk.bench.bars import BARS, SIZES, Bar, verdicts
from copydesk.bench.figures import percentile_99, rank_mean_max, ratios, summarize
from copydesk.bench.hops import SignalRow
from copydesk.bench.load import ADDRESS_ROOM, Load, Plan
from copydesk.bench.pace import Room, pause_s, rooms_of


def row(*, late_ms: float = 0.0, sent: tuple[int, ...] = (1, 2)) -> SignalRow:
    return SignalRow(4.0, 9.0, 10.0, 14.0 + late_ms, 30.0, 32.0, 35.0 + late_ms, sent, sent[::-1], cpu_s=0.0002)


def test_a_figure_is_the_median_over_signals_and_its_p99_nearly_the_worst() -> None:
    rows = [row(late_ms=late) for late in (0.0, 1.0, 10.0)]
    figures = summarize(Plan(Load(2), 20.0, 3), rows)
    assert (figures["last_ack_p50_ms"], figures["last_ack_p99_ms"]) == (36.0, 44.8)
    assert (figures["send_spread_p50_ms"], figures["send_spread_p99_ms"]) == (5.0, 13.8)
    assert (figures["stored_to_copies_p50_ms"], figures["stored_to_copies_p99_ms"]) == (5.0, 5.0)


def test_processor_time_is_told_for_each_copy() -> None:
    assert summarize(Plan(Load(2), 20.0, 2), [row(), row()])["cpu_us_per_copy"] == 100.0


def test_orders_a_second_count_followers_over_the_whole_way() -> None:
    assert summarize(Plan(Load(70), 20.0, 2), [row(), row()])["orders_per_s"] == 2000


def test_a_follower_who_always_comes_last_has_the_mean_rank_of_one() -> None:
    assert rank_mean_max([(1, 2, 3), (2, 1, 3), (1, 2, 3)]) == 1.0


def test_followers_who_take_turns_share_the_middle() -> None:
    assert rank_mean_max([(1, 2, 3), (3, 1, 2), (2, 3, 1)]) == 0.5


def test_one_signal_has_its_own_value_as_p99() -> None:
    assert percentile_99([7.0]) == 7.0


def test_a_ratio_is_told_of_each_plain_way_that_ran() -> None:
    figures = {"last_ack_p50_ms": 40.0, "ccxt_gather_last_ack_ms": 100.0, "rq_job_each_last_ack_ms": 4000.0}
    assert ratios(figures) == {"ratio_gather": 2.5, "ratio_rq": 100.0}


def test_every_size_of_the_table_has_the_same_four_bars() -> None:
    speed = {bar.figure for bar in BARS if bar.followers == SIZES[0]}
    assert speed == {"last_ack_p50_ms", "last_ack_p99_ms", "stored_to_copies_p50_ms", "send_spread_p50_ms"}
    assert all(speed <= {bar.figure for bar in BARS if bar.followers == size} for size in SIZES)


def test_a_bar_is_met_by_itself_and_missed_just_beyond() -> None:
    most, least = Bar("last_ack_p50_ms", 100, at_most=35), Bar("throughput_ratio", at_least=0.45)
    assert (most.met_by(35), most.met_by(35.1), least.met_by(0.45), least.met_by(0.44)) == (True, False, True, False)


def test_figures_stand_beside_the_bars_of_their_size_only() -> None:
    found = verdicts({"followers": 100, "last_ack_p50_ms": 36.0, "send_spread_p50_ms": 1.0, "stored_ms": 1.0})
    assert [(one.figure, one.bar, one.met) for one in found] == [
        ("last_ack_p50_ms", "≤ 35", False),
        ("send_spread_p50_ms", "≤ 3", True),
    ]
    assert verdicts({"followers": 150, "last_ack_p50_ms": 36.0}) == []


def test_doubles_and_gaps_miss_their_bars_with_any_number_of_followers() -> None:
    found = verdicts({"followers": 150, "throughput_ratio": 0.5, "duplicates": 1, "missing": 0})
    assert [(one.figure, one.met) for one in found] == [
        ("throughput_ratio", True),
        ("duplicates", False),
        ("missing", True),
    ]


@pytest.mark.parametrize(("followers", "each"), [(8, [2, 2, 2, 2]), (10, [3, 3, 2, 2])])
def test_followers_are_spread_evenly_over_the_exchanges(followers: int, each: list[int]) -> None:
    assert list(Load(followers, ("binance", "okx", "bybit", "bitget")).spread().values()) == each


def test_no_address_has_more_followers_than_its_exchange_lets_trade_at_once() -> None:
    load, most = Load(1000, ("bybit",)), ADDRESS_ROOM["bybit"].followers_max
    held = [load.address("bybit", number) for number in range(1000)]
    assert max(held.count(address) for address in load.addresses()) == most == load.neighbors("bybit")
    assert pause_s(load, 2) == ADDRESS_ROOM["bybit"].pause_s


def test_an_exchange_that_counts_by_account_needs_no_further_address_and_no_pause() -> None:
    load = Load(10_000, ("okx",))
    assert (load.addresses(), load.address("okx", 9_999), pause_s(load, 30)) == ([], None, 0.0)


def test_a_thousand_followers_on_binance_leave_from_the_usual_address_and_further_thousands_from_their_own() -> None:
    assert Load(1_000).addresses() == []
    load = Load(10_000)
    held = [load.address("binance", number) for number in range(10_000)]
    assert load.addresses() == [f"127.0.2.{number}" for number in range(1, 10)]
    assert {held.count(address) for address in (None, *load.addresses())} == {1_000}
    assert load.connections == Load(1_000).connections == 500


def test_signals_keep_apart_when_a_window_of_an_accounts_orders_does_not_take_them_all() -> None:
    """50 orders in ten seconds: 47 with a margin, 42 for a replicator alone, of which opens may use 29."""
    load = Load(100)
    assert (pause_s(load, 29), pause_s(load, 30)) == (0.0, 10 / 29)


def test_two_replicators_leave_an_account_fewer_orders_without_a_lease() -> None:
    """Of 47 each has a quarter for its own, 11, of which opens may use 7."""
    assert pause_s(Load(100), 33, replicators=2) == 10 / 7


def test_an_address_that_carries_a_thousand_needs_its_requests_to_be_spread() -> None:
    """300,000 in five minutes: 285,000 with a margin, 142,500 for replicators, of which opens may use 99,750."""
    rooms = list(rooms_of("binance", Load(1_000)))
    assert Room(99, 300) in rooms
    assert Room(29, 10) in rooms
