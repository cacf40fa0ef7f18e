"""When opens pause because a mark runs, when they go on, and what an ailing exchange lets through."""

from __future__ import annotations

from decimal import Decimal

import pytest
from copydesk.risk.volatility import COURSES, Course, Handling, MarkWindow, PauseReason, VenueState, worst
from copydesk.trading import Denial


def seen(*marks: tuple[int, str], limit: str = "0.05", window_ms: int = 60_000) -> MarkWindow:
    """Look at marks, times in seconds."""
    window = MarkWindow(limit_ratio=Decimal(limit), window_ms=window_ms)
    for at_s, px in marks:
        window.see(at_s * 1000, Decimal(px))
    return window


def test_nothing_is_held_against_an_instrument_without_marks() -> None:
    assert MarkWindow().pause(10**12) is None


def test_a_move_of_exactly_the_limit_lets_opens_go() -> None:
    assert seen((0, "100"), (30, "105")).pause(30_000) is None


@pytest.mark.parametrize(("px", "low", "high"), [("105.01", "100", "105.01"), ("95", "95", "100")])
def test_a_move_beyond_the_limit_within_the_window_pauses_opens_with_its_numbers(px: str, low: str, high: str) -> None:
    pause = seen((0, "100"), (30, px)).pause(30_000)
    assert pause is not None
    assert (pause.reason, pause.low, pause.high) == (PauseReason.MOVING, Decimal(low), Decimal(high))
    assert pause.range_ratio > pause.limit_ratio == Decimal("0.05")


def test_the_same_move_over_a_longer_time_lets_opens_go() -> None:
    assert seen((0, "100"), (30, "103"), (91, "106")).pause(91_000) is None


def test_a_spike_that_came_back_still_pauses_opens() -> None:
    assert seen((0, "100"), (10, "110"), (11, "100")).pause(12_000) is not None


def test_a_leap_after_a_silence_counts_from_the_mark_that_stood() -> None:
    assert seen((0, "100"), (3600, "94")).pause(3_600_000) is not None


def test_opens_go_on_only_after_a_whole_calm_window() -> None:
    window = seen((0, "100"), (10, "110"))
    # 100 stood until 10 s, and has left the window at 70 s; calm since, opens go on at 130 s.
    told = window.pause(10_000)
    assert told is not None
    assert told.until_ms == 130_000
    settling = window.pause(70_000)
    assert settling is not None
    assert (settling.reason, settling.until_ms) == (PauseReason.SETTLING, 130_000)
    assert window.pause(129_999) is not None
    assert window.pause(130_000) is None


def test_the_end_of_the_move_is_known_even_if_nobody_asked_meanwhile() -> None:
    window = seen((0, "100"), (10, "110"))
    assert window.pause(130_000) is None


def test_a_new_move_while_settling_starts_the_wait_again() -> None:
    window = seen((0, "100"), (10, "110"), (100, "120"))
    assert window.pause(130_000) is not None
    assert window.pause(219_999) is not None
    assert window.pause(220_000) is None


def test_late_marks_and_numbers_that_are_no_prices_say_nothing() -> None:
    assert seen((10, "100"), (5, "50"), (11, "0"), (12, "-3")).pause(12_000) is None


def test_an_exchange_in_trouble_lets_opens_expire_and_closes_be_retried() -> None:
    for state in (VenueState.MAINTENANCE, VenueState.BREAKER_OPEN, VenueState.HALTED):
        assert COURSES[state][:2] == (Handling.EXPIRE, Handling.RETRY)


def test_a_volatile_instrument_is_closed_as_ever() -> None:
    assert COURSES[VenueState.VOLATILE][:2] == (Handling.EXPIRE, Handling.SEND)


def test_every_state_has_a_course_that_never_blocks_a_close_and_names_its_no() -> None:
    assert set(COURSES) == set(VenueState)
    for course in COURSES.values():
        assert course.closes in (Handling.SEND, Handling.RETRY)
        assert (course.denial is None) == (course.opens is Handling.SEND)
    assert COURSES[VenueState.BREAKER_OPEN] == Course(Handling.EXPIRE, Handling.RETRY, Denial.VENUE_BREAKER_OPEN)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (set(), VenueState.OPEN),
        ({"volatile"}, VenueState.VOLATILE),
        ({"volatile", "halted"}, VenueState.HALTED),
        ({"volatile", "breaker_open"}, VenueState.BREAKER_OPEN),
        ({"breaker_open", "maintenance"}, VenueState.MAINTENANCE),
    ],
)
def test_the_gravest_state_counts(facts: set[str], state: VenueState) -> None:
    names = ("volatile", "halted", "breaker_open", "maintenance")
    assert worst(**{name: name in facts for name in names}) is state
