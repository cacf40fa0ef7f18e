"""How near positions are to being liquidated, at every price that can be trusted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from copydesk.risk.equity_rules import equity_bounds
from copydesk.risk.grammar import parse
from copydesk.risk.limits import effective
from copydesk.risk.margins import Liquidation, MarginScreen, Trigger
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.monitor import Holding, Key, Listing, Monitor
from copydesk.risk.stops import StopEvent
from copydesk.risk.trust import Doubt, Tick, TrustTerms

D = Decimal
BTC = Listing("binance-lab", "BTC/USDT:USDT")
ACCOUNT = Key(1, 5, account=True)
TERMS = TrustTerms(age_ms_max=5_000, tolerance=D("0.01"), confirm_ms=500, confirm_ticks=3, jump=D("0.05"))
LONG, SHORT = Liquidation(D(90), short=False), Liquidation(D(110), short=True)


class Desk:
    """A monitor that watches one account with one position, and two sources of its price."""

    def __init__(self, *lines: str, qty: str = "1", liquidation: Liquidation = LONG) -> None:
        self.monitor = Monitor(TERMS)
        self.now = datetime(2026, 3, 2, 10, tzinfo=UTC)
        limits = effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines)
        bounds = equity_bounds(limits, Subject.ACCOUNT, currency="USDT")
        base = D(1_000) - D(qty) * 100
        held = {BTC: D(qty)}
        self.holding = Holding(D(1_000), base, D(0), held, bounds, liquidations={BTC: (liquidation,)})
        self.monitor.see(ACCOUNT, self.holding, now=self.now)

    def told(self, px: str, *sources: str) -> bool:
        """Let sources tell a price, both where none is named; say whether the account is to be judged for it."""
        self.now += timedelta(milliseconds=10)
        at_ms = int(self.now.timestamp() * 1000)
        named = [self.monitor.note(BTC, Tick(one, D(px), at_ms, at_ms)) for one in sources or ("stream", "rest")]
        return any(ACCOUNT in keys for keys in named)

    def broken(self) -> list[str]:
        verdict = self.monitor.judge(ACCOUNT, self.now)
        assert not verdict.doubts
        return [str(one.scoped.limit.action) for one in verdict.broken]


@pytest.mark.parametrize(
    ("liquidation", "mark", "distance"),
    [(LONG, "100", "0.1"), (LONG, "90", "0"), (LONG, "80", "-0.125"), (SHORT, "100", "0.1"), (SHORT, "125", "-0.12")],
)
def test_the_distance_is_what_the_mark_may_still_move_against_the_position(
    liquidation: Liquidation, mark: str, distance: str
) -> None:
    assert liquidation.distance(D(mark)) == D(distance)


@pytest.mark.parametrize(
    ("qty", "liquidation", "calm", "near"), [("1", LONG, "94.8", "94.7"), ("-1", SHORT, "104.7", "104.8")]
)
def test_an_account_is_told_of_once_the_price_is_nearer_than_its_limit(
    qty: str, liquidation: Liquidation, calm: str, near: str
) -> None:
    desk = Desk("margin_distance < 5 % -> block_opens", qty=qty, liquidation=liquidation)
    assert not desk.told("100")
    assert not desk.told(calm)
    assert desk.broken() == []
    assert desk.told(near)
    assert desk.broken() == ["block_opens"]


def test_a_sweep_finds_who_is_near_as_well() -> None:
    desk = Desk("margin_distance < 5 % -> close")
    desk.told("94")
    assert desk.monitor.sweep(desk.now) == [ACCOUNT]


def test_one_price_that_only_one_source_tells_fires_nothing() -> None:
    desk = Desk("margin_distance < 5 % -> close")
    desk.told("100")
    assert desk.told("91", "stream")
    verdict = desk.monitor.judge(ACCOUNT, desk.now)
    assert (verdict.broken, dict(verdict.doubts)) == ((), {BTC: Doubt.UNCONFIRMED})


def test_prices_between_two_sources_count_for_the_position() -> None:
    """Of 94.6 and 95.2 a long stands at 95.2: 5.46 % away."""
    desk = Desk("margin_distance < 5 % -> close")
    desk.told("95.2", "stream")
    desk.told("94.6", "rest")
    assert desk.broken() == []


def test_a_warning_is_told_once_and_the_close_behind_it_still_fires() -> None:
    desk = Desk("margin_distance < 8 % -> warn", "margin_distance < 3 % -> close")
    desk.told("96")
    assert desk.broken() == ["warn"]
    desk.monitor.advance(ACCOUNT, StopEvent.WARN)
    assert not desk.told("95.5")
    assert desk.told("92.5")
    assert desk.broken() == ["close"]
    desk.monitor.advance(ACCOUNT, StopEvent.FIRE)
    assert not desk.told("92.4")


def test_who_is_forgotten_or_has_nothing_left_is_not_suspected() -> None:
    desk = Desk("margin_distance < 5 % -> close")
    desk.told("100")
    flat = Holding(D(1_000), D(1_000), D(0), {}, desk.holding.bounds)
    desk.monitor.see(ACCOUNT, flat, now=desk.now)
    assert not desk.told("91")
    desk.monitor.see(ACCOUNT, desk.holding, now=desk.now)
    desk.monitor.forget(ACCOUNT)
    assert not desk.told("90.5")


def test_a_price_looks_only_at_those_beyond_their_marks() -> None:
    screen = MarginScreen()
    screen.draw(1, [Trigger(0, 95.0, short=False)])
    screen.draw(2, [Trigger(0, 90.0, short=False), Trigger(1, 50.0, short=True)])
    screen.draw(3, [Trigger(0, 105.0, short=True)])
    assert screen.suspects(0, 100.0) == []
    assert screen.suspects(0, 94.0) == [1]
    assert sorted(screen.suspects(0, 89.0)) == [1, 2]
    assert screen.suspects(0, 106.0) == [3]
    assert screen.sweep([100.0, 51.0]) == {2}
    screen.draw(2, [])
    assert screen.sweep([89.0, 51.0]) == {1}
    assert screen.suspects(0, float("nan")) == []
