"""Use cases around who copies whom: publish a strategy, subscribe an account to it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput
from copydesk.replication.tables import Strategy, Subscription
from copydesk.trading import Environment, SizingMode


@dataclass(frozen=True)
class NewStrategy:
    trader_id: int
    account_id: int
    slug: str
    name: str
    summary: str


@dataclass(frozen=True)
class NewSubscription:
    """`allocation` is quote currency; `sizing_value` the ratio or the notional that the mode needs."""

    strategy_id: int
    account_id: int
    allocation: Decimal
    sizing_mode: SizingMode = SizingMode.EQUITY_RATIO
    sizing_value: Decimal | None = None


def shard_of(venue: str, environment: Environment, account_number: int, shards: int) -> str:
    """Name the lane of a new account ("binance-lab:0"); it is stored with the account and never recomputed."""
    return f"{venue}-{environment}:{account_number % shards}"


def add_strategy(session: TenantSession, new: NewStrategy) -> int:
    """Publish a strategy and return its id."""
    strategy = Strategy(tenant_id=session.tenant_id, **vars(new))
    session.add(strategy)
    session.flush()
    return strategy.id


def subscribe(session: TenantSession, new: NewSubscription) -> int:
    """Start copying and return the subscription's id; raises InvalidInput for terms that cannot work."""
    if new.allocation <= 0:
        raise InvalidInput(f"allocation must be above 0, found {new.allocation}")
    if new.sizing_mode is not SizingMode.EQUITY_RATIO and (new.sizing_value is None or new.sizing_value <= 0):
        raise InvalidInput(f"sizing {new.sizing_mode} needs a value above 0, found {new.sizing_value}")
    subscription = Subscription(tenant_id=session.tenant_id, **vars(new))
    session.add(subscription)
    session.flush()
    return subscription.id
