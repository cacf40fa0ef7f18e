"""Which channels tell a notice, and when: laws of wishes, quiet hours over midnight, time zones and digests."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from copydesk.notices import DEFAULTS, Channel, Digest, Habit, NoticeKind, Reason
from copydesk.notices.choose import Choice, Habits, choose, digest_at, peace_ends
from copydesk.notices.model import KIND_FACTS, URGENT, Wishes
from copydesk.notices.preferences import may_choose
from hypothesis import given, settings
from hypothesis import strategies as st

BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")
NIGHT = Habit(quiet_from=time(22), quiet_until=time(7))
EVERYTHING = tuple(Channel)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
ZONES = st.sampled_from([ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns")])


def habits(habit: Habit = NIGHT, *, zone: ZoneInfo = BERLIN, hour: int = 8, **said: bool) -> Habits:
    wishes = Wishes({(NoticeKind.COPY_OPENED, Channel(name)): wants for name, wants in said.items()})
    return Habits(wishes, habit, zone, hour)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_kind_has_facts_and_default_channels() -> None:
    assert set(KIND_FACTS) == set(NoticeKind) == set(DEFAULTS)


def test_a_notice_goes_at_once_by_what_is_wanted_and_can_be_reached() -> None:
    noon = at("2026-03-02 11:00")
    chosen = choose(NoticeKind.COPY_OPENED, {Channel.PUSH, Channel.MAIL}, habits(), noon)
    assert chosen == (Choice(Channel.PUSH, noon),)


def test_a_switch_that_was_set_goes_before_the_default() -> None:
    noon = at("2026-03-02 11:00")
    chosen = choose(NoticeKind.COPY_OPENED, EVERYTHING, habits(mail=True, push=False, telegram=False), noon)
    assert [one.channel for one in chosen] == [Channel.MAIL, Channel.WEBHOOK]


def test_quiet_hours_over_midnight_hold_in_the_readers_own_time() -> None:
    # 23:30 in Berlin is 22:30 UTC in winter; half past four in the morning in Kolkata is loud for nobody.
    late = at("2026-03-02 22:30")
    assert peace_ends(NIGHT, late, BERLIN) == at("2026-03-03 06:00")
    assert peace_ends(NIGHT, late, KOLKATA) == at("2026-03-03 01:30")
    assert peace_ends(NIGHT, at("2026-03-02 12:00"), BERLIN) is None


def test_the_first_minute_of_quiet_hours_is_quiet_and_the_last_is_loud() -> None:
    assert peace_ends(NIGHT, at("2026-03-02 21:00"), BERLIN) == at("2026-03-03 06:00")
    assert peace_ends(NIGHT, at("2026-03-03 06:00"), BERLIN) is None


def test_a_night_in_which_clocks_are_turned_ends_by_the_clock() -> None:
    assert peace_ends(NIGHT, at("2026-03-28 23:00"), BERLIN) == at("2026-03-29 05:00")
    assert peace_ends(NIGHT, at("2026-10-24 23:00"), BERLIN) == at("2026-10-25 06:00")


def test_quiet_hours_keep_people_undisturbed_and_webhooks_going() -> None:
    late = at("2026-03-02 22:30")
    chosen = choose(NoticeKind.OUT_OF_SYNC, EVERYTHING, habits(), late)
    morning = at("2026-03-03 06:00")
    assert chosen == (
        Choice(Channel.MAIL, morning, Reason.QUIET_HOURS),
        Choice(Channel.PUSH, morning, Reason.QUIET_HOURS),
        Choice(Channel.TELEGRAM, morning, Reason.QUIET_HOURS),
        Choice(Channel.WEBHOOK, late),
    )


def test_a_digest_gathers_mail_alone() -> None:
    noon = at("2026-03-02 11:20")
    chosen = choose(NoticeKind.OUT_OF_SYNC, {Channel.MAIL, Channel.PUSH}, habits(Habit(Digest.HOURLY)), noon)
    assert chosen == (Choice(Channel.MAIL, at("2026-03-02 12:00"), Reason.DIGEST), Choice(Channel.PUSH, noon))


def test_full_hours_and_mornings_are_those_of_the_readers_zone() -> None:
    noon = at("2026-03-02 11:20")
    assert digest_at(Digest.HOURLY, noon, KOLKATA, 8) == at("2026-03-02 11:30")
    assert digest_at(Digest.DAILY, noon, BERLIN, 8) == at("2026-03-03 07:00")


def test_a_digest_that_falls_into_quiet_hours_waits_for_their_end() -> None:
    late = Habit(Digest.DAILY, time(22), time(9))
    (chosen,) = choose(NoticeKind.OUT_OF_SYNC, {Channel.MAIL}, habits(late), at("2026-03-02 11:00"))
    assert chosen == Choice(Channel.MAIL, at("2026-03-03 08:00"), Reason.DIGEST)


@pytest.mark.parametrize("kind", sorted(URGENT))
def test_stops_and_security_never_wait_and_cannot_be_switched_off(kind: NoticeKind) -> None:
    midnight = at("2026-03-02 23:00")
    off = Wishes({(kind, channel): False for channel in Channel})
    habit = Habit(Digest.DAILY, time(20), time(10))
    chosen = choose(kind, EVERYTHING, Habits(off, habit, BERLIN, 8), midnight)
    assert {one.channel for one in chosen} == DEFAULTS[kind]
    assert {(one.due_at, one.reason) for one in chosen} == {(midnight, None)}


def test_what_is_mailed_as_a_mail_of_its_own_is_never_mailed_again() -> None:
    wishes = Wishes({(kind, Channel.MAIL): True for kind in NoticeKind})
    assert not wishes.wants(NoticeKind.SECURITY, Channel.MAIL)
    assert not wishes.wants(NoticeKind.KEY_PROBLEM, Channel.MAIL)
    assert not may_choose(NoticeKind.KEY_PROBLEM, Channel.MAIL)
    assert may_choose(NoticeKind.KEY_PROBLEM, Channel.PUSH)


@settings(max_examples=60)
@given(now=MOMENTS, begins=CLOCKS, ends=CLOCKS, zone=ZONES)
def test_peace_ends_within_a_day_at_a_moment_that_is_not_quiet(
    now: datetime, begins: time, ends: time, zone: ZoneInfo
) -> None:
    habit = Habit(quiet_from=begins, quiet_until=ends)
    until = peace_ends(habit, now, zone)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=25)
    assert begins != ends
    # Where clocks leave out, or show twice, the hour at which peace ends, the next look decides anew.
    turned = until.astimezone(zone).utcoffset() != (until - timedelta(hours=3)).astimezone(zone).utcoffset()
    assert turned or peace_ends(habit, until, zone) is None


@settings(max_examples=60)
@given(now=MOMENTS, zone=ZONES, hour=st.integers(0, 23), digest=st.sampled_from([Digest.HOURLY, Digest.DAILY]))
def test_a_digest_is_always_ahead_and_never_later_than_promised(
    now: datetime, zone: ZoneInfo, hour: int, digest: Digest
) -> None:
    due_at = digest_at(digest, now, zone, hour)
    longest = timedelta(hours=1) if digest is Digest.HOURLY else timedelta(hours=25)
    assert now < due_at <= now + longest
