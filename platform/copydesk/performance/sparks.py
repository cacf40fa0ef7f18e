"""Small curves of many owners at once: as many points as there is room for, spread evenly, always with the last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.performance.model import Point
from copydesk.performance.points import Owner

SPARK_DAYS = 90
# Points are chosen so that a young record has a curve too.
_MINUTES_BELOW, _HOURS_BELOW = timedelta(hours=12), timedelta(days=10)
# One row an owner. Of one grain and by owner, so that only the parts of the index that hold these points are read.
_SPARKS = text(
    """
    SELECT wanted.id, spark.told
    FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT string_agg(CAST(extract(epoch FROM at) AS bigint) || ':' || round(index_close, 6), ' ' ORDER BY at)
               AS told
        FROM (
            SELECT at, index_close, row_number() OVER (ORDER BY at DESC) - 1 AS place, count(*) OVER () AS points
            FROM performance_point AS point
            WHERE point.owner = :owner AND point.owner_id = wanted.id AND point.grain = :grain AND at >= :since
        ) AS point
        WHERE place % ((points + CAST(:most AS int) - 1) / CAST(:most AS int)) = 0
    ) AS spark
    WHERE spark.told IS NOT NULL
    """
)


def sparks(
    session: Session, owner: Owner, started: Mapping[int, datetime], *, points_max: int, now: datetime
) -> dict[int, tuple[Point, ...]]:
    """Return a small curve of each owner, 1 where its record begins; of all in at most three statements.

    `started` tells when the records of these owners begin. One without any point has no curve.
    """
    grains: defaultdict[str, list[int]] = defaultdict(list)
    for number, since in started.items():
        grains[_grain(now - since)].append(number)
    bound = {"owner": str(owner), "since": now - timedelta(days=SPARK_DAYS), "most": points_max}
    return {
        number: tuple(map(_point, told.split()))
        for grain, ids in grains.items()
        for number, told in session.execute(_SPARKS, {**bound, "grain": grain, "ids": ids})
    }


def _grain(age: timedelta) -> str:
    if age < _MINUTES_BELOW:
        return "minute"
    return "hour" if age < _HOURS_BELOW else "day"


def _point(told: str) -> Point:
    at_s, _, index = told.partition(":")
    return datetime.fromtimestamp(int(at_s), UTC), Decimal(index)
