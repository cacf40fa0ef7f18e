"""Laws of replays: equity to the last digit, one stop at most, no position that the leader has left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from copydesk.risk.grammar import parse
from copydesk.risk.history import Event, Funded, Mark, Move
from copydesk.risk.limits import effective
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.replay import Deed, Run, Terms
from copydesk.risk.simulate import simulate
from copydesk.risk.stops import FIRED, StopState
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime(2026, 3, 2, 12, tzinfo=UTC)

steps = st.lists(
    st.tuples(
        st.sampled_from("mmmkkf"),
        st.sampled_from(["A/USDT:USDT", "B/USDT"]),
        st.integers(-60, 60),
        st.integers(20, 180),
    ),
    min_size=1,
    max_size=30,
)
LINES = st.lists(
    st.sampled_from(
        [
            "loss > 5 % of equity -> warn",
            "loss > 10 % of equity -> block_opens",
            "loss > 20 % of equity -> close",
            "drawdown > 15 % of equity -> close_and_disarm",
            "profit > 30 % of equity -> close",
            "loss > 8 % of equity per day -> close",
            "order > 150 USDT -> shrink",
            "positions > 1 -> block_opens",
            "exposure > 50 % of equity -> shrink",
        ]
    ),
    unique=True,
    max_size=5,
)
TERMS = Terms(Decimal(1000), ZoneInfo("Europe/Berlin"), slippage_bps=Decimal(7), qty_step=Decimal("0.001"))


def history(told) -> list[Event]:
    """Let a leader go from position to position, three hours apart."""
    held, events = {}, list[Event]()
    for number, (kind, symbol, target, px) in enumerate(told):
        at, px = START + timedelta(hours=3 * number), Decimal(px)
        if kind == "k":
            events.append(Mark(at, symbol, px))
        elif kind == "f":
            events.append(Funded(at, symbol, Decimal(target) / 100_000))
        else:
            events.append(Move(at, symbol, px, Decimal(held.get(symbol, 0)), Decimal(target), Decimal(10_000)))
            held[symbol] = target
    return events


def limit_set(lines: list[str]):
    return effective(Scoped(Scope.SUBSCRIPTION, parse(line)) for line in lines)


def held_of(run: Run) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for fill in run.fills:
        held[fill.slot.symbol] = held.get(fill.slot.symbol, Decimal(0)) + fill.qty
    return {symbol: qty for symbol, qty in held.items() if qty}


@settings(max_examples=120, deadline=None)
@given(steps, LINES)
def test_equity_is_allocation_and_every_execution_fee_and_funding_exactly(told, lines: list[str]) -> None:
    events = history(told)
    marks: dict[str, Fraction] = {}
    for event in events:
        if isinstance(event, Mark):
            marks[event.symbol] = Fraction(event.px)
        elif isinstance(event, Move):
            marks.setdefault(event.symbol, Fraction(event.px))
    compared = simulate(events, TERMS, limit_set(lines))
    for run in (compared.without, compared.guarded):
        cash = sum(-Fraction(fill.qty) * Fraction(fill.px) - Fraction(fill.fee) for fill in run.fills)
        worth = sum(Fraction(qty) * marks[symbol] for symbol, qty in held_of(run).items())
        assert Fraction(run.equity) == 1000 + cash + worth + Fraction(run.funding)
        assert run.curve[-1].equity == run.equity
    assert Fraction(compared.saved) == Fraction(compared.guarded.equity) - Fraction(compared.without.equity)


@settings(max_examples=120, deadline=None)
@given(steps, LINES)
def test_a_fired_stop_fires_once_and_leaves_the_books_flat_or_told(told, lines: list[str]) -> None:
    run = simulate(history(told), TERMS, limit_set(lines)).guarded
    fired = [act for act in run.acts if act.deed is Deed.FIRED]
    assert len(fired) <= 1
    assert bool(fired) == (run.stop in FIRED)
    if not fired:
        return
    assert set(held_of(run)) == set(run.unclosed)
    assert (run.stop is StopState.CLOSED) == (not run.unclosed)
    seen: dict[str, Decimal] = {}
    for fill in run.fills:
        had = seen.get(fill.slot.symbol, Decimal(0))
        if fill.at > fired[0].at:
            assert abs(had + fill.qty) < abs(had), "nothing opens after a stop"
        seen[fill.slot.symbol] = had + fill.qty


@settings(max_examples=80, deadline=None)
@given(steps, LINES)
def test_limits_never_keep_a_follower_in_a_position_that_the_leader_left(told, lines: list[str]) -> None:
    events = history(told)
    run = simulate(events, TERMS, limit_set(lines)).guarded
    held, left = held_of(run), {}
    for event in events:
        if isinstance(event, Move):
            left[event.symbol] = event.position_after
    for symbol, qty in held.items():
        assert left[symbol] * qty > 0


@settings(max_examples=80, deadline=None)
@given(steps)
def test_without_limits_both_ways_are_the_same_and_the_allocation_bounds_both(told) -> None:
    compared = simulate(history(told), replace(TERMS, fee_bps=Decimal(0)), limit_set([]))
    assert compared.without == compared.guarded
    assert compared.saved == 0
    spent: dict[str, Fraction] = {}
    held: dict[str, Fraction] = {}
    for fill in compared.without.fills:
        symbol, had = fill.slot.symbol, held.get(fill.slot.symbol, Fraction(0))
        now = had + Fraction(fill.qty)
        grows = abs(now) > abs(had)
        flow = abs(Fraction(fill.qty) * Fraction(fill.px))
        spent[symbol] = spent.get(symbol, Fraction(0)) + flow if grows else spent[symbol] * now / had
        held[symbol] = now
        assert sum(spent.values()) <= 1000 + Fraction(1, 10**9)
