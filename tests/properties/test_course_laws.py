"""A past that was made ready once answers everybody as if they had been the only one to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
from copydesk.replication.model import Limits, SignalFact
from copydesk.risk.grammar import parse
from copydesk.risk.limits import effective
from copydesk.risk.model import Scope, Scoped
from copydesk.trading import Instrument, SizePolicy
from copydesk.whatif import CopyTerms, Course, MarkLine, Past, follow, plain, replay
from hypothesis import given
from hypothesis import strategies as st

D = Decimal
ZONE = ZoneInfo("Europe/Berlin")
SINCE = datetime(2026, 3, 27, tzinfo=UTC)  # Clocks go forward within.
HOURS = 96
SYMBOLS = ("BTC/USDT", "BTC/USDT:USDT")
SPOT = Instrument("binance", "BTC/USDT", "BTCUSDT", "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), D(9000), D(5))
PERP = replace(SPOT, symbol="BTC/USDT:USDT", settle="USDT", qty_step=D("0.001"), qty_min=D("0.001"), leverage_max=50)
LINES = (
    "loss > 5 % of equity -> warn",
    "loss > 3 % of equity per day -> block_opens",
    "drawdown > 8 % of equity -> close",
    "profit > 10 % of equity -> close",
    "order > 150 USDT -> shrink",
)


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    """A few trades of a spot coin and of a perpetual, with prices between them that jump."""
    hours = sorted(draw(st.lists(st.integers(1, HOURS - 1), min_size=1, max_size=12)))
    prices = draw(st.lists(st.integers(30_000, 70_000), min_size=HOURS, max_size=HOURS))
    held, signals = dict.fromkeys(SYMBOLS, D(0)), []
    for number, hour in enumerate(hours, 1):
        symbol = draw(st.sampled_from(SYMBOLS))
        after = D(draw(st.integers(0 if symbol == SPOT.symbol else -20, 20))) / 10
        at = SINCE + timedelta(hours=hour)
        signals.append(SignalFact(number, symbol, D(prices[hour]), held[symbol], after, D(100_000), at, leverage=5))
        held[symbol] = after
    seconds = np.array([int(SINCE.timestamp()) + hour * 3_600 for hour in range(HOURS)], dtype=np.int64)
    line = MarkLine(seconds, np.array(prices, dtype=np.float64))
    limits = dict.fromkeys(SYMBOLS, Limits(50, 20_000, leverage_max=10))
    listed = {"BTC/USDT": SPOT, "BTC/USDT:USDT": PERP}
    return Past(SINCE, SINCE + timedelta(hours=HOURS), tuple(signals), listed, limits, dict.fromkeys(SYMBOLS, line))


@st.composite
def terms(draw: st.DrawFn) -> CopyTerms:
    """What somebody asks: an amount, what becomes of small orders, and some limits."""
    lines = draw(st.lists(st.sampled_from(LINES), unique=True))
    limits = effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines)
    amount, policy = D(draw(st.integers(50, 50_000))), draw(st.sampled_from(SizePolicy))
    return CopyTerms(amount, "USDT", ZONE, size_policy=policy, limits=limits)


@given(past=pasts(), asked=st.lists(terms(), min_size=2, max_size=4))
def test_an_answer_does_not_hang_on_who_asked_before(past: Past, asked: list[CopyTerms]) -> None:
    course = Course(past, ZONE)
    for one in (*asked, *reversed(asked)):
        assert plain(follow(course, one)) == plain(replay(past, one))
