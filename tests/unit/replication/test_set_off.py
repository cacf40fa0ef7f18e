"""What books of one account have too much of on opposite sides crosses inside."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from copydesk.replication.excess import Excess
from copydesk.replication.set_off import crossed
from copydesk.trading import Instrument, PositionSide
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
PERPETUAL = "BTC/USDT:USDT"
STEP = D("0.001")
LISTED = {
    PERPETUAL: Instrument(
        "binance", PERPETUAL, "BTCUSDT", "BTC", "USDT", D("0.1"), STEP, STEP, D(100), D(100), settle="USDT"
    ),
    "BTC/USDT": Instrument("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.1"), STEP, STEP, D(100), D(5)),
}


def excess(
    subscription_id: int,
    qty: str | Decimal,
    target: str | Decimal = "0",
    *,
    account: int = 1,
    symbol: str = PERPETUAL,
    side: PositionSide = PositionSide.NET,
) -> Excess:
    return Excess(subscription_id, account, symbol, side, D(qty), D(target), 7, D(50_000), 0)


def given_up(*excesses: Excess) -> dict[int, Decimal]:
    return {book.subscription_id: qty for book, qty in crossed(excesses, LISTED)}


def test_the_smaller_of_two_opposite_excesses_crosses() -> None:
    assert given_up(excess(1, "0.005"), excess(2, "-0.003")) == {1: D("-0.003"), 2: D("0.003")}


def test_only_what_is_too_much_crosses() -> None:
    assert given_up(excess(1, "0.005", "0.004"), excess(2, "-0.003")) == {1: D("-0.001"), 2: D("0.001")}
    assert given_up(excess(1, "0.005", "0.005"), excess(2, "-0.003")) == {}


def test_excesses_of_one_side_do_not_cross() -> None:
    assert given_up(excess(1, "0.005"), excess(2, "0.003")) == {}


def test_books_of_other_accounts_of_hedge_mode_and_of_spot_do_not_cross() -> None:
    assert given_up(excess(1, "0.005"), excess(2, "-0.003", account=2)) == {}
    long, short = PositionSide.LONG, PositionSide.SHORT
    assert given_up(excess(1, "0.005", side=long), excess(2, "-0.003", side=short)) == {}
    assert given_up(excess(1, "0.005", symbol="BTC/USDT"), excess(2, "-0.003", symbol="BTC/USDT")) == {}


def test_an_instrument_that_is_gone_crosses_nothing() -> None:
    assert crossed([excess(1, "5", symbol="OLD/USDT:USDT"), excess(2, "-5", symbol="OLD/USDT:USDT")], LISTED) == []


QTYS = st.integers(-9_999, 9_999).map(lambda n: D(n).scaleb(-4))


@given(st.lists(st.tuples(st.integers(1, 2), QTYS, QTYS), max_size=8))
def test_what_crosses_adds_up_to_nothing_and_no_book_gives_up_more_than_it_has_too_much(
    drawn: list[tuple[int, Decimal, Decimal]],
) -> None:
    books = [excess(n, qty, target, account=account) for n, (account, qty, target) in enumerate(drawn)]
    total: defaultdict[int, Decimal] = defaultdict(Decimal)
    left: defaultdict[int, set[bool]] = defaultdict(set)
    parts = given_up(*books)
    for book in books:
        part = parts.get(book.subscription_id, D(0))
        total[book.account_id] += part
        assert part % STEP == 0
        assert abs(part) <= book.too_much
        assert part * book.qty <= 0
        if book.too_much - abs(part) >= STEP:
            left[book.account_id].add(book.qty > 0)
    assert set(total.values()) <= {D(0)}
    assert all(len(sides) == 1 for sides in left.values())
