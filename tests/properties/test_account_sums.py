"""Laws of attribution: the books of an account and its owner's part add up to the account, to the last digit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from copydesk.kernel import ZERO
from copydesk.replication.funding import OWN, shares
from copydesk.replication.profit import Earnings, Traded, WrittenOff, after_fill, after_write_off
from copydesk.trading import Side
from hypothesis import given
from hypothesis import strategies as st

PERPETUAL, SPOT = "BTC/USDT:USDT", "BTC/USDT"
D = Decimal
NOBODY_PAID = {"USDT": ZERO, "BTC": ZERO, "BNB": ZERO}


class Happens(NamedTuple):
    """One event: `who` is a subscription, or `OWN` for the account's owner."""

    what: str
    who: int
    side: Side
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_currency: str


@dataclass
class NetPosition:
    """An exchange's one-way position, kept as exchanges do, in exact fractions: it knows nothing of books."""

    qty: Fraction = Fraction(0)
    entry: Fraction = Fraction(0)
    realized: Fraction = Fraction(0)

    def trade(self, side: Side, qty: Decimal, px: Decimal) -> None:
        moved, at = Fraction(qty) * (1 if side is Side.BUY else -1), Fraction(px)
        left = self.qty + moved
        if self.qty * moved >= 0:
            self.entry = (self.entry * abs(self.qty) + at * abs(moved)) / abs(left) if left else Fraction(0)
        else:
            closed = min(abs(self.qty), abs(moved)) * (1 if self.qty > 0 else -1)
            self.realized += closed * (at - self.entry)
            if self.qty * left < 0:
                self.entry = at
        self.qty = left

    def worth(self, mark: Decimal) -> Fraction:
        """Return realized and unrealized profit together."""
        return self.realized + self.qty * (Fraction(mark) - self.entry)


@dataclass
class Account:
    """An account at an exchange, and beside it what we attribute to its books and to its owner."""

    symbol: str
    books: dict[int, Earnings]
    position: NetPosition = field(default_factory=NetPosition)
    coins: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=lambda: dict(NOBODY_PAID))
    funding: Decimal = ZERO
    booked: defaultdict[int, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))

    def happen(self, event: Happens) -> None:
        {"fill": self._fill, "write_off": self._write_off, "funding": self._fund}[event.what](event)

    def _fill(self, event: Happens) -> None:
        fill = Traded(event.side, event.qty, event.px, event.fee, event.fee_currency)
        self.books[event.who] = after_fill(self.symbol, self.books[event.who], fill)
        self.position.trade(event.side, event.qty, event.px)
        self.coins += event.qty if event.side is Side.BUY else -event.qty
        self.coins -= event.fee if event.fee_currency == "BTC" and self.symbol == SPOT else ZERO
        self.fees[event.fee_currency] += event.fee

    def _write_off(self, event: Happens) -> None:
        """Let a book give a part to the owner; nothing happens at the exchange."""
        before = self.books[event.who]
        part = before.qty if event.qty >= abs(before.qty) else event.qty.copy_sign(before.qty)
        if event.who == OWN or not part:
            return
        after = after_write_off(before, WrittenOff(-part, None if event.fee else event.px))
        owner = self.books[OWN]
        # What the book was credited with the owner has paid; where he stands in it is his own affair.
        paid = after.cash - before.cash
        self.books[event.who] = after
        self.books[OWN] = owner._replace(qty=owner.qty + part, cash=owner.cash - paid)

    def _fund(self, event: Happens) -> None:
        amount = event.fee if event.side is Side.BUY else -event.fee
        held = {who: book.qty for who, book in self.books.items() if who != OWN}
        for who, share in shares(amount, held, self.books[OWN].qty).items():
            self.booked[who] += share
        self.funding += amount

    def worth_attributed(self, mark: Decimal) -> Fraction:
        """Return all books' realized and unrealized profit, and the owner's money with what he holds."""
        books = sum(
            (Fraction(book.realized) + Fraction(book.unrealized(mark)) for who, book in self.books.items() if who),
            Fraction(0),
        )
        owner = self.books[OWN]
        return books + Fraction(owner.cash) + Fraction(owner.qty) * Fraction(mark)


# Steps and ticks of exchanges; fees and payments as fine as they tell them.
QTYS = st.integers(1, 50_000).map(lambda n: D(n) / 1000)
PXS = st.integers(1, 2_000_000).map(lambda n: D(n) / 10)
FEES = st.integers(0, 10**11).map(lambda n: D(n) / 10**8)


@st.composite
def stories(draw: st.DrawFn, symbol: str = PERPETUAL) -> tuple[Account, list[Happens]]:
    """Draw one to four subscriptions and what happens to their account."""
    subscriptions = range(draw(st.integers(1, 4)) + 1)
    kinds = ("fill", "fill", "fill", "write_off", "funding") if symbol == PERPETUAL else ("fill", "fill", "write_off")
    event = st.builds(
        Happens,
        st.sampled_from(kinds),
        st.sampled_from(subscriptions),
        st.sampled_from(Side),
        QTYS,
        PXS,
        FEES if symbol == PERPETUAL else st.just(D("0.00001234")),
        st.sampled_from(("USDT", "BNB") if symbol == PERPETUAL else ("USDT", "BTC", "BNB")),
    )
    return Account(symbol, {who: Earnings() for who in subscriptions}), draw(st.lists(event, max_size=40))


@given(stories(), PXS)
def test_books_and_the_owners_part_are_the_accounts_position_profit_fees_and_funding(
    story: tuple[Account, list[Happens]], mark: Decimal
) -> None:
    account, events = story
    for event in events:
        account.happen(event)
        assert sum((book.qty for book in account.books.values()), ZERO) == account.position.qty
        assert account.worth_attributed(mark) == account.position.worth(mark)
        for currency, paid in account.fees.items():
            assert sum((book.fees.get(currency, ZERO) for book in account.books.values()), ZERO) == paid
        assert sum((Fraction(share) for share in account.booked.values()), Fraction(0)) == Fraction(account.funding)


@given(stories(SPOT))
def test_coins_of_several_strategies_are_the_accounts_coins(story: tuple[Account, list[Happens]]) -> None:
    account, events = story
    for event in events:
        account.happen(event)
        assert sum((book.qty for book in account.books.values()), ZERO) == account.coins


@given(stories(), PXS)
def test_once_every_book_is_flat_realized_profit_is_the_money_to_the_last_digit(
    story: tuple[Account, list[Happens]], px: Decimal
) -> None:
    account, events = story
    for event in events:
        account.happen(event)
    for who, book in account.books.items():
        if book.qty:
            side = Side.SELL if book.qty > 0 else Side.BUY
            account.happen(Happens("fill", who, side, abs(book.qty), px, ZERO, "USDT"))
    assert account.position.qty == 0
    flat = [book for who, book in account.books.items() if who != OWN]
    assert all((book.qty, book.cost) == (0, 0) and book.realized == book.cash for book in flat)
    owner = Fraction(account.books[OWN].cash)
    assert sum((Fraction(book.realized) for book in flat), owner) == account.position.realized


TRADES = st.lists(st.tuples(st.sampled_from(Side), QTYS, PXS), max_size=40)


@given(TRADES)
def test_a_book_alone_on_its_account_has_realized_what_the_exchange_says(
    trades: list[tuple[Side, Decimal, Decimal]],
) -> None:
    book, position = Earnings(), NetPosition()
    for count, (side, qty, px) in enumerate(trades, start=1):
        book = after_fill(PERPETUAL, book, Traded(side, qty, px, ZERO, "USDT"))
        position.trade(side, qty, px)
        assert abs(Fraction(book.realized) - position.realized) <= Fraction(count, 2 * 10**18)
        assert abs(Fraction(book.cost) - position.entry * position.qty) <= Fraction(count, 2 * 10**18)


@given(st.lists(QTYS, min_size=1, max_size=20), PXS, QTYS)
def test_rounding_takes_no_more_off_the_cost_than_half_a_unit_for_each_close(
    sold: list[Decimal], px: Decimal, kept: Decimal
) -> None:
    bought = sum(sold, kept)
    book = after_fill(PERPETUAL, Earnings(), Traded(Side.BUY, bought, px, ZERO, "USDT"))
    book = after_fill(PERPETUAL, book, Traded(Side.BUY, D(7), px / 3, ZERO, "USDT"))
    average = Fraction(book.cost) / Fraction(book.qty)
    for closes, qty in enumerate(sold, start=1):
        book = after_fill(PERPETUAL, book, Traded(Side.SELL, qty, px, ZERO, "USDT"))
        assert abs(Fraction(book.cost) - average * Fraction(book.qty)) <= Fraction(closes, 2 * 10**18)
    assert Fraction(book.realized) - Fraction(book.cost) == Fraction(book.cash)
