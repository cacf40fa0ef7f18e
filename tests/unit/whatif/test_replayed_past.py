"""A past replayed for one follower: money, refusals, limits and what cannot be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from copydesk.kernel import InvalidInput
from copydesk.replication.model import Limits, SignalFact
from copydesk.risk.grammar import parse
from copydesk.risk.limits import LimitSet, effective
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.replay import Deed
from copydesk.trading import Denial, Instrument, SizePolicy, SizingMode
from copydesk.whatif import CopyTerms, Fees, MarkLine, Past, Result, fees_at, plain, replay

D = Decimal
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=3)
SPOT = Instrument("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5))
PERP = replace(SPOT, symbol="BTC/USDT:USDT", settle="USDT", qty_step=D("0.001"), qty_min=D("0.001"), leverage_max=50)
FREE = CopyTerms(D(1_000), "USDT", ZoneInfo("UTC"), fees=Fees(D(0), D(0)))
LISTED = {"BTC/USDT": SPOT, "BTC/USDT:USDT": PERP}


def move(number: int, hours: float, before: str, after: str, px: str = "50000", **changed: Any) -> SignalFact:
    """The leader, worth 100,000, goes from one position to another."""
    fact = SignalFact(
        number, "BTC/USDT", D(px), D(before), D(after), D(100_000), SINCE + timedelta(hours=hours), leverage=10
    )
    return replace(fact, **changed)


def past_of(*signals: SignalFact, marks: Iterable[tuple[float, float]] = (), **changed: Any) -> Past:
    """A past of these signals; marks are (hours, price) of whatever was traded."""
    told = sorted(marks)
    line = MarkLine(
        np.array([int((SINCE + timedelta(hours=hours)).timestamp()) for hours, _ in told], dtype=np.int64),
        np.array([px for _, px in told], dtype=np.float64),
    )
    symbols = {signal.symbol for signal in signals}
    limits = dict.fromkeys(symbols, Limits(50, 20_000, leverage_max=10))
    return replace(Past(SINCE, UNTIL, signals, LISTED, limits, dict.fromkeys(symbols, line) if told else {}), **changed)


def limited(*lines: str) -> LimitSet:
    return effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines)


def reasons(result: Result) -> dict[Denial, int]:
    return {skipped.reason: skipped.orders for skipped in result.skipped}


def test_a_gain_is_the_leaders_in_proportion_and_the_share_is_taken_of_it() -> None:
    past = past_of(move(1, 1, "0", "1"), move(2, 30, "1", "0", px="55000"))
    result = replay(past, replace(FREE, profit_share=D("0.1")))
    assert (result.end, result.share, result.kept) == (D(1_050), D(5), D(1_045))
    assert (result.opens, result.copied, result.closes, result.copied_ratio) == (1, 1, 1, 1)
    assert result.return_ratio == D("0.045")
    assert result.held == ()


def test_no_share_is_taken_of_a_loss() -> None:
    past = past_of(move(1, 1, "0", "1"), move(2, 30, "1", "0", px="45000"))
    result = replay(past, replace(FREE, profit_share=D("0.1")))
    assert (result.end, result.share, result.gain) == (D(950), D(0), D(-50))


def test_fees_and_slippage_are_told_and_taken_off() -> None:
    past = past_of(move(1, 1, "0", "1"), move(2, 30, "1", "0"))
    terms = replace(FREE, fees=Fees(D("0.001"), D(0)), slippage_bps=D(10))
    result = replay(past, terms)
    bought, sold = D("0.01") * D(50_050), D("0.00999") * D(49_950)
    assert result.fees == bought / 1000 + sold / 1000
    assert result.slippage == D("0.01") * 50 + D("0.00999") * 50
    assert result.end == 1_000 - bought + sold - sold / 1000


def test_an_open_never_pays_more_than_its_limit() -> None:
    result = replay(past_of(move(1, 1, "0", "1")), replace(FREE, slippage_bps=D(80)))
    assert result.copies[0].px == D(50_250)


def test_an_order_that_is_too_small_is_skipped_by_its_name_and_the_amount_that_is_enough_is_told() -> None:
    past = past_of(move(1, 1, "0", "0.02"), move(2, 2, "0.02", "0"))
    result = replay(past, replace(FREE, allocation=D(100)))
    assert reasons(result) == {Denial.BELOW_NOTIONAL_MIN: 1}
    assert result.copied_ratio == 0
    assert result.enough is not None
    assert reasons(replay(past, replace(FREE, allocation=result.enough))) == {}
    assert reasons(replay(past, replace(FREE, allocation=result.enough * D("0.9")))) != {}
    assert [share.ratio for share in result.amounts] == [0, 0, 0, 0]
    assert reasons(replay(past, replace(FREE, allocation=D(100), size_policy=SizePolicy.ACCUMULATE))) == {
        Denial.CARRIED: 1
    }


def test_what_the_brand_does_not_offer_is_skipped_and_no_amount_is_enough() -> None:
    past = past_of(move(1, 1, "0", "1"))
    past = replace(past, limits={"BTC/USDT": Limits(50, 20_000, market_allowed=False)})
    result = replay(past, FREE)
    assert reasons(result) == {Denial.MARKET_NOT_ALLOWED: 1}
    assert result.enough is None


def test_a_delisted_instrument_opens_nothing_and_harms_nothing() -> None:
    result = replay(past_of(move(1, 1, "0", "1"), move(2, 2, "1", "0"), instruments={}), FREE)
    assert reasons(result) == {Denial.INSTRUMENT_UNMAPPED: 1}
    assert result.end == 1_000


def test_what_was_lost_cannot_be_spent_again() -> None:
    """The allocation would allow as much as before; the account does not hold it any more."""
    past = past_of(
        move(1, 1, "0", "1.9", px="50000"), move(2, 2, "1.9", "0", px="25000"), move(3, 3, "0", "3.8", px="25000")
    )
    result = replay(past, FREE)
    last = result.copies[-1]
    assert last.denial is None
    assert last.qty * D(25_000) < D(525)
    broke = replay(past_of(*past.signals[:2], move(3, 3, "0", "3.8", px="25000")), replace(FREE, allocation=D("10.6")))
    assert reasons(broke) == {Denial.INSUFFICIENT_BALANCE: 1}


def test_equity_follows_the_marks_between_trades() -> None:
    past = past_of(move(1, 1, "0", "1"), marks=[(10, 60_000), (20, 40_000), (40, 50_000)])
    result = replay(past, FREE)
    worths = [point.equity for point in result.line]
    assert (max(worths), min(worths), result.end) == (D(1_100), D(900), D(1_000))
    assert result.fall_ratio_max == pytest.approx(D(200) / 1_100)
    assert result.worst_day is not None
    assert (result.worst_day.day, result.worst_day.change) == (date(2026, 3, 1), D(-100))
    assert result.held == ("BTC/USDT",)
    assert result.line[0].at == SINCE
    assert result.line[-1] == (UNTIL, D(1_000))


def test_a_limit_warns_blocks_and_closes_on_the_way_down() -> None:
    lines = (
        "drawdown > 2 % of equity -> warn",
        "drawdown > 5 % of equity -> block_opens",
        "drawdown > 8 % of equity -> close",
    )
    past = past_of(
        move(1, 1, "0", "1"),
        move(2, 12, "1", "1.5", px="47000"),
        move(3, 40, "1.5", "2", px="60000"),
        marks=[(10, 47_900), (11, 44_000), (13, 41_000), (30, 60_000)],
    )
    result = replay(past, replace(FREE, limits=limited(*lines)))
    assert [(act.deed, act.at) for act in result.acts] == [
        (Deed.WARNED, SINCE + timedelta(hours=10)),
        (Deed.BLOCKED, SINCE + timedelta(hours=11)),
        (Deed.FIRED, SINCE + timedelta(hours=13)),
    ]
    assert reasons(result) == {Denial.RISK_DRAWDOWN_MAX: 2}
    assert result.held == ()
    assert result.end == 1_000 + D("0.01") * (D(41_000) * D("0.995") - 50_000)


def test_a_loss_within_a_day_is_counted_anew_each_day() -> None:
    past = past_of(move(1, 1, "0", "1"), marks=[(20, 48_000), (44, 46_000), (68, 44_000)])
    daily = replay(past, replace(FREE, limits=limited("loss > 3 % of equity per day -> block_opens")))
    assert daily.acts == ()
    assert len(replay(past, replace(FREE, limits=limited("loss > 3 % of equity per week -> block_opens"))).acts) == 1


def test_limits_on_orders_cut_and_deny_as_for_real() -> None:
    past = past_of(move(1, 1, "0", "1"), move(2, 2, "1", "1.5"))
    result = replay(past, replace(FREE, limits=limited("position > 30 % of equity -> shrink")))
    assert result.copies[0].qty * D(50_250) <= D(300)
    assert reasons(result) == {Denial.RISK_POSITION_MAX: 1}


def test_limits_that_a_past_does_not_tell_of_are_named_and_passed_over() -> None:
    result = replay(past_of(move(1, 1, "0", "1")), replace(FREE, limits=limited("depth_share > 1 % -> shrink")))
    assert result.copied == 1
    assert len(result.unjudged) == 1


def test_a_short_earns_when_the_price_falls_and_is_turned_round_in_two_orders() -> None:
    short = [
        move(1, 1, "0", "-1", symbol="BTC/USDT:USDT"),
        move(2, 5, "-1", "1", px="40000", symbol="BTC/USDT:USDT"),
        move(3, 9, "1", "0", px="41000", symbol="BTC/USDT:USDT"),
    ]
    result = replay(past_of(*short), FREE)
    assert [copied.leg for copied in result.copies] == ["open", "close", "open", "close"]
    assert result.end == 1_000 + D("0.01") * 10_000 + D("0.01") * 1_000


def test_an_account_that_is_wiped_out_stays_at_zero_and_opens_nothing() -> None:
    told = [
        move(1, 1, "0", "-2", symbol="BTC/USDT:USDT"),
        move(2, 30, "-2", "-3", px="60000", symbol="BTC/USDT:USDT"),
        move(3, 31, "-3", "0", px="60000", symbol="BTC/USDT:USDT"),
    ]
    result = replay(past_of(*told, marks=[(10, 110_000), (20, 60_000)]), FREE)
    assert result.end == 0
    assert result.fall_ratio_max == 1
    assert min(point.equity for point in result.line) == 0
    assert reasons(result) == {Denial.SUBSCRIPTION_LIQUIDATED: 1}


def test_nothing_traded_is_the_amount_all_along() -> None:
    result = replay(past_of(), FREE)
    assert (result.end, result.opens, result.copied_ratio, result.worst_day) == (D(1_000), 0, None, None)
    assert {point.equity for point in result.line} == {D(1_000)}


def test_prices_and_clocks_that_cannot_be_break_nothing() -> None:
    odd = [
        move(1, 5, "0", "1"),
        move(2, 2, "1", "2", px="0"),
        move(3, 1, "2", "3", leader_equity=D(0)),
        move(4, 6, "3", "0"),
    ]
    marks = [(7, float("nan")), (8, -1.0), (9, float("inf"))]
    result = replay(past_of(*odd, marks=marks), FREE)
    assert result.end == 1_000
    assert all(point.equity.is_finite() for point in result.line)


def test_twice_the_money_brings_twice_the_result() -> None:
    signals = [move(n, n, str(n - 1), str(n), px=str(50_000 + 137 * n)) for n in range(1, 9)]
    past = past_of(
        *signals,
        marks=[(20, 51_000), (30, 47_000)],
        instruments={"BTC/USDT": replace(SPOT, qty_step=D("1E-12"), qty_min=D("1E-12"))},
    )
    once, twice = replay(past, FREE), replay(past, replace(FREE, allocation=D(2_000)))
    assert twice.gain == pytest.approx(2 * once.gain, abs=D("1E-6"))
    assert twice.fall_ratio_max == pytest.approx(once.fall_ratio_max, abs=D("1E-9"))


def test_terms_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InvalidInput, match="amount: expected above zero"):
        replace(FREE, allocation=D(0))
    with pytest.raises(InvalidInput, match="value: expected a number above zero, found none"):
        replace(FREE, sizing_mode=SizingMode.FIXED_NOTIONAL)


def test_a_result_in_plain_values_has_no_number_that_json_lacks() -> None:
    told = plain(replay(past_of(move(1, 1, "0", "1"), move(2, 2, "1", "0", px="49000")), FREE))
    assert told["end"] == "990"
    assert told["return_ratio"] == "-0.01"
    assert told["worst_day"] == {"day": "2026-03-01", "change": "-10"}


def test_an_exchange_that_is_not_known_is_as_dear_as_the_dearest() -> None:
    assert fees_at("binance").perpetual < fees_at("nowhere").perpetual
