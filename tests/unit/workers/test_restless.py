"""Which instruments are not opened for now, as the feed sees them."""

from __future__ import annotations

from decimal import Decimal

from copydesk.marks import Unrest
from copydesk.venues import Price
from copydesk.workers.restless import Restless

NOW = 1_790_000_000_000
SPOT, PERPETUAL = "BTC/USDT", "BTC/USDT:USDT"


class Clock:
    def __init__(self) -> None:
        self.now_ms = NOW

    def __call__(self) -> int:
        return self.now_ms


def restless(clock: Clock) -> Restless:
    return Restless(limit_ratio=Decimal("0.05"), window_ms=60_000, now_ms=clock)


def px(symbol: str, value: str, at_ms: int, mark: str | None = None) -> Price:
    return Price(symbol, Decimal(value), at_ms, None if mark is None else Decimal(mark), at_ms)


def test_an_instrument_that_runs_is_named_with_its_numbers_until_it_has_been_calm() -> None:
    clock = Clock()
    seen = restless(clock)
    seen.see([px(SPOT, "100", NOW), px("ETH/USDT", "50", NOW)])
    clock.now_ms += 10_000
    seen.see([px(SPOT, "110", clock.now_ms)])
    assert seen.now([SPOT, "ETH/USDT"]) == {SPOT: Unrest(Decimal("0.1"), Decimal("0.05"), NOW + 130_000)}
    clock.now_ms = NOW + 130_000
    assert seen.now([SPOT]) == {}


def test_a_perpetual_is_judged_by_its_mark() -> None:
    clock = Clock()
    seen = restless(clock)
    seen.see([px(PERPETUAL, "100", NOW, mark="100")])
    seen.see([px(PERPETUAL, "120", NOW + 1, mark="101")])
    assert seen.now([PERPETUAL]) == {}


def test_a_price_that_is_dated_ahead_counts_as_told_now() -> None:
    clock = Clock()
    seen = restless(clock)
    seen.see([px(SPOT, "100", NOW + 10**9)])
    clock.now_ms += 1_000
    seen.see([px(SPOT, "110", clock.now_ms)])
    assert seen.now([SPOT]).keys() == {SPOT}
