"""A strategy as its figures are kept: its account, what is stored of it, and the lock under which that is changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, text

from copydesk.analytics import Flows
from copydesk.db import Database, TenantSession
from copydesk.kernel import NotFound
from copydesk.marks import place_name
from copydesk.performance.raw import flows_of
from copydesk.replication.counted import counted
from copydesk.tenancy import Tenant, tenant_ids
from copydesk.trading import Environment

# Two updates of one strategy would each read what the other is about to replace.
_WAIT = text("SELECT pg_advisory_xact_lock(hashtextextended('copydesk figures ' || :tenant_id, :id))")
# Points of the last minutes are about to be stored: their partitions are seen to on the way.
_ROOM = (
    "performance_room('point_minute', CAST(:now AS timestamptz) - interval '5 minutes', :now) "
    "+ performance_room('point_hour', CAST(:now AS timestamptz) - interval '2 hours', :now)"
)
_TAKEN = "pg_try_advisory_xact_lock(hashtextextended('copydesk figures ' || :tenant_id, :id))"
_SUBJECT = """
    SELECT {taken} AS taken, {room} AS room, s.id, s.account_id, s.orders_heard_since, a.venue, a.environment,
           (SELECT max(l.leverage) FROM leader_setup l WHERE l.tenant_id = s.tenant_id AND l.strategy_id = s.id)
               AS leverage,
           (SELECT count(*) FROM strategy o WHERE o.tenant_id = s.tenant_id AND o.trader_id = s.trader_id
                AND o.id < s.id AND o.status = 'closed') AS restarts,
           (SELECT count(*) FROM subscription f WHERE f.tenant_id = s.tenant_id AND f.strategy_id = s.id
                AND f.state <> 'ended' AND {counted}) AS followers,
           k.as_of, k.cursor, k.summary, k.truth,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(ceil(extract(epoch FROM f.at)), f.amount) ORDER BY f.at), '[]')
            FROM cash_flow f WHERE f.tenant_id = s.tenant_id AND f.strategy_id = s.id AND f.kind <> 'opening') AS flows
    FROM strategy s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    LEFT JOIN strategy_figures k ON k.tenant_id = s.tenant_id AND k.strategy_id = s.id
    WHERE s.id = :id
"""
_READ = text(_SUBJECT.format(taken="true", room="0", counted=counted("f")))
# What a crash could take can be computed again: nobody waits for the disk. The statements of an update are always the
# same few, each by one owner's key: to plan them anew over all partitions would take longer than to run them.
_SETTINGS = "set_config('synchronous_commit', 'off', true) || set_config('plan_cache_mode', 'force_generic_plan', true)"
_TAKE = text(_SUBJECT.format(taken=_TAKEN, room=f"{_SETTINGS} || {_ROOM}", counted=counted("f")))


class Stored(NamedTuple):
    """What is stored of a strategy: until when, how far raw rows were read, and the fold's state."""

    as_of: datetime
    cursor: Mapping[str, Any]
    summary: Mapping[str, Any]


class Subject(NamedTuple):
    """A strategy. `place` is where its account trades; `restarts` counts strategies that its trader closed before;
    `heard_since` is since when its resting orders are known.

    `leverage` is the highest that its account was seen set to; `flows` what was paid in and out since the opening;
    `truth` what its followers had of it so far.
    """

    id: int
    account_id: int
    heard_since: datetime | None
    venue: str
    place: str
    leverage: int | None
    restarts: int
    followers: int
    flows: Flows
    truth: Mapping[str, Any]
    stored: Stored | None


def number_of(db: Database, tenant: Tenant) -> int:
    """Return under which number a brand's rows are; raises NotFound for one that was never served."""
    with db.installation() as session:
        number = tenant_ids(session).get(tenant.slug)
    if number is None:
        raise NotFound(f"the database has no rows of the brand {tenant.slug}")
    return number


def take_strategy(session: TenantSession, strategy_id: int, *, now: datetime) -> Subject:
    """Return a strategy for as long as this transaction lasts: nobody else updates it. Raises NotFound."""
    whose = {"tenant_id": str(session.tenant_id), "id": strategy_id}
    row = session.execute(_TAKE, {**whose, "now": now}).one_or_none()
    if row is not None and not row.taken:
        # What was read before the wait may be old by now.
        session.execute(_WAIT, whose)
        row = session.execute(_READ, whose).one_or_none()
    return _subject(row, strategy_id)


def read_strategy(session: TenantSession, strategy_id: int) -> Subject:
    """Return a strategy as it is stored; raises NotFound."""
    return _subject(session.execute(_READ, {"id": strategy_id}).one_or_none(), strategy_id)


def _subject(row: Row[Any] | None, strategy_id: int) -> Subject:
    if row is None:
        raise NotFound(f"there is no strategy {strategy_id}")
    return Subject(
        row.id,
        row.account_id,
        row.orders_heard_since,
        row.venue,
        place_name(row.venue, Environment(row.environment)),
        row.leverage,
        row.restarts,
        row.followers,
        flows_of([(int(at_s), float(amount)) for at_s, amount in row.flows]),
        row.truth or {},
        None if row.as_of is None else Stored(row.as_of, row.cursor, row.summary),
    )
