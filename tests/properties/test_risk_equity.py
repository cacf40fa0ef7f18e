"""Equity equals balances plus what is not realised, less fees accrued; levels say exactly what limits say."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from copydesk.risk.equity import account_base, equity_range, exact_account_equity, exact_equity
from copydesk.risk.equity_rules import EquityState, Spans, broken_limits, equity_bounds
from copydesk.risk.levels import nearest_levels
from copydesk.risk.limits import effective
from copydesk.risk.measures import Subject
from copydesk.risk.model import Action, Basis, Limit, Measure, Scope, Scoped, Threshold, Unit, Window
from hypothesis import given
from hypothesis import strategies as st

qtys = st.decimals("-100000", "100000", places=8)
prices = st.decimals("0.00000001", "1000000", places=8)
money = st.decimals("0", "1000000000", places=8)
fills = st.lists(st.tuples(st.integers(0, 2), qtys.filter(bool), prices, money), max_size=20)
three_marks = st.tuples(prices, prices, prices)


def realised_and_held(executions):
    """Keep books by average cost in fractions: (realised, fees, {instrument: (quantity, average price)})."""
    realised, fees, books = Fraction(0), Fraction(0), {}
    for instrument, qty, px, fee in executions:
        held, avg = books.get(instrument, (Fraction(0), Fraction(0)))
        qty, px, fees = Fraction(qty), Fraction(px), fees + Fraction(fee)
        if held * qty >= 0:
            books[instrument] = (held + qty, (held * avg + qty * px) / (held + qty))
            continue
        closed = min(abs(held), abs(qty)) * (1 if held > 0 else -1)
        realised += closed * (px - avg)
        left = held + qty
        books[instrument] = (left, avg if left * held > 0 else px)
    return realised, fees, books


@given(money, fills, three_marks)
def test_equity_is_allocation_and_realised_and_unrealised_less_fees(allocation, executions, marks) -> None:
    realised, fees, books = realised_and_held(executions)
    unrealised = sum((qty * (Fraction(marks[i]) - avg) for i, (qty, avg) in books.items()), Fraction(0))
    cash = sum((-qty * px - fee for _, qty, px, fee in executions), Decimal(0))
    net = [sum((qty for i, qty, *_ in executions if i == instrument), Decimal(0)) for instrument in range(3)]
    equity = exact_equity(allocation, cash, zip(net, marks, strict=True))
    assert Fraction(equity) == Fraction(allocation) + realised + unrealised - fees


@given(money, st.lists(st.tuples(qtys, prices, prices), max_size=5))
def test_an_account_is_screened_by_a_base_that_gives_its_exact_equity(wallet, positions) -> None:
    equity = exact_account_equity(wallet, positions)
    base = account_base(wallet, [(qty, entry) for qty, entry, _ in positions])
    assert equity == exact_equity(base, Decimal(0), [(qty, mark) for qty, _, mark in positions])


@given(money, st.lists(st.tuples(qtys, prices, prices, st.integers(0, 10)), max_size=5))
def test_equity_lies_in_its_range_wherever_in_their_bands_prices_are(base, positions) -> None:
    bands = [(qty, min(a, b), max(a, b), tenths) for qty, a, b, tenths in positions]
    low, high = equity_range(base, [(qty, px_low, px_high) for qty, px_low, px_high, _ in bands])
    marks = [(qty, px_low + (px_high - px_low) * tenths / 10) for qty, px_low, px_high, tenths in bands]
    assert low <= exact_equity(base, Decimal(0), marks) <= high


percents = st.decimals("0.01", "100", places=2)
thresholds = st.one_of(
    percents.map(lambda value: Threshold(value, Unit.PERCENT)),
    st.decimals("0.01", "1000000", places=2).map(lambda value: Threshold(value, Unit.MONEY, "USDT")),
)
spans = st.sampled_from([Window.START, Window.DAY, Window.WEEK, Window.MONTH])
bases = st.sampled_from([Basis.EQUITY, Basis.BALANCE])
actions = st.sampled_from([Action.WARN, Action.BLOCK_OPENS, Action.CLOSE, Action.CLOSE_AND_DISARM])
equity_limits = st.one_of(
    st.builds(Limit, st.sampled_from([Measure.LOSS, Measure.PROFIT]), thresholds, bases, spans, actions),
    st.builds(Limit, st.just(Measure.DRAWDOWN), thresholds, bases, st.just(Window.PEAK), actions),
)
openings = st.builds(Spans, money, money, money, money)
no_gains = st.just(Spans(Decimal(0), Decimal(0), Decimal(0), Decimal(0)))
states = st.builds(EquityState, money, money, openings, no_gains, money)


@given(st.lists(equity_limits, max_size=6), states)
def test_equity_is_past_the_nearest_levels_exactly_if_a_limit_is_broken(limits, state) -> None:
    told = effective([Scoped(Scope.SUBSCRIPTION, limit) for limit in limits])
    bounds = equity_bounds(told, Subject.SUBSCRIPTION, currency="USDT")
    levels = nearest_levels(bounds, state)
    lines = [
        levels.floor,
        None if levels.trail_share is None else state.peak * levels.trail_share,
        None if levels.trail_amount is None else state.peak - levels.trail_amount,
    ]
    past = any(state.equity < line for line in lines if line is not None)
    past = past or (levels.ceiling is not None and state.equity > levels.ceiling)
    assert past == bool(broken_limits(bounds, state))
