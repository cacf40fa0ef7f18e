"""Laws of return and drawdown that hold for every record."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from copydesk.analytics import Fills, trips_of
from hypothesis import given
from hypothesis import strategies as st
from whole_record import drawdowns, record_of, return_between, risk_of

moves = st.lists(st.floats(-0.5, 0.8), min_size=1, max_size=60)
steps = st.integers(-40, 40).filter(bool)
traded = st.lists(st.tuples(st.integers(0, 2), steps, st.integers(1, 999)), min_size=1, max_size=40)


def curve(earned: list[float], begin: float = 1000.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return begin * np.cumprod(np.concatenate([[1.0], 1.0 + np.array(earned)]))


@given(moves, st.floats(1e-3, 1e6))
def test_an_account_of_another_size_has_the_same_figures(earned: list[float], times: float) -> None:
    at_s, equity = np.arange(len(earned) + 1) * 3600, curve(earned)

    small, large = record_of(at_s, equity), record_of(at_s, equity * times)

    assert large.index == pytest.approx(small.index, rel=1e-9)


@given(moves, st.lists(st.floats(-0.9, 5.0), min_size=60, max_size=60))
def test_deposits_and_withdrawals_change_no_return(earned: list[float], paid_ratio: list[float]) -> None:
    at_s = np.arange(len(earned) + 1) * 3600
    equity, flow = [1000.0], [0.0]
    for move, ratio in zip(earned, paid_ratio, strict=False):
        grown = equity[-1] * (1 + move)
        flow.append(grown * ratio)
        equity.append(grown + flow[-1])

    with_flows = record_of(at_s, np.array(equity), np.array(flow))

    assert return_between(with_flows) == pytest.approx(return_between(record_of(at_s, curve(earned))), rel=1e-6)


@given(
    st.lists(st.floats(-2000, 2000), min_size=1, max_size=60), st.lists(st.floats(-500, 500), min_size=60, max_size=60)
)
def test_drawdown_lies_between_nothing_and_all_and_no_figure_is_endless(equity: list[float], flow: list[float]) -> None:
    record = record_of(np.arange(len(equity)) * 40_000, np.array(equity), np.array(flow[: len(equity)]))
    fallen = drawdowns(record.index)

    assert ((fallen >= 0) & (fallen <= 1)).all()
    told = risk_of(record, now_s=len(equity) * 40_000)
    figures = [told.return_all, *told.returns.values(), told.volatility, told.sharpe, told.sortino, told.calmar]
    assert all(figure is None or np.isfinite(figure) for figure in figures)


@given(traded)
def test_closed_positions_and_what_is_open_account_for_every_fill(given_fills: list[tuple[int, int, int]]) -> None:
    """An accountant with fractions, one fill at a time, comes to the same."""
    count = len(given_fills)
    instrument, whole, px = (np.array(column, np.int64) for column in zip(*given_fills, strict=True))
    trips = trips_of(
        Fills(np.arange(count), instrument, np.arange(count), whole / 10, px.astype(float), np.zeros(count))
    )

    expected, held = _by_hand(given_fills)

    assert trips.net == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert dict(zip(trips.open.instrument.tolist(), trips.open.qty.tolist(), strict=True)) == pytest.approx(held)


def _by_hand(given_fills: list[tuple[int, int, int]]) -> tuple[list[float], dict[int, float]]:
    held: dict[int, Fraction] = {}
    money: dict[int, Fraction] = {}
    closed: list[float] = []
    for instrument, whole, px in given_fills:
        left = Fraction(whole, 10)
        while left:
            position = held.get(instrument, Fraction(0))
            part = -position if position * left < 0 and abs(left) > abs(position) else left
            held[instrument] = position + part
            money[instrument] = money.get(instrument, Fraction(0)) - part * px
            left -= part
            if held[instrument] == 0:
                closed.append(float(money.pop(instrument)))
    return closed, {instrument: float(qty) for instrument, qty in held.items() if qty}
