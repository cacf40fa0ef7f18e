"""Keep points and figures up to date: load what was folded, read what is new since, fold it, store it.

What comes in late (older than what was folded) makes its owner be computed from the beginning, so that figures never
depend on the order of arrival.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from copydesk.analytics import Flows
from copydesk.db import TenantSession
from copydesk.performance.copying import Copied, copy_on, read_copiers
from copydesk.performance.flows import forget_seen, record_allocations
from copydesk.performance.followed import copied_rows, store_copied, store_truth, stored_index
from copydesk.performance.leading import Led, lead_anew, lead_on
from copydesk.performance.points import Fresh, Owner, erase_points, replace_points, write_points
from copydesk.performance.scoring import scheme_of
from copydesk.performance.standing import figures_row, store_figures
from copydesk.performance.subject import Subject, take_strategy
from copydesk.tenancy import Tenant


class Kept(NamedTuple):
    """What an update did: how many raw rows were new, how many points were stored, whether it began anew."""

    rows: int
    points: int
    rebuilt: bool = False


def update_strategy(session: TenantSession, tenant: Tenant, strategy_id: int, *, now: datetime) -> Kept:
    """Bring one strategy's points, figures and score up to date; safe to run twice, and cheap when nothing is new.

    Raises NotFound. A strategy whose equity was never told has no figures yet.
    """
    subject = take_strategy(session, strategy_id, now=now)
    if subject.stored is not None and subject.stored.as_of >= now:
        return Kept(0, 0)
    led = lead_on(session, subject, now=now)
    if led is None:
        return _begin(session, tenant, subject, now=now)
    store_figures(session, [figures_row(subject, led, scheme_of(tenant), now=now)])
    points = replace_points(session, Owner.STRATEGY, [_fresh(subject.id, led)], now=now)
    return Kept(led.rows, points)


def update_subscriptions(session: TenantSession, tenant: Tenant, strategy_id: int, *, now: datetime) -> Kept:
    """Bring the figures of all subscriptions to a strategy up to date, and what its followers had of it.

    Where any of them is behind, the strategy itself is brought up to date first: results are compared with its own.
    """
    copiers = read_copiers(session, strategy_id, now=now)
    if not copiers:
        return Kept(0, 0)
    kept = update_strategy(session, tenant, strategy_id, now=now)
    record_allocations(session, [copier.id for copier in copiers], now=now)
    copied = copy_on(session, copiers, now=now)
    points = store_points(session, copied, now=now)
    store_copied(session, strategy_id, copied_rows(copied, stored_index(session, strategy_id), now=now))
    store_truth(session, scheme_of(tenant), strategy_id)
    rows = sum(one.rows for one in copied)
    return Kept(rows + kept.rows, points + kept.points, any(one.anew for one in copied))


def store_points(session: TenantSession, copied: Sequence[Copied], *, now: datetime) -> int:
    """Store the points of subscriptions; those folded from the beginning in place of all."""
    anew = [one for one in copied if one.anew]
    if anew:
        erase_points(session, Owner.SUBSCRIPTION, [one.copier.id for one in anew])
    made = [_points(one) for one in anew]
    going = [_points(one) for one in copied if not one.anew]
    stored = write_points(session, Owner.SUBSCRIPTION, made, now=now) if made else 0
    return stored + replace_points(session, Owner.SUBSCRIPTION, going, now=now)


def store_anew(session: TenantSession, tenant: Tenant, subject: Subject, led: Led, *, now: datetime) -> Kept:
    """Store a strategy that was folded from the beginning in place of all that there is of it."""
    erase_points(session, Owner.STRATEGY, [subject.id])
    store_figures(session, [figures_row(subject, led, scheme_of(tenant), now=now)])
    points = write_points(session, Owner.STRATEGY, [_fresh(subject.id, led)], now=now)
    return Kept(led.rows, points, rebuilt=True)


def _begin(session: TenantSession, tenant: Tenant, subject: Subject, *, now: datetime) -> Kept:
    """Fold a strategy for the first time, or again because of a late row: then payments are looked for again too."""
    if subject.stored is not None:
        forget_seen(session, subject.id)
        subject = subject._replace(flows=Flows())
    led = lead_anew(session, subject, now=now, observes=True)
    return Kept(0, 0) if led is None else store_anew(session, tenant, subject, led, now=now)


def _fresh(strategy_id: int, led: Led) -> Fresh:
    return Fresh(strategy_id, led.advanced.points, led.advanced.since_s)


def _points(one: Copied) -> Fresh:
    return Fresh(one.copier.id, one.advanced.points, one.advanced.since_s)
