"""How a mail whose attempt failed goes on: later and later, and one day no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from copydesk.notifications import MailState
from copydesk.notifications.bell import Bell
from copydesk.notifications.post import ATTEMPTS_MAX, LEASE, WAITS, Step, next_step

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_each_attempt_waits_longer_than_the_one_before_and_all_of_them_about_a_day() -> None:
    steps = [next_step(attempt, NOW, for_good=False) for attempt in range(1, ATTEMPTS_MAX)]
    assert all(step.state is MailState.WAITING for step in steps)
    due = [step.due_at for step in steps if step.due_at is not None]
    assert due == sorted(due)
    assert timedelta(hours=20) < sum(WAITS, timedelta()) < timedelta(hours=30)


def test_the_last_attempt_gives_up_and_a_refusal_ends_at_once() -> None:
    assert next_step(ATTEMPTS_MAX, NOW, for_good=False) == Step(MailState.GIVEN_UP)
    assert next_step(ATTEMPTS_MAX + 3, NOW, for_good=False) == Step(MailState.GIVEN_UP)
    assert next_step(1, NOW, for_good=True) == Step(MailState.REFUSED)


def test_whoever_died_over_a_mail_is_waited_for_longer_than_a_round_of_attempts_lasts() -> None:
    assert timedelta(minutes=5) <= LEASE <= timedelta(minutes=30)


def test_a_ring_that_nobody_waited_for_ends_the_next_wait_and_only_that_one() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert bell.wait(5)
    assert not bell.wait(0)
