"""What somebody wants to be told how: switches that differ from the default, digests and quiet hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.notices.model import ALWAYS, DEFAULTS, MAILED_ALREADY, Channel, Digest, Habit, NoticeKind, Wishes
from copydesk.notices.tables import NoticeHabit, NoticeWish


class Taste(NamedTuple):
    """All that somebody said of how they want to be told."""

    wishes: Wishes
    habit: Habit


def may_choose(kind: NoticeKind, channel: Channel) -> bool:
    """Tell whether a switch is there at all: some notices always come, some are mailed as a mail of their own."""
    if kind in MAILED_ALREADY and channel is Channel.MAIL:
        return False
    return not (kind in ALWAYS and channel in DEFAULTS[kind])


def wishes_of(session: TenantSession, user_id: int) -> Wishes:
    """Return what somebody set otherwise than the default."""
    return tastes_of(session, [user_id])[user_id].wishes


def set_wishes(session: TenantSession, user_id: int, wanted: Mapping[tuple[NoticeKind, Channel], bool]) -> None:
    """Set switches; those that are as the default are forgotten, those that nobody may choose stay as they are."""
    chosen = {switch: wants for switch, wants in wanted.items() if may_choose(*switch)}
    session.execute(delete(NoticeWish).where(NoticeWish.user_id == user_id))
    rows = [
        {"tenant_id": session.tenant_id, "user_id": user_id, "kind": kind, "channel": channel, "wanted": wants}
        for (kind, channel), wants in chosen.items()
        if wants is not (channel in DEFAULTS[kind])
    ]
    if rows:
        session.execute(insert(NoticeWish).values(rows))


def habit_of(session: TenantSession, user_id: int) -> Habit:
    """Return somebody's digest and quiet hours, with the time zone of their account."""
    return tastes_of(session, [user_id])[user_id].habit


def keep_habit(session: TenantSession, user_id: int, habit: Habit) -> None:
    """Store somebody's digest and quiet hours; the zone is kept with their account (`identity.preferences`)."""
    assert (habit.quiet_from is None) is (habit.quiet_until is None), "quiet hours have a begin and an end, or neither"
    values = {"digest": str(habit.digest), "quiet_from": habit.quiet_from, "quiet_until": habit.quiet_until}
    keeping = insert(NoticeHabit).values(tenant_id=session.tenant_id, user_id=user_id, **values)
    session.execute(keeping.on_conflict_do_update(index_elements=("tenant_id", "user_id"), set_=values))


def tastes_of(session: TenantSession, user_ids: Collection[int]) -> dict[int, Taste]:
    """Return what each of these people said; who said nothing has the defaults."""
    said: defaultdict[int, dict[tuple[NoticeKind, Channel], bool]] = defaultdict(dict)
    for row in session.scalars(select(NoticeWish).where(NoticeWish.user_id.in_(user_ids))):
        said[row.user_id][NoticeKind(row.kind), Channel(row.channel)] = row.wanted
    zones = select(User.id, User.time_zone).where(User.id.in_(user_ids))
    zone_of = {row.id: row.time_zone for row in session.execute(zones)}
    habits = {row.user_id: row for row in session.scalars(select(NoticeHabit).where(NoticeHabit.user_id.in_(user_ids)))}
    return {one: Taste(Wishes(said[one]), _habit(habits.get(one), zone_of.get(one, ""))) for one in user_ids}


def _habit(row: NoticeHabit | None, zone: str) -> Habit:
    if row is None:
        return Habit(zone=zone)
    return Habit(Digest(row.digest), row.quiet_from, row.quiet_until, zone)
