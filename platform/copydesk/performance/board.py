"""The leaderboard: strategies filtered, ordered and paged.

A page is "the best rows that were not shown yet", so that whoever pages on sees no row twice and misses none, whatever
changes in between: the cursor remembers what was shown (platform/docs/algorithms/ranking.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import InvalidInput
from copydesk.performance.cursor import Cursor, after_rows, read_cursor
from copydesk.performance.model import Adjusted, Board, BoardRow, Filters, Market, Point, Position, Sort
from copydesk.performance.rows import read_rows

__all__ = [
    "Adjusted",
    "Board",
    "BoardRow",
    "Filters",
    "Market",
    "Point",
    "Position",
    "Sort",
    "leaderboard",
    "listed_slugs",
]
ROWS_MAX = 100
LISTED = ("probation", "live", "paused", "suspended")

# Smaller is better; a record that is too early to judge has no such figure.
_KEYS: Mapping[Sort, str] = {
    Sort.SCORE: "nullif(kept.place, 0)",
    Sort.RETURN_30: "-kept.return_30",
    Sort.RETURN_90: "-kept.return_90",
    Sort.RETURN_ALL: "-kept.return_all",
    Sort.DRAWDOWN: "kept.drawdown_max",
    Sort.FOLLOWERS_RESULT: "-kept.follower_return",
    Sort.RISK: "kept.risk",
    Sort.DAYS: "-kept.days",
}
_TOLD_EARLY = (Sort.SCORE, Sort.DAYS)
# Behind all that have the figure: first those that have others, then those of which nothing is computed yet.
_LAST = "CASE WHEN kept.strategy_id IS NULL THEN 2e9 ELSE 1e9 END"

_PAGE = """
WITH listed AS MATERIALIZED (
    SELECT strategy.id, CAST(coalesce({key}, {last}) AS numeric) AS key
    FROM strategy
    LEFT JOIN strategy_figures AS kept ON kept.tenant_id = strategy.tenant_id AND kept.strategy_id = strategy.id
    {joined}
    WHERE strategy.status = ANY (:statuses) AND {public}{conditions}
)
SELECT total, page.id, page.key
FROM (SELECT count(*) AS total FROM listed) AS counted
LEFT JOIN LATERAL (
    SELECT id, key FROM listed WHERE {unseen} ORDER BY key, id LIMIT :limit
) AS page ON true
ORDER BY key, id
"""
_UNSEEN = "NOT EXISTS (SELECT FROM unnest(CAST(:seen AS bigint[])) AS shown (id) WHERE shown.id = listed.id)"
_BEHIND = " AND (key, id) > (:last_key, :last_id)"
_TRADER = "JOIN user_account ON user_account.tenant_id = strategy.tenant_id AND user_account.id = strategy.trader_id"
_ACCOUNT = "JOIN account ON account.tenant_id = strategy.tenant_id AND account.id = strategy.account_id"
# Private ones are shown to who was invited, on their own pages.
_IS_PUBLIC = (
    "NOT EXISTS (SELECT FROM strategy_terms AS terms WHERE terms.tenant_id = strategy.tenant_id "
    "AND terms.strategy_id = strategy.id AND terms.private)"
)
_SLUGS = text(f"SELECT slug FROM strategy WHERE status = ANY (:statuses) AND {_IS_PUBLIC} ORDER BY id")  # noqa: S608


def leaderboard(
    session: Session,
    filters: Filters | None = None,
    sort: Sort = Sort.SCORE,
    *,
    after: str | None = None,
    limit: int = 25,
    now: datetime,
) -> Board:
    """Return one page of listed strategies, best first; those without figures come last, as too early to judge.

    `after` is `Board.after` of the page before, with the same sort; raises InvalidInput for what is no cursor of this
    list, and for a page of no or of more than `ROWS_MAX` rows.
    """
    if not 1 <= limit <= ROWS_MAX:
        raise InvalidInput(f"limit: expected 1 to {ROWS_MAX}, found {limit}.")
    before = read_cursor(after, sort) if after else None
    found = _found(session, filters or Filters(), sort, before, limit + 1)
    shown = [row for row in found[:limit] if row.id is not None]
    rows = tuple(read_rows(session, [row.id for row in shown], now=now))
    more = len(found) > limit
    following = after_rows(before, sort, [(row.id, row.key) for row in shown]).text() if more else None
    return Board(rows, following, found[0].total)


def listed_slugs(session: Session) -> list[str]:
    """Return the slugs of all strategies that the board lists, the oldest first."""
    return list(session.execute(_SLUGS, {"statuses": list(LISTED)}).scalars())


def _found(session: Session, filters: Filters, sort: Sort, before: Cursor | None, limit: int) -> list[Any]:
    bound: dict[str, Any] = {"statuses": list(LISTED), "limit": limit, "seen": list(before.seen if before else ())}
    conditions = dict(_conditions(filters, bound))
    unseen = _UNSEEN
    if before and not before.whole:
        unseen += _BEHIND
        bound |= {"last_key": before.key, "last_id": before.id}
    key = _KEYS[sort] if sort in _TOLD_EARLY else f"CASE WHEN NOT kept.too_early THEN {_KEYS[sort]} END"
    query = _PAGE.format(
        key=key,
        last=_LAST,
        joined=" ".join(sorted({join for join in conditions.values() if join})),
        public=_IS_PUBLIC,
        conditions="".join(f" AND {condition}" for condition in conditions),
        unseen=unseen,
    )
    return list(session.execute(text(query), bound))


def _conditions(filters: Filters, bound: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each condition with the join that it needs, and bind its value."""
    if filters.market is not Market.ANY:
        yield f"kept.{filters.market}", ""
    if filters.exchange:
        bound["exchange"] = filters.exchange
        yield "account.venue = :exchange", _ACCOUNT
    if filters.text:
        bound["text"] = f"%{_literal(filters.text)}%"
        yield "(strategy.name ILIKE :text OR display_name ILIKE :text)", _TRADER
    for name, condition in _BOUNDS.items():
        if (value := getattr(filters, name)) is not None:
            bound[name] = value
            yield condition, ""


_BOUNDS = {
    "risk_max": "NOT kept.too_early AND kept.risk <= :risk_max",
    "drawdown_max": "kept.drawdown_max <= :drawdown_max",
    "allocation_max": "kept.min_allocation <= :allocation_max",
    "style": "kept.style = :style",
    "age_days_min": "kept.days >= :age_days_min",
}


def _literal(text_: str) -> str:
    """Take their meaning from the characters that LIKE reads as wildcards; NUL, which PostgreSQL cannot hold, goes."""
    return text_.replace("\0", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
