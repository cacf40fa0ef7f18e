"""What risk did, and what a leader did to a position's margin: what it tells those who copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from copydesk.db import TenantSession, number_array
from copydesk.notices.model import Event, NoticeKind
from copydesk.notices.source import Row, Source
from copydesk.notices.whose import WHOSE, facts_of, whose
from copydesk.replication.strategy_news import NewsKind
from copydesk.risk.acts import ActState

_NEWEST_ACT = text("SELECT max(id) FROM risk_act")
_ACTS = text(
    "SELECT id, stored_at, scope, subject_id, subscription_id, line, action, state, facts, at FROM risk_act "
    "WHERE id > :position ORDER BY id LIMIT :most"
)
_OWNERS = text("SELECT id, user_id FROM account WHERE id = ANY(CAST(:ids AS bigint[]))")
_NEWEST_NEWS = text("SELECT max(id) FROM strategy_news")
_NEWS = text(
    "SELECT id, at AS stored_at, strategy_id, kind, symbol, facts, at FROM strategy_news WHERE id > :position "
    "ORDER BY id LIMIT :most"
)
_HOLDERS = text(
    f"""
    {WHOSE} JOIN book b ON b.tenant_id = s.tenant_id AND b.subscription_id = s.id
    WHERE s.strategy_id = :strategy_id AND s.state <> 'ended'
      AND b.symbol = :symbol AND b.position_side = :position_side AND b.qty <> 0
    """
)
_MARGIN_FACTS = ("position_side", "amount", "margin", "currency")
_OF_ACCOUNT = "account"
_NO_ONE: Mapping[str, Any] = {}


def tell_acts(session: TenantSession, rows: Sequence[Row], _now: datetime) -> list[Event]:
    """Return what acts tell those whose subscription or account they are about.

    A strategy's own are told as what becomes of it (`states`).
    """
    known = whose(session, {row.subscription_id for row in rows if row.subscription_id is not None})
    accounts = [row.subject_id for row in rows if row.scope == _OF_ACCOUNT and row.subscription_id is None]
    owners = {row.id: row.user_id for row in session.execute(_OWNERS, {"ids": number_array(accounts)})}
    events = []
    for row in rows:
        mine = known.get(row.subscription_id, _NO_ONE)
        user_id = mine.get("user_id") or (owners.get(row.subject_id) if row.scope == _OF_ACCOUNT else None)
        if user_id is not None:
            events.append(_act_event(row, user_id, mine))
    return events


def _act_event(row: Row, user_id: int, mine: Mapping[str, Any]) -> Event:
    warned = row.state == ActState.WARNED
    names = ("now", "at") if warned else ("now", "at", "symbol", "px")
    facts = (facts_of(mine) if mine else {}) | {name: row.facts.get(name) for name in names}
    facts |= {"act_id": row.id, "scope": row.scope, "line": row.line, "action": row.action, "state": row.state}
    kind = NoticeKind.DRAWDOWN_WARNING if warned else NoticeKind.STOP_FIRED
    return Event(kind, user_id, row.at, facts, f"act:{row.id}")


def tell_margin(session: TenantSession, rows: Sequence[Row], _now: datetime) -> list[Event]:
    """Return what a leader's margin tells those who hold the same position; other news is told as what came of it."""
    events = []
    for row in rows:
        if row.kind != NewsKind.MARGIN or not _topped_up(row.facts):
            continue
        values = {"strategy_id": row.strategy_id, "symbol": row.symbol, "position_side": row.facts["position_side"]}
        for holder in session.execute(_HOLDERS, values).mappings():
            facts = facts_of(dict(holder)) | {name: row.facts.get(name) for name in _MARGIN_FACTS}
            facts |= {"symbol": row.symbol, "news_id": row.id}
            key = f"margin:{row.id}:{holder['subscription_id']}"
            events.append(Event(NoticeKind.MARGIN_TOPUP, holder["user_id"], row.at, facts, key))
    return events


def _topped_up(facts: Mapping[str, Any]) -> bool:
    """Tell whether the leader put money behind a position; what was taken away is no reason to add any."""
    amount = facts.get("amount")
    return amount is not None and not str(amount).startswith("-")


ACTS = Source("acts", _NEWEST_ACT, _ACTS, tell_acts)
MARGIN = Source("margin", _NEWEST_NEWS, _NEWS, tell_margin)
