"""Strategies with figures as an update would have stored them: one row each, whatever a test wants in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from copydesk.bootstrap import declared_settings
from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.performance.scoring import Ranked, scheme_of, scored
from copydesk.performance.tables import StrategyFigures
from copydesk.replication.tables import EquityPoint, Execution, Strategy, Subscription
from copydesk.tenancy import Tenant, TenantDirectory
from copydesk.tenancy.model import LayerValues
from copydesk.vault.tables import Account
from sqlalchemy import insert, select

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
D = Decimal
_numbers = count(1)
# A sound strategy: a year old, and no gate closed.
SOUND: Mapping[str, Any] = {
    "return_30": D("0.02"),
    "return_90": D("0.05"),
    "return_all": D("0.3"),
    "drawdown_max": D("0.1"),
    "drawdown_now": D("0.01"),
    "risk": 4,
    "sortino": D("1.5"),
    "days": D(365),
    "closed": 200,
    "followers": 3,
    "follower_return": D("0.04"),
    "copy_success": D("0.98"),
    "min_allocation": D(100),
    "style": "swing",
    "symbols": ["BTC/USDT"],
    "spot": True,
    "perpetual": False,
    "leverage_max": None,
    "equity": D(5_000),
    "too_early": False,
}


@cache
def _shipped() -> Tenant:
    directory = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    found = directory.by_slug("aurora")
    assert found is not None
    return found


def brand(**settings: Any) -> Tenant:
    """Return a brand with these settings of its ranking."""
    found = _shipped()
    panel = LayerValues("panel", {f"ranking.{name}": value for name, value in settings.items()})
    return replace(found, cascade=replace(found.cascade, panel=panel))


def add_person(session: TenantSession, name: str, role: str, *, venue: str = "binance") -> Account:
    """Store somebody with an account."""
    number = next(_numbers)
    user = User(tenant_id=session.tenant_id, email=f"{number}@example.com", display_name=name, role=role)
    session.add(user)
    session.flush()
    account = Account(
        tenant_id=session.tenant_id,
        user_id=user.id,
        venue=venue,
        environment="lab",
        label=name,
        shard=f"{venue}-lab:0",
    )
    session.add(account)
    session.flush()
    return account


def add_strategy(
    session: TenantSession, slug: str, *, trader: Account | None = None, trader_name: str = "Mara Lind", **columns: Any
) -> int:
    """Store a sound strategy but for these columns; `figures=False` leaves it without any figure."""
    status, venue = columns.pop("status", "live"), columns.pop("venue", "binance")
    account = add_person(session, trader_name, "trader", venue=venue)
    strategy = Strategy(
        tenant_id=session.tenant_id,
        trader_id=trader.user_id if trader else account.user_id,
        account_id=account.id,
        slug=slug,
        name=columns.pop("name", slug.title()),
        summary="Buys low.",
        status=status,
    )
    session.add(strategy)
    session.flush()
    begun = NOW - timedelta(days=float(columns.get("days", SOUND["days"])))
    for at in (begun, NOW - timedelta(hours=1)):
        session.add(EquityPoint(tenant_id=session.tenant_id, strategy_id=strategy.id, at=at, equity=D(5_000)))
    if columns.pop("figures", True):
        session.add(_figures(session, strategy.id, venue, SOUND | columns))
    session.flush()
    return strategy.id


def add_follower(session: TenantSession, strategy_id: int, **columns: Any) -> int:
    """Store a subscription, and return its id."""
    account = add_person(session, "Follower", "follower")
    subscription = Subscription(
        tenant_id=session.tenant_id,
        strategy_id=strategy_id,
        account_id=account.id,
        **{"allocation": D(500), "sizing_mode": "equity_ratio"} | columns,
    )
    session.add(subscription)
    session.flush()
    return subscription.id


def _figures(session: TenantSession, strategy_id: int, venue: str, columns: Mapping[str, Any]) -> StrategyFigures:
    numbers = {name: columns[name] for name in ("drawdown_max", "sortino", "follower_return", "equity", "copy_success")}
    scheme = scheme_of(brand())
    ranked = Ranked(
        strategy_id,
        days=float(columns["days"]),
        closed=columns["closed"],
        risk=columns["risk"],
        followers=columns["followers"],
        **{name: None if number is None else float(number) for name, number in numbers.items()},
    )
    score = scored(scheme, ranked)
    total = None if score.total is None else D(str(score.total))
    return StrategyFigures(
        tenant_id=session.tenant_id,
        strategy_id=strategy_id,
        **{
            "as_of": NOW,
            "cursor": {},
            "summary": {},
            "figures": {"return_all": float(columns["return_all"] or 0), "sharpe": None},
            "truth": {"slippage_bps": 1.5, "latency_ms": 90.0, "copies_done": 49, "copies_expected": 50},
            "flags": {},
            "score": total,
            "score_version": scheme.version,
            "points": dict(score.points),
            "gates": list(score.gates),
            "place": 0,
            "venue": venue,
        }
        | columns,
    )


def add_trades(session: TenantSession, strategy_id: int, *trades: tuple[str, str, str, str]) -> None:
    """Store executions a minute apart: (symbol, signed quantity, price, fee in quote currency)."""
    account_id = session.execute(select(Strategy.account_id).where(Strategy.id == strategy_id)).scalar_one()
    for number, (symbol, qty, px, fee) in enumerate(trades):
        session.execute(
            insert(Execution).values(
                tenant_id=session.tenant_id,
                account_id=account_id,
                symbol=symbol,
                trade_id=str(number),
                venue_order_id=str(number),
                position_side="net",
                side="sell" if qty.startswith("-") else "buy",
                qty=D(qty.lstrip("-")),
                px=D(px),
                fee=D(fee),
                fee_currency="USDT",
                at=NOW + timedelta(minutes=number),
            )
        )
