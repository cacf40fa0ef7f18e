"""Compute points and figures anew from raw rows, as if nothing had ever been stored of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from copydesk.db import Database, TenantSession
from copydesk.performance.copying import copy_anew, read_copiers
from copydesk.performance.flows import record_allocations
from copydesk.performance.followed import copied_rows, folded_index, store_copied, store_truth
from copydesk.performance.keep import store_anew, store_points
from copydesk.performance.leading import lead_anew
from copydesk.performance.marks import MarkCache, MarkReader, marks_of
from copydesk.performance.raw import first_sample_at
from copydesk.performance.scoring import placed, scheme_of
from copydesk.performance.subject import number_of, take_strategy
from copydesk.tenancy import Tenant

Progress = Callable[[int, int], object]
_STRATEGIES = text("SELECT id FROM strategy ORDER BY id")


class Rebuilt(NamedTuple):
    """How much was computed anew: strategies that have figures, subscriptions, raw rows read, points stored."""

    strategies: int
    subscriptions: int
    rows: int
    points: int


def rebuild_strategy(
    session: TenantSession, tenant: Tenant, strategy_id: int, *, now: datetime, marks: MarkReader = marks_of
) -> Rebuilt:
    """Compute one strategy and its subscriptions anew; what staff adjusted by hand stays. Raises NotFound."""
    subject = take_strategy(session, strategy_id, now=now)
    led = lead_anew(session, subject, now=now, marks=marks, observes=subject.stored is None)
    if led is None:
        return Rebuilt(0, 0, 0, 0)
    kept = store_anew(session, tenant, subject, led, now=now)
    copiers = read_copiers(session, strategy_id, now=now, every=True)
    record_allocations(session, [copier.id for copier in copiers], now=now)
    copied = copy_anew(session, copiers, now=now, marks=marks)
    points = store_points(session, copied, now=now)
    index_at = folded_index(led.advanced.points["minute"])
    store_copied(session, strategy_id, copied_rows(copied, index_at, now=now))
    store_truth(session, scheme_of(tenant), strategy_id)
    return Rebuilt(1, len(copied), kept.rows + sum(one.rows for one in copied), kept.points + points)


def rebuild_tenant(db: Database, tenant: Tenant, *, now: datetime, progress: Progress | None = None) -> Rebuilt:
    """Compute all strategies of a brand anew, one transaction for each; `progress` hears how many of how many."""
    number = number_of(db, tenant)
    with db.tenant(number) as session:
        found = list(session.execute(_STRATEGIES).scalars())
        marks = MarkCache(first_sample_at(session) or now, now)
    total = Rebuilt(0, 0, 0, 0)
    for place, strategy_id in enumerate(found, start=1):
        with db.tenant(number) as session:
            done = rebuild_strategy(session, tenant, strategy_id, now=now, marks=marks)
        total = Rebuilt(*(before + more for before, more in zip(total, done, strict=True)))
        if progress is not None:
            progress(place, len(found))
    with db.tenant(number) as session:
        placed(session, tenant)
    return total
