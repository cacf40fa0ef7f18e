"""A brand with traders and followers, each with an exchange account whose key can be used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from copydesk.audit import Actor, ActorKind
from copydesk.bootstrap import declared_settings
from copydesk.db import TenantSession
from copydesk.identity import User
from copydesk.keys.tables import AccountKey
from copydesk.replication import NewSubscription, subscribe
from copydesk.studio.applying import Application, apply
from copydesk.studio.model import OwnStrategy
from copydesk.studio.store import own_strategy
from copydesk.studio.terms import Bounds, Terms
from copydesk.tenancy import Tenant, TenantDirectory
from copydesk.tenancy.model import LayerValues
from copydesk.vault.tables import Account

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
D = Decimal
OFFERED = {("binance", "lab")}
BOUNDS = Bounds(D("0.3"), D(10_000), 100, private_allowed=True)
TERMS = Terms(D("0.2"), D(500))
STAFF = Actor(ActorKind.USER, user_id=7)
_numbers = count(1)
_SCOPE = {"can_read": True, "can_trade": True, "can_withdraw": False}


@dataclass(frozen=True)
class Seat:
    """Somebody, and their account."""

    user_id: int
    account_id: int

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.USER, user_id=self.user_id)


@cache
def _shipped() -> Tenant:
    directory = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    found = directory.by_slug("aurora")
    assert found is not None
    return found


def brand(**settings: Any) -> Tenant:
    """Return a brand with these settings of its studio."""
    panel = LayerValues("panel", {f"studio.{name}": value for name, value in settings.items()})
    return replace(_shipped(), cascade=replace(_shipped().cascade, panel=panel))


def seat(session: TenantSession, role: str = "trader", *, key: bytes | None = b"sealed", **scope: bool) -> Seat:
    """Store somebody with an account; without a key it cannot be used."""
    number = next(_numbers)
    user = User(tenant_id=session.tenant_id, email=f"{number}@example.com", display_name=f"No {number}", role=role)
    session.add(user)
    session.flush()
    account = Account(
        tenant_id=session.tenant_id,
        user_id=user.id,
        venue="binance",
        environment="lab",
        label=f"Account {number}",
        shard="binance-lab:0",
        sealed_key=key,
    )
    session.add(account)
    session.flush()
    known = AccountKey(tenant_id=session.tenant_id, account_id=account.id, scope=_SCOPE | scope, due_at=NOW)
    session.add(known)
    session.flush()
    return Seat(user.id, account.id)


def applied(session: TenantSession, trader: Seat, name: str = "Dawn Runner", terms: Terms = TERMS) -> OwnStrategy:
    """Hand in an application and return the strategy as its trader sees it."""
    new = Application(trader.account_id, name, "Buys strength in liquid coins.", terms)
    slug = apply(session, trader.user_id, new, BOUNDS, OFFERED, actor=trader.actor, at=NOW)
    return own_strategy(session, trader.user_id, slug)


def begin(session: TenantSession, strategy_id: int, follower: Seat, allocation: str = "1000") -> int:
    """Have somebody copy a strategy."""
    return subscribe(session, NewSubscription(strategy_id, follower.account_id, D(allocation)))
