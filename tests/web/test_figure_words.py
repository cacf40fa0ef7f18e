"""Every figure, remark, part and gate has words; no figure is ever shown that is no number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import flask_babel
import pytest
from copydesk.analytics import FIGURES, Style, Unit, Update
from copydesk.analytics.flags import Flag
from copydesk.analytics.score import Gate, Gates, Part
from copydesk.performance.page import EquityCurve, FollowerTruth
from copydesk.web import figure_tips, figure_words, flag_words, score_words
from copydesk.web.public.asked import Asked, asked_of
from copydesk.web.public.figures import histogram_of, sections
from copydesk.web.public.lines import HEIGHT, WIDTH, lines_of
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
NBSP = "\u00a0"
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def curve(*index: str, step: timedelta = timedelta(days=1)) -> EquityCurve:
    values = tuple(D(value) for value in index)
    at = tuple(BEGUN + step * number for number in range(len(values)))
    return EquityCurve(at, values, values, tuple(D(0) for _ in values))


def test_every_figure_has_words_and_stands_in_one_group(app: Flask) -> None:
    assert set(figure_tips.WORDS) == set(FIGURES)
    assert set(figure_tips.UPDATES) == set(Update)
    with app.test_request_context():
        placed = [key for _, _, keys in sections() for key in keys]
    assert sorted(placed) == sorted(FIGURES)


def test_every_remark_part_gate_and_style_has_words() -> None:
    assert set(flag_words.LABELS) == set(flag_words.SENTENCES) == set(flag_words.RULES) == set(Flag)
    assert set(score_words.PART_NAMES) == set(score_words.PART_SENTENCES) == set(Part)
    assert set(score_words.GATE_SENTENCES) == set(score_words.GATE_RULES) == set(Gate)
    assert set(figure_words.STYLES) == set(Style)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), -float("inf"), 1e300, True, "12", D("NaN")])
def test_what_is_no_number_is_a_dash_that_says_why(app: Flask, value: object) -> None:
    with app.test_request_context():
        for key in FIGURES:
            one = figure_words.shown(key, value, "USDT")
            assert (one.text, one.tone) == ("", "")
            assert one.why


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_any_float_becomes_a_finite_number_or_nothing(value: float) -> None:
    number = figure_words.told(value)
    assert number is None or number.is_finite()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("return_30", 0.1268, f"+12.7{NBSP}%"),
        ("drawdown_max", 0.0815, f"−8.2{NBSP}%"),
        ("volatility", 0.45, f"45.0{NBSP}%"),
        ("win_ratio", 0.625, f"62.5{NBSP}%"),
        ("loss_mean", -86.2, f"−86.20{NBSP}USDT"),
        ("own_stake", 12412, f"12,412.00{NBSP}USDT"),
        ("sortino", 1.8449, "1.84"),
        ("leverage_max", 2.5, "2.50×"),
        ("held_s_mean", 14_400, "4 hours"),
        ("days", 6.25, "6.2"),
        ("days", 94.7, "95"),
        ("closed", 41, "41"),
        ("slippage_bps", 0.61, f"+0.6{NBSP}bps"),
        ("latency_ms", 84.4, f"84{NBSP}ms"),
    ],
)
def test_a_figure_is_written_in_its_unit(app: Flask, key: str, value: float, expected: str) -> None:
    with app.test_request_context(), flask_babel.force_locale("en"):
        assert figure_words.shown(key, value, "USDT").text == expected


def test_every_unit_can_be_written(app: Flask) -> None:
    assert {meaning.unit for meaning in FIGURES.values()} == set(Unit)
    with app.test_request_context():
        assert all(figure_words.shown(key, 0.0, "USDT").text for key in FIGURES)


def test_a_remark_is_told_with_the_figures_that_showed_it(app: Flask) -> None:
    with app.test_request_context(), flask_babel.force_locale("en"):
        said = flag_words.flag_sentence(Flag.MARTINGALE, {"share": 0.31, "size_up": 2.4})
        assert f"In 31{NBSP}% of closed positions" in said
        assert "by up to 2.4× the first order" in said
        assert flag_words.flag_sentence(Flag.MARTINGALE, {}) == "adds to losing positions"
        assert "–" in flag_words.flag_sentence(Flag.SIZE_OUTLIER, {"times": float("nan")})


def test_a_part_names_both_ends_of_its_line_and_a_gate_its_bound(app: Flask) -> None:
    with app.test_request_context(), flask_babel.force_locale("en"):
        said = score_words.part_sentence(Part.FOLLOWERS, "USDT")
        assert f"−10{NBSP}% or less gives 0 points, +20{NBSP}% or more 100" in said
        assert f"10,000.00{NBSP}USDT" in score_words.part_sentence(Part.OWN_STAKE, "USDT")
        told = [score_words.gate_sentence(gate, Gates()) for gate in Gate]
    assert told[0] == "The record is shorter than 30 days."
    assert told[2] == f"It once fell more than 50{NBSP}% from its peak."


def test_what_nobody_could_have_chosen_is_not_asked_for() -> None:
    args = {"market": "moon", "exchange": "bybit", "risk": "6", "drawdown": "x", "amount": "-5", "sort": "luck"}
    assert asked_of(args, ("binance",)) == Asked()
    assert asked_of({"amount": "1e400"}, ()) == asked_of({"amount": "NaN"}, ()) == Asked()


@pytest.mark.parametrize(
    ("typed", "read"), [("500,50", "500.5"), ("1,000", "1000"), (" 12.5 ", "12.5"), ("1.000,5", "")]
)
def test_an_amount_is_read_as_people_write_it(typed: str, read: str) -> None:
    assert asked_of({"amount": typed}, ()).amount == read


def test_an_address_keeps_what_was_chosen_and_takes_one_choice_back(app: Flask) -> None:
    asked = asked_of({"market": "spot", "risk": "5", "amount": "0500.0", "sort": "return", "period": "30"}, ())
    assert asked.address() == "/strategies?market=spot&risk=5&amount=500&sort=return&period=30"
    with app.test_request_context(), flask_babel.force_locale("en"):
        assert asked.chosen("USDT") == [
            ("Spot", "/strategies?risk=5&amount=500&sort=return&period=30"),
            ("risk at most 5", "/strategies?market=spot&amount=500&sort=return&period=30"),
            (f"possible with 500.00{NBSP}USDT", "/strategies?market=spot&risk=5&sort=return&period=30"),
        ]
    assert (asked.order, asked.filters.risk_max, asked.filters.allocation_max) == ("return_30", 5, D(500))


def test_lines_begin_at_100_and_share_one_ground() -> None:
    drawn = lines_of([("up", curve("2", "3")), ("down", curve("4", "3", "2")), ("none", curve("1"))])
    assert drawn
    assert [line.end for line in drawn.lines] == [D("0.5"), D("-0.5"), None]
    assert [line.number for line in drawn.lines] == [1, 2, 3]
    assert drawn.lines[2].points == ""
    first = [line.points.split()[0] for line in drawn.lines[:2]]
    assert first == [f"0.0,{drawn.ground:.1f}"] * 2
    corners = [float(part) for line in drawn.lines[:2] for corner in line.points.split() for part in corner.split(",")]
    assert all(0 <= part <= max(WIDTH, HEIGHT) for part in corners)
    assert drawn.ticks[0] > 150 > 50 > drawn.ticks[-1]


def test_nothing_is_drawn_of_records_without_two_points_or_without_money() -> None:
    assert lines_of([]) is None
    assert lines_of([("one", curve("1")), ("zero", curve("0", "0"))]) is None


def test_a_histogram_is_as_high_as_its_fullest_bar(app: Flask) -> None:
    bars = ((-1.0, -0.1, 1), (-0.1, 0.0, 4), (0.0, 1.0, 2))
    with app.test_request_context():
        drawn = histogram_of(FollowerTruth(9, 7, -0.1, 0.0, 0.1, 0.3, None, bars))
        assert histogram_of(FollowerTruth(0, 0, None, None, None, None, None, ())) is None
    assert drawn
    assert [(round(bar.height), bar.loss) for bar in drawn.bars] == [(25, True), (100, True), (50, False)]
