"""Points of equity: stored by minute, hour and day, read as a curve of bounded length, forgotten by age.

Minutes are kept `MINUTES_DAYS`, hours `HOURS_DAYS`, days for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.analytics import Rolled
from copydesk.analytics.record import DAY_S, Floats
from copydesk.db import Database, TenantSession
from copydesk.performance.advance import GRAINS
from copydesk.performance.wire import read_array, write_arrays

MINUTES_DAYS, HOURS_DAYS = 35, 400
# For how long ahead partitions are made; the worker asks for them once a day.
AHEAD_DAYS = 21
# The finest grain is taken that needs no more points than this, times the points of the curve.
_READ_OVER = 20
# Beyond this nothing is stored: a column holds 20 digits before the point.
_MOST = 1e18
_NAMES = tuple(GRAINS)

_KEEPS: Mapping[str, int] = {"minute": MINUTES_DAYS, "hour": HOURS_DAYS, "day": 7_300}
_TOLD = """
    told AS (
        SELECT owner_id, CASE grain WHEN 0 THEN 'minute' WHEN 1 THEN 'hour' ELSE 'day' END AS grain,
               to_timestamp(at_s) AS at, equity, flow, close, low, high
        FROM unnest(%(owners)s, %(grains)s, %(at_s)s, %(equity)s, %(flow)s, %(close)s, %(low)s, %(high)s)
             AS told (owner_id, grain, at_s, equity, flow, close, low, high)
    )
"""
_GONE = """
    gone_{grain} AS (
        DELETE FROM performance_point p USING unnest(%(ids)s, %(since_{grain})s) AS kept (owner_id, since)
        WHERE p.owner = %(owner)s AND p.grain = '{grain}' AND p.owner_id = kept.owner_id
          AND p.at >= to_timestamp(%(from_{grain})s) AND p.at >= to_timestamp(kept.since)
          AND NOT EXISTS (SELECT FROM told WHERE told.grain = '{grain}' AND told.owner_id = p.owner_id
                          AND told.at = p.at)
    )
"""
_INSERT = """
    INSERT INTO performance_point (tenant_id, owner, owner_id, grain, at, equity, flow, index_close, index_low,
                                   index_high)
    SELECT %(tenant_id)s, %(owner)s, owner_id, grain, at, equity, flow, close, low, high FROM told
"""
_OVER = """
    ON CONFLICT (tenant_id, owner, owner_id, grain, at) DO UPDATE SET
        equity = excluded.equity, flow = excluded.flow, index_close = excluded.index_close,
        index_low = excluded.index_low, index_high = excluded.index_high
"""
_REPLACE = f"WITH {_TOLD}, {', '.join(_GONE.format(grain=grain) for grain in GRAINS)} {_INSERT} {_OVER}"
_WRITE = f"WITH {_TOLD} {_INSERT}"
_ERASE = text("DELETE FROM performance_point WHERE owner = :owner AND owner_id = ANY (:ids)")
_ROOM = text(
    "SELECT performance_room('point_minute', :minutes, :until), performance_room('point_hour', :hours, :until)"
)
_MARK_ROOM = text("SELECT performance_room('mark_minute', :since, :until)")
_FORGET = text("SELECT performance_forget(:minutes, :hours)")
# From when to when there are points, and how high they were before the day on which a curve begins.
_SPAN = text(
    "SELECT min(at), max(at), "
    "max(index_high) FILTER (WHERE at < date_trunc('day', CAST(:since AS timestamptz), 'UTC')) "
    "FROM performance_point WHERE owner = :owner AND owner_id = :id AND grain = 'day'"
)
_READ = """
    SELECT extract(epoch FROM at) AS at_s, equity, index_close, index_low, index_high FROM performance_point
    WHERE owner = %(owner)s AND owner_id = %(id)s AND grain = %(grain)s AND at >= %(since)s AND at <= %(until)s
    ORDER BY at
"""
_COLUMNS = {"at_s": "int8", **dict.fromkeys(("equity", "index_close", "index_low", "index_high"), "float8")}


class Owner(StrEnum):
    """Whose equity a point is."""

    STRATEGY = "strategy"
    SUBSCRIPTION = "subscription"


class Fresh(NamedTuple):
    """New points of one owner, by grain; they take the place of all that are stored from `since_s` on."""

    owner_id: int
    points: Mapping[str, Rolled]
    since_s: Mapping[str, int]


@dataclass(frozen=True)
class Curve:
    """Points for a chart, oldest first, tuples of one length; each stands at the end of its minute, hour or day.

    `index` is 1 where the record begins and neutral to payments; `drawdown` the fall of the index from its highest so
    far, 0 to 1.
    """

    at: tuple[datetime, ...]
    equity: tuple[Decimal, ...]
    index: tuple[Decimal, ...]
    drawdown: tuple[Decimal, ...]


def curve(
    session: Session,
    owner: Owner | str,
    owner_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    points_max: int = 300,
) -> Curve:
    """Return the equity of a strategy or a subscription; all of it where no time is given. Extremes are kept."""
    whose = {"owner": str(owner), "id": owner_id}
    first, last, peak = session.execute(_SPAN, {**whose, "since": since}).one()
    if first is None:
        return Curve((), (), (), ())
    begin, end = max(since or first, first), until or last + timedelta(days=1)
    grain = _grain(begin, end, last, points_max)
    step = timedelta(seconds=GRAINS[grain])
    rows = read_array(session, _READ, {**whose, "grain": grain, "since": begin - step, "until": end}, _COLUMNS)
    at_s, equity, close, low, high = (rows[name].astype(float) for name in _COLUMNS)
    fallen = _fallen(close, low, high, float(peak or 0))
    kept, index = _extremes(close, low, high, points_max)
    moments = tuple(datetime.fromtimestamp(at_s[place] + GRAINS[grain], UTC) for place in kept)
    return Curve(moments, _decimals(equity[kept]), _decimals(index), _decimals(fallen[kept]))


def replace_points(session: TenantSession, owner: Owner, fresh: Sequence[Fresh], *, now: datetime) -> int:
    """Store points in place of those from each owner's `since_s` on; returns how many."""
    if not fresh:
        return 0
    columns = _columns(fresh, now)
    told: dict[str, object] = {"owner": str(owner), "tenant_id": session.tenant_id, **columns}
    told["ids"] = np.array([one.owner_id for one in fresh], np.int64)
    for grain in GRAINS:
        since = np.array([one.since_s[grain] for one in fresh], np.int64)
        told |= {f"since_{grain}": since, f"from_{grain}": int(since.min())}
    _make_room(session, columns, now)
    write_arrays(session, _REPLACE, told)
    return len(columns["at_s"])


def write_points(session: TenantSession, owner: Owner, fresh: Sequence[Fresh], *, now: datetime) -> int:
    """Store points of owners that have none; returns how many."""
    columns = _columns(fresh, now)
    if not len(columns["at_s"]):
        return 0
    _make_room(session, columns, now)
    write_arrays(session, _WRITE, {"owner": str(owner), "tenant_id": session.tenant_id, **columns})
    return len(columns["at_s"])


def stored_points(session: Session, owner: Owner, owner_id: int, grain: str, as_of: datetime) -> Floats:
    """Return the points of one grain that no partition has been dropped of yet: a row of numbers for each."""
    bound = {"owner": str(owner), "id": owner_id, "grain": grain}
    since = as_of - timedelta(days=_KEEPS[grain])
    rows = read_array(session, _READ, {**bound, "since": since, "until": as_of}, _COLUMNS)
    return np.column_stack([rows[name].astype(float) for name in _COLUMNS])


def kept_points(spans: Rolled, grain: str, as_of: datetime) -> Floats:
    """Return points as `stored_points` would, were they stored."""
    young = spans.at_s >= as_of.timestamp() - _KEEPS[grain] * DAY_S
    columns = (spans.at_s, spans.equity, spans.index_close, spans.index_low, spans.index_high)
    return np.column_stack([np.clip(column[young], -_MOST, _MOST).astype(float) for column in columns])


def erase_points(session: TenantSession, owner: Owner, owner_ids: Sequence[int]) -> None:
    """Forget all points of owners: they are about to be made again."""
    session.execute(_ERASE, {"owner": str(owner), "ids": list(owner_ids)})


def make_room(db: Database, *, since: datetime, until: datetime) -> int:
    """Make the partitions that points and marks of this time need, where they lack; returns how many were made."""
    with db.installation() as session:
        points = session.execute(_ROOM, {"minutes": since, "hours": since, "until": until}).one()
        marks = session.execute(_MARK_ROOM, {"since": since, "until": until}).scalar_one()
    return int(sum(points) + marks)


def forget(db: Database, *, now: datetime) -> int:
    """Drop minutes and hours that are older than they are kept; returns how many partitions went."""
    ages = {"minutes": now - timedelta(days=MINUTES_DAYS), "hours": now - timedelta(days=HOURS_DAYS)}
    with db.installation() as session:
        return int(session.execute(_FORGET, ages).scalar_one())


def _make_room(session: Session, columns: Mapping[str, NDArray[np.generic]], now: datetime) -> None:
    """Make the partitions of points that are not of the last minutes: `take_strategy` has seen to those."""
    at_s, grains = columns["at_s"], columns["grains"]

    def first(grain: str, usual: timedelta) -> datetime:
        own = at_s[grains == _NAMES.index(grain)]
        return min(datetime.fromtimestamp(int(own.min()), UTC), now - usual) if len(own) else now - usual

    usual = {"minutes": timedelta(minutes=5), "hours": timedelta(hours=2)}
    since = {"minutes": first("minute", usual["minutes"]), "hours": first("hour", usual["hours"])}
    if any(since[grain] < now - usual[grain] for grain in since):
        session.execute(_ROOM, {**since, "until": now})


def _columns(fresh: Sequence[Fresh], now: datetime) -> dict[str, NDArray[np.generic]]:
    owners, grains, rows = [], [], []
    for one in fresh:
        for number, grain in enumerate(_NAMES):
            spans = one.points[grain]
            young = spans.at_s >= int(now.timestamp()) - _KEEPS[grain] * DAY_S
            parts = (spans.at_s, spans.equity, spans.flow, spans.index_close, spans.index_low, spans.index_high)
            rows.append([part[young] for part in parts])
            owners.append(np.full(int(young.sum()), one.owner_id))
            grains.append(np.full(int(young.sum()), number))
    at_s, *amounts = (np.concatenate(parts) for parts in zip(*rows, strict=True))
    named = zip(("equity", "flow", "close", "low", "high"), amounts, strict=True)
    bounded = {name: np.clip(amount, -_MOST, _MOST) for name, amount in named}
    return {"owners": np.concatenate(owners), "grains": np.concatenate(grains), "at_s": at_s, **bounded}


def _grain(begin: datetime, end: datetime, last: datetime, points_max: int) -> str:
    for grain, step in GRAINS.items():
        kept = begin >= last - timedelta(days=_KEEPS[grain] - 1)
        if kept and (end - begin).total_seconds() <= step * points_max * _READ_OVER:
            return grain
    return "day"


def _fallen(close: Floats, low: Floats, high: Floats, peak: float) -> Floats:
    """Return the fall of each span from the highest before it, or within it to its end."""
    if not len(close):
        return close
    highest = np.maximum.accumulate(np.concatenate([[peak], high]))
    before, after = highest[:-1], highest[1:]
    lowest = np.where(before > 0, np.minimum(low, close), close)
    deep = 1.0 - np.divide(lowest, before, out=np.ones(len(close)), where=before > 0)
    ended = 1.0 - np.divide(close, after, out=np.ones(len(close)), where=after > 0)
    return np.clip(np.maximum(deep, ended), 0.0, 1.0)


def _extremes(close: Floats, low: Floats, high: Floats, points_max: int) -> tuple[NDArray[np.intp], Floats]:
    """Return which spans to show, and the index of each: of every slice its first, lowest, highest and last."""
    count = len(close)
    if count <= points_max:
        return np.arange(count), close
    shown: dict[int, float] = {}
    for part in np.array_split(np.arange(count), max(points_max // 4, 1)):
        bottom, top = int(part[np.argmin(low[part])]), int(part[np.argmax(high[part])])
        ends = {int(part[0]): float(close[part[0]]), int(part[-1]): float(close[part[-1]])}
        shown |= ends | {bottom: float(low[bottom]), top: float(high[top])}
    shown |= {0: float(close[0]), count - 1: float(close[-1])}
    kept = sorted(shown)
    return np.array(kept, np.intp), np.array([shown[place] for place in kept])


def _decimals(values: Floats) -> tuple[Decimal, ...]:
    return tuple(Decimal(repr(float(value))) for value in values)
