"""One strategy in full, and up to four beside each other: what their pages show. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.analytics import Year, monthly
from copydesk.kernel import ZERO, InvalidInput, NotFound
from copydesk.performance.closed import ClosedPage, closed_positions
from copydesk.performance.followers import FollowerTruth, follower_truth, followers_by_state
from copydesk.performance.lifetime import lifetime
from copydesk.performance.model import BoardRow, Breakdown, PastStrategy, Position
from copydesk.performance.points import Curve as EquityCurve
from copydesk.performance.points import curve
from copydesk.performance.rows import read_rows
from copydesk.performance.scoring import breakdown_of
from copydesk.performance.shown import Shown, positions_of, shown_of
from copydesk.replication.desk import SignalReceipt, recent_signals
from copydesk.tenancy import Tenant

__all__ = [
    "COMPARED_MAX",
    "ClosedPage",
    "Compared",
    "EquityCurve",
    "Exposure",
    "FollowerTruth",
    "StrategyStanding",
    "closed_positions",
    "compare",
    "equity",
    "standing",
    "strategy_id_of",
]
COMPARED_MAX = 4
RECENT_SIGNALS = 8
CURVE_DAYS = 90
# What was public once stays so.
_SHOWN = ["probation", "live", "paused", "suspended", "closed"]

_FIND = text("SELECT id, slug FROM strategy WHERE slug = ANY (:slugs) AND status = ANY (:statuses)")
_FIGURES = text(
    "SELECT strategy_id, truth - ARRAY['histogram', 'reasons'] || figures AS figures, truth -> 'reasons' AS reasons "
    "FROM strategy_figures WHERE strategy_id = ANY (:ids)"
)
_DAYS = text("""
SELECT CAST(at AT TIME ZONE 'UTC' AS date) AS day, CAST(index_close AS float8) AS index FROM performance_point
WHERE owner = 'strategy' AND owner_id = :id AND grain = 'day' ORDER BY at
""")


@dataclass(frozen=True)
class Exposure:
    """What is held now, in quote currency: `gross` without and `net` with the sign of shorts.

    `leverage` is gross ÷ equity, None without equity.
    """

    gross: Decimal
    net: Decimal
    leverage: Decimal | None


@dataclass(frozen=True)
class StrategyStanding:
    """One strategy in full. `figures` are named as in `analytics.FIGURES`; a missing one cannot be told.

    The row has no small curve. Its copy quality is of the last signals, as of when its figures were computed, and so
    are `reasons`: why copies of those were left out (reason, count). `followers_by_state` are the subscriptions that
    run by their state, `lifetime` every strategy that the trader ever had here, the newest first. `positions`,
    `recent` and `followers_by_state` are as far as the trader `shows` them.
    """

    row: BoardRow
    figures: Mapping[str, float | int | None]
    score: Breakdown
    truth: FollowerTruth
    monthly: tuple[Year, ...]
    positions: tuple[Position, ...]
    exposure: Exposure
    recent: tuple[SignalReceipt, ...]
    followers_by_state: Mapping[str, int]
    reasons: tuple[tuple[str, int], ...]
    lifetime: tuple[PastStrategy, ...]
    shows: Shown = field(default_factory=Shown)


@dataclass(frozen=True)
class Compared:
    """One strategy beside others: its row and figures; its line comes from `equity`."""

    row: BoardRow
    figures: Mapping[str, float | int | None]


class _Told(NamedTuple):
    """What is stored of a strategy's figures, and why its last copies were left out, with how many each."""

    figures: Mapping[str, Any]
    reasons: Sequence[Sequence[Any]] | None


_UNTOLD = _Told({}, None)


def standing(session: Session, tenant: Tenant, slug: str, *, now: datetime) -> StrategyStanding:
    """Return one strategy in full, closed ones too; raises NotFound."""
    id_ = strategy_id_of(session, slug)
    (row,) = read_rows(session, [id_], now=now, drawn=False)
    shows = shown_of(session, id_)
    positions = positions_of(session, id_, shows, now=now)
    told = _figures(session, [id_]).get(id_, _UNTOLD)
    return StrategyStanding(
        row=row,
        figures=told.figures,
        score=breakdown_of(session, tenant, row),
        truth=follower_truth(session, id_, followers=row.followers),
        monthly=_months(session, row, told.figures),
        positions=positions,
        exposure=_exposure(positions, row.equity),
        recent=_recent(session, id_, shows.until(now)),
        followers_by_state=followers_by_state(session, id_) if shows.followers else {},
        reasons=tuple((reason, count) for reason, count in told.reasons or ()),
        lifetime=lifetime(session, id_, now=now),
        shows=shows,
    )


def compare(session: Session, slugs: Sequence[str], *, now: datetime) -> tuple[Compared, ...]:
    """Return up to `COMPARED_MAX` strategies in the order asked for, each once.

    Raises NotFound, which names the slug that does not exist, and InvalidInput for more than `COMPARED_MAX`.
    """
    asked = list(dict.fromkeys(slugs))
    if len(asked) > COMPARED_MAX:
        raise InvalidInput(f"Compare: expected at most {COMPARED_MAX} strategies, found {len(asked)}.")
    ids = _ids_of(session, asked)
    unknown = next((slug for slug in asked if slug not in ids), None)
    if unknown is not None:
        raise NotFound(f'There is no strategy "{unknown}".')
    figures = _figures(session, list(ids.values()))
    rows = read_rows(session, [ids[slug] for slug in asked], now=now)
    return tuple(Compared(row, figures.get(row.id, _UNTOLD).figures) for row in rows)


def equity(session: Session, strategy_id: int, *, now: datetime, days: int | None = CURVE_DAYS) -> EquityCurve:
    """Return the curve of the last days, of all with None."""
    since = None if days is None else now - timedelta(days=days)
    return curve(session, "strategy", strategy_id, since=since)


def strategy_id_of(session: Session, slug: str) -> int:
    """Return the number of a strategy that has a page; raises NotFound."""
    found = _ids_of(session, [slug])
    if slug not in found:
        raise NotFound("There is no such strategy.")
    return found[slug]


def _ids_of(session: Session, slugs: Sequence[str]) -> dict[str, int]:
    # PostgreSQL holds no NUL; what has one is nobody's.
    sound = [slug for slug in slugs if "\0" not in slug]
    found = session.execute(_FIND, {"slugs": sound, "statuses": _SHOWN})
    return {slug: id_ for id_, slug in found}


def _figures(session: Session, ids: Sequence[int]) -> dict[int, _Told]:
    found = session.execute(_FIGURES, {"ids": list(ids)})
    return {row.strategy_id: _Told(row.figures, row.reasons) for row in found}


def _months(session: Session, row: BoardRow, figures: Mapping[str, float | int | None]) -> tuple[Year, ...]:
    """Return the table of months; the newest ends where the return of the whole record does, not at a whole minute."""
    days = [tuple(found) for found in session.execute(_DAYS, {"id": row.id})]
    earned = figures.get("return_all")
    if days and row.as_of is not None and earned is not None:
        days.append((row.as_of.astimezone(UTC).date(), 1.0 + earned))
    return monthly([day for day, _ in days], [index for _, index in days])


def _recent(session: Session, strategy_id: int, until: datetime | None) -> tuple[SignalReceipt, ...]:
    """Return the newest signals up to a moment: those that everybody sees."""
    if until is None:
        return ()
    found = recent_signals(session, limit=RECENT_SIGNALS, strategy_id=strategy_id, until=until)
    return tuple(found)


def _exposure(positions: Sequence[Position], worth: Decimal | None) -> Exposure:
    gross = sum((abs(position.notional) for position in positions), ZERO)
    net = sum((position.notional for position in positions), ZERO)
    return Exposure(gross, net, gross / worth if worth and worth > 0 else None)
