"""Copies that reached their end: what they tell those whose accounts they are of.

A copy is stored when it is sent, and changes until the exchange is done with it. Those that were not done when they
were read are kept by number (`notice_open_copy`) and looked at until they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession, number_array, word_array
from copydesk.kernel import decimal_text
from copydesk.notices.model import Event, NoticeKind
from copydesk.notices.results import results_of
from copydesk.notices.source import Row, Source
from copydesk.replication.model import CLOSE, OPEN
from copydesk.trading import TERMINAL, quote_currency

_TERMINAL = word_array(sorted(TERMINAL))
_NEWEST = text("SELECT max(id) FROM copy")
_ROWS = text(
    "SELECT id, coalesce(acked_at, planned_at) AS stored_at, status FROM copy WHERE id > :position "
    "ORDER BY id LIMIT :most"
)
_KEEP_OPEN = text(
    "INSERT INTO notice_open_copy (tenant_id, copy_id) SELECT :tenant_id, unnest(CAST(:ids AS bigint[])) "
    "ON CONFLICT DO NOTHING"
)
_ENDED = text(
    """
    DELETE FROM notice_open_copy o USING copy c
    WHERE c.tenant_id = o.tenant_id AND c.id = o.copy_id AND c.status = ANY(CAST(:terminal AS text[]))
    RETURNING c.id
    """
).bindparams(terminal=_TERMINAL)
_COPIES = text(
    """
    SELECT c.id, c.subscription_id, c.signal_id, c.symbol, c.position_side, c.side, c.leg, c.reduces, c.status, c.qty,
           c.cum_qty, c.avg_px, c.reason, c.reason_facts, coalesce(c.acked_at, c.sent_at, c.planned_at) AS at,
           a.user_id, t.id AS strategy_id, t.name AS strategy, t.slug
    FROM copy c
    JOIN subscription s ON s.tenant_id = c.tenant_id AND s.id = c.subscription_id
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    JOIN strategy t ON t.tenant_id = c.tenant_id AND t.id = s.strategy_id
    WHERE c.id = ANY(CAST(:ids AS bigint[])) AND c.status = ANY(CAST(:terminal AS text[]))
    ORDER BY c.id
    """
).bindparams(terminal=_TERMINAL)
# A correction that comes to nothing is nobody's news; an order that the leader's asked for is.
_TOLD_IF_SKIPPED = frozenset({OPEN, CLOSE})
_FACT_LEN_MAX = 200


def tell_new(session: TenantSession, rows: Sequence[Row], _now: datetime) -> list[Event]:
    """Return what new copies tell, and keep the numbers of those that are not at their end."""
    unfinished = [row.id for row in rows if row.status not in TERMINAL]
    if unfinished:
        session.execute(_KEEP_OPEN, {"tenant_id": session.tenant_id, "ids": number_array(unfinished)})
    return _told(session, [row.id for row in rows if row.status in TERMINAL])


def tell_ended(session: TenantSession) -> list[Event]:
    """Return what those copies tell that were under way when they were read, and have ended since."""
    return _told(session, session.execute(_ENDED).scalars().all())


def _told(session: TenantSession, ids: Sequence[int]) -> list[Event]:
    if not ids:
        return []
    copies = [dict(row) for row in session.execute(_COPIES, {"ids": number_array(ids)}).mappings()]
    results = results_of(session, [copy for copy in copies if _kind_of(copy) is NoticeKind.COPY_CLOSED])
    return [event for copy in copies if (event := _event(copy, results.get(copy["id"]))) is not None]


def _kind_of(copy: Mapping[str, Any]) -> NoticeKind | None:
    if copy["cum_qty"] > 0:
        return NoticeKind.COPY_CLOSED if copy["reduces"] else NoticeKind.COPY_OPENED
    return NoticeKind.COPY_SKIPPED if copy["leg"] in _TOLD_IF_SKIPPED else None


def _event(copy: Mapping[str, Any], result: Decimal | None) -> Event | None:
    kind = _kind_of(copy)
    if kind is None:
        return None
    facts = _facts_of(copy) | _own_facts(kind, copy, result)
    return Event(kind, copy["user_id"], copy["at"], facts, f"copy:{copy['id']}")


def _facts_of(copy: Mapping[str, Any]) -> dict[str, str | int | None]:
    names = ("subscription_id", "strategy_id", "strategy", "slug", "signal_id", "symbol", "position_side", "side")
    return {name: copy[name] for name in names} | {"copy_id": copy["id"]}


def _own_facts(kind: NoticeKind, copy: Mapping[str, Any], result: Decimal | None) -> dict[str, str | int | None]:
    if kind is NoticeKind.COPY_SKIPPED:
        # What the sentence of the reason needs goes first: names of ours are never overwritten by it.
        said = {name: _short(value) for name, value in (copy["reason_facts"] or {}).items() if value is not None}
        own = {"qty": decimal_text(copy["qty"]), "leg": copy["leg"], "reason": copy["reason"]}
        return {name: value for name, value in said.items() if name not in _facts_of(copy)} | own
    avg_px = copy["avg_px"]
    return {
        "qty": decimal_text(copy["cum_qty"]),
        "px": None if avg_px is None else decimal_text(avg_px),
        "currency": quote_currency(copy["symbol"]),
        **({} if kind is NoticeKind.COPY_OPENED or result is None else {"result": decimal_text(result)}),
    }


def _short(value: object) -> str | int:
    return value if isinstance(value, int) else str(value)[:_FACT_LEN_MAX]


COPIES = Source("copies", _NEWEST, _ROWS, tell_new)
