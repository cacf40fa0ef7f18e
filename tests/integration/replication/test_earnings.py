"""What subscriptions of one account have earned, read from what is stored of them."""

from __future__ import annotations

from decimal import Decimal

from copydesk.replication.adjustments import Adjusts, write_down
from copydesk.replication.doors import Doorway
from copydesk.replication.earnings import SubscriptionEarnings, read_earnings
from copydesk.replication.exposure import read_exposures
from copydesk.trading import PositionSide, Side
from desk_site import Site
from paper_exchange import PERPETUAL, D
from shared_site import second_strategy

BUY, SELL = Side.BUY, Side.SELL
MARK = D(52_000)


def earnings(*sites: Site) -> list[SubscriptionEarnings]:
    ids = [site.subscriptions[0] for site in sites]
    with sites[0].db.tenant(sites[0].tenant_id) as session:
        found = read_earnings(session, ids)
    return [found[one] for one in ids]


def two_sides(site: Site) -> Site:
    """Open five contracts long and three short on one account, and close one of each."""
    other = second_strategy(site)
    worker = site.worker()
    for of, side, qty in ((site, BUY, "0.5"), (other, SELL, "0.3"), (site, SELL, "0.1"), (other, BUY, "0.1")):
        of.trade(side, qty, symbol=PERPETUAL)
        worker.drain()
    return other


def test_each_subscription_has_its_own_profit_and_fees(site: Site) -> None:
    """Opens are filled half a percent off the leader's price of 50,000, closes at it."""
    long, short = earnings(site, two_sides(site))
    (mine,), (others,) = long.books, short.books
    assert (mine.earnings.qty, mine.earnings.realized) == (D("0.004"), D("-0.25"))
    assert (others.earnings.qty, others.earnings.realized) == (D("-0.002"), D("-0.25"))
    assert mine.earnings.fees == {"USDT": (D("0.005") * 50_250 + D("0.001") * 50_000) / 1000}


def test_the_earnings_of_two_subscriptions_are_what_the_account_made(site: Site) -> None:
    long, short = earnings(site, two_sides(site))
    fills = site.rows("SELECT side, qty, px, fee FROM copy_fill")
    money = sum((-qty * px if side == "buy" else qty * px) - fee for side, qty, px, fee in fills)
    position = site.exchange.position(site.accounts[0])
    assert long.net({PERPETUAL: MARK})["USDT"] + short.net({PERPETUAL: MARK})["USDT"] == money + position * MARK


def test_a_books_cost_is_the_one_that_its_allocation_counts(site: Site) -> None:
    long, short = earnings(site, two_sides(site))
    stored = [row[0] for row in site.rows("SELECT cost FROM book ORDER BY subscription_id")]
    assert [abs(one.books[0].earnings.cost) for one in (long, short)] == stored


def test_funding_is_part_of_the_result(site: Site) -> None:
    other = two_sides(site)
    pay = (
        "INSERT INTO funding_payment "
        "(tenant_id, account_id, payment_id, subscription_id, symbol, amount, currency, at) "
        "VALUES (:tenant_id, :account, 'p', :id, :symbol, -0.5, 'USDT', now())"
    )
    keys = {"tenant_id": site.tenant_id, "account": site.accounts[0], "symbol": PERPETUAL}
    before = earnings(site, other)
    site.act(pay, id=site.subscriptions[0], **keys)
    after = earnings(site, other)
    marks = {PERPETUAL: MARK}
    assert after[0].net(marks)["USDT"] == before[0].net(marks)["USDT"] - D("0.5")
    assert after[1] == before[1]


def test_what_was_written_off_is_realized_at_its_price_or_at_cost(site: Site) -> None:
    other = two_sides(site)
    before = [one.books[0].earnings.realized for one in earnings(site, other)]
    with site.db.tenant(site.tenant_id) as session:
        mine, others = (Doorway(one.subscriptions[0], PERPETUAL, PositionSide.NET) for one in (site, other))
        assert write_down(session, mine, D("-0.004"), Adjusts.LIQUIDATED, px=D(40_000))
        assert write_down(session, others, D("0.002"), Adjusts.DETACHED)
    long, short = (one.books[0].earnings for one in earnings(site, other))
    assert (long.qty, long.realized) == (0, before[0] + D("0.004") * (D(40_000) - D(50_250)))
    assert (short.qty, short.realized) == (0, before[1])


def test_who_has_copied_nothing_has_earned_nothing(site: Site) -> None:
    (nothing,) = earnings(site)
    assert nothing == SubscriptionEarnings()
    assert nothing.net({}) == {}


def worth(site: Site, mark: Decimal) -> Decimal:
    """What a subscription's books have earned, by what they hold and their cash alone."""
    with site.db.tenant(site.tenant_id) as session:
        (found,) = read_exposures(session, [site.subscriptions[0]])
    return sum((book.cash + book.qty * mark for book in found.books), D(0))


def test_the_cash_of_books_and_what_they_hold_are_what_they_have_earned(site: Site) -> None:
    other = two_sides(site)
    with site.db.tenant(site.tenant_id) as session:
        mine, others = (Doorway(one.subscriptions[0], PERPETUAL, PositionSide.NET) for one in (site, other))
        assert write_down(session, mine, D("-0.001"), Adjusts.LIQUIDATED, px=D(40_000))
        assert write_down(session, others, D("0.001"), Adjusts.DETACHED)
    for one, told in zip((site, other), earnings(site, other), strict=True):
        assert abs(worth(one, MARK) - told.net({PERPETUAL: MARK})["USDT"]) < D("1E-12")
