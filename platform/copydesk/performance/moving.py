"""What a brand's figures need where the brand moves to: prices by the minute, and room for its points.

Prices are nobody's, so they are no rows of the brand: those of its markets since it began travel beside them. Without
them a recomputation there would come to other figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.db import TenantSession, array_literal
from copydesk.performance.points import AHEAD_DAYS, HOURS_DAYS, MINUTES_DAYS

_BATCH = 200
# A line is a day of an instrument: from its first minute on, with null for minutes without a price.
_LINES = text(
    """
    WITH traded AS (
        SELECT DISTINCT a.venue || '-' || a.environment AS place, moved.symbol
        FROM account a JOIN (
            SELECT tenant_id, account_id, symbol FROM execution
            UNION SELECT s.tenant_id, s.account_id, b.symbol FROM book b
                JOIN subscription s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
            UNION SELECT tenant_id, account_id,
                fee_currency || '/' || split_part(split_part(symbol, ':', 1), '/', 2) FROM execution
        ) AS moved ON moved.tenant_id = a.tenant_id AND moved.account_id = a.id
    )
    SELECT m.place, m.symbol, date_trunc('day', m.at, 'UTC') AS day,
           jsonb_object_agg(CAST(extract(epoch FROM m.at - date_trunc('day', m.at, 'UTC')) AS int) / 60, m.px) AS told
    FROM traded t JOIN mark_minute m ON m.place = t.place AND m.symbol = t.symbol
    WHERE m.at >= (SELECT min(at) - interval '1 day' FROM equity_point) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    """
)
_ADD = text(
    """
    INSERT INTO mark_minute (place, symbol, at, px)
    SELECT told.* FROM unnest(CAST(:places AS text[]), CAST(:symbols AS text[]), CAST(:ats AS timestamptz[]),
                              CAST(:pxs AS numeric[])) AS told ON CONFLICT DO NOTHING
    """
)
_ROOM = text("SELECT performance_room(:part, :since, :until)")


def price_lines(session: TenantSession) -> Iterator[bytes]:
    """Give the prices of a brand's markets as JSON, one line for a day of an instrument."""
    with session.execute(_LINES, execution_options={"yield_per": _BATCH}) as rows:
        for place, symbol, day, told in rows:
            prices = {minute: str(px) for minute, px in sorted(told.items(), key=lambda one: int(one[0]))}
            line = {"place": place, "symbol": symbol, "day": day.astimezone(UTC).date().isoformat(), "px": prices}
            yield json.dumps(line, separators=(",", ":")).encode()


def take_prices(session: Session, lines: Iterable[bytes]) -> int:
    """Store prices from their lines, and return how many there were; a minute that has one keeps it.

    Raises ValueError for a line that `price_lines` did not write.
    """
    count = 0
    for line in lines:
        told: dict[str, Any] = json.loads(line)
        try:
            day = datetime.fromisoformat(told["day"]).replace(tzinfo=UTC)
            moments = [day + timedelta(minutes=int(minute)) for minute in told["px"]]
            prices = [Decimal(px) for px in told["px"].values()]
        except (KeyError, TypeError, InvalidOperation) as error:
            raise ValueError(f"a line of prices is malformed: {error}") from None
        session.execute(_ROOM, {"part": "mark_minute", "since": day, "until": day + timedelta(days=1)})
        many = len(prices)
        bound = {"places": [told["place"]] * many, "symbols": [told["symbol"]] * many}
        session.execute(_ADD, {**bound, "ats": array_literal(moments), "pxs": array_literal(prices)})
        count += many
    return count


def room_for_points(session: Session, *, at: datetime) -> None:
    """Make room for the points that a brand had at a moment."""
    until = at + timedelta(days=AHEAD_DAYS)
    # Partitions are dropped whole: a week and a month more may be there.
    for part, days in (("point_minute", MINUTES_DAYS + 14), ("point_hour", HOURS_DAYS + 62)):
        session.execute(_ROOM, {"part": part, "since": at - timedelta(days=days), "until": until})
