"""Laws of limits: text and value are one, the tighter wins, nothing is allowed that was not asked for."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction
from random import Random

from copydesk.kernel import ZERO, InvalidInput
from copydesk.risk.equity_rules import EquityState, Spans, broken_limits, equity_bounds, level_of
from copydesk.risk.grammar import parse, text_of
from copydesk.risk.limits import contradictions, effective, key_of
from copydesk.risk.measures import MEASURES, Subject, tighter
from copydesk.risk.model import Action, Limit, Measure, Scope, Scoped
from copydesk.risk.order_rules import Opening, OrderState, judge_opening, order_bounds
from hypothesis import given, settings
from hypothesis import strategies as st
from risk_world import (
    AT_ORDERS,
    AT_PRICES,
    amounts,
    decimals,
    equity_states,
    limits,
    moved,
    openings,
    order_states,
    scoped,
)

sets = st.lists(scoped(), max_size=12)
at_orders = st.lists(scoped(AT_ORDERS), max_size=8)
closer = st.sampled_from([Decimal("0.1"), Decimal("0.5"), Decimal("0.99")])
SEVERITY = {action: severity for severity, action in enumerate(Action)}


@settings(max_examples=150, deadline=None)
@given(limits(currencies=("USDT", "USDC", "BTC", "OF", "PER")))
def test_what_is_written_of_a_limit_is_read_as_the_same_limit(limit: Limit) -> None:
    text = text_of(limit)
    assert parse(text) == limit
    assert text_of(parse(text)) == text


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="los profit>%<-.5 USDTofequitypday/,", max_size=60))
def test_any_text_is_read_or_refused_with_one_sentence(text: str) -> None:
    try:
        limit = parse(text, where="limits[0]")
    except InvalidInput as refusal:
        assert str(refusal).startswith("limits[0]: expected ")
        assert ", found " in str(refusal)
        assert "\n" not in str(refusal)
    else:
        assert parse(text_of(limit)) == limit


@settings(max_examples=150, deadline=None)
@given(sets, st.randoms(use_true_random=False))
def test_the_tighter_limit_wins_whoever_set_it_and_in_whatever_order(told: list[Scoped], chance: Random) -> None:
    held = {key_of(each): each for each in effective(told)}
    assert held.keys() == {key_of(each) for each in told}
    for each in told:
        winner = held[key_of(each)]
        assert not tighter(each.limit, winner.limit)
    shuffled = list(told)
    chance.shuffle(shuffled)
    again = {key_of(each): each for each in effective(shuffled)}
    assert {key: each.limit for key, each in again.items()} == {key: each.limit for key, each in held.items()}


@settings(max_examples=100, deadline=None)
@given(sets)
def test_nothing_that_was_said_is_forgotten(told: list[Scoped]) -> None:
    kept = [each for holding in effective(told).holdings for each in (holding.scoped, *holding.overruled)]
    assert len(kept) == len(told)
    # Lists meet in a new one.
    said, still = (
        Counter(each for each in some if each.limit.measure is not Measure.INSTRUMENTS) for some in (told, kept)
    )
    assert said == still


@settings(max_examples=100, deadline=None)
@given(scoped(), closer, st.sampled_from([Scope.ACCOUNT, Scope.SUBSCRIPTION]))
def test_a_follower_may_be_stricter_than_the_platform_and_never_laxer(
    told: Scoped, step: Decimal, scope: Scope
) -> None:
    if told.limit.measure is Measure.INSTRUMENTS:
        return
    strict = moved(told.limit, closer=step)
    pairs = [(told.limit, strict), (strict, told.limit)]
    flaws = [
        [problem.flaw for problem in contradictions([Scoped(Scope.PLATFORM, wide), Scoped(scope, narrow)])]
        for wide, narrow in pairs
    ]
    assert "beyond_master" not in flaws[0]
    same_line = key_of(Scoped(Scope.PLATFORM, strict)) == key_of(Scoped(scope, told.limit))
    assert ("beyond_master" in flaws[1]) == (same_line and tighter(strict, told.limit))


@settings(max_examples=200, deadline=None)
@given(at_orders, openings, order_states)
def test_never_more_is_allowed_than_was_wanted(told: list[Scoped], wanted: Opening, state: OrderState) -> None:
    verdict = judge_opening(order_bounds(effective(told), currency="USDT"), wanted, state)
    assert ZERO <= verdict.notional <= wanted.notional
    assert 1 <= verdict.leverage <= wanted.leverage
    assert (verdict.notional == ZERO) == (verdict.denial is not None)
    changed = verdict.notional < wanted.notional or verdict.leverage < wanted.leverage
    assert (verdict.bit is not None) == changed
    assert verdict.bit is None or verdict.bit.limit.action is not Action.WARN


@settings(max_examples=200, deadline=None)
@given(at_orders, scoped(AT_ORDERS), openings, order_states)
def test_one_limit_more_never_allows_more(
    told: list[Scoped], added: Scoped, wanted: Opening, state: OrderState
) -> None:
    before, after = (
        judge_opening(order_bounds(effective(said), currency="USDT"), wanted, state) for said in (told, [*told, added])
    )
    assert after.notional <= before.notional
    assert after.leverage <= before.leverage or after.denial


@settings(max_examples=200, deadline=None)
@given(at_orders, st.integers(0, 7), closer, openings, order_states)
def test_a_tighter_set_never_allows_more_than_a_looser_one(
    told: list[Scoped], which: int, step: Decimal, wanted: Opening, state: OrderState
) -> None:
    strict = [
        Scoped(each.scope, moved(each.limit, closer=step)) if place == which else each
        for place, each in enumerate(told)
    ]
    before, after = (
        judge_opening(order_bounds(effective(said), currency="USDT"), wanted, state) for said in (told, strict)
    )
    assert after.notional <= before.notional


@settings(max_examples=200, deadline=None)
@given(at_orders, openings, order_states)
def test_what_a_limit_left_of_an_order_is_within_all_limits(
    told: list[Scoped], wanted: Opening, state: OrderState
) -> None:
    bounds = order_bounds(effective(told), currency="USDT")
    verdict = judge_opening(bounds, wanted, state)
    if verdict.denial is None:
        again = judge_opening(bounds, Opening(verdict.notional, wanted.symbol, verdict.leverage), state)
        assert (again.notional, again.leverage, again.bit) == (verdict.notional, verdict.leverage, None)


def stops(among: list[Measure]) -> st.SearchStrategy[list[Scoped]]:
    return st.lists(scoped(among), max_size=8)


@settings(max_examples=200, deadline=None)
@given(stops([Measure.LOSS, Measure.DRAWDOWN]), equity_states, amounts, st.sampled_from(Subject))
def test_what_is_broken_stays_broken_when_equity_falls_further(
    told: list[Scoped], state: EquityState, fall: Decimal, subject: Subject
) -> None:
    bounds = equity_bounds(effective(told), subject, currency="USDT")
    before, after = (
        {each.scoped for each in broken_limits(bounds, at)}
        for at in (state, state._replace(equity=state.equity - fall))
    )
    assert before <= after


@settings(max_examples=200, deadline=None)
@given(stops([Measure.PROFIT]), equity_states, amounts)
def test_a_target_that_is_reached_stays_reached_when_equity_rises(
    told: list[Scoped], state: EquityState, rise: Decimal
) -> None:
    bounds = equity_bounds(effective(told), Subject.SUBSCRIPTION, currency="USDT")
    before, after = (
        {each.scoped for each in broken_limits(bounds, at)}
        for at in (state, state._replace(equity=state.equity + rise))
    )
    assert before <= after


@settings(max_examples=200, deadline=None)
@given(scoped(AT_PRICES), closer, equity_states)
def test_a_tighter_stop_is_broken_whenever_a_looser_one_is(told: Scoped, step: Decimal, state: EquityState) -> None:
    subject = Subject.ACCOUNT if told.scope is Scope.ACCOUNT else Subject.SUBSCRIPTION
    subject = Subject.ACCOUNT if MEASURES[told.limit.measure].account_only else subject
    loose, strict = (
        broken_limits(equity_bounds(effective([each]), subject, currency="USDT"), state)
        for each in (told, Scoped(told.scope, moved(told.limit, closer=step)))
    )
    assert len(loose) <= len(strict)


@settings(max_examples=200, deadline=None)
@given(stops(AT_PRICES), equity_states)
def test_the_severest_act_comes_first_and_levels_agree_with_what_is_broken(
    told: list[Scoped], state: EquityState
) -> None:
    bounds = equity_bounds(effective(told), Subject.SUBSCRIPTION, currency="USDT")
    broken = broken_limits(bounds, state)
    severities = [SEVERITY[each.scoped.limit.action] for each in broken]
    assert severities == sorted(severities, reverse=True)
    levels = {bound.scoped: level_of(bound, state) for bound in bounds}
    assert {each.scoped for each in broken} == {
        told for told, level in levels.items() if level is not None and level.left < ZERO
    }


@settings(max_examples=100, deadline=None)
@given(decimals("0.1", "100", 18), st.decimals(ZERO, Decimal(10) ** 18, places=18))
def test_a_stop_lies_exactly_where_its_percentage_says(percent: Decimal, opened: Decimal) -> None:
    limit = parse(f"loss > {percent} % of equity -> close")
    bounds = equity_bounds(effective([Scoped(Scope.SUBSCRIPTION, limit)]), Subject.SUBSCRIPTION, currency="USDT")
    windows = Spans(opened, opened, opened, opened)
    level = level_of(bounds[0], EquityState(opened, opened, windows, Spans(ZERO, ZERO, ZERO, ZERO), opened))
    assert level is not None
    assert Fraction(level.at) == Fraction(opened) * (1 - Fraction(percent) / 100)
    assert level.floor
