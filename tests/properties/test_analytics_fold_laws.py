"""Laws of the fold: whatever the rows and wherever it is cut, a record comes to the same figures, and all are sound."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from copydesk.analytics import Costs, Fills, Flows, Marks, Raw, Series, Summary, conduct_of, figures_of, fold
from hypothesis import given, settings
from hypothesis import strategies as st
from whole_record import record_of, risk_of

MINUTE_S, DAY_S = 60, 86_400
BEGAN_S = 20_000 * DAY_S + 40_000
SPAN_S = 11 * DAY_S
END_S = BEGAN_S + SPAN_S
few = settings(max_examples=40)
SYMBOLS = ("BTC/USDT", "ETH/USDT:USDT", "XRP/USDT")
# Some moments are likely to be the same second, or the same minute.
moments = st.one_of(
    st.integers(1, 300), st.integers(1, SPAN_S), st.integers(1, SPAN_S // DAY_S).map(lambda n: n * DAY_S - 40_000)
)
sizes = st.integers(-9, 9).filter(bool)
# Sizes that leave rests of less than a hundredth.
uneven = st.sampled_from([-1000, -999, -501, -500, -1, 1, 499, 500, 999, 1000])
marks = st.lists(st.tuples(moments, st.integers(0, 2), st.integers(50, 150)), max_size=30)
costs = st.lists(st.tuples(moments, st.integers(0, 2), st.integers(-3, 3)), max_size=4)
flows = st.lists(st.tuples(moments, st.integers(-300, 2000)), max_size=4)


@st.composite
def raws(draw: st.DrawFn, sizes: st.SearchStrategy[int] = sizes) -> Raw:
    """Draw rows of eleven days, marks of each instrument in order of time."""
    fills = st.lists(
        st.tuples(moments, st.integers(0, 999), st.integers(0, 2), sizes, st.integers(50, 150)), max_size=25
    )
    traded, priced, paid, moved = (sorted(draw(rows)) for rows in (fills, marks, costs, flows))
    at_s, ms, instrument, qty, px = columns(traded, 5)
    cost_s, cost_of, cost = columns(paid, 3)
    flow_s, amount = columns(moved, 2)
    mark_s, mark_of, mark_px = columns(priced, 3)
    return Raw(
        Fills(np.arange(len(qty)), instrument, (BEGAN_S + at_s) * 1000 + ms, qty / 10, px * 1.0, np.abs(qty) * 0.01),
        SYMBOLS,
        {n: Marks(BEGAN_S + mark_s[mark_of == n], mark_px[mark_of == n] * 1.0) for n in range(3)},
        Flows(BEGAN_S + flow_s, amount * 1.0),
        Costs(BEGAN_S + cost_s, cost * 0.1, cost_of),
    )


def columns(rows: list[tuple[int, ...]], width: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.array(rows, np.int64).reshape(len(rows), width).T


def whole(raw: Raw, opening: float = 1000.0) -> tuple[Summary, Series]:
    return fold(Summary.empty(BEGAN_S, opening), raw, until_s=END_S)


def told(summary: Summary) -> dict[str, float | int | None]:
    return figures_of(summary, now_s=END_S + 30).to_json()


def same(found: dict[str, float | int | None], expected: dict[str, float | int | None]) -> None:
    """Hold every figure to the other within a billionth; sums of money within one of what was turned over."""
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == (value if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), name


@few
@given(raws(sizes | uneven), st.lists(moments, max_size=5))
def test_folding_in_any_cuts_comes_to_what_folding_at_once_does(raw: Raw, cuts: list[int]) -> None:
    at_once, series = whole(raw)

    summary, points = Summary.empty(BEGAN_S, 1000.0), []
    for cut in [*sorted(cuts), SPAN_S]:
        summary = Summary.from_json(json.loads(json.dumps(summary.to_json())))
        summary, piece = fold(summary, raw, until_s=BEGAN_S + cut)
        points += zip(piece.at_s.tolist(), piece.index.tolist(), piece.flow.tolist(), strict=True)

    same(told(summary), told(at_once))
    assert [point[0] for point in points] == series.at_s.tolist()
    assert [point[1] for point in points] == pytest.approx(series.index.tolist(), rel=1e-9)
    assert conduct_of(summary, now_s=END_S).lost == conduct_of(at_once, now_s=END_S).lost


@few
@given(raws(), st.randoms(use_true_random=False))
def test_rows_in_any_order_some_twice_come_to_the_same(raw: Raw, chance) -> None:
    turned = [*range(len(raw.fills)), *range(len(raw.fills) // 2)]
    chance.shuffle(turned)
    fills = Fills(*(getattr(raw.fills, name)[turned] for name in Fills.__slots__))
    marks = {place: Marks(of.at_s[::-1], of.px[::-1]) for place, of in raw.marks.items()}
    # Of several marks in one minute the last given counts.
    once = {place: len(set((-(-of.at_s // 60)).tolist())) == len(of.at_s) for place, of in raw.marks.items()}
    raw_marks = {place: of if once[place] else Marks(of.at_s[:0], of.px[:0]) for place, of in raw.marks.items()}
    marks = {place: of if once[place] else raw_marks[place] for place, of in marks.items()}

    same(told(whole(replace(raw, fills=fills, marks=marks))[0]), told(whole(replace(raw, marks=raw_marks))[0]))


@few
@given(raws(), st.floats(0.1, 1e5))
def test_an_account_of_another_size_has_the_same_figures_but_money(raw: Raw, times: float) -> None:
    own = raw.fills
    larger = replace(
        raw,
        fills=replace(own, qty=own.qty * times, cost=own.cost * times),
        flows=replace(raw.flows, amount=raw.flows.amount * times),
        costs=replace(raw.costs, amount=raw.costs.amount * times),
    )
    money = {"net_result", "own_stake", "exposure_now", "exposure_max", "floating", "win_mean", "loss_mean"} | {
        "expectancy",
        "turnover",
        "costs",
    }

    small, large = told(whole(raw)[0]), told(whole(larger, 1000.0 * times)[0])

    for name, value in small.items():
        expected = value if value is None or name not in money else value * times
        assert large[name] == (expected if expected is None else pytest.approx(expected, rel=1e-6, abs=1e-6)), name


@few
@given(raws(), st.sampled_from([1000.0, 5.0, 0.0, -10.0]))
def test_every_figure_is_a_sound_number_or_none(raw: Raw, opening: float) -> None:
    summary, series = whole(raw, opening)
    figures = told(summary)

    assert all(value is None or math.isfinite(value) for value in figures.values())
    for name in ("drawdown_now", "drawdown_max", "time_in_market", "win_ratio", "concentration"):
        assert figures[name] is None or 0 <= figures[name] <= 1
    assert np.isfinite(series.equity).all()
    assert (np.diff(series.at_s) > 0).all()
    assert all(value is None or math.isfinite(value) for value in vars_of(conduct_of(summary, now_s=END_S)))


def vars_of(conduct) -> list[float | None]:
    return [getattr(conduct, name) for name in conduct.__slots__]


@few
@given(raws())
def test_figures_are_those_of_the_whole_record_at_once(raw: Raw) -> None:
    """What is summed up on the way, beside what `risk_of` reads from all points together."""
    summary, series = whole(raw)
    figures = figures_of(summary, now_s=END_S)
    last = [float(summary.equity_now)]
    record = record_of(
        np.concatenate([[BEGAN_S], series.at_s, [END_S]]),
        np.concatenate([[1000.0], series.equity, last]),
        np.concatenate([[0.0], series.flow, [0.0]]),
    )

    risk = risk_of(record, now_s=END_S)

    for name in ("return_all", "drawdown_now", "drawdown_max", "volatility", "sharpe", "sortino", "calmar"):
        expected = getattr(risk, name)
        # A record of hardly anything varies by rounding alone.
        assert getattr(figures, name) == (expected and pytest.approx(expected, rel=1e-6, abs=1e-9)), name
    assert figures.under_water_days == pytest.approx(risk.under_water_days)
    assert figures.under_water_days_max == pytest.approx(risk.under_water_days_max)


@few
@given(raws())
def test_equity_is_what_an_accountant_comes_to(raw: Raw) -> None:
    """One row after the other, each point by itself."""
    _, series = whole(raw)

    for at_s, equity, exposure in zip(series.at_s.tolist(), series.equity, series.exposure, strict=True):
        expected, open_worth = by_hand(raw, at_s)
        assert equity == pytest.approx(expected, rel=1e-9, abs=1e-7)
        assert exposure == pytest.approx(open_worth, rel=1e-9, abs=1e-7)


def by_hand(raw: Raw, at_s: int) -> tuple[float, float]:
    """Return equity and exposure at the end of a second."""
    own = raw.fills
    cash = 1000.0 + float(
        raw.flows.amount[raw.flows.at_s <= at_s].sum() - raw.costs.amount[raw.costs.at_s <= at_s].sum()
    )
    worth = exposure = 0.0
    for place in range(len(SYMBOLS)):
        here = np.flatnonzero((own.instrument == place) & (own.at_ms // 1000 <= at_s))
        cash -= float((own.qty * own.px + own.cost)[here].sum())
        qty = round(float(own.qty[here].sum()), 6)
        prices = [(int(own.at_ms[n]) / 1000, int(n), float(own.px[n])) for n in here]
        of = raw.marks[place]
        minutes = -(-of.at_s // MINUTE_S) * MINUTE_S
        # A mark of the same second as a fill is the fairer price.
        priced = enumerate(zip(minutes.tolist(), of.px.tolist(), strict=True))
        prices += [(minute + 0.9995, order, px) for order, (minute, px) in priced if minute <= at_s]
        px = max(prices, key=lambda price: price[:2])[2] if prices else 0.0
        worth += qty * px
        exposure += abs(qty * px)
    return cash + worth, exposure


@few
@given(raws(), st.floats(0.2, 5.0), st.integers(0, 2))
def test_money_paid_in_and_traded_with_changes_no_return(raw: Raw, ratio: float, place: int) -> None:
    """An account that is paid into while flat, and trades in proportion after it, earns what it would have earned."""
    day_s = DAY_S * (place + 2)
    flat = replace(raw, flows=Flows(), costs=Costs(), fills=closed_at(raw.fills, BEGAN_S + day_s))
    before, _ = fold(Summary.empty(BEGAN_S, 1000.0), flat, until_s=BEGAN_S + day_s)
    if before.equity_now < 1:
        return
    paid = Flows(np.array([BEGAN_S + day_s + 1]), np.array([before.equity_now * ratio]))
    later = flat.fills.at_ms // 1000 > BEGAN_S + day_s + 1
    own = flat.fills
    grown = replace(
        own, qty=np.where(later, own.qty * (1 + ratio), own.qty), cost=np.where(later, own.cost * (1 + ratio), own.cost)
    )
    kept = (own.at_ms // 1000 <= BEGAN_S + day_s) | later
    grown = Fills(*(getattr(grown, name)[kept] for name in Fills.__slots__))
    flat = replace(flat, fills=Fills(*(getattr(own, name)[kept] for name in Fills.__slots__)))

    plain, fed = told(whole(flat)[0]), told(whole(replace(flat, fills=grown, flows=paid))[0])

    for name in ("return_7", "return_all", "drawdown_max", "volatility", "leverage_max"):
        assert fed[name] == (plain[name] if plain[name] is None else pytest.approx(plain[name], rel=1e-6, abs=1e-6)), (
            name
        )


def closed_at(own: Fills, at_s: int) -> Fills:
    """Add fills that bring every instrument back to nothing at a moment."""
    before = own.at_ms // 1000 <= at_s
    left = np.bincount(own.instrument[before], own.qty[before], 3)
    more = np.flatnonzero(np.abs(left) > 1e-9)
    count = len(more)
    return Fills(
        np.arange(len(own) + count),
        np.concatenate([own.instrument, more]),
        np.concatenate([own.at_ms, np.full(count, at_s * 1000 + 999)]),
        np.concatenate([own.qty, -left[more]]),
        np.concatenate([own.px, np.full(count, 100.0)]),
        np.concatenate([own.cost, np.zeros(count)]),
    )
