"""Some pages' figures the plain way: a few statements for each subscription, or every copy read and counted in Python.

Each must come to what the pages show.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from statistics import median
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import text

from copydesk.bench.pages_people import FOLLOWER, MEASURED
from copydesk.db import TenantSession
from copydesk.kernel import ZERO, Unavailable
from copydesk.performance.together import day_begun, running
from copydesk.replication.own_copying import own_together, worth_of
from copydesk.replication.own_receipts import PAGE, own_receipts
from copydesk.studio.report import ROWS_A_PAGE, signal_report

_ROUNDS = 3
_FINAL = ("denied", "filled", "canceled", "rejected", "expired")
_NOTHING_TO_DO = ("nothing_to_reduce", "order_already_copied", "below_one_step", "carried")
_USER = text("SELECT id FROM user_account WHERE email = :email")
_STRATEGY = text("SELECT id FROM strategy WHERE slug = :slug")
_SUBSCRIPTIONS = text(
    "SELECT s.id, s.allocation, a.venue || '-' || a.environment AS place FROM subscription s "
    "JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "WHERE a.user_id = :user_id AND s.state <> 'ended'"
)
_BOOKS = text("SELECT symbol, qty, cost, cash FROM book WHERE subscription_id = :id")
_BEGUN = text("SELECT day_equity FROM risk_watermark WHERE scope = 'subscription' AND subject_id = :id")
_COPIES = text(
    "SELECT c.signal_id, c.subscription_id, c.status, c.cum_qty, c.qty FROM copy c "
    "JOIN subscription s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id "
    "JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id WHERE a.user_id = :user_id"
)
_SIGNALS = text("SELECT id, px, venue_at FROM signal WHERE strategy_id = :id ORDER BY id DESC")
_FANNED = text(
    "SELECT signal_id, side, status, reason, qty, cum_qty, avg_px, acked_at FROM copy "
    "WHERE signal_id IN (SELECT id FROM signal WHERE strategy_id = :id) AND leg IN ('open', 'close')"
)

Marks = Mapping[tuple[str, str], Decimal]
T = TypeVar("T")


class Line(NamedTuple):
    """What became of one signal: copies made, done, expected; median milliseconds; why not, and how often."""

    signal_id: int
    copies: int
    done: int
    expected: int
    latency_ms_p50: int | None
    reasons: tuple[tuple[str, int], ...]


def plain_ways(session: TenantSession, prices: Mapping[str, Mapping[str, Decimal]]) -> list[dict[str, Any]]:
    """Read what home, activity and a trader's signals show in both ways; raises Unavailable where they disagree."""
    marks = {(place, symbol): px for place, told in prices.items() for symbol, px in told.items()}
    user_id = int(session.execute(_USER, {"email": f"{FOLLOWER}@bench.invalid"}).scalar_one())
    strategy_id = int(session.execute(_STRATEGY, {"slug": MEASURED}).scalar_one())
    return [
        _both("home", lambda: _home(session, user_id, marks), lambda: plain_home(session, user_id, marks)),
        _both("activity", lambda: _activity(session, user_id), lambda: plain_activity(session, user_id)),
        _both("signals", lambda: _signals(session, strategy_id), lambda: plain_signals(session, strategy_id)),
    ]


def plain_home(session: TenantSession, user_id: int, marks: Marks) -> tuple[Decimal, Decimal]:
    """Return what everything is worth and was when the day began: two statements for each subscription."""
    worth = begun = ZERO
    for one in session.execute(_SUBSCRIPTIONS, {"user_id": user_id}).all():
        worth += one.allocation
        for book in session.execute(_BOOKS, {"id": one.id}):
            mark = marks.get((one.place, book.symbol))
            sign = (book.qty > 0) - (book.qty < 0)
            worth += book.cash + (book.cost * sign if mark is None else book.qty * mark)
        begun += session.execute(_BEGUN, {"id": one.id}).scalar() or one.allocation
    return worth, begun


def plain_activity(session: TenantSession, user_id: int) -> list[tuple[int, int, Decimal]]:
    """Return the newest receipts, as signal, subscription and what was got: all copies are read and put in order."""
    got: defaultdict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for signal_id, subscription_id, _, cum_qty, _ in session.execute(_COPIES, {"user_id": user_id}):
        got[signal_id, subscription_id] += cum_qty
    return [(*pair, got[pair]) for pair in sorted(got, reverse=True)[:PAGE]]


def plain_signals(session: TenantSession, strategy_id: int) -> list[Line]:
    """Return a page of signals with what became of them: all copies are read and counted."""
    copies: defaultdict[int, list[Any]] = defaultdict(list)
    for row in session.execute(_FANNED, {"id": strategy_id}):
        copies[row.signal_id].append(row)
    return [_line(row, copies[row.id]) for row in islice(session.execute(_SIGNALS, {"id": strategy_id}), ROWS_A_PAGE)]


def _line(signal: Any, copies: Sequence[Any]) -> Line:
    final = [one for one in copies if one.status in _FINAL]
    waits = [(one.acked_at - signal.venue_at).total_seconds() * 1000 for one in copies if one.acked_at]
    reasons = Counter(one.reason for one in copies if one.reason)
    return Line(
        signal.id,
        len(copies),
        sum(one.cum_qty > 0 for one in final),
        sum(one.reason not in _NOTHING_TO_DO for one in final),
        round(median(waits)) if waits else None,
        tuple(sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))),
    )


def _home(session: TenantSession, user_id: int, marks: Marks) -> tuple[Decimal, Decimal]:
    worth, mine = worth_of(own_together(session, user_id), marks), running(session, user_id)
    return worth.equity, day_begun(session, mine) if mine else ZERO


def _activity(session: TenantSession, user_id: int) -> list[tuple[int, int, Decimal]]:
    return [(one.signal_id, one.subscription_id, one.got_qty) for one in own_receipts(session, user_id).receipts]


def _signals(session: TenantSession, strategy_id: int) -> list[Line]:
    return [
        Line(
            one.signal_id,
            one.fanned.copies,
            one.fanned.done,
            one.fanned.expected,
            one.fanned.latency_ms_p50,
            one.reasons,
        )
        for one in signal_report(session, strategy_id).lines
    ]


def _both(name: str, ours: Callable[[], T], plain: Callable[[], T]) -> dict[str, Any]:
    found, ours_ms = _timed(ours)
    told, plain_ms = _timed(plain)
    if found != told:
        raise Unavailable(f"{name}: expected {told!r} as read the plain way, found {found!r}")
    return {"figures_of": name, "ours_ms": ours_ms, "plain_ms": plain_ms}


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what the work returns, and the median of the milliseconds that it took."""
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        found = work()
        times.append((time.perf_counter() - began) * 1000)
    return found, round(median(times), 1)
