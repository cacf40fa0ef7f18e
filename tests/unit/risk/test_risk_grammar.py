"""A line of text is one limit, and a wrong line is refused with place, expectation and finding."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.kernel import InvalidInput
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.model import Action, Basis, Limit, Measure, Threshold, Unit, Window

D = Decimal
LINES = (
    "loss > 5 % of equity per day -> block_opens",
    "drawdown > 20 % of equity -> close_and_disarm",
    "profit > 50 % of equity -> close",
    "loss > 500 USDT of realised per week -> warn",
    "order > 1000 USDT -> shrink",
    "allocation > 30 % of balance -> block_opens",
    "allocation_total > 90 % of balance -> block_opens",
    "position > 2500.5 USDT -> shrink",
    "instrument > 50 % of equity -> shrink",
    "exposure > 300 % of equity -> shrink",
    "positions > 10 -> block_opens",
    "leverage > 5 -> shrink",
    "orders > 30 per minute -> block_opens",
    "depth_share > 2 % -> shrink",
    "volume < 1000000 USDT per day -> block_opens",
    "overlap > 50 % of equity -> block_opens",
    "correlation > 80 % -> warn",
    "margin_distance < 10 % -> warn",
    "instruments in BTC/USDT, ETH/USDT:USDT -> block_opens",
)


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_read_and_written_as_it_was(line: str) -> None:
    assert text_of(parse(line)) == line


def test_every_measure_has_a_line_here() -> None:
    assert {parse(line).measure for line in LINES} == set(Measure)


def test_a_line_says_measure_threshold_basis_window_and_action() -> None:
    percent = Threshold(D(5), Unit.PERCENT)
    said = Limit(Measure.LOSS, percent, Basis.EQUITY, Window.DAY, Action.BLOCK_OPENS)
    assert parse("loss > 5 % of equity per day -> block_opens") == said
    said = Limit(Measure.ORDER, Threshold(D(1000), Unit.MONEY, "USDT"), Basis.NOTIONAL, Window.ORDER, Action.SHRINK)
    assert parse("order > 1000 USDT -> shrink") == said


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("  loss>5%   of equity\tper day->warn ", "loss > 5 % of equity per day -> warn"),
        ("loss > 5.50 % of equity -> warn", "loss > 5.5 % of equity -> warn"),
        ("loss > 500USDT -> warn", "loss > 500 USDT of equity -> warn"),
        ("leverage > 5x -> shrink", "leverage > 5 -> shrink"),
        ("leverage > 5 × -> shrink", "leverage > 5 -> shrink"),
        ("instruments in ETH/USDT,BTC/USDT -> block_opens", "instruments in BTC/USDT, ETH/USDT -> block_opens"),
        ("order > 1000 USDT of notional -> shrink", "order > 1000 USDT -> shrink"),
    ],
)
def test_a_line_may_be_written_more_loosely(written: str, meant: str) -> None:
    assert text_of(parse(written)) == meant


@pytest.mark.parametrize(
    ("line", "code", "sentence"),
    [
        (
            "drawdwon > 20 % of equity -> close",
            "limit_measure",
            'expected a known measure (did you mean drawdown?), found "drawdwon".',
        ),
        ("loss < 5 % of equity -> warn", "limit_comparison", 'expected ">" after loss, found "<".'),
        ("volume > 5 USDT per day -> warn", "limit_comparison", 'expected "<" after volume, found ">".'),
        ("loss 5 % of equity -> warn", "limit_comparison", 'expected ">" after loss, found "5 % of equity".'),
        (
            "loss > 250 % of equity -> warn",
            "limit_out_of_bounds",
            "expected loss from 0.1 to 100 %, found 250 %.",
        ),
        ("profit > 0 % of equity -> close", "limit_out_of_bounds", "expected profit from 0.1 to 10000 %, found 0 %."),
        (
            "order > -5 USDT -> warn",
            "limit_out_of_bounds",
            "expected order from 1 to 1000000000000 USDT, found -5 USDT.",
        ),
        (
            "leverage > 2.5 -> shrink",
            "limit_out_of_bounds",
            "expected leverage a whole number from 1 to 125, found 2.5.",
        ),
        (
            "loss > 5 % of eqity -> warn",
            "limit_basis",
            'expected one of equity, balance, realised as basis for loss (did you mean equity?), found "eqity".',
        ),
        (
            "drawdown > 5 % -> warn",
            "limit_basis",
            'expected "of equity" or "of balance" after the percentage of drawdown, found no basis.',
        ),
        (
            "loss > 5 % of equity per days -> warn",
            "limit_window",
            'expected one of day, week, month as window for loss (did you mean day?), found "days".',
        ),
        ("order > 5 USDT per day -> warn", "limit_window", 'expected no window for order, found "per day".'),
        ("orders > 5 -> warn", "limit_window", 'expected "per minute" for orders, found no window.'),
        (
            "order > 5 USDT -> close",
            "limit_action",
            'expected one of warn, block_opens, shrink as action for order, found "close".',
        ),
        ("positions > 5 % -> warn", "limit_unit", 'expected a number without unit for positions, found "5 %".'),
        (
            "order > 5 usdt -> warn",
            "limit_unit",
            'expected a percentage (5 %) or an amount with its currency (500 USDT) for order, found "5 usdt".',
        ),
        ("order > 1,000 USDT -> warn", "limit_malformed", 'expected a number after order >, found "1,000".'),
        ("order > 5 USDT", "limit_malformed", 'expected "-> <action>" at the end, found "order > 5 USDT".'),
        (
            "loss > 5 USDT per day of equity -> warn",
            "limit_malformed",
            'expected <threshold> [of <basis>] [per <window>] after loss >, found "5 USDT per day of equity".',
        ),
        (
            "instruments in BTCUSDT -> block_opens",
            "limit_instrument",
            'expected instruments such as BTC/USDT, separated by commas, found "BTCUSDT".',
        ),
    ],
)
def test_a_wrong_line_is_refused_with_place_expectation_and_finding(line: str, code: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse(line, where="tenants/aurora/tenant.yaml:7")
    assert str(refusal.value) == f"tenants/aurora/tenant.yaml:7: {sentence}"
    assert refusal.value.code == code


def test_an_unknown_instrument_is_refused_with_the_nearest_known_one() -> None:
    line = "instruments in BTC/USDT, DOGE/USTD -> block_opens"
    assert parse(line).threshold.names == {"BTC/USDT", "DOGE/USTD"}
    with pytest.raises(InvalidInput, match=r"\(did you mean DOGE/USDT\?\), found \"DOGE/USTD\""):
        parse(line, symbols=["BTC/USDT", "DOGE/USDT"])


def test_a_text_of_any_length_is_answered() -> None:
    for text in ("loss > " + "5" * 7000 + " -> warn", "a" * 9000, "instruments in " + "A/B," * 1000 + "A/B -> warn"):
        with pytest.raises(InvalidInput) as refusal:
            parse(text)
        assert len(str(refusal.value)) < 300


def test_a_list_has_a_longest_length() -> None:
    names = ", ".join(f"A{place}/USDT" for place in range(201))
    with pytest.raises(InvalidInput, match="expected at most 200 instruments, found 201"):
        parse(f"instruments in {names} -> block_opens")
