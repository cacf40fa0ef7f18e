"""What risk did, as rows: each act once, whatever becomes of its process; and the high waters that it judges by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.risk.waters import Water, Waters


class ActState(StrEnum):
    """How far an act has come. `flagged`: it could not be brought to its end, and a person must look."""

    WARNED = "warned"
    BLOCKED = "blocked"
    FIRING = "firing"
    CLOSING = "closing"
    CLOSED = "closed"
    FLAGGED = "flagged"


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `reference` names it before it is stored; `facts` are what a person needs to understand it."""

    reference: str
    scope: str
    subject_id: int
    subscription_id: int | None
    line: str
    action: str
    state: ActState
    facts: Mapping[str, Any]
    at: datetime


_STORE = text(
    """
    INSERT INTO risk_act (tenant_id, reference, scope, subject_id, subscription_id, line, action, state, facts, at)
    VALUES (:tenant_id, :reference, :scope, :subject_id, :subscription_id, :line, :action, :state, :facts, :at)
    ON CONFLICT (tenant_id, reference) DO NOTHING
    """
)
# What has ended does not begin again.
_ADVANCE = text(
    """
    UPDATE risk_act SET state = :state, facts = facts || CAST(:facts AS jsonb),
        sent_at = coalesce(sent_at, :sent_at),
        ended_at = CASE WHEN :state IN ('closed', 'flagged') THEN coalesce(ended_at, clock_timestamp()) END
    WHERE reference = :reference AND state <> 'closed'
    """
)
_END_SUSPENSIONS = text(
    "UPDATE risk_act SET state = 'closed', ended_at = clock_timestamp() "
    "WHERE scope = 'strategy' AND subject_id = :strategy_id AND state = 'blocked' RETURNING id"
)
_RESUMED = text(
    "SELECT subject_id, max(ended_at) FROM risk_act WHERE scope = 'strategy' AND state = 'closed' GROUP BY subject_id"
)
_OPEN = text(
    """
    SELECT reference, scope, subject_id, subscription_id, line, action, state, facts, at FROM risk_act
    WHERE state IN ('firing', 'closing', 'flagged') ORDER BY id
    """
)
_RECENT = text(
    """
    SELECT reference, scope, subject_id, subscription_id, line, action, state, facts, at FROM risk_act
    ORDER BY id DESC LIMIT :most
    """
)
# What a strategy is only warned of is told to those who run the brand.
_REACHING = text(
    """
    SELECT reference, scope, subject_id, subscription_id, line, action, state, facts, at FROM risk_act
    WHERE subscription_id = :subscription_id
       OR (at >= :since AND at <= coalesce(CAST(:until AS timestamptz), 'infinity') AND (
           (scope = 'account' AND subject_id = :account_id)
           OR (scope = 'strategy' AND subject_id = :strategy_id AND state <> 'warned')))
    ORDER BY id DESC LIMIT :most
    """
)
_NEWEST = text(
    """
    SELECT DISTINCT ON (scope, subject_id) scope, subject_id, state, (facts ->> 'turn')::int AS turn
    FROM risk_act WHERE scope IN ('subscription', 'account') ORDER BY scope, subject_id, id DESC
    """
)
_WATERS = text(
    "SELECT scope, subject_id, peak, day_equity, day_realised, day_at, week_equity, week_realised, week_at, "
    "month_equity, month_realised, month_at FROM risk_watermark"
)
_WATERS_OF = text(f"{_WATERS.text} WHERE scope = :scope AND subject_id = :subject_id")
_WATERS_AMONG = text(f"{_WATERS.text} WHERE scope = :scope AND subject_id = ANY(CAST(:ids AS bigint[]))")
_KEEP = text(
    """
    INSERT INTO risk_watermark (tenant_id, scope, subject_id, peak, day_equity, day_realised, day_at, week_equity,
                                week_realised, week_at, month_equity, month_realised, month_at)
    VALUES (:tenant_id, :scope, :subject_id, :peak, :day_equity, :day_realised, :day_at, :week_equity,
            :week_realised, :week_at, :month_equity, :month_realised, :month_at)
    ON CONFLICT (tenant_id, scope, subject_id) DO UPDATE
    SET peak = excluded.peak, day_equity = excluded.day_equity, day_realised = excluded.day_realised,
        day_at = excluded.day_at, week_equity = excluded.week_equity, week_realised = excluded.week_realised,
        week_at = excluded.week_at, month_equity = excluded.month_equity, month_realised = excluded.month_realised,
        month_at = excluded.month_at, at = clock_timestamp()
    """
)

_WATCH = text(
    """
    INSERT INTO risk_watch (tenant_id, at, copy_id, holders, stops, doubts)
    VALUES (:tenant_id, clock_timestamp(), :copy_id, :holders, :stops, :doubts)
    ON CONFLICT (tenant_id) DO UPDATE SET at = excluded.at, copy_id = excluded.copy_id, holders = excluded.holders,
        stops = excluded.stops, doubts = excluded.doubts
    """
)

Owner = tuple[str, int]


class Watch(NamedTuple):
    """How far the risk role is with a brand: the newest copy it knows, holders, stops on their way, prices in doubt."""

    copy_id: int
    holders: int
    stops: int
    doubts: int


class Reached(NamedTuple):
    """A subscription, with the account and the strategy whose acts reach it, from when on; `until` it has ended."""

    subscription_id: int
    account_id: int
    strategy_id: int
    since: datetime
    until: datetime | None = None


def store_acts(session: TenantSession, acts: Sequence[Act]) -> None:
    """Store acts that are not stored yet; those that are stay as they are."""
    if acts:
        session.execute(_STORE, [_row(session, act) for act in acts])


def advance_act(
    session: TenantSession,
    reference: str,
    state: ActState,
    *,
    facts: Mapping[str, Any] | None = None,
    sent_at: datetime | None = None,
) -> None:
    """Note how far an act has come."""
    params = {"reference": reference, "state": str(state), "facts": Jsonb(dict(facts or {})), "sent_at": sent_at}
    session.execute(_ADVANCE, params)


def end_suspensions(session: TenantSession, strategy_id: int) -> bool:
    """Note that a person lets a strategy go on, and tell whether it was suspended; losses are measured from now on."""
    return session.execute(_END_SUSPENSIONS, {"strategy_id": strategy_id}).first() is not None


def resumed_at(session: TenantSession) -> dict[int, datetime]:
    """Return when strategies that had been suspended were let go on, of each the newest time."""
    return {strategy_id: at for strategy_id, at in session.execute(_RESUMED)}  # noqa: C416 - rows are no pairs


def open_acts(session: TenantSession) -> list[Act]:
    """Return the acts that have not come to their end."""
    return [_act(dict(row)) for row in session.execute(_OPEN).mappings()]


def recent_acts(session: TenantSession, *, most: int = 50) -> list[Act]:
    """Return the newest acts of a brand first."""
    return [_act(dict(row)) for row in session.execute(_RECENT, {"most": most}).mappings()]


def acts_reaching(session: TenantSession, whom: Reached, *, most: int = 50) -> list[Act]:
    """Return the newest acts first that reached a subscription: its own, its account's, its strategy's suspensions."""
    return [_act(dict(row)) for row in session.execute(_REACHING, {**whom._asdict(), "most": most}).mappings()]


def newest_acts(session: TenantSession) -> dict[Owner, tuple[ActState, int]]:
    """Return how each holder's newest act stands, and in which turn of its stop it was."""
    return {(scope, subject): (ActState(state), turn or 1) for scope, subject, state, turn in session.execute(_NEWEST)}


def read_waters(session: TenantSession) -> dict[Owner, Waters]:
    """Return every holder's high waters as they were last kept."""
    return dict(_kept(row) for row in session.execute(_WATERS))


def waters_of(session: TenantSession, owner: Owner) -> Waters | None:
    """Return one holder's high waters as they were last kept, None before that."""
    row = session.execute(_WATERS_OF, {"scope": owner[0], "subject_id": owner[1]}).first()
    return None if row is None else _kept(row)[1]


def waters_among(session: TenantSession, scope: str, subject_ids: Sequence[int]) -> dict[int, Waters]:
    """Return the high waters of many holders of one scope, by their numbers; of those that have some."""
    keys = {"scope": scope, "ids": number_array(subject_ids)}
    return {owner[1]: known for owner, known in map(_kept, session.execute(_WATERS_AMONG, keys))}


def keep_waters(session: TenantSession, waters: Iterable[tuple[Owner, Waters]]) -> None:
    """Keep high waters, so that a new process goes on with them."""
    rows = [
        {
            "tenant_id": session.tenant_id,
            "scope": scope,
            "subject_id": subject,
            "peak": known.peak,
            **_water("day", known.day),
            **_water("week", known.week),
            **_water("month", known.month),
        }
        for (scope, subject), known in waters
    ]
    if rows:
        session.execute(_KEEP, rows)


def note_watch(session: TenantSession, watch: Watch) -> None:
    """Note that a brand is watched, and how far."""
    session.execute(_WATCH, {"tenant_id": session.tenant_id, **watch._asdict()})


def _kept(row: Iterable[Any]) -> tuple[Owner, Waters]:
    scope, subject, peak, *marks = row
    return (scope, subject), Waters(peak, Water(*marks[0:3]), Water(*marks[3:6]), Water(*marks[6:9]))


def _water(name: str, water: Water) -> dict[str, Any]:
    return {f"{name}_equity": water.equity, f"{name}_realised": water.realised, f"{name}_at": water.at}


def _row(session: TenantSession, act: Act) -> dict[str, Any]:
    return {
        "tenant_id": session.tenant_id,
        "reference": act.reference,
        "scope": act.scope,
        "subject_id": act.subject_id,
        "subscription_id": act.subscription_id,
        "line": act.line,
        "action": act.action,
        "state": str(act.state),
        "facts": Jsonb(dict(act.facts)),
        "at": act.at,
    }


def _act(row: Mapping[str, Any]) -> Act:
    return Act(**{**row, "state": ActState(row["state"])})
