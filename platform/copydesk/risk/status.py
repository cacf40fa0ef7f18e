"""What the risk role says of itself, and what it did lately, for whoever looks after a brand. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import InvalidInput
from copydesk.risk.acts import ActState
from copydesk.risk.configured import limit_of
from copydesk.risk.sentences import english
from copydesk.risk.stops import StopState

# The role says twice a second that it lives; with PostgreSQL slow it may be a little late.
WATCH_S_MAX = 5.0

_WATCH = text(
    """
    SELECT extract(epoch FROM clock_timestamp() - at)::float8 AS age_s, copy_id, holders, stops, doubts,
           (SELECT coalesce(max(id), 0) FROM copy) - copy_id AS behind
    FROM risk_watch
    """
)
_LATELY = text(
    """
    SELECT reference, scope, subject_id, subscription_id, line, action, state, facts, at, sent_at, ended_at
    FROM risk_act WHERE at >= clock_timestamp() - make_interval(hours => :hours) ORDER BY id DESC
    """
)


@dataclass(frozen=True)
class WatchNow:
    """How far a brand is watched. `age_s` is since the role last said so, `behind` in copies it does not know yet.

    `holders` are subscriptions and accounts, `stops` those on their way, `doubts` instruments whose price fires nothing
    at present.
    """

    age_s: float
    copy_id: int
    holders: int
    stops: int
    doubts: int
    behind: int

    @property
    def alive(self) -> bool:
        return self.age_s <= WATCH_S_MAX


@dataclass(frozen=True)
class LateAct:
    """One act of the last hours. `sent_at` is when its orders had gone out, `ended_at` when its books were flat."""

    reference: str
    scope: str
    subject_id: int
    subscription_id: int | None
    line: str
    action: str
    state: ActState
    facts: Mapping[str, Any]
    at: datetime
    sent_at: datetime | None
    ended_at: datetime | None

    @property
    def fired(self) -> bool:
        """Tell whether it closed something; the others warned, or kept opens back."""
        return self.state not in (ActState.WARNED, ActState.BLOCKED)

    @property
    def sentence(self) -> str:
        """Say in plain words which limit it was; a line that says no limit is its own words."""
        try:
            return english(limit_of(self.line))
        except InvalidInput:
            return self.line


def read_watch(session: Session) -> WatchNow | None:
    """Return how far a brand is watched, None where it never was."""
    row = session.execute(_WATCH).mappings().first()
    return None if row is None else WatchNow(**row)


def acts_lately(session: Session, *, hours: int = 24) -> list[LateAct]:
    """Return what risk did in the last hours, the newest first."""
    rows = session.execute(_LATELY, {"hours": hours}).mappings()
    return [LateAct(**{**row, "state": ActState(row["state"])}) for row in rows]


def stop_state(newest: ActState | None, *, running: bool) -> StopState:
    """Return where a holder's stop is, by its newest act; one that runs again after it was stopped was re-armed."""
    if newest is None or (running and newest is not ActState.WARNED):
        return StopState.ARMED
    return StopState.SOFT if newest is ActState.BLOCKED else StopState(newest)
