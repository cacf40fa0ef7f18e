"""The nightly check: everything computed anew in memory and compared with what is stored and shown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import orjson
from sqlalchemy import text

from copydesk.analytics import Rolled
from copydesk.db import Database, TenantSession
from copydesk.performance.advance import Advanced
from copydesk.performance.copying import copy_anew, read_copiers
from copydesk.performance.followed import IndexAt, copied_rows, folded_index
from copydesk.performance.keep import update_subscriptions
from copydesk.performance.leading import lead_anew
from copydesk.performance.marks import MarkCache, MarkReader, marks_of
from copydesk.performance.points import Owner, kept_points, stored_points
from copydesk.performance.raw import first_sample_at
from copydesk.performance.roster import due_strategies
from copydesk.performance.scoring import scheme_of
from copydesk.performance.standing import figures_row
from copydesk.performance.subject import number_of, read_strategy, take_strategy
from copydesk.tenancy import Tenant

# Two computations of one figure may differ by this much of it, and by this much where it is nothing.
TOLERANCE = 1e-8
# So many differences are kept of a check; the first of them says enough.
DIFFERENCES_MAX = 100
# What is no figure of a moment: where the fold stands, and what others set.
_UNTOLD = frozenset(
    {"strategy_id", "subscription_id", "as_of", "cursor", "summary", "truth", "followers", "leverage_max"}
)
_STRATEGIES = text("SELECT strategy_id FROM strategy_figures ORDER BY strategy_id")
_STRATEGY = text("SELECT to_jsonb(k) AS told FROM strategy_figures k WHERE strategy_id = :id")
_SUBSCRIPTIONS = text(
    "SELECT subscription_id, to_jsonb(k) AS told FROM subscription_figures k WHERE strategy_id = :id ORDER BY 1"
)
_STORE = text(
    """
    INSERT INTO figures_check (tenant_id, at, strategies, compared, differences, took_ms)
    VALUES (:tenant_id, :at, :strategies, :compared, CAST(:differences AS jsonb), :took_ms)
    """
)


class Difference(NamedTuple):
    """One figure that is stored otherwise than raw rows say. `owner` is "strategy" or "subscription"."""

    owner: str
    id: int
    figure: str
    stored: Any
    recomputed: Any


class Checked(NamedTuple):
    """A whole comparison: how many strategies, how many figures, and what was not the same."""

    strategies: int
    compared: int
    differences: tuple[Difference, ...]
    took_ms: int


class Tally(NamedTuple):
    """How many figures were compared, and those that differ."""

    compared: int
    differences: list[Difference]


def compare_tenant(session: TenantSession, tenant: Tenant, *, now: datetime) -> list[Difference]:
    """Compute a brand's figures anew, in memory, as of when each was stored, and return what differs."""
    marks = MarkCache(first_sample_at(session) or now, now)
    ids = list(session.execute(_STRATEGIES).scalars())
    tallies = [compare_strategy(session, tenant, id_, now=now, marks=marks) for id_ in ids]
    return [one for tally in tallies for one in tally.differences]


def check_tenant(db: Database, tenant: Tenant, *, now: datetime) -> Checked:
    """Compare a brand's figures, one transaction for each strategy, and store the outcome in `figures_check`."""
    began, number = time.perf_counter(), number_of(db, tenant)
    with db.tenant(number) as session:
        ids = list(session.execute(_STRATEGIES).scalars())
        marks = MarkCache(first_sample_at(session) or now, now)
    compared, differences = 0, list[Difference]()
    for id_ in ids:
        with db.tenant(number) as session:
            tally = compare_strategy(session, tenant, id_, now=now, marks=marks)
        compared += tally.compared
        differences += tally.differences
    took_ms = round((time.perf_counter() - began) * 1000)
    told = [one._asdict() for one in differences[:DIFFERENCES_MAX]]
    outcome = {
        "tenant_id": number,
        "at": now,
        "strategies": len(ids),
        "compared": compared,
        "differences": orjson.dumps(told).decode(),
        "took_ms": took_ms,
    }
    with db.tenant(number) as session:
        session.execute(_STORE, outcome)
    return Checked(len(ids), compared, tuple(differences), took_ms)


def compare_strategy(
    session: TenantSession, tenant: Tenant, strategy_id: int, *, now: datetime, marks: MarkReader = marks_of
) -> Tally:
    """Compare one strategy and its subscriptions. What differs because new rows have come in is brought up to date.

    Nobody updates it meanwhile.
    """
    take_strategy(session, strategy_id, now=now)
    tally = _compare(session, tenant, strategy_id, marks)
    if tally.differences and strategy_id in due_strategies(session, now=now):
        update_subscriptions(session, tenant, strategy_id, now=now)
        tally = _compare(session, tenant, strategy_id, marks)
    return tally


def same(stored: Any, recomputed: Any) -> bool:
    """Tell whether two figures are the same, as precisely as they are compared. Pure."""
    if isinstance(stored, Mapping) and isinstance(recomputed, Mapping):
        return stored.keys() == recomputed.keys() and all(same(stored[name], recomputed[name]) for name in stored)
    if isinstance(stored, int | float) and isinstance(recomputed, int | float):
        return abs(stored - recomputed) <= TOLERANCE * max(abs(stored), abs(recomputed), 1.0)
    return bool(stored == recomputed)


def _compare(session: TenantSession, tenant: Tenant, strategy_id: int, marks: MarkReader) -> Tally:
    told = session.execute(_STRATEGY, {"id": strategy_id}).scalar_one()
    as_of = datetime.fromisoformat(told["as_of"])
    subject = read_strategy(session, strategy_id)._replace(followers=told["followers"])
    led = lead_anew(session, subject, now=as_of, marks=marks, observes=False)
    if led is None:
        return Tally(0, [])
    scheme = scheme_of(tenant)
    row = figures_row(subject, led, scheme, now=as_of)
    unlike = set() if told["score_version"] == scheme.version else {"score", "score_version", "points", "gates"}
    compared = _pairs(Owner.STRATEGY, strategy_id, told, row, leave=unlike)
    compared += _points(session, Owner.STRATEGY, strategy_id, led.advanced, as_of)
    compared += _copies(session, strategy_id, folded_index(led.advanced.points["minute"]), marks, now=as_of)
    return Tally(len(compared), [one for one in compared if not same(one.stored, one.recomputed)])


def _copies(
    session: TenantSession, strategy_id: int, index_at: IndexAt, marks: MarkReader, *, now: datetime
) -> list[Difference]:
    """Compare the subscriptions to a strategy, each as of when it was stored."""
    copiers = {one.id: one for one in read_copiers(session, strategy_id, now=now, every=True)}
    compared = []
    for id_, told in session.execute(_SUBSCRIPTIONS, {"id": strategy_id}):
        as_of = datetime.fromisoformat(told["as_of"])
        (copied,) = copy_anew(session, [copiers[id_]], now=as_of, marks=marks)
        (row,) = copied_rows([copied], index_at, now=as_of)
        compared += _pairs(Owner.SUBSCRIPTION, id_, told, row)
        compared += _points(session, Owner.SUBSCRIPTION, id_, copied.advanced, as_of)
    return compared


def _pairs(
    owner: Owner, id_: int, told: Mapping[str, Any], row: Mapping[str, Any], *, leave: Iterable[str] = ()
) -> list[Difference]:
    figures = row["figures"]
    pairs = [Difference(str(owner), id_, name, told["figures"].get(name), figures[name]) for name in figures]
    columns = [name for name in row if name != "figures" and name not in _UNTOLD and name not in set(leave)]
    return pairs + [Difference(str(owner), id_, name, told[name], row[name]) for name in columns]


def _points(session: TenantSession, owner: Owner, id_: int, advanced: Advanced, as_of: datetime) -> list[Difference]:
    """Compare the points of each grain; the first that differs stands for all."""
    return [
        Difference(str(owner), id_, f"points_{grain}", *_first_unlike(session, owner, id_, grain, spans, as_of))
        for grain, spans in advanced.points.items()
    ]


def _first_unlike(
    session: TenantSession, owner: Owner, id_: int, grain: str, spans: Rolled, as_of: datetime
) -> tuple[Any, Any]:
    stored, made = stored_points(session, owner, id_, grain, as_of), kept_points(spans, grain, as_of)
    if stored.shape != made.shape:
        return len(stored), len(made)
    bound = TOLERANCE * np.maximum(np.maximum(np.abs(stored), np.abs(made)), 1.0)
    unlike = np.flatnonzero((np.abs(stored - made) > bound).any(axis=1))
    return (stored[unlike[0]].tolist(), made[unlike[0]].tolist()) if len(unlike) else (len(stored), len(made))
