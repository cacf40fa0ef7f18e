"""Trades made of signals: from flat to flat, additions, reversals, and what was open before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.replication.leader_trades import Move, trades_of
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
