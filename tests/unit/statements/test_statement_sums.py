"""What a statement adds up: books followed through a period, flows, returns, closed positions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from copydesk.replication.earnings import BookEarnings, SubscriptionEarnings
from copydesk.replication.profit import Traded, WrittenOff, earned
from copydesk.statements import period_named
from copydesk.statements.build import strategy_part, subscription_part
from copydesk.statements.follow import follow, never_short
from copydesk.statements.points import months_of
from copydesk.statements.raw import BookEvents, Event, Flow, Prices
from copydesk.trading import PositionSide, Side
from hypothesis import given
from hypothesis import strategies as st
from statement_rows import FEBRUARY, SYMBOL, D, at, fill, points, strategy, subscription

WHOLE = replace(FEBRUARY, period=period_named("2026"), made_at=at(4, 1))


def test_opening_flows_and_result_are_the_closing_worth() -> None:
    money = subscription_part(subscription(), FEBRUARY).money
    assert money.opening == 500 - D("0.5") - D("0.3") + 20
    assert (money.realized, money.fees, money.funding) == (30 - 10, D("0.6"), D("-0.2"))
    assert (money.open_before, money.open_after, money.unrealized) == (20, -5, -25)
    assert money.net == 20 - 25 - D("0.6") - D("0.2")
    assert money.closing == money.opening + 100 + money.net


def test_periods_that_follow_each_other_add_up() -> None:
    parts = []
    for name, before, after in (("2026-01", {}, {SYMBOL: D(110)}), ("2026-02", {SYMBOL: D(110)}, {SYMBOL: D(85)})):
        terms = replace(FEBRUARY, period=period_named(name))
        parts.append(subscription_part(subscription(prices=Prices(before, after)), terms).money)
    assert parts[1].opening == parts[0].closing


def test_positions_end_where_the_book_is_flat_or_turns() -> None:
    part = subscription_part(subscription(), FEBRUARY)
    closed = part.closed[0]
    assert len(part.closed) == 1
    assert (closed.long, closed.qty, closed.entry_px, closed.exit_px) == (True, 2, 100, 110)
    assert (closed.realized, closed.fees, closed.opened_at) == (20, 1, at(1, 20))
    assert [(held.qty, held.px, held.unrealized) for held in part.held] == [(-1, 85, -5)]


def test_going_through_nothing_ends_one_position_and_begins_the_next() -> None:
    events = (fill(at(2, 1), "buy", "1", "100", "0.1"), fill(at(2, 2), "sell", "3", "120", "0.3"))
    part = subscription_part(subscription(books=(BookEvents(SYMBOL, "net", events),)), FEBRUARY)
    assert [(one.realized, one.fees, one.exit_px) for one in part.closed] == [(20, D("0.2"), 120)]
    assert [(held.qty, held.cost) for held in part.held] == [(-2, -240)]


def test_a_rest_of_spot_that_fees_left_is_no_open_position_of_the_next_trade() -> None:
    events = (
        fill(at(2, 1), "buy", "1", "100", "0.001", "BTC"),
        fill(at(2, 2), "sell", "0.998", "110", "0.1"),
        fill(at(2, 3), "buy", "1", "90"),
        fill(at(2, 4), "sell", "1", "80"),
    )
    part = subscription_part(subscription(books=(BookEvents("BTC/USDT", "net", events),)), FEBRUARY)
    assert [one.closed_at for one in part.closed] == [at(2, 2), at(2, 4)]


def test_what_is_paid_in_other_currencies_stands_apart_and_in_no_sum() -> None:
    events = (fill(at(2, 1), "buy", "1", "100", "0.01", "BNB"), fill(at(2, 2), "sell", "1", "110", "0.01", "BNB"))
    money = subscription_part(subscription(books=(BookEvents(SYMBOL, "net", events),), funding=()), FEBRUARY).money
    assert (money.net, money.fees, dict(money.apart)) == (10, 0, {"BNB": D("-0.02")})


def test_what_its_owner_took_over_has_no_exit_price_and_realizes_nothing() -> None:
    events = (fill(at(2, 1), "buy", "1", "100"), Event(at(2, 2), WrittenOff(D(-1)), "handed_over"))
    part = subscription_part(subscription(books=(BookEvents(SYMBOL, "net", events),)), FEBRUARY)
    assert [(one.exit_px, one.realized) for one in part.closed] == [(None, 0)]
    assert "handed_over" in [line.reason for line in part.movements]


def test_the_money_weighted_return_weighs_each_flow_by_its_time() -> None:
    raw = subscription(books=(BookEvents(SYMBOL, "net", (fill(at(2, 1), "buy", "1", "100"),)),), funding=())
    part = subscription_part(replace(raw, prices=Prices({}, {SYMBOL: D(128)})), FEBRUARY)
    assert part.money_weighted is not None
    assert abs(part.money_weighted - D(28) / (500 + 100 * D(14) / 28)) < D("1e-12")


def test_without_money_there_is_no_return() -> None:
    emptied = (Flow(at(1, 15), D(500), "opening"), Flow(at(2, 1), D(-600), "allocation"))
    assert subscription_part(subscription(flows=emptied), FEBRUARY).money_weighted is None


def test_the_deepest_fall_counts_from_the_highest_of_the_days_before() -> None:
    assert subscription_part(subscription(), FEBRUARY).fall == 1 - D("0.9") / D("1.2")
    assert subscription_part(subscription(points=()), FEBRUARY).fall is None


def test_months_chain_from_the_beginning_of_the_record() -> None:
    found = list(months_of(points((1, 20, "1.1"), (1, 31, "1.2"), (3, 3, "0.9")), period_named("2026")))
    assert found == [(2026, 1, D("1.2") - 1), (2026, 3, D("0.9") / D("1.2") - 1)]


def test_a_strategy_is_worth_what_its_points_say() -> None:
    part = strategy_part(strategy(), FEBRUARY)
    assert (part.opening, part.flow, part.closing, part.net) == (1040, 200, 900, -340)
    assert part.ratio == D("0.9") / D("1.04") - 1
    assert (part.realized, part.fees, part.followers.after) == (20, D("0.6"), 4)


def test_a_leader_sells_no_more_of_spot_than_the_record_bought() -> None:
    events = (
        fill(at(2, 1), "sell", "5", "100", "1"),
        fill(at(2, 2), "buy", "1", "100"),
        fill(at(2, 3), "sell", "4", "150", "4"),
    )
    part = follow(BookEvents("BTC/USDT", "net", events), FEBRUARY.period, never_short)
    assert (part.after.qty, part.realized, dict(part.fees())) == (0, 50, {"USDT": 1})


AMOUNTS = st.decimals("0.001", "50", places=3)
MOVES = st.builds(
    Traded,
    st.sampled_from(Side),
    AMOUNTS,
    st.decimals("1", "90000", places=2),
    AMOUNTS,
    st.sampled_from(["USDT", "BNB"]),
)


@given(st.lists(MOVES, max_size=12), st.decimals("1", "90000", places=2), st.decimals("-5", "5", places=4))
def test_a_statement_of_all_time_is_what_earnings_say_to_the_last_digit(
    moves: list[Traded], mark: Decimal, funding: Decimal
) -> None:
    events = tuple(Event(at(1, 2 + number), move, str(number)) for number, move in enumerate(moves))
    paid = subscription().funding[0]._replace(amount=funding)
    raw = subscription(
        books=(BookEvents(SYMBOL, "net", events),) if events else (),
        funding=(paid,),
        prices=Prices({}, {SYMBOL: mark}),
    )
    part = subscription_part(raw, WHOLE)
    books = (BookEarnings(SYMBOL, PositionSide.NET, earned(SYMBOL, moves)),) if moves else ()
    told = SubscriptionEarnings(books, {(SYMBOL, "USDT"): funding}).net({SYMBOL: mark})
    assert part.money.net == told.get("USDT", D(0))
    assert part.money.apart.get("BNB", D(0)) == told.get("BNB", D(0))
    if not part.held:
        assert abs(sum((one.realized for one in part.closed), D(0)) - part.money.realized) < D("1e-12")
