"""Which channels tell a notice, and when: wishes, quiet hours and digests. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from copydesk.notices.model import URGENT, Channel, Digest, Habit, NoticeKind, Reason, Wishes

# A machine reads a webhook: it neither sleeps nor wants a summary.
_HAS_NIGHTS = frozenset({Channel.MAIL, Channel.PUSH, Channel.TELEGRAM})
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class Choice(NamedTuple):
    """One delivery: by which channel, when at the earliest, and why not at once."""

    channel: Channel
    due_at: datetime
    reason: Reason | None = None


class Habits(NamedTuple):
    """How somebody wants to be told, with the time zone that they live in and the hour of their daily digest."""

    wishes: Wishes
    habit: Habit
    zone: ZoneInfo
    digest_hour: int


def choose(kind: NoticeKind, reached: Collection[Channel], habits: Habits, now: datetime) -> tuple[Choice, ...]:
    """Return how a notice is told, of the channels by which somebody can be reached."""
    wanted = (channel for channel in Channel if channel in reached and habits.wishes.wants(kind, channel))
    return tuple(_choices(kind, wanted, habits, now))


def _choices(kind: NoticeKind, wanted: Iterator[Channel], habits: Habits, now: datetime) -> Iterator[Choice]:
    for channel in wanted:
        due_at, reason = now, None
        if kind not in URGENT and channel is Channel.MAIL and habits.habit.digest is not Digest.NONE:
            due_at, reason = digest_at(habits.habit.digest, now, habits.zone, habits.digest_hour), Reason.DIGEST
        if kind not in URGENT and channel in _HAS_NIGHTS:
            quiet_until = peace_ends(habits.habit, due_at, habits.zone)
            if quiet_until is not None:
                due_at, reason = quiet_until, reason or Reason.QUIET_HOURS
        yield Choice(channel, due_at, reason)


def digest_at(digest: Digest, now: datetime, zone: ZoneInfo, hour: int) -> datetime:
    """Return when the next digest leaves: at the next full hour, or at the next `hour` of the reader's day."""
    assert digest is not Digest.NONE, "who wants no digest has no time for it"
    local = now.astimezone(zone)
    if digest is Digest.HOURLY:
        # Clocks are turned by whole hours or by half ones: minutes are those of the zone.
        since = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return now - since + _HOUR
    return _next(now, time(hour), zone)


def peace_ends(habit: Habit, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours end that `now` lies in, None where it lies in none.

    They begin with their first minute and are over with their last: from 22:00 until 07:00, 07:00 is loud.
    """
    begins, ends = habit.quiet_from, habit.quiet_until
    if begins is None or ends is None or begins == ends:
        return None
    clock = now.astimezone(zone).time()
    over_midnight = begins > ends
    quiet = clock >= begins or clock < ends if over_midnight else begins <= clock < ends
    return _next(now, ends, zone) if quiet else None


def _next(now: datetime, clock: time, zone: ZoneInfo) -> datetime:
    """Return the next moment after `now` at which clocks of the zone show a time of day.

    A time that is left out in spring is the moment at which it would have been; one that comes twice in autumn is the
    first of the two that is still to come.
    """
    day = now.astimezone(zone).date()
    for ahead in range(3):
        for fold in (0, 1):
            at = datetime.combine(day + ahead * _DAY, clock.replace(fold=fold), zone).astimezone(now.tzinfo)
            if at > now:
                return at
    raise AssertionError("a time of day comes every day")
