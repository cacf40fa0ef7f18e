"""Trades made of signals: from flat to flat, additions, reversals, and what was open before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.replication.leader_trades import Move, Stops, StopSeen, trades_of
from copydesk.risk.habits import Sentence, flags
from copydesk.risk.trades import Entry

D = Decimal
BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
PERPETUAL = "BTC/USDT:USDT"


def moves(*told: tuple[str, str, str], order: bool = False, symbol: str = PERPETUAL) -> list[Move]:
    """Make moves of (before, after, price), one an hour; all of one `order`, or each of its own."""
    return [
        Move(symbol, "net", "1" if order else str(n), D(px), D(before), D(after), D(10_000), 3, _at(n))
        for n, (before, after, px) in enumerate(told)
    ]


def _at(hours: int) -> datetime:
    return BEGAN + timedelta(hours=hours)


def test_a_trade_goes_from_flat_to_flat() -> None:
    (trade,) = trades_of(moves(("0", "2", "100"), ("2", "1", "90"), ("1", "0", "120")))
    assert (trade.opened_at, trade.closed_at, trade.short) == (_at(0), _at(2), False)
    assert (trade.profit, trade.worst, trade.notional) == (D(10), D(-20), D(200))
    assert (trade.leverage, trade.equity) == (D(3), D(10_000))


def test_a_short_earns_when_the_price_falls() -> None:
    (trade,) = trades_of(moves(("0", "-2", "100"), ("-2", "0", "90")))
    assert (trade.short, trade.profit) == (True, D(20))


def test_a_reversal_is_the_end_of_one_trade_and_the_begin_of_another() -> None:
    closed, still_open = trades_of(moves(("0", "1", "100"), ("1", "-2", "110"), ("-2", "-2.5", "120")))
    assert (closed.profit, closed.closed_at) == (D(10), _at(1))
    assert (still_open.short, still_open.closed_at, still_open.profit) == (True, None, D(-20))


def test_fills_of_one_order_are_one_entry_at_their_average_price() -> None:
    (trade,) = trades_of(moves(("0", "1", "100"), ("1", "4", "104"), order=True))
    assert trade.entries == (Entry(_at(0), D(4), D(103)),)


def test_what_was_open_before_is_left_out_until_it_is_closed() -> None:
    (trade,) = trades_of(moves(("5", "6", "100"), ("6", "0", "110"), ("0", "1", "100"), ("1", "0", "101")))
    assert trade.opened_at == _at(2)


def test_a_rest_that_fees_left_is_no_position() -> None:
    first, second = trades_of(moves(("0", "1", "100"), ("1", "0.001", "110"), ("0.001", "1", "100"), symbol="BTC/USDT"))
    assert first.closed_at == _at(1)
    assert second.opened_at == _at(2)


def test_additions_to_a_loser_that_grow_are_seen_in_signals() -> None:
    trades = trades_of(moves(("0", "1", "100"), ("1", "3", "90"), ("3", "7", "80"), ("7", "15", "70")))
    assert [flag.sentence for flag in flags(trades)] == [Sentence.ADDS_WHILE_LOSING]


ONE_TRADE = (("0", "1", "100"), ("1", "1", "100"), ("1", "0", "110"))


def stops(*spans: tuple[int, int | None], of_long: bool = True, heard: int | None = 0) -> Stops:
    """Return stops that rested between two hours, heard of from another on; it is the fourth hour now."""
    seen = tuple(
        StopSeen(PERPETUAL, "net", of_long, _at(since), None if until is None else _at(until)) for since, until in spans
    )
    return Stops(None if heard is None else _at(heard), seen, _at(4))


def stopped(seen: Stops, told: tuple[tuple[str, str, str], ...] = ONE_TRADE) -> list[bool | None]:
    return [trade.stopped for trade in trades_of(moves(*told), seen)]


def test_a_position_whose_stop_rested_for_half_its_life_is_protected() -> None:
    assert stopped(stops((1, 2))) == [True]
    assert stopped(stops((0, None))) == [True]
    assert stopped(stops()) == [False]
    assert stopped(stops((2, 4))) == [False]


def test_stops_that_rest_at_the_same_time_protect_no_longer_than_one() -> None:
    long = (("0", "1", "100"), ("1", "1", "100"), ("1", "1", "100"), ("1", "0", "110"))
    assert stopped(stops((0, 1), (0, 1), (0, 1)), long) == [False]
    assert stopped(stops((0, 1), (2, 3)), long) == [True]


def test_a_stop_of_the_other_side_or_of_another_market_protects_nothing() -> None:
    assert stopped(stops((0, None), of_long=False)) == [False]
    other = Stops(_at(0), (StopSeen("ETH/USDT:USDT", "net", True, _at(0), None),), _at(4))
    assert stopped(other) == [False]


def test_a_shorts_stop_buys() -> None:
    short = (("0", "-1", "100"), ("-1", "0", "90"))
    assert stopped(stops((0, None), of_long=False), short) == [True]


def test_what_was_opened_before_orders_were_heard_is_not_known_and_no_missing_stop() -> None:
    assert stopped(stops(heard=1)) == [None]
    assert stopped(stops((0, None), heard=None)) == [None]


def test_a_position_that_is_still_open_is_judged_by_its_life_so_far() -> None:
    still = (("0", "1", "100"),)
    assert stopped(stops((2, None)), still) == [True]
    assert stopped(stops((3, None)), still) == [False]


def test_many_positions_without_a_stop_are_told_of_those_that_are_known() -> None:
    told = tuple(step for _ in range(15) for step in (("0", "1", "100"), ("1", "0", "101")))
    trades = trades_of(moves(*told), stops(heard=8))
    (flag,) = flags(trades)
    assert (flag.sentence, flag.values) == (Sentence.STOPS_MISSING, {"missing": 11, "trades": 11})
    assert flags(trades_of(moves(*told), stops(heard=12))) == ()
