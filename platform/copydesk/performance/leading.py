"""Fold a strategy's record out of its leader's raw rows: on from where it stands, or from the beginning."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import text

from copydesk.analytics import Fills, Raw, Summary
from copydesk.db import TenantSession
from copydesk.performance.advance import Advanced, Part, advance, opening_parts, parts_json, parts_of
from copydesk.performance.flows import FILL_GRACE_S, jumps, record_opening, record_seen, stood_at
from copydesk.performance.ledger import Fee, Held, Ledger, fills_of, named, symbol_of
from copydesk.performance.marks import MarkLine, MarkReader, marks_by_place, marks_of
from copydesk.performance.raw import (
    Samples,
    first_execution_at,
    first_sample,
    read_executions,
    read_flows,
    read_samples,
    read_up_to,
)
from copydesk.performance.stopped import stop_share
from copydesk.performance.subject import Subject

# Samples are looked at this often; what they say of payments and of the unexplained stands until then.
_LOOK_EVERY_S = 60.0
# How old the last sample may be for what is unexplained to be told.
_TOLD_S_MAX = 600.0
_BASES = text(
    "SELECT symbol, position_side, base_qty, last_px FROM leader_book WHERE strategy_id = :id AND base_qty <> 0"
)


class Led(NamedTuple):
    """A record taken on: its points and state, how far rows were read, how many were new, what is unexplained."""

    advanced: Advanced
    cursor: dict[str, Any]
    rows: int
    unexplained: float | None


class _Base(NamedTuple):
    """Where a fold begins: the record, what of its spans is settled, and the cursor."""

    summary: Summary
    parts: Mapping[str, Part]
    cursor: Mapping[str, Any]


def lead_on(session: TenantSession, subject: Subject, *, now: datetime) -> Led | None:
    """Take the stored record on to now; None where it must be folded anew, since a row came late."""
    stored = subject.stored
    if stored is None or "parts" not in stored.cursor:
        return None
    try:
        summary = Summary.from_json(stored.summary)
    except ValueError:
        return None
    ledger = read_executions(session, subject.account_id, after=stored.cursor["from"])
    if bool(np.any((ledger.seq > stored.cursor["seen"]) & (ledger.at_s <= summary.at_s))):
        return None
    base = _Base(summary, parts_of(stored.cursor["parts"]), stored.cursor)
    return _folded(session, subject, base, ledger, now=now, marks=marks_of, observes=True)


def lead_anew(
    session: TenantSession, subject: Subject, *, now: datetime, marks: MarkReader = marks_of, observes: bool
) -> Led | None:
    """Fold a record from the beginning; None where the account's equity was never told.

    `observes` looks for payments in all samples; else those that are recorded count as they are.
    """
    first = first_sample(session, subject.id)
    if first is None:
        return None
    told_at, equity = first
    traded_at = first_execution_at(session, subject.account_id)
    began_s = int(told_at.timestamp())
    if traded_at is not None:
        began_s = min(began_s, int(traded_at.timestamp()) - 1)
    opening = datetime.fromtimestamp(began_s, UTC)
    if observes:
        record_opening(session, subject.id, at=opening, equity=equity)
    ledger = read_executions(session, subject.account_id)
    lines = marks(session, subject.place, _symbols((), ledger), since=opening, until=now)
    summary = Summary.empty(began_s, equity, _bases(session, subject, ledger, lines))
    cursor: dict[str, Any] = {"from": 0, "seen": 0, "fill_s": 0.0, "sample": float(began_s)}
    cursor |= {"told": None, "unexplained": None}
    if subject.stored is not None and not observes:
        known = ("sample", "told", "unexplained")
        cursor |= {name: subject.stored.cursor[name] for name in known if name in subject.stored.cursor}
    base = _Base(summary, opening_parts(began_s, equity), cursor)
    return _folded(session, subject, base, ledger, now=now, marks=marks, observes=observes)


def _folded(
    session: TenantSession,
    subject: Subject,
    base: _Base,
    ledger: Ledger,
    *,
    now: datetime,
    marks: MarkReader,
    observes: bool,
) -> Led:
    summary, now_s = base.summary, int(now.timestamp())
    since = datetime.fromtimestamp(summary.at_s, UTC)
    fresh = ledger.after(summary.at_s)
    lines = marks(session, subject.place, _symbols(summary.books, fresh), since=since, until=now)
    held = {name: book.qty for name, book in summary.books.items()}
    cursor, flows = dict(base.cursor), subject.flows
    fills = fills_of(fresh, lines, held={name: Held(book.qty, book.qty_max) for name, book in summary.books.items()})
    due = now.timestamp() - (cursor["told"] or [0.0])[0] >= _LOOK_EVERY_S
    around = _Around(held, fresh.names, fills, lines)
    samples = (
        read_samples(session, subject.id, after_s=cursor["sample"] - 1e-3, until_s=now.timestamp())
        if observes and due
        else None
    )
    if samples is not None and _observe(session, subject.id, around, samples, cursor, summary.at_s, now):
        flows = read_flows(session, [subject.id], of_strategies=True).get(subject.id, flows)
    symbols = (*fresh.names, *(name for name in held if name not in fresh.names))
    raw = Raw(fills, symbols, marks_by_place(symbols, lines), flows)
    advanced = advance(summary, base.parts, raw, now_s=now_s)
    if samples is not None:
        cursor["unexplained"] = _unexplained(cursor["told"], advanced.shown, now)
    cursor |= {"parts": parts_json(advanced.parts), **read_up_to(ledger, advanced.kept.at_s, base.cursor)}
    cursor["stops"] = _stops(session, subject, cursor.get("stops"), now)
    return Led(advanced, cursor, len(fresh), cursor["unexplained"])


class _Around(NamedTuple):
    """What an account held before, and what moved it since."""

    held: Mapping[str, float]
    names: tuple[str, ...]
    fills: Fills
    lines: Mapping[str, MarkLine]


def _observe(
    session: TenantSession,
    strategy_id: int,
    around: _Around,
    samples: Samples,
    cursor: dict[str, Any],
    settled_s: int,
    now: datetime,
) -> bool:
    """Look for payments between the samples since the last one looked at, and tell whether there were any.

    The newest samples wait until fills have come in.
    """
    if not len(samples.at_s):
        return False
    cursor["told"] = [float(samples.at_s[-1]), float(samples.equity[-1])]
    ripe = samples.at_s <= now.timestamp() - FILL_GRACE_S
    at_s, equity = samples.at_s[ripe], samples.equity[ripe]
    if not len(at_s):
        return False
    cursor["sample"] = float(at_s[-1])
    order = np.argsort(around.fills.at_ms, kind="stable")
    filled_s, instrument = around.fills.at_ms[order] / 1000.0, around.fills.instrument[order]
    qty = around.fills.qty[order]
    moves = [(name, filled_s[instrument == place], qty[instrument == place]) for place, name in enumerate(around.names)]
    by_name = {
        name: line for name in {*around.held, *around.names} if (line := around.lines.get(symbol_of(name))) is not None
    }
    stood = stood_at(at_s, around.held, moves, by_name)
    earlier = [cursor["fill_s"]] if cursor["fill_s"] else []
    seen = jumps(Samples(at_s, equity), stood, np.concatenate([earlier, filled_s]))
    record_seen(session, strategy_id, seen, not_before_s=settled_s)
    return bool(seen)


def _stops(session: TenantSession, subject: Subject, known: list[Any] | None, now: datetime) -> list[Any]:
    """Return the day, and what share of positions had a stop as of its midnight; looked at once a day."""
    day = now.astimezone(UTC).date().isoformat()
    if known is not None and known[0] == day:
        return known
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [day, stop_share(session, subject.id, subject.heard_since, until=midnight)]


def _unexplained(told: list[float] | None, shown: Summary, now: datetime) -> float | None:
    """Return by how much the account was worth more than computed, when it was told last."""
    if told is None or now.timestamp() - told[0] > _TOLD_S_MAX:
        return None
    return told[1] - shown.equity_now


def _bases(
    session: TenantSession, subject: Subject, ledger: Ledger, lines: Mapping[str, MarkLine]
) -> dict[str, tuple[float, float]]:
    """Return what the account held of perpetuals before its first execution, at the first price that is known."""
    found = {}
    for symbol, side, qty, last_px in session.execute(_BASES, {"id": subject.id}):
        name = named(symbol, side)
        traded = ledger.px[ledger.which == ledger.names.index(name)] if name in ledger.names else ledger.px[:0]
        line = lines.get(symbol)
        px = float(traded[0]) if len(traded) else float(last_px) if line is None else float(line.px[0])
        found[name] = (float(qty), px)
    return found


def _symbols(books: Collection[str], ledger: Ledger) -> set[str]:
    """Return whose prices are needed: of what is held and traded, and of the coins that fees were taken in."""
    coins = {ledger.coins[place] for place in np.unique(ledger.coin[ledger.fee_kind == Fee.OTHER])}
    return {symbol_of(name) for name in (*books, *ledger.names)} | coins
