"""A funding payment is split by the positions that it was for, and its parts add up to it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from copydesk.replication.funding import OWN, at_once, attributed, owners_position, shares
from copydesk.trading import PositionSide
from copydesk.venues import FundingPayment, Position
from hypothesis import assume, given
from hypothesis import strategies as st

D = Decimal
ZERO = D(0)
SYMBOL = "BTC/USDT:USDT"


def test_two_books_of_one_account_share_a_payment_by_their_size() -> None:
    assert shares(D(-3), {1: D("0.2"), 2: D("0.1")}, ZERO) == {1: D(-2), 2: D(-1)}


def test_books_that_net_each_other_out_pay_and_receive_what_each_of_them_costs() -> None:
    """The exchange charged for 1 long: the long of 2 pays double, the short of 1 receives."""
    assert shares(D("-0.5"), {1: D(2), 2: D(-1)}, ZERO) == {1: D(-1), 2: D("0.5")}


def test_what_falls_on_the_owners_own_position_is_not_ours() -> None:
    assert shares(D(-4), {1: D(1)}, D(3)) == {1: D(-1), OWN: D(-3)}
    assert shares(D(-1), {1: D(2)}, D(-1)) == {1: D(-2), OWN: D(1)}


def test_a_payment_without_any_book_of_ours_stays_with_the_account() -> None:
    assert shares(D(-4), {}, D(3)) == {OWN: D(-4)}
    assert shares(D(-4), {1: ZERO}, ZERO) == {OWN: D(-4)}


def test_where_everything_nets_out_nothing_is_split() -> None:
    assert shares(D("0.01"), {1: D(1), 2: D(-1)}, ZERO) == {OWN: D("0.01")}


def test_an_owner_who_has_traded_since_does_not_blow_the_shares_up() -> None:
    """Of 5 long the owner has sold 4.999 by hand since: the payment was for the whole."""
    assert attributed(D(-5), {1: D(5)}, D("-4.999"), D(50_000)) == {1: D(-5)}
    assert attributed(D(-5), {1: D(5)}, D(-5), D(50_000)) == {1: D(-5)}
    assert attributed(D(-5), {1: D(5)}, D(5), D(50_000)) == {1: D("-2.5"), OWN: D("-2.5")}


def test_what_fits_no_position_stays_with_the_account() -> None:
    assert attributed(D(-5), {1: D(5), 2: D(-5)}, D("0.001"), D(1_000)) == {OWN: D(-5)}


def test_positions_that_nearly_net_out_share_what_is_larger_than_the_payment() -> None:
    split = shares(D("-973986.45064797"), {1: D("-5.24755368"), 2: D("850981.988")}, D("-850899.192"))
    assert sum(map(Fraction, split.values())) == Fraction(D("-973986.45064797"))
    assert abs(split[2]) > D(10) ** 9


quantities = st.decimals("-1000", "1000", places=3)


@given(
    st.decimals("-10000", "10000", places=8),
    st.dictionaries(st.integers(1, 9), quantities, max_size=6),
    quantities,
)
def test_the_parts_of_a_payment_add_up_to_it_exactly(
    amount: Decimal, held: dict[int, Decimal], owners: Decimal
) -> None:
    assert sum(shares(amount, held, owners).values(), ZERO) == amount


@given(st.decimals("0.01", "100", places=4), st.dictionaries(st.integers(1, 9), quantities, min_size=1, max_size=6))
def test_every_book_is_charged_at_the_same_rate(rate: Decimal, held: dict[int, Decimal]) -> None:
    total = sum(held.values(), ZERO)
    assume(abs(total) >= 1)
    split = shares(-rate * total, held, ZERO)
    assert all(abs(split.get(one, ZERO) + rate * qty) < D("1E-12") for one, qty in held.items())


def payment(number: str, amount: str, at_ms: int = 1000, symbol: str = SYMBOL) -> FundingPayment:
    return FundingPayment(number, symbol, D(amount), "USDT", at_ms)


def test_the_two_sides_of_hedge_mode_are_one_payment() -> None:
    found = at_once([payment("b", "-3"), payment("a", "1"), payment("c", "-1", 2000), payment("d", "5", symbol="X")])
    assert [(one.payment_id, one.amount) for one in found] == [("a+b", D(-2)), ("d", D(5)), ("c", D(-1))]


def test_what_an_account_holds_beyond_its_books_is_its_owners() -> None:
    def position(side: PositionSide, qty: str) -> Position:
        return Position(SYMBOL, side, D(qty), ZERO, ZERO, None, None, ZERO, None)

    both = [position(PositionSide.LONG, "0.5"), position(PositionSide.SHORT, "-0.2")]
    assert owners_position(SYMBOL, both, {1: D("0.1")}) == D("0.2")
    assert owners_position(SYMBOL, [], {1: D("0.1"), 2: D("-0.1")}) == 0
