"""What a book has earned, in worked numbers."""

from __future__ import annotations

from decimal import Decimal

from copydesk.replication.earnings import BookEarnings, SubscriptionEarnings
from copydesk.replication.profit import Earnings, Traded, WrittenOff, after_write_off, earned
from copydesk.trading import PositionSide, Side

D = Decimal
PERPETUAL, SPOT = "BTC/USDT:USDT", "BTC/USDT"


def bought(qty: str, px: str, fee: str = "0", currency: str = "USDT") -> Traded:
    return Traded(Side.BUY, D(qty), D(px), D(fee), currency)


def sold(qty: str, px: str, fee: str = "0", currency: str = "USDT") -> Traded:
    return Traded(Side.SELL, D(qty), D(px), D(fee), currency)


def test_a_close_realizes_its_part_against_the_average_entry() -> None:
    book = earned(PERPETUAL, [bought("2", "100"), bought("2", "110"), sold("1", "120")])
    assert (book.qty, book.cost, book.realized) == (3, 315, 15)
    assert book.unrealized(D(130)) == 75


def test_a_short_earns_as_the_price_falls() -> None:
    book = earned(PERPETUAL, [sold("2", "100"), bought("1", "90")])
    assert (book.qty, book.cost, book.realized) == (-1, -100, 10)
    assert book.unrealized(D(80)) == 20


def test_a_trade_through_zero_realizes_all_and_enters_anew() -> None:
    book = earned(PERPETUAL, [bought("2", "100"), sold("5", "110")])
    assert (book.qty, book.cost, book.realized) == (-3, -330, 20)


def test_three_closes_of_a_third_end_at_exactly_nothing() -> None:
    thirds = [bought("1", "1"), bought("2", "0.5"), *[sold("1", "0.7")] * 2]
    left = earned(PERPETUAL, thirds)
    assert left.cost == D("0.666666666666666667")
    assert left.realized == left.cash + left.cost
    flat = earned(PERPETUAL, [*thirds, sold("1", "0.7")])
    assert (flat.qty, flat.cost, flat.realized) == (0, 0, D("0.1"))


def test_a_fee_that_spot_takes_in_base_is_in_the_cost_and_not_counted_twice() -> None:
    book = earned(SPOT, [bought("1", "100", "0.001", "BTC"), sold("0.999", "110", "0.2")])
    assert (book.qty, book.cost, book.realized) == (0, 0, D("9.89"))
    assert book.fees == {"BTC": D("0.001"), "USDT": D("0.2")}
    result = SubscriptionEarnings((BookEarnings(SPOT, PositionSide.NET, book),))
    assert result.net({}) == {"USDT": D("9.69")}


def test_what_the_owner_takes_over_is_realized_at_cost_as_nothing() -> None:
    held = earned(PERPETUAL, [bought("4", "100"), sold("1", "120")])
    left = after_write_off(held, WrittenOff(D(-2)))
    assert (left.qty, left.cost, left.realized) == (1, 100, held.realized)
    gone = after_write_off(left, WrittenOff(D(-1)))
    assert (gone.qty, gone.cost, gone.realized) == (0, 0, held.realized)


def test_a_liquidation_is_realized_at_its_price() -> None:
    held = earned(PERPETUAL, [sold("2", "100")])
    assert after_write_off(held, WrittenOff(D(2), D(140))).realized == -80


def test_a_result_is_profit_less_fees_and_with_funding_by_currency() -> None:
    book = earned(PERPETUAL, [bought("2", "100", "0.1"), sold("1", "120", "0.01", "BNB")])
    result = SubscriptionEarnings((BookEarnings(PERPETUAL, PositionSide.NET, book),), {(PERPETUAL, "USDT"): D("-0.5")})
    assert result.net({PERPETUAL: D(130)}) == {"USDT": D("49.4"), "BNB": D("-0.01")}
    assert result.net({}) == {"USDT": D("19.4"), "BNB": D("-0.01")}


def test_a_book_without_a_fill_has_earned_nothing() -> None:
    assert earned(PERPETUAL, []) == Earnings()
    assert earned(PERPETUAL, []).realized == 0
