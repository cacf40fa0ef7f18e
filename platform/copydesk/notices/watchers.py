"""What those hear who watch a strategy: its trader's opens and closes, and what the trader announces.

Announcements go to those who copy it as well. What is told of a trade is that it happened and at what price; how much
is the trader's own business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.kernel import decimal_text
from copydesk.notices.model import Event, NoticeKind
from copydesk.notices.source import Row, Source
from copydesk.trading import quote_currency

_NEWEST_SIGNAL = text("SELECT max(id) FROM signal")
_SIGNALS = text(
    """
    SELECT g.id, g.stored_at, g.strategy_id, g.symbol, g.position_side, g.side, g.venue_order_id, g.px,
           g.position_before, g.position_after, g.venue_at AS at
    FROM signal g WHERE g.id > :position ORDER BY g.id LIMIT :most
    """
)
_NEWEST_ANNOUNCEMENT = text("SELECT max(id) FROM announcement")
_ANNOUNCEMENTS = text(
    "SELECT id, at AS stored_at, strategy_id, at, body FROM announcement WHERE id > :position ORDER BY id LIMIT :most"
)
_WATCHERS = text(
    """
    SELECT w.user_id, w.since, t.id AS strategy_id, t.name AS strategy, t.slug
    FROM watch w JOIN strategy t ON t.tenant_id = w.tenant_id AND t.id = w.strategy_id
    WHERE w.strategy_id = ANY(CAST(:ids AS bigint[])) ORDER BY w.user_id
    """
)
_COPIERS = text(
    """
    SELECT DISTINCT a.user_id, s.created_at AS since, t.id AS strategy_id, t.name AS strategy, t.slug
    FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    JOIN strategy t ON t.tenant_id = s.tenant_id AND t.id = s.strategy_id
    WHERE s.strategy_id = ANY(CAST(:ids AS bigint[])) AND s.state <> 'ended' ORDER BY a.user_id
    """
)
_STRATEGY = ("strategy_id", "strategy", "slug")


def tell_trades(session: TenantSession, rows: Sequence[Row], _now: datetime) -> list[Event]:
    """Return what signals tell watchers: a position that was opened, turned round or closed, each once."""
    told = [(row, kind) for row in rows if (kind := turn_of(row.position_before, row.position_after)) is not None]
    watchers = _people(session, [row.strategy_id for row, _ in told], _WATCHERS)
    return [
        _trade(row, kind, person) for row, kind in told for person in watchers[row.strategy_id] if _heard(row, person)
    ]


def turn_of(before: Any, after: Any) -> NoticeKind | None:
    """Tell what a step of a position is to who watches; None where it only became larger or smaller. Pure."""
    if before and not after:
        return NoticeKind.TRADER_CLOSED
    if after and (not before or (before > 0) is not (after > 0)):
        return NoticeKind.TRADER_OPENED
    return None


def tell_announcements(session: TenantSession, rows: Sequence[Row], _now: datetime) -> list[Event]:
    """Return what announcements tell those who watch or copy a strategy, each person once."""
    ids = [row.strategy_id for row in rows]
    watchers, copiers = _people(session, ids, _WATCHERS), _people(session, ids, _COPIERS)
    events = []
    for row in rows:
        people = {person["user_id"]: person for person in (*watchers[row.strategy_id], *copiers[row.strategy_id])}
        events += [_announcement(row, person) for person in people.values()]
    return events


def _people(session: TenantSession, ids: Sequence[int], who: Any) -> Mapping[int, list[Mapping[str, Any]]]:
    found: defaultdict[int, list[Mapping[str, Any]]] = defaultdict(list)
    if ids:
        for row in session.execute(who, {"ids": number_array(sorted(set(ids)))}).mappings():
            found[row["strategy_id"]].append(dict(row))
    return found


def _heard(row: Row, person: Mapping[str, Any]) -> bool:
    """Tell whether somebody watched already when it was traded."""
    return bool(person["since"] <= row.stored_at)


def _trade(row: Row, kind: NoticeKind, person: Mapping[str, Any]) -> Event:
    facts = {name: person[name] for name in _STRATEGY}
    facts |= {"signal_id": row.id, "symbol": row.symbol, "position_side": row.position_side, "side": row.side}
    facts |= {"px": decimal_text(row.px), "currency": quote_currency(row.symbol)}
    return Event(kind, person["user_id"], row.at, facts, f"signal:{row.id}")


def _announcement(row: Row, person: Mapping[str, Any]) -> Event:
    facts = {name: person[name] for name in _STRATEGY} | {"announcement_id": row.id, "body": row.body}
    return Event(NoticeKind.ANNOUNCEMENT, person["user_id"], row.at, facts, f"announcement:{row.id}")


TRADES = Source("trades", _NEWEST_SIGNAL, _SIGNALS, tell_trades)
ANNOUNCEMENTS = Source("announcements", _NEWEST_ANNOUNCEMENT, _ANNOUNCEMENTS, tell_announcements)
