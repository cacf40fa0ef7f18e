"""Fold the records of subscriptions out of their raw rows: copies' fills, adjustments, funding, allocation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import text

from copydesk.analytics import Costs, Fills, Flows, Raw, Summary
from copydesk.analytics.record import Floats
from copydesk.db import TenantSession
from copydesk.marks import place_name
from copydesk.performance.advance import Advanced, Part, advance, opening_parts, parts_json, parts_of
from copydesk.performance.ledger import Fee, Ledger, fills_of, symbol_of
from copydesk.performance.marks import MarkLine, MarkReader, marks_by_place, marks_of
from copydesk.performance.raw import (
    Adjustment,
    Funding,
    count_funding,
    empty_ledger,
    read_adjustments,
    read_fills,
    read_flows,
    read_funding,
    read_up_to,
)
from copydesk.performance.roster import SUBSCRIPTION_DUE
from copydesk.trading import Environment

_SUBSCRIPTIONS = text(
    f"""
    SELECT s.id, CAST(floor(extract(epoch FROM s.created_at)) AS bigint) AS began_s,
           CAST(ceil(extract(epoch FROM s.ended_at)) AS bigint) AS ended_s, a.venue, a.environment,
           coalesce((SELECT f.amount FROM cash_flow f WHERE f.tenant_id = s.tenant_id AND f.subscription_id = s.id
                     AND f.kind = 'opening'), s.allocation) AS opening,
           k.as_of, k.cursor, k.summary
    FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    LEFT JOIN subscription_figures k ON k.tenant_id = s.tenant_id AND k.subscription_id = s.id
    WHERE s.strategy_id = :id AND (CAST(:every AS boolean) OR {SUBSCRIPTION_DUE})
    ORDER BY s.id
    """  # noqa: S608 - a condition of ours
)


class Copier(NamedTuple):
    """A subscription: since and until when, what it began with, where it trades, and what is stored of it."""

    id: int
    began_s: int
    ended_s: int | None
    opening: float
    place: str
    as_of: datetime | None
    cursor: Mapping[str, Any]
    summary: Mapping[str, Any]


class Copied(NamedTuple):
    """A subscription's record taken on, or folded anew."""

    copier: Copier
    advanced: Advanced
    cursor: dict[str, Any]
    rows: int
    anew: bool


class _Base(NamedTuple):
    summary: Summary
    parts: Mapping[str, Part]
    cursor: Mapping[str, Any]
    anew: bool


class _Rows(NamedTuple):
    """What was read for many subscriptions, by their ids."""

    ledgers: Mapping[int, Ledger]
    adjustments: Mapping[int, list[Adjustment]]
    funding: Mapping[int, list[Funding]]
    flows: Mapping[int, Flows]


def read_copiers(session: TenantSession, strategy_id: int, *, now: datetime, every: bool = False) -> list[Copier]:
    """Return the subscriptions to a strategy whose records are behind; `every` one of them if asked for."""
    return [
        Copier(
            row.id,
            row.began_s,
            row.ended_s,
            float(row.opening),
            place_name(row.venue, Environment(row.environment)),
            row.as_of,
            row.cursor or {},
            row.summary or {},
        )
        for row in session.execute(_SUBSCRIPTIONS, {"id": strategy_id, "now": now, "every": every})
    ]


def copy_on(
    session: TenantSession, copiers: Sequence[Copier], *, now: datetime, marks: MarkReader = marks_of
) -> list[Copied]:
    """Take the records of subscriptions on to now; one whose rows came late is folded from the beginning."""
    bases = {copier.id: _stored(copier) for copier in copiers}
    going = {id_: base for id_, base in bases.items() if base is not None}
    rows = _read(session, going)
    funded = count_funding(session, {id_: base.summary.at_s for id_, base in going.items()})
    late = {id_ for id_, base in going.items() if _late(base, rows, id_, funded.get(id_, 0))}
    anew = [copier for copier in copiers if copier.id in late or bases[copier.id] is None]
    kept = [copier for copier in copiers if copier.id not in late and bases[copier.id] is not None]
    done = _folded(session, kept, going, rows, now=now, marks=marks)
    return done + copy_anew(session, anew, now=now, marks=marks)


def copy_anew(
    session: TenantSession, copiers: Sequence[Copier], *, now: datetime, marks: MarkReader = marks_of
) -> list[Copied]:
    """Fold the records of subscriptions from the beginning."""
    bases = {copier.id: _fresh(copier) for copier in copiers}
    return _folded(session, copiers, bases, _read(session, bases), now=now, marks=marks)


def _stored(copier: Copier) -> _Base | None:
    if copier.as_of is None or "parts" not in copier.cursor:
        return None
    try:
        return _Base(Summary.from_json(copier.summary), parts_of(copier.cursor["parts"]), copier.cursor, anew=False)
    except ValueError:
        return None


def _fresh(copier: Copier) -> _Base:
    cursor: dict[str, Any] = {"from": 0, "seen": 0, "fill_s": 0.0, "adjusted": 0, "funded": 0}
    if "base" in copier.cursor:
        cursor["base"] = copier.cursor["base"]
    # A fill in the second in which it was made is its own.
    began_s = copier.began_s - 1
    return _Base(Summary.empty(began_s, copier.opening), opening_parts(began_s, copier.opening), cursor, anew=True)


def _read(session: TenantSession, bases: Mapping[int, _Base]) -> _Rows:
    if not bases:
        return _Rows({}, {}, {}, {})
    settled = {id_: base.summary.at_s for id_, base in bases.items()}
    return _Rows(
        read_fills(session, {id_: base.cursor["from"] for id_, base in bases.items()}),
        read_adjustments(session, bases),
        read_funding(session, settled),
        read_flows(session, bases, of_strategies=False),
    )


def _late(base: _Base, rows: _Rows, id_: int, funded: int) -> bool:
    """Tell whether anything came that is older than what was folded, or that only the whole past can value."""
    ledger, settled_s = rows.ledgers.get(id_), base.summary.at_s
    if ledger is not None and bool(np.any((ledger.seq > base.cursor["seen"]) & (ledger.at_s <= settled_s))):
        return True
    gone = rows.adjustments.get(id_, ())
    at_cost = any(one.px is None and one.at_ms // 1000 > settled_s for one in gone)
    overdue = any(one.id > base.cursor["adjusted"] and one.at_ms // 1000 <= settled_s for one in gone)
    return funded != base.cursor["funded"] or at_cost or overdue


def _folded(
    session: TenantSession,
    copiers: Sequence[Copier],
    bases: Mapping[int, _Base],
    rows: _Rows,
    *,
    now: datetime,
    marks: MarkReader,
) -> list[Copied]:
    if not copiers:
        return []
    lines = _lines(session, copiers, bases, rows, now=now, marks=marks)
    done = [_one(copier, bases[copier.id], rows, lines.get(copier.place, {}), now) for copier in copiers]
    funded = count_funding(session, {one.copier.id: one.advanced.kept.at_s for one in done})
    for one in done:
        one.cursor["funded"] = funded.get(one.copier.id, 0)
    return done


def _one(copier: Copier, base: _Base, rows: _Rows, lines: Mapping[str, MarkLine], now: datetime) -> Copied:
    ledger = rows.ledgers.get(copier.id) or empty_ledger()
    adjustments, funding = rows.adjustments.get(copier.id, []), rows.funding.get(copier.id, [])
    summary = base.summary
    fresh = ledger.after(summary.at_s)
    names = tuple(dict.fromkeys((*fresh.names, *(one.name for one in adjustments), *summary.books)))
    symbols = (*names, *sorted({paid.symbol for paid in funding} - set(names)))
    fills = _with_adjustments(names, fresh, fills_of(fresh, lines), adjustments, summary.at_s)
    costs = Costs(
        np.array([paid.at_s for paid in funding], np.int64),
        np.array([-paid.amount for paid in funding], float),
        np.array([symbols.index(paid.symbol) for paid in funding], np.int64),
    )
    raw = Raw(fills, symbols, marks_by_place(symbols, lines), rows.flows.get(copier.id, Flows()), costs)
    now_s = int(now.timestamp()) if copier.ended_s is None else min(int(now.timestamp()), copier.ended_s)
    advanced = advance(summary, base.parts, raw, now_s=now_s)
    cursor = {
        **base.cursor,
        **read_up_to(ledger, advanced.kept.at_s, base.cursor),
        "parts": parts_json(advanced.parts),
        "adjusted": max((one.id for one in adjustments), default=0),
    }
    return Copied(copier, advanced, cursor, len(fresh) + len(funding), base.anew)


def _with_adjustments(
    names: Sequence[str], ledger: Ledger, fills: Fills, adjustments: Iterable[Adjustment], after_s: int
) -> Fills:
    """Add what left the books: at its price, or at what it had cost where its owner took it over."""
    in_base = np.where(ledger.fee_kind == Fee.BASE, fills.cost, 0.0)
    gone = []
    for one in adjustments:
        which = names.index(one.name)
        px = one.px or _entry_px(fills, in_base, which, one.at_ms)
        if one.at_ms // 1000 > after_s and px > 0:
            gone.append((-one.id, which, one.at_ms, one.qty, px))
    if not gone:
        return fills
    columns = [np.array(column) for column in zip(*gone, strict=True)]
    before = (fills.trade, fills.instrument, fills.at_ms, fills.qty, fills.px)
    named_columns = ("trade", "instrument", "at_ms", "qty", "px")
    joined = {name: np.concatenate(pair) for name, *pair in zip(named_columns, before, columns, strict=True)}
    return Fills(**joined, cost=np.concatenate([fills.cost, np.zeros(len(gone))]))


def _entry_px(fills: Fills, in_base: Floats, which: int, until_ms: int) -> float:
    """Return what a book's position had cost for each unit at a moment; 0 where it held nothing."""
    own = np.flatnonzero((fills.instrument == which) & (fills.at_ms <= until_ms))
    held = cost = 0.0
    for place in own[np.lexsort((fills.trade[own], fills.at_ms[own]))].tolist():
        qty, px = float(fills.qty[place]), float(fills.px[place])
        left = held + qty
        if held * qty >= 0:
            cost += qty * px + float(in_base[place])
        else:
            cost = cost * left / held if held * left >= 0 else left * px
        held = left
    return cost / held if held else 0.0


def _lines(
    session: TenantSession,
    copiers: Sequence[Copier],
    bases: Mapping[int, _Base],
    rows: _Rows,
    *,
    now: datetime,
    marks: MarkReader,
) -> dict[str, Mapping[str, MarkLine]]:
    """Return the prices that the records need, by place and symbol, from the earliest that any of them needs."""
    wanted: dict[str, set[str]] = {}
    since: dict[str, int] = {}
    for copier in copiers:
        ledger, base = rows.ledgers.get(copier.id), bases[copier.id]
        told = {symbol_of(name) for name in base.summary.books}
        told |= {symbol_of(one.name) for one in rows.adjustments.get(copier.id, ())}
        if ledger is not None:
            coins = {ledger.coins[place] for place in np.unique(ledger.coin[ledger.fee_kind == Fee.OTHER])}
            told |= {symbol_of(name) for name in ledger.names} | coins
        wanted.setdefault(copier.place, set()).update(told)
        since[copier.place] = min(since.get(copier.place, base.summary.at_s), base.summary.at_s)
    return {
        place: marks(session, place, symbols, since=datetime.fromtimestamp(since[place], UTC), until=now)
        for place, symbols in wanted.items()
    }
