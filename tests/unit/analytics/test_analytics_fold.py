"""From raw rows to equity and figures, by hand: long and short, spot and perpetual, and what comes broken."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from copydesk.analytics import (
    FIGURES,
    Costs,
    Figures,
    Fills,
    Flows,
    Marks,
    Raw,
    Summary,
    figures_of,
    fold,
    rolled,
    settled_s,
)

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
BEGAN_S = 20_000 * DAY_S
Fill = tuple[float, int, float, float, float]


def raw(*fills: Fill, marks: dict[int, list[tuple[int, float]]] | None = None, **rows: object) -> Raw:
    """Make rows from fills (minute, instrument, quantity, price, fee) and marks (minute, price)."""
    minute, instrument, qty, px, cost = np.array(fills, float).reshape(len(fills), 5).T
    at_ms = (BEGAN_S * 1000 + minute * MINUTE_S * 1000).astype(np.int64)
    priced = {place: np.array(of, float).T for place, of in (marks or {}).items()}
    return Raw(
        Fills(np.arange(len(fills)), instrument.astype(np.int64), at_ms, qty, px, cost),
        ("BTC/USDT", "ETH/USDT:USDT"),
        {place: Marks(BEGAN_S + of[0].astype(np.int64) * MINUTE_S, of[1]) for place, of in priced.items()},
        **rows,  # type: ignore[arg-type]
    )


def flow(minute: int, amount: float) -> Flows:
    return Flows(np.array([BEGAN_S + minute * MINUTE_S]), np.array([amount]))


def told(rows: Raw, minutes: float = 600, opening: float = 1000.0) -> Figures:
    until_s = BEGAN_S + int(minutes * MINUTE_S)
    return figures_of(fold(Summary.empty(BEGAN_S, opening), rows, until_s=until_s)[0], now_s=until_s)


def points(rows: Raw, minutes: float = 600, opening: float = 1000.0) -> list[tuple[float, float, float]]:
    """Return minute, equity and index of each point."""
    _, series = fold(Summary.empty(BEGAN_S, opening), rows, until_s=BEGAN_S + int(minutes * MINUTE_S))
    minute = (series.at_s - BEGAN_S) / MINUTE_S
    return list(zip(minute.tolist(), series.equity.tolist(), series.index.tolist(), strict=True))


def test_a_long_position_is_worth_its_mark_each_minute_until_it_is_flat() -> None:
    rows = raw((0.5, 0, 2, 100, 1), (3.5, 0, -2, 110, 1), marks={0: [(1, 90), (2, 95), (5, 50)]})

    assert points(rows) == [(1, 979, 0.979), (2, 989, pytest.approx(0.989)), (3.5, 1018, pytest.approx(1.018))]


def test_a_short_position_gains_when_the_mark_falls() -> None:
    rows = raw((0.5, 1, -2, 100, 0), marks={1: [(1, 90), (2, 120)]})

    assert [equity for _, equity, _ in points(rows)] == [1020, 960]


def test_without_a_mark_the_last_own_price_counts_and_a_vanished_instrument_keeps_its_last() -> None:
    rows = raw((0.5, 0, 1, 100, 0), (2.5, 0, 1, 130, 0), marks={0: [(5, 120)]})

    assert points(rows) == [(1, 1000, 1), (3, 1030, 1.03), (5, 1010, pytest.approx(1.01))]
    assert told(rows, 10_000).own_stake == 1010


def test_a_deposit_while_a_position_is_open_moves_equity_and_no_return() -> None:
    rows = raw((0.5, 0, 1, 100, 0), marks={0: [(1, 100), (2, 200), (4, 320)]}, flows=flow(3, 1100))

    assert points(rows)[1:3] == [(2, 1100, pytest.approx(1.1)), (3, 2200, pytest.approx(1.1))]
    assert told(rows, 4).return_all == pytest.approx(1.1 * 2320 / 2200 - 1)
    assert told(rows, 4).net_result == pytest.approx(220)


def test_funding_lowers_equity_when_it_is_paid() -> None:
    paid = Costs(np.array([BEGAN_S + 90]), np.array([5.0]), np.array([0]))
    rows = raw((0.5, 0, 1, 100, 0), (2.5, 0, -1, 100, 0), costs=paid)

    assert points(rows) == [(1, 1000, 1), (1.5, 995, 0.995), (2.5, 995, 0.995)]
    assert (told(rows).costs, told(rows).expectancy) == (5, -5)


def test_what_trades_in_the_second_of_the_beginning_is_in_the_opening_equity_already() -> None:
    assert told(raw((0, 0, 1, 100, 0))).open == 0


def test_wins_losses_and_the_time_in_the_market() -> None:
    figures = told(raw((1, 0, 1, 100, 0), (61, 0, -1, 130, 0), (61, 1, 1, 100, 0), (181, 1, -1, 90, 0)), 24 * 60)

    assert (figures.closed, figures.win_ratio, figures.win_mean, figures.loss_mean) == (2, 0.5, 30, -10)
    assert (figures.profit_factor, figures.expectancy, figures.trades_a_day) == (3, 10, 2)
    assert (figures.held_s_mean, figures.time_in_market) == (1.5 * HOUR_S, pytest.approx(180 / 1440))
    assert (figures.concentration, figures.turnover) == (pytest.approx(230 / 420), 420)


def test_leverage_is_exposure_over_equity_and_its_mean_is_of_the_time_in_the_market() -> None:
    rows = raw((60, 0, 20, 100, 0), (120, 0, -10, 100, 0), (180, 0, -10, 100, 0))
    figures = told(rows)

    assert (figures.leverage_max, figures.exposure_max) == (2, 2000)
    assert figures.leverage_mean == pytest.approx(1.5)
    assert (figures.leverage_now, figures.exposure_now, figures.open) == (0, 0, 0)


def test_a_loss_that_is_still_open_is_a_drawdown() -> None:
    figures = told(raw((1, 0, 5, 100, 0), marks={0: [(1, 110), (2, 90), (3, 100)]}), 4)

    assert figures.drawdown_max == pytest.approx(1 - 950 / 1050)
    assert figures.drawdown_now == pytest.approx(1 - 1000 / 1050)
    assert (figures.floating, figures.under_water_days) == (0, pytest.approx(3 / 1440))


def test_a_wiped_out_account_stays_at_nothing_whatever_is_paid_in_later() -> None:
    rows = raw((1, 0, 10, 100, 0), (3, 0, -10, 1e-9, 1), (20, 0, 1, 50, 0), (21, 0, -1, 80, 0), flows=flow(10, 500))
    figures = told(rows, 3 * 1440)

    assert (figures.return_all, figures.drawdown_max, figures.own_stake) == (-1, 1, pytest.approx(529))
    assert (figures.sharpe, figures.return_7) == (None, None)


def test_an_account_without_money_begins_its_record_with_the_first_that_is_paid_in() -> None:
    figures = told(raw((1450, 0, 1, 100, 0), (1460, 0, -1, 150, 0), flows=flow(1440, 500)), 2 * 1440, opening=0.0)

    assert (figures.days, figures.return_all, figures.net_result) == (1, pytest.approx(0.1), 50)
    assert told(raw(), opening=0.0).return_all is None


def test_what_was_held_at_the_beginning_is_no_profit_when_it_is_sold() -> None:
    summary = Summary.empty(BEGAN_S, 1000.0, {"BTC/USDT": (2.0, 100.0)})

    taken, _ = fold(summary, raw((5, 0, -2, 110, 0)), until_s=BEGAN_S + HOUR_S)

    figures = figures_of(taken, now_s=BEGAN_S + HOUR_S)
    assert (figures.own_stake, figures.closed, figures.expectancy) == (1020, 1, 20)


def test_a_fill_from_the_future_waits_until_its_time_has_come() -> None:
    rows = raw((1, 0, 1, 100, 0), (9000, 0, -1, 200, 0))

    assert (told(rows).closed, told(rows, 9000).closed) == (0, 1)


def test_broken_rows_count_as_nothing() -> None:
    rows = raw(
        *((1, 0, 1, 100, 0), (2, 0, math.nan, 100, 0), (2, 0, 1, math.inf, 0), (2, 0, 1, -5, 0)),
        marks={0: [(2, math.nan), (3, -1), (4, 0), (5, 120)]},
        flows=flow(3, math.nan),
        costs=Costs(np.array([BEGAN_S + 5]), np.array([math.inf]), np.array([0])),
    )

    assert told(rows).own_stake == 1020


def test_a_summary_is_small_and_survives_being_stored() -> None:
    many = [(minute, minute % 2, 1 if minute % 4 < 2 else -1, 100 + minute % 7, 0.1) for minute in range(1, 4001)]
    summary, _ = fold(Summary.empty(BEGAN_S, 1e6), raw(*many), until_s=BEGAN_S + 500 * DAY_S)
    stored = json.dumps(summary.to_json())

    assert len(stored) <= 64 * 1024
    assert Summary.from_json(json.loads(stored)) == summary
    with pytest.raises(ValueError, match="version 1 is expected, found 0"):
        Summary.from_json(json.loads(stored) | {"version": 0})


def test_folding_to_an_earlier_moment_changes_nothing() -> None:
    summary = Summary.empty(BEGAN_S, 1000.0)

    assert fold(summary, raw((1, 0, 1, 100, 0)), until_s=BEGAN_S - 5)[0] == summary


def test_windows_begin_at_the_midnight_so_many_days_ago() -> None:
    days = [
        (day * 1440 - 60, 0, sign * 1.0, 100.0 + day * 10 * (sign < 0), 0) for day in range(1, 13) for sign in (1, -1)
    ]
    figures = told(raw(*days), 12.5 * 1440)

    assert figures.return_7 == pytest.approx(1780 / 1150 - 1)
    assert figures.return_30 is None


def test_points_roll_up_to_hours_with_their_extremes_and_flows() -> None:
    rows = raw((1, 0, 10, 100, 0), marks={0: [(2, 110), (30, 90), (60, 100), (61, 105)]}, flows=flow(31, 50))
    _, series = fold(Summary.empty(BEGAN_S, 1000.0), rows, until_s=BEGAN_S + 2 * HOUR_S)

    hours = rolled(series, HOUR_S)

    assert hours.at_s.tolist() == [BEGAN_S, BEGAN_S + HOUR_S]
    assert (hours.equity.tolist(), hours.flow.tolist()) == ([1050, 1100], [50, 0])
    assert (hours.index_low[0], hours.index_high[0]) == (pytest.approx(0.9), pytest.approx(1.1))


def test_what_may_still_come_late_is_not_settled() -> None:
    assert settled_s(BEGAN_S + 179) == BEGAN_S
    assert settled_s(BEGAN_S + 180) == BEGAN_S + MINUTE_S


def test_every_figure_has_its_meaning() -> None:
    assert set(told(raw()).to_json()) <= set(FIGURES)
    assert all(name == meaning.name and meaning.formula for name, meaning in FIGURES.items())
