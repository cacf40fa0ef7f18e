"""The life of a stop: one way, once a turn, and back only by a person."""

from __future__ import annotations

import pytest
from copydesk.risk.model import Action
from copydesk.risk.stops import (
    EVENT_OF,
    FIRED,
    NEXT,
    OPENS_ALLOWED,
    Stop,
    StopEvent,
    StopState,
    after,
    rearmed,
    still_ahead,
)
from hypothesis import given
from hypothesis import strategies as st

BY_ITSELF = [event for event in StopEvent if event is not StopEvent.REARM]
RANK = {state: rank for rank, state in enumerate((StopState.ARMED, StopState.WARNED, StopState.SOFT, StopState.FIRING))}


def test_every_state_is_in_the_table_and_every_state_can_be_reached() -> None:
    assert set(NEXT) == set(StopState)
    assert {state for row in NEXT.values() for state in row.values()} == set(StopState)


@given(st.sampled_from(StopState), st.lists(st.sampled_from(BY_ITSELF), max_size=30))
def test_whatever_happens_a_stop_fires_at_most_once_and_never_comes_back_by_itself(state, events) -> None:
    stop, fired, fired_before = Stop(state), 0, state in FIRED
    for event in events:
        following = after(stop, event)
        if following is None:
            continue
        fired += following.state is StopState.FIRING
        assert RANK.get(following.state, 9) >= RANK.get(stop.state, 9)
        assert (stop.state in FIRED) <= (following.state in FIRED)
        assert following.turn == stop.turn
        stop = following
    assert fired <= (not fired_before)


@given(st.lists(st.sampled_from(BY_ITSELF), max_size=10))
def test_a_fired_stop_ends_flat_or_flagged_once_its_closes_are_answered(events) -> None:
    stop = Stop(StopState.FIRING)
    for event in events:
        stop = after(stop, event) or stop
    assert (after(stop, StopEvent.FLAT) or stop).state is StopState.CLOSED
    assert (after(stop, StopEvent.GIVEN_UP) or stop).state in (StopState.FLAGGED, StopState.CLOSED)


@pytest.mark.parametrize("state", StopState)
def test_a_person_re_arms_what_is_not_armed_and_not_at_work(state: StopState) -> None:
    at_work = state in (StopState.ARMED, StopState.FIRING, StopState.CLOSING)
    assert rearmed(Stop(state, 3), by="ada") == (None if at_work else Stop(StopState.ARMED, 4))


def test_nobody_re_arms_without_a_name_or_by_an_event() -> None:
    with pytest.raises(AssertionError, match="person"):
        rearmed(Stop(StopState.CLOSED), by="")
    with pytest.raises(AssertionError, match="person"):
        after(Stop(StopState.CLOSED), StopEvent.REARM)


def test_an_execution_that_overtook_the_close_is_closed_in_the_same_turn() -> None:
    assert after(Stop(StopState.CLOSED, 2), StopEvent.REFILLED) == Stop(StopState.CLOSING, 2)


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (StopState.ARMED, (Action.WARN, Action.BLOCK_OPENS, Action.CLOSE, Action.CLOSE_AND_DISARM)),
        (StopState.WARNED, (Action.BLOCK_OPENS, Action.CLOSE, Action.CLOSE_AND_DISARM)),
        (StopState.SOFT, (Action.CLOSE, Action.CLOSE_AND_DISARM)),
        *((state, ()) for state in sorted(FIRED)),
    ],
)
def test_only_what_would_still_change_a_stop_is_ahead_of_it(state: StopState, left: tuple[Action, ...]) -> None:
    assert tuple(action for action in Action if still_ahead(state, action)) == left


def test_opens_pass_only_before_the_soft_stop_and_shrinking_is_no_stop() -> None:
    assert {StopState.ARMED, StopState.WARNED} == OPENS_ALLOWED
    assert set(Action) - set(EVENT_OF) == {Action.SHRINK}
