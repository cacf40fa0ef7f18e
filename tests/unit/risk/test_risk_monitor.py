"""The monitor: who is past a limit at prices that can be trusted, once, and never because of one tick."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from copydesk.risk.equity_rules import equity_bounds
from copydesk.risk.grammar import parse
from copydesk.risk.limits import effective
from copydesk.risk.measures import Subject
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.monitor import Holding, Key, Listing, Monitor
from copydesk.risk.stops import StopEvent, StopState
from copydesk.risk.trust import Doubt, Tick, TrustTerms
from copydesk.risk.waters import Waters

D = Decimal
START = datetime(2026, 3, 2, 10, tzinfo=UTC)
BTC = Listing("binance-lab", "BTC/USDT:USDT")
ONE = Key(1, 7)
TERMS = TrustTerms(age_ms_max=5_000, tolerance=D("0.01"), confirm_ms=500, confirm_ticks=3, jump=D("0.05"))


class World:
    """A monitor with its clock, and two sources that tell of one instrument."""

    def __init__(self, *lines: str) -> None:
        self.monitor = Monitor(TERMS)
        self.now = START
        self.bounds = equity_bounds(
            effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines), Subject.SUBSCRIPTION, currency="USDT"
        )

    def hold(self, qty: str, px: str, *, allocation: str = "1000", key: Key = ONE) -> None:
        """Have bought a quantity at a price."""
        base = D(allocation) - D(qty) * D(px)
        holding = Holding(D(allocation), base, D(0), {BTC: D(qty)} if D(qty) else {}, self.bounds)
        self.monitor.see(key, holding, now=self.now)

    def pass_ms(self, ms: int) -> None:
        self.now += timedelta(milliseconds=ms)

    def tick(self, px: str, source: str = "stream") -> list[Key]:
        at_ms = int(self.now.timestamp() * 1000)
        return self.monitor.note(BTC, Tick(source, D(px), at_ms, at_ms))

    def told_by_both(self, px: str) -> list[Key]:
        """Let both sources tell a price, a moment later."""
        self.pass_ms(10)
        return [*self.tick(px), *self.tick(px, "rest")]

    def broken(self, key: Key = ONE) -> list[str]:
        verdict = self.monitor.judge(key, self.now)
        assert not verdict.doubts
        return [str(one.scoped.limit.action) for one in verdict.broken]


def test_a_fall_that_both_sources_tell_breaks_the_limit() -> None:
    world = World("loss > 20 % of equity -> close_and_disarm")
    world.hold("0.01", "50000")
    assert world.told_by_both("50000") == []
    world.monitor.sweep(world.now)
    assert world.broken() == []
    assert world.told_by_both("29000") == [ONE, ONE]
    assert world.broken() == ["close_and_disarm"]


def test_one_absurd_tick_leaves_the_price_in_doubt_and_breaks_nothing() -> None:
    world = World("loss > 20 % of equity -> close_and_disarm")
    world.hold("0.01", "50000")
    world.told_by_both("50000")
    world.monitor.sweep(world.now)
    world.pass_ms(10)
    assert world.tick("20000") == [ONE]
    verdict = world.monitor.judge(ONE, world.now)
    assert (verdict.broken, dict(verdict.doubts)) == ((), {BTC: Doubt.UNCONFIRMED})


def test_prices_that_froze_break_nothing() -> None:
    world = World("loss > 20 % of equity -> close_and_disarm")
    world.hold("0.01", "50000")
    world.told_by_both("29000")
    world.pass_ms(60_000)
    assert dict(world.monitor.judge(ONE, world.now).doubts) == {BTC: Doubt.STALE}


def test_a_stop_that_fired_is_not_suspected_again() -> None:
    world = World("loss > 20 % of equity -> close_and_disarm", "loss > 10 % of equity -> warn")
    world.hold("0.01", "50000")
    world.told_by_both("29000")
    assert world.monitor.advance(ONE, StopEvent.FIRE)
    assert world.told_by_both("28000") == []
    assert world.broken() == []
    assert not world.monitor.advance(ONE, StopEvent.FIRE)


def test_a_warning_comes_once_and_the_stop_after_it_still_fires() -> None:
    world = World("loss > 20 % of equity -> close_and_disarm", "loss > 10 % of equity -> warn")
    world.hold("0.01", "50000")
    world.told_by_both("38000")
    assert world.broken() == ["warn"]
    world.monitor.advance(ONE, StopEvent.WARN)
    assert world.told_by_both("37000") == []
    world.told_by_both("29000")
    assert world.broken() == ["close_and_disarm"]


def test_a_drawdown_is_counted_from_the_best_that_trusted_prices_made() -> None:
    world = World("drawdown > 10 % of equity -> close")
    world.hold("0.01", "50000")
    for px in ("50000", "60000"):
        world.told_by_both(px)
        world.monitor.sweep(world.now)
    assert world.monitor.waters_of(ONE).peak == D(1100)
    world.told_by_both("49500")
    assert world.broken() == []
    world.told_by_both("48000")
    assert world.broken() == ["close"]


def test_one_absurd_high_leaves_no_peak_behind() -> None:
    world = World("drawdown > 10 % of equity -> close")
    world.hold("0.01", "50000")
    world.told_by_both("50000")
    world.monitor.sweep(world.now)
    world.pass_ms(10)
    world.tick("90000")
    world.monitor.sweep(world.now)
    assert world.monitor.waters_of(ONE).peak == D(1000)


def test_a_price_from_before_a_position_was_opened_judges_it_never() -> None:
    """Both sources may still tell a price that the market has left: who has just bought dearer has lost nothing."""
    world = World("loss > 20 % of equity -> close_and_disarm", "profit > 20 % of equity -> close")
    world.hold("0.0001", "50000")
    world.told_by_both("50000")
    world.hold("0.02", "60000")
    world.monitor.sweep(world.now)
    assert dict(world.monitor.judge(ONE, world.now).doubts) == {BTC: Doubt.BEHIND}
    world.hold("0.02", "30000")
    world.monitor.sweep(world.now)
    assert world.monitor.waters_of(ONE).peak == D(1000)
    world.told_by_both("30000")
    assert world.broken() == []


def test_money_that_was_added_is_no_gain_and_taken_away_no_loss() -> None:
    world = World("drawdown > 10 % of equity -> close", "profit > 20 % of equity -> close")
    world.hold("0.01", "50000")
    world.told_by_both("50000")
    world.monitor.sweep(world.now)
    world.hold("0.01", "50000", allocation="2000")
    assert world.broken() == []
    world.hold("0.01", "50000", allocation="900")
    assert world.broken() == []
    assert world.monitor.waters_of(ONE).peak == D(900)


def test_a_day_begins_anew_in_the_brands_time_zone() -> None:
    world = World("loss > 5 % of equity per day -> block_opens")
    world.hold("0.01", "50000")
    world.told_by_both("46000")
    assert world.broken() == []
    world.pass_ms(14 * 3_600_000)
    world.told_by_both("46000")
    for _ in range(2):
        world.monitor.sweep(world.now)
    world.told_by_both("44000")
    assert world.broken() == []
    world.told_by_both("40000")
    assert world.broken() == ["block_opens"]


def test_who_is_armed_again_begins_with_what_is_left() -> None:
    world = World("drawdown > 10 % of equity -> close_and_disarm")
    world.hold("0.01", "50000")
    for px in ("50000", "38000"):
        world.told_by_both(px)
        world.monitor.sweep(world.now)
    for event in (StopEvent.FIRE, StopEvent.SENT, StopEvent.FLAT):
        world.monitor.advance(ONE, event)
    assert world.monitor.rearm(ONE, by="follower")
    assert world.monitor.stop_of(ONE).state is StopState.ARMED
    assert world.monitor.stop_of(ONE).turn == 2
    assert world.broken() == []
    world.told_by_both("25000")
    assert world.broken() == ["close_and_disarm"]


def test_what_is_stored_of_a_holder_is_gone_on_with() -> None:
    world = World("drawdown > 10 % of equity -> close")
    waters = Waters.begun(D(1000), START).moved(D(0))
    holding = Holding(D(1000), D(500), D(0), {BTC: D("0.01")}, world.bounds)
    world.monitor.see(ONE, holding, now=world.now, waters=Waters(D(1500), waters.day, waters.week, waters.month))
    world.told_by_both("50000")
    assert world.broken() == ["close"]


def test_a_holder_that_left_is_forgotten() -> None:
    world = World("loss > 20 % of equity -> close_and_disarm")
    world.hold("0.01", "50000")
    world.monitor.forget(ONE)
    assert world.told_by_both("1") == []
    assert ONE not in world.monitor


def test_sources_that_go_on_telling_different_prices_are_a_doubt_that_is_counted() -> None:
    """A feed that stands still beside a market that falls: what it spans is never to the holder's cost."""
    world = World("loss > 20 % of equity -> close_and_disarm")
    world.hold("0.01", "50000")
    for _ in range(5):
        world.told_by_both("50000")
    assert world.monitor.doubts(world.now) == 0
    for _ in range(6):
        world.pass_ms(200)
        world.tick("50000")
        world.tick("20000", "rest")
    assert world.broken() == []
    assert world.monitor.doubts(world.now) == 1
