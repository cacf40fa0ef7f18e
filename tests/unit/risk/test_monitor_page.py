"""What the page on the monitor tells of prices, equities and stops comes out of the monitor."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from copydesk.kernel import Setting
from copydesk.risk.equity_rules import equity_bounds
from copydesk.risk.grammar import parse
from copydesk.risk.limits import effective
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.monitor import Holding, Monitor, Verdict
from copydesk.risk.settings import trust_terms
from copydesk.risk.trust import Doubt, Tick
from test_risk_monitor import BTC, ONE, START
from test_risk_page import PAGE, ROWS

D = Decimal
# Milliseconds after both told 100 (or another price), source, price.
Told = tuple[int, str, str]


def default_of(setting: Setting) -> int:
    assert isinstance(setting.default, int)
    return setting.default


def judged(*told: Told, until_ms: int, before: str = "100") -> Verdict:
    """Have 1000 and 5 coins bought at 130, with 1000 as the highest equity; take prices in, and judge."""
    monitor = Monitor(trust_terms(default_of))
    line = parse("drawdown > 20 % of equity -> close_and_disarm")
    bounds = equity_bounds(effective([Scoped(Scope.SUBSCRIPTION, line)]), Subject.SUBSCRIPTION, currency="USDT")
    monitor.see(ONE, Holding(D(1000), D(350), D(0), {BTC: D(5)}, bounds), now=START)
    start_ms = int(START.timestamp() * 1000)
    for after_ms, source, px in ((0, "stream", before), (0, "rest", before), *told):
        at_ms = start_ms + after_ms
        monitor.note(BTC, Tick(source, D(px), at_ms, at_ms))
        monitor.sweep(START + timedelta(milliseconds=after_ms))
    return monitor.judge(ONE, START + timedelta(milliseconds=until_ms))


@pytest.mark.parametrize(
    ("stream", "rest", "equity", "fires"),
    [
        ("90", "90", "800", False),
        ("89.9", "90.4", "799.50 to 802", False),
        ("89.9", "89.7", "798.50 to 799.50", True),
    ],
)
def test_where_two_sources_agree_the_kinder_price_decides(stream: str, rest: str, equity: str, fires: bool) -> None:
    verdict = judged((10, "stream", stream), (20, "rest", rest), until_ms=30)
    low, _, high = equity.partition(" to ")
    assert (verdict.equity.low, verdict.equity.high) == (D(low), D(high or low))
    assert bool(verdict.broken) is fires
    assert any(row.startswith(f"| {stream} | {rest} | {equity} | ") and ("| fires |" in row) is fires for row in ROWS)


def test_what_is_left_is_told_of_the_equity() -> None:
    # A limit that is broken is judged; what it takes to get there is 850 less 800 of 850.
    assert D(350) + 5 * D(100) == 850
    assert (D(50) / 850 * 100).quantize(D("0.01")) == D("5.88")
    assert "nothing; 50 are left, 5.88 %" in PAGE


@pytest.mark.parametrize(
    ("told", "until_ms", "doubt"),
    [
        (((10, "stream", "40"), (20, "rest", "100.1")), 30, Doubt.UNCONFIRMED),
        (tuple((10, "stream", "89") if n == 0 else (n * 200, "stream", "40") for n in range(30)), 5_900, Doubt.JUMPED),
    ],
)
def test_an_absurd_price_fires_nothing(told: tuple[Told, ...], until_ms: int, doubt: Doubt) -> None:
    verdict = judged(*told, until_ms=until_ms)
    assert (verdict.broken, dict(verdict.doubts)) == ((), {BTC: doubt})


def test_a_feed_that_stands_still_fires_nothing() -> None:
    monitor = Monitor(trust_terms(default_of))
    line = parse("drawdown > 20 % of equity -> close_and_disarm")
    bounds = equity_bounds(effective([Scoped(Scope.SUBSCRIPTION, line)]), Subject.SUBSCRIPTION, currency="USDT")
    monitor.see(ONE, Holding(D(1000), D(350), D(0), {BTC: D(5)}, bounds), now=START)
    start_ms = int(START.timestamp() * 1000)
    for after_ms in range(0, 6_000, 100):
        monitor.note(BTC, Tick("stream", D(89), start_ms, start_ms + after_ms))
        verdict = monitor.judge(ONE, START + timedelta(milliseconds=after_ms))
        assert verdict.broken == ()
    assert dict(verdict.doubts) == {BTC: Doubt.FROZEN}


def test_a_price_that_stood_fires_alone() -> None:
    falls = tuple((5_000 + 233 * number, "stream", px) for number, px in enumerate(("88", "87.9", "88", "88.1")))
    verdict = judged(*falls, until_ms=5_710, before="90")
    assert (verdict.equity.low, verdict.equity.high) == (D("789.50"), D("790.50"))
    assert [one.level.at for one in verdict.broken] == [800]
    assert "| 789.50 to 790.50 | fires: it stood, and jumped less than 5 % |" in PAGE
