"""An exchange's clock: a refused time is asked for anew, and stays wrong only if it is refused at once again."""

from __future__ import annotations

from copydesk.venues.client.clock import STANDS_S, VenueClock


def refused_and_set_right() -> VenueClock:
    clock = VenueClock()
    clock.learn(0.0, 100.0, doubted=False)
    assert clock.must_ask(150.0) and not clock.persists(150.0)
    clock.learn(-3_600.0, 150.1, doubted=True)
    return clock


def test_a_time_refused_right_after_the_clock_was_set_right_stays_wrong() -> None:
    assert refused_and_set_right().persists(151.0)


def test_a_clock_that_moves_back_later_is_set_right_once_more() -> None:
    later = 150.1 + STANDS_S
    clock = refused_and_set_right()
    assert not clock.persists(later) and clock.must_ask(later)


def test_a_time_that_was_accepted_since_is_no_longer_in_doubt() -> None:
    clock = refused_and_set_right()
    clock.accepted()
    assert not clock.persists(151.0)


def test_a_refusal_of_what_was_sent_before_the_clock_was_set_right_says_nothing_new() -> None:
    clock = refused_and_set_right()
    assert not clock.persists(150.05) and not clock.must_ask(150.05)
