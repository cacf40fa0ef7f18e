"""Read raw rows: a leader's executions, the fills of copies, adjustments, funding, cash flows and equity samples.

Executions and fills are read by the order in which they arrived (`seq`), so that one which comes late is not missed.
A leader's own funding is not among what is stored: it is in the account's equity alone, and shows as unexplained.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Row, text

from copydesk.analytics import Flows
from copydesk.analytics.record import Floats, Whole
from copydesk.db import TenantSession, number_array
from copydesk.performance.ledger import Ledger, fee_kind, named, quote_of
from copydesk.performance.wire import driver, read_array

# So many rows are read one by one; more travel as arrays.
_FEW = 500
_EXECUTED = """
    FROM execution WHERE account_id = %(owner)s AND seq > %(after)s
"""
_FILLED = """
    FROM unnest(%(owners)s::bigint[], %(afters)s::bigint[]) AS wanted (owner, after)
    JOIN copy_fill f ON f.subscription_id = wanted.owner AND f.seq > wanted.after
"""
_FEW_EXECUTED = text(
    """
    SELECT seq, symbol, position_side, floor(extract(epoch FROM at) * 1000) AS at_ms,
           CASE side WHEN 'buy' THEN qty ELSE -qty END AS qty, px, fee, fee_currency
    FROM execution WHERE account_id = :owner AND seq > :after ORDER BY seq LIMIT :most
    """
)
_NAMES = "SELECT DISTINCT symbol, position_side, fee_currency {source}"
_MANY_ROWS = """
    SELECT {owner} AS owner, seq, floor(extract(epoch FROM at) * 1000) AS at_ms,
           CASE side WHEN 'buy' THEN qty ELSE -qty END AS qty, px, fee,
           array_position(CAST(%(keys)s AS text[]), concat_ws(' ', symbol, position_side, fee_currency)) AS keyed
    {source} ORDER BY owner, seq
"""
_WIDTHS = {
    "owner": "int8",
    "seq": "int8",
    "at_ms": "int8",
    "qty": "float8",
    "px": "float8",
    "fee": "float8",
    "keyed": "int4",
}

_SAMPLES = """
    SELECT extract(epoch FROM at) AS at_s, equity FROM equity_point
    WHERE strategy_id = %(owner)s AND at > %(after)s AND at <= %(until)s ORDER BY at
"""
_FIRST_SAMPLE = text("SELECT at, equity FROM equity_point WHERE strategy_id = :id AND equity > 0 ORDER BY at LIMIT 1")
_FIRST_OF_ALL = text(
    """
    SELECT min(first.at) FROM strategy s
    CROSS JOIN LATERAL (SELECT min(p.at) AS at FROM equity_point p WHERE p.tenant_id = s.tenant_id
                        AND p.strategy_id = s.id) AS first
    """
)
_FIRST_EXECUTION = text("SELECT min(at) FROM execution WHERE account_id = :id")
_ADJUSTMENTS = text(
    """
    SELECT subscription_id, id, symbol, position_side, floor(extract(epoch FROM at) * 1000) AS at_ms, qty, px
    FROM book_adjustment WHERE subscription_id = ANY (CAST(:ids AS bigint[])) ORDER BY id
    """
)
_FUNDING = text(
    """
    SELECT subscription_id, symbol, currency, CAST(floor(extract(epoch FROM at)) AS bigint) AS at_s, amount
    FROM unnest(CAST(:ids AS bigint[]), CAST(:afters AS bigint[])) AS wanted (owner, after)
    JOIN funding_payment f ON f.subscription_id = wanted.owner AND f.at >= to_timestamp(wanted.after + 1)
    ORDER BY at, payment_id
    """
)
_FUNDED = text(
    """
    SELECT subscription_id, count(*) AS payments
    FROM unnest(CAST(:ids AS bigint[]), CAST(:afters AS bigint[])) AS wanted (owner, after)
    JOIN funding_payment f ON f.subscription_id = wanted.owner AND f.at < to_timestamp(wanted.after + 1) GROUP BY 1
    """
)
_FLOWS = text(
    """
    SELECT coalesce(strategy_id, subscription_id), kind, CAST(ceil(extract(epoch FROM at)) AS bigint), amount
    FROM cash_flow WHERE (CAST(:strategy AS boolean) AND strategy_id = ANY (CAST(:ids AS bigint[])))
       OR (NOT CAST(:strategy AS boolean) AND subscription_id = ANY (CAST(:ids AS bigint[]))) ORDER BY at, id
    """
)


class Samples(NamedTuple):
    """What the exchange told of an account's worth, oldest first; seconds since 1970."""

    at_s: Floats
    equity: Floats


class Adjustment(NamedTuple):
    """A signed quantity that left a book without a fill; `px` None where its owner took it over at cost."""

    id: int
    name: str
    at_ms: int
    qty: float
    px: float | None


class Funding(NamedTuple):
    """A share of a funding payment; below zero was paid. In another coin than the instrument's it counts as nothing."""

    symbol: str
    at_s: int
    amount: float


def read_executions(session: TenantSession, account_id: int, *, after: int = 0) -> Ledger:
    """Return a leader's executions that arrived after a number."""
    bound: dict[str, object] = {"owner": account_id, "after": after}
    if after:
        rows = session.execute(_FEW_EXECUTED, {**bound, "most": _FEW + 1}).all()
        if len(rows) <= _FEW:
            return _of_rows(rows)
    return _of_array(session, _EXECUTED, bound, owner="account_id")[1]


def read_fills(session: TenantSession, after: Mapping[int, int]) -> dict[int, Ledger]:
    """Return the fills of subscriptions' copies that arrived after a number, each its own; who has none is left out."""
    bound = {"owners": list(after), "afters": list(after.values())}
    owners, ledger = _of_array(session, _FILLED, bound)
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    parts = pairwise([*starts.tolist(), len(owners)])
    return {int(owners[begin]): ledger.part(slice(begin, end)) for begin, end in parts}


def empty_ledger() -> Ledger:
    """Return the ledger of who did not trade."""
    whole, none = np.empty(0, np.int64), np.empty(0)
    return Ledger((), (), whole, whole, whole, none, none, none, whole, whole)


def read_samples(session: TenantSession, strategy_id: int, *, after_s: float, until_s: float) -> Samples:
    """Return what an account's equity was told to be after a moment."""
    moments = {"after": datetime.fromtimestamp(after_s, UTC), "until": datetime.fromtimestamp(until_s, UTC)}
    rows = read_array(session, _SAMPLES, {"owner": strategy_id, **moments}, {"at_s": "float8", "equity": "float8"})
    return Samples(rows["at_s"].astype(float), rows["equity"].astype(float))


def first_sample(session: TenantSession, strategy_id: int) -> tuple[datetime, float] | None:
    """Return when an account's equity was told first, and what it was."""
    found = session.execute(_FIRST_SAMPLE, {"id": strategy_id}).one_or_none()
    return None if found is None else (found.at, float(found.equity))


def first_sample_at(session: TenantSession) -> datetime | None:
    """Return when the first of a brand's strategies began."""
    at: datetime | None = session.execute(_FIRST_OF_ALL).scalar_one()
    return at


def first_execution_at(session: TenantSession, account_id: int) -> datetime | None:
    """Return when a leader traded first."""
    at: datetime | None = session.execute(_FIRST_EXECUTION, {"id": account_id}).scalar_one()
    return at


def read_adjustments(session: TenantSession, ids: Collection[int]) -> dict[int, list[Adjustment]]:
    """Return what left the books of subscriptions without a fill, in the order of its arrival."""
    found: defaultdict[int, list[Adjustment]] = defaultdict(list)
    for owner, number, symbol, side, at_ms, qty, px in session.execute(_ADJUSTMENTS, {"ids": number_array(list(ids))}):
        told = Adjustment(number, named(symbol, side), int(at_ms), float(qty), None if px is None else float(px))
        found[owner].append(told)
    return found


def read_funding(session: TenantSession, after_s: Mapping[int, int]) -> dict[int, list[Funding]]:
    """Return what subscriptions paid or received for their perpetuals after a second, each its own; oldest first."""
    found: defaultdict[int, list[Funding]] = defaultdict(list)
    for owner, symbol, currency, at_s, amount in session.execute(_FUNDING, _after(after_s)):
        told = Funding(symbol, at_s, float(amount) if currency == quote_of(symbol) else 0.0)
        found[owner].append(told)
    return found


def count_funding(session: TenantSession, until_s: Mapping[int, int]) -> dict[int, int]:
    """Return how many payments of subscriptions are stored up to a second, each its own."""
    return {row.subscription_id: row.payments for row in session.execute(_FUNDED, _after(until_s))}


def _after(seconds: Mapping[int, int]) -> dict[str, str]:
    return {"ids": number_array(list(seconds)), "afters": number_array(list(seconds.values()))}


def read_flows(session: TenantSession, ids: Collection[int], *, of_strategies: bool) -> dict[int, Flows]:
    """Return what was paid in and out after the opening, of strategies or of subscriptions."""
    found: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for owner, kind, at_s, amount in session.execute(
        _FLOWS, {"ids": number_array(list(ids)), "strategy": of_strategies}
    ):
        if kind != "opening":
            found[owner].append((at_s, float(amount)))
    return {owner: flows_of(told) for owner, told in found.items()}


def flows_of(told: Sequence[tuple[int, float]]) -> Flows:
    """Return payments as arrays."""
    return Flows(np.array([at_s for at_s, _ in told], np.int64), np.array([amount for _, amount in told], float))


def _of_rows(rows: Sequence[Row[Any]]) -> Ledger:
    keys = sorted({(row.symbol, row.position_side, row.fee_currency) for row in rows})
    place = {key: number for number, key in enumerate(keys)}
    keyed = np.array([place[row.symbol, row.position_side, row.fee_currency] for row in rows], np.int64)

    def column(name: str, kind: type) -> NDArray[Any]:
        return np.array([getattr(row, name) for row in rows], kind)

    seq, at_ms = column("seq", np.int64), column("at_ms", np.int64)
    return _ledger(keys, keyed, seq, at_ms, column("qty", float), column("px", float), column("fee", float))


def _of_array(
    session: TenantSession, source: str, bound: Mapping[str, object], *, owner: str = "wanted.owner"
) -> tuple[Whole, Ledger]:
    listed = driver(session).execute(_NAMES.format(source=source).encode(), bound).fetchall()
    keys = sorted(listed)
    told = {**bound, "keys": [" ".join(key) for key in keys]}
    rows = read_array(session, _MANY_ROWS.format(source=source, owner=owner), told, _WIDTHS)
    seq, at_ms = rows["seq"].astype(np.int64), rows["at_ms"].astype(np.int64)
    qty, px, fee = (rows[name].astype(float) for name in ("qty", "px", "fee"))
    ledger = _ledger(keys, rows["keyed"].astype(np.int64) - 1, seq, at_ms, qty, px, fee)
    return rows["owner"].astype(np.int64), ledger


def _ledger(
    keys: Sequence[tuple[str, str, str]], keyed: Whole, seq: Whole, at_ms: Whole, qty: Floats, px: Floats, fee: Floats
) -> Ledger:
    names = _once(named(symbol, side) for symbol, side, _ in keys)
    coins = _once(f"{currency}/{quote_of(symbol)}" for symbol, _, currency in keys)
    which = np.array([names.index(named(symbol, side)) for symbol, side, _ in keys], np.int64)
    kinds = np.array([fee_kind(symbol, currency) for symbol, _, currency in keys], np.int64)
    coin = np.array([coins.index(f"{currency}/{quote_of(symbol)}") for symbol, _, currency in keys], np.int64)
    return Ledger(names, coins, seq, which[keyed], at_ms, qty, px, fee, kinds[keyed], coin[keyed])


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def read_up_to(ledger: Ledger, settled_s: int, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far rows were read: `from` where the next reading begins, `seen` the newest one. Pure.

    What is not settled yet is read again; what comes later with an older moment is late.
    """
    if not len(ledger):
        return {name: before[name] for name in ("from", "seen", "fill_s")}
    open_still = ledger.seq[ledger.at_s > settled_s]
    seen = max(int(ledger.seq.max()), before["seen"])
    return {
        "from": int(open_still.min()) - 1 if len(open_still) else seen,
        "seen": seen,
        "fill_s": max(float(ledger.at_ms.max()) / 1000.0, before["fill_s"]),
    }
