"""Stores what a strategy is judged by as if it had been computed: its figures, and a point a day or an hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from copydesk.performance.tables import PerformancePoint, StrategyFigures, SubscriptionFigures
from copydesk.replication.tables import Strategy, Subscription
from copydesk.vault.tables import Account
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

D = Decimal
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_GRAINS = {"hour": HOUR, "day": DAY}
_ROOM = text("SELECT performance_room('point_hour', :since, :until)")
FIGURES: Mapping[str, float | int | None] = {
    "return_all": 0.21,
    "drawdown_max": 0.1,
    "drawdown_now": 0.0,
    "days": 5.0,
    "closed": 3,
    "own_stake": 121.0,
    "sortino": None,
    "win_ratio": 0.66,
    "expectancy": -1.25,
    "held_s_mean": 5_400.0,
    "leverage_max": 2.5,
}
TRUTH: Mapping[str, Any] = {"followers": 0, "copies_done": 2, "copies_expected": 3}


def tell(session: Session, tenant_id: int, strategy_id: int, points: Sequence[tuple[datetime, Decimal]]) -> None:
    """Store a record by its points, and the figures of one that is too young to be judged."""
    tell_points(session, tenant_id, strategy_id, points)
    tell_figures(session, tenant_id, strategy_id, as_of=points[-1][0])


def tell_points(session: Session, tenant_id: int, strategy_id: int, points: Sequence[tuple[datetime, Decimal]]) -> None:
    """Store a record by its points alone."""
    grown = [(at, equity / points[0][1]) for at, equity in points]
    session.execute(_ROOM, {"since": points[0][0], "until": points[-1][0]})
    for grain, length in _GRAINS.items():
        for (at, equity), (_, index) in zip(points, grown, strict=True):
            session.add(
                PerformancePoint(
                    tenant_id=tenant_id,
                    owner="strategy",
                    owner_id=strategy_id,
                    grain=grain,
                    at=_begun(at, length),
                    equity=equity,
                    flow=D(0),
                    index_close=index,
                    index_low=index,
                    index_high=index,
                )
            )


def tell_figures(session: Session, tenant_id: int, strategy_id: int, *, as_of: datetime, **values: Any) -> None:
    """Store figures alone; `values` are columns of the table."""
    usual = {
        "cursor": {},
        "summary": {},
        "figures": dict(FIGURES),
        "truth": dict(TRUTH),
        "flags": {},
        "score_version": "",
        "points": {},
        "gates": ["record_too_short", "too_few_closed"],
        "place": 0,
        "return_all": D("0.21"),
        "drawdown_max": D("0.1"),
        "drawdown_now": D(0),
        "days": D(5),
        "closed": 3,
        "followers": 0,
        "venue": "binance",
        "symbols": ["BTC/USDT"],
        "spot": True,
        "perpetual": False,
        "equity": D(121),
        "too_early": True,
    }
    row = {"tenant_id": tenant_id, "strategy_id": strategy_id, "as_of": as_of, **usual, **values}
    session.execute(insert(StrategyFigures).values(**row))


def _begun(at: datetime, length: timedelta) -> datetime:
    """Return when the hour or day of a moment began; a point stands at its end."""
    whole = at.replace(minute=0, second=0, microsecond=0)
    return whole - HOUR if length == HOUR else whole.replace(hour=0)


def tell_follower(session: Session, strategy: Strategy, result: Decimal, *, at: datetime) -> None:
    """Store somebody who copies a strategy, with what it was worth to them."""
    tenant = {"tenant_id": strategy.tenant_id}
    own = Account(
        **tenant, user_id=strategy.trader_id, venue="binance", environment="lab", label="", shard="binance-lab:0"
    )
    session.add(own)
    session.flush()
    copying = Subscription(**tenant, strategy_id=strategy.id, account_id=own.id)
    copying.allocation, copying.sizing_mode = D(500), "equity_ratio"
    session.add(copying)
    session.flush()
    place = {**tenant, "subscription_id": copying.id, "strategy_id": strategy.id}
    known: dict[str, Any] = {"cursor": {}, "summary": {}, "figures": {}}
    session.add(SubscriptionFigures(**place, **known, as_of=at, money_weighted=result))
