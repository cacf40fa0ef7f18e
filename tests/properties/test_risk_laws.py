"""Laws of the risk guards: liquidation, marks in a window, suspension of strategies, habits of traders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from copydesk.risk.conduct import changes
from copydesk.risk.futures import (
    Bracket,
    Held,
    LeverageBound,
    cushion_for,
    funding_payment,
    ladder,
    leverage_permitted,
    liquidation_px,
    maint_margin,
    standing,
)
from copydesk.risk.guard import EquityPoint, GuardState, judge
from copydesk.risk.habits import flags, growth_after_losses, losing_adds
from copydesk.risk.model import Action, Basis, Limit, Measure, Threshold, Unit, Window
from copydesk.risk.trades import Entry, Trade
from copydesk.risk.volatility import MarkWindow
from hypothesis import assume, given, settings
from hypothesis import strategies as st

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
TINY = Decimal("1E-12")


def decimals(low: str, high: str, places: int = 2) -> st.SearchStrategy[Decimal]:
    return st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False)


# Liquidation


@st.composite
def tiers(draw: st.DrawFn) -> list[tuple[Decimal, int, Decimal]]:
    count = draw(st.integers(1, 4))
    caps = sorted(draw(st.sets(st.integers(1_000, 1_000_000), min_size=count, max_size=count)))
    ratios = sorted(draw(st.sets(st.integers(4, 200), min_size=count, max_size=count)))
    told = zip(range(count), caps, ratios, strict=True)
    return [(Decimal(cap), 100 // (place + 1), Decimal(ratio) / 1000) for place, cap, ratio in told]


@st.composite
def positions(draw: st.DrawFn, *, smooth: bool = True) -> Held:
    told = draw(tiers())
    brackets = ladder(told) if smooth else [Bracket(*tier) for tier in told]
    qty = draw(decimals("0.1", "2000")) * draw(st.sampled_from([1, -1]))
    entry, mark = draw(decimals("50", "200")), draw(decimals("50", "200"))
    return Held(qty, entry, mark, abs(qty) * entry * draw(decimals("0.01", "1.5")), brackets)


def left_over(held: Held, px: Decimal) -> Decimal:
    """Return what is behind a position at a price, beyond its maintenance, per unit."""
    kept = held.cushion + held.qty * (px - held.entry_px) - maint_margin(held.brackets, abs(held.qty) * px)
    return kept / abs(held.qty)


@settings(max_examples=200, deadline=None)
@given(positions())
def test_at_the_liquidation_price_equity_is_the_maintenance_margin(held: Held) -> None:
    assume(left_over(held, held.mark_px) > 0)
    px = liquidation_px(held)
    if px is None:
        assert held.qty > 0
        assert left_over(held, Decimal("1E-9")) >= -TINY
    else:
        assert px > 0
        assert abs(left_over(held, px)) < TINY


@settings(max_examples=200, deadline=None)
@given(positions(smooth=False), decimals("0", "1", 4))
def test_no_price_on_the_way_to_liquidation_liquidates_even_where_maintenance_leaps(held: Held, share: Decimal) -> None:
    assume(left_over(held, held.mark_px) > 0)
    px = liquidation_px(held)
    end = Decimal("1E-9") if px is None else px
    between = held.mark_px + (end - held.mark_px) * share * Decimal("0.999999")
    assert left_over(held, between) > -TINY
    if px is not None:
        beyond = px * (Decimal("0.999999") if held.qty > 0 else Decimal("1.000001"))
        assert left_over(held, beyond) < TINY


@settings(max_examples=100, deadline=None)
@given(positions(), decimals("0.01", "1000"))
def test_more_margin_never_brings_liquidation_nearer(held: Held, more: Decimal) -> None:
    near, far = standing(held).distance_ratio, standing(held._replace(cushion=held.cushion + more)).distance_ratio
    assert far is None or (near is not None and far > near)


@settings(max_examples=100, deadline=None)
@given(positions(), decimals("0.01", "0.99"))
def test_the_cushion_for_a_price_makes_that_the_liquidation_price(held: Held, away: Decimal) -> None:
    px = held.mark_px * (1 - away if held.qty > 0 else 1 + away)
    assert abs((liquidation_px(held._replace(cushion=cushion_for(held, px))) or 0) - px) < TINY


@given(st.integers(1, 125), st.none() | st.integers(1, 125), st.integers(1, 125), tiers(), decimals("0", "2000000"))
def test_leverage_never_exceeds_any_bound(leader, follower_max, brand_max, told, notional) -> None:
    brackets = ladder(told)
    got = leverage_permitted(
        leader=leader, follower_max=follower_max, brand_max=brand_max, brackets=brackets, notional=notional
    )
    cap = next((each.leverage_max for each in brackets if notional <= each.notional_cap), brackets[-1].leverage_max)
    bounds = {LeverageBound.LEADER: leader, LeverageBound.BRAND: brand_max, LeverageBound.BRACKET: cap}
    if follower_max is not None:
        bounds[LeverageBound.FOLLOWER] = follower_max
    assert got.leverage == min(bounds.values()) == bounds[got.by]


@given(decimals("-1000", "1000", 4), decimals("0.01", "100000"), decimals("-0.04", "0.04", 6))
def test_funding_is_paid_by_one_side_to_the_other(qty: Decimal, px: Decimal, rate: Decimal) -> None:
    assert funding_payment(qty, px, rate) == -funding_payment(-qty, px, rate)


# Marks in a window


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(90, 110)), min_size=1, max_size=25), st.integers(0, 80))
def test_opens_pause_exactly_while_some_moment_of_the_last_window_was_loud(told, later: int) -> None:
    window_ms, limit = 30, Decimal("0.05")
    window = MarkWindow(limit_ratio=limit, window_ms=window_ms)
    marks, at_ms = [], 0
    for gap, px in told:
        at_ms += gap
        marks.append((at_ms, Decimal(px)))
        window.see(at_ms, Decimal(px))
    now_ms = at_ms + later
    stands = list(zip(marks, [*(at for at, _ in marks[1:]), now_ms + 1], strict=True))

    def loud(moment: int) -> bool:
        """Tell whether the prices that stood in the window before a moment were too far apart."""
        stood = [px for (at, px), end in stands if at <= moment and end > moment - window_ms]
        return bool(stood) and max(stood) - min(stood) > limit * min(stood)

    # The range comes down at whole milliseconds, at which it is already below: the moment before was the last loud one.
    expected = any(loud(moment) for moment in range(max(now_ms - window_ms, 0), now_ms + 1))
    assert (window.pause(now_ms) is not None) == expected


# Suspension of strategies


points = st.lists(st.tuples(decimals("0", "2000"), decimals("-500", "500")), min_size=1, max_size=12)
STOP = Limit(Measure.DRAWDOWN, Threshold(Decimal(20), Unit.PERCENT), Basis.EQUITY, Window.PEAK, Action.BLOCK_OPENS)


def equity_of(told) -> list[EquityPoint]:
    return [EquityPoint(START + timedelta(hours=n), equity, flow) for n, (equity, flow) in enumerate(told)]


@settings(deadline=None)
@given(points)
def test_a_suspended_strategy_stays_suspended_whatever_its_equity_does(told) -> None:
    state = GuardState.OK
    suspended = False
    for count in range(1, len(told) + 1):
        seen = equity_of(told[:count])
        state = judge(seen, [STOP], now=seen[-1].at, zone=ZoneInfo("UTC"), state=state).state
        suspended = suspended or state is GuardState.SUSPENDED
        assert (state is GuardState.SUSPENDED) == suspended


@settings(deadline=None)
@given(st.lists(decimals("-0.3", "0.3"), min_size=1, max_size=10), st.lists(st.integers(0, 900), min_size=10))
def test_payments_alone_change_no_drawdown(returns: list[Decimal], paid: list[int]) -> None:
    plain, moved = [], []
    equity = other = Decimal(1000)
    for number, (gain, flow) in enumerate(zip(returns, paid, strict=False)):
        equity, other = equity * (1 + gain), other * (1 + gain) + flow
        at = START + timedelta(hours=number)
        plain.append(EquityPoint(at, equity))
        moved.append(EquityPoint(at, other, Decimal(flow)))
    first = EquityPoint(START - timedelta(hours=1), Decimal(1000))
    now = START + timedelta(days=1)
    (one,) = judge([first, *plain], [STOP], now=now, zone=ZoneInfo("UTC")).findings
    (two,) = judge([first, *moved], [STOP], now=now, zone=ZoneInfo("UTC")).findings
    assert abs(one.value - two.value) < TINY


# Behavior


@st.composite
def trades(draw: st.DrawFn) -> list[Trade]:
    found = []
    for number in range(draw(st.integers(0, 40))):
        opened_at = START - timedelta(days=draw(st.integers(0, 100)), minutes=number)
        held = draw(st.none() | st.integers(0, 5000))
        sizes = draw(st.lists(st.tuples(st.integers(1, 9), st.integers(50, 150)), min_size=1, max_size=5))
        entries = tuple(Entry(opened_at, Decimal(qty), Decimal(px)) for qty, px in sizes)
        numbers = [Decimal(draw(st.integers(1, 100))), Decimal(draw(st.integers(1, 5000))), Decimal(10_000)]
        profit = Decimal(draw(st.integers(-500, 500)))
        closed_at = None if held is None else opened_at + timedelta(minutes=held)
        ends = (profit, min(profit, Decimal(0)), draw(st.booleans()), entries)
        found.append(Trade("X", opened_at, closed_at, draw(st.booleans()), *numbers, *ends))
    return found


@settings(max_examples=60, deadline=None)
@given(trades(), st.integers(2, 50))
def test_behavior_is_judged_alike_at_any_scale_of_money_and_in_any_order(told: list[Trade], scale: int) -> None:
    def scaled(trade: Trade) -> Trade:
        names = ("notional", "equity", "profit", "worst")
        return trade._replace(**{name: getattr(trade, name) * scale for name in names})

    larger = [scaled(trade) for trade in reversed(told)]
    assert changes(told, now=START) == changes(larger, now=START)
    assert [flag.sentence for flag in flags(told)] == [flag.sentence for flag in flags(larger)]


@settings(max_examples=60, deadline=None)
@given(trades())
def test_a_chain_is_never_longer_than_its_trades_and_grows_by_every_step(told: list[Trade]) -> None:
    for trade in told:
        run = losing_adds(trade)
        assert run.steps < len(trade.entries)
        assert run.times >= Decimal("1.2") ** run.steps
    run = growth_after_losses(sorted(told, key=lambda trade: trade.opened_at))
    losses = sum(trade.profit < 0 for trade in told)
    assert run.steps <= losses
    assert run.times >= Decimal("1.2") ** run.steps * (1 - TINY)
