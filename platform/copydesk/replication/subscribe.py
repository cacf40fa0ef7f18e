"""Use cases around who copies whom: publish a strategy, subscribe an account to it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput
from copydesk.replication.allocating import require_allocation
from copydesk.replication.doors import Doorway, close_doors
from copydesk.replication.kinship import add_edge
from copydesk.replication.late import Standing
from copydesk.replication.lifecycle import note_errand
from copydesk.replication.lifecycle_tables import LateJoin
from copydesk.replication.room import require_room_for_follower, require_room_for_strategy, require_terms
from copydesk.replication.standings import standings
from copydesk.replication.tables import Strategy, Subscription
from copydesk.risk.service import Ground
from copydesk.trading import CopyMode, Denial, JoinMode, SizePolicy, SizingMode

_OPEN_TO_FOLLOWERS = frozenset({"probation", "live", "paused", "suspended"})


@dataclass(frozen=True)
class NewStrategy:
    trader_id: int
    account_id: int
    slug: str
    name: str
    summary: str
    status: str = "live"


@dataclass(frozen=True)
class NewSubscription:
    """`allocation` is quote currency; `sizing_value` the factor, ratio, notional or quantity that the mode needs.

    `leverage_max` bounds what the account is set to for a perpetual, beside what the brand allows.
    """

    strategy_id: int
    account_id: int
    allocation: Decimal
    sizing_mode: SizingMode = SizingMode.EQUITY_RATIO
    sizing_value: Decimal | None = None
    join_mode: JoinMode = JoinMode.IGNORE
    size_policy: SizePolicy = SizePolicy.SKIP
    leverage_max: int | None = None
    copies: CopyMode = CopyMode.FILLS


def add_strategy(session: TenantSession, new: NewStrategy) -> int:
    """Publish a strategy and return its id; raises `room.PlanFull` where the brand's plan has room for no more."""
    require_room_for_strategy(session)
    strategy = Strategy(tenant_id=session.tenant_id, **vars(new))
    session.add(strategy)
    session.flush()
    return strategy.id


def open_to_followers(session: TenantSession, strategy_id: int) -> None:
    """Raise InvalidInput for a strategy that nobody can begin to copy any more."""
    status = session.get_one(Strategy, (session.tenant_id, strategy_id)).status
    if status not in _OPEN_TO_FOLLOWERS:
        raise InvalidInput(f"the strategy is {status}: nobody can begin to copy it")


def subscribe(session: TenantSession, new: NewSubscription, ground: Ground | None = None) -> int:
    """Start copying and return the subscription's id.

    What the leader holds already is ignored, taken over by the lane's next round, or waited out, as `join_mode` says.
    `ground` is what the brand's limits stand on; a seed that has none is held to no limit on its allocation here.
    Raises InvalidInput for terms that cannot work and an allocation beyond its limits, Refused for an account that
    would copy itself, directly or not (`kinship`), for one follower more than the brand's plan or the strategy's terms
    have room for, and for whom these terms leave out (`room.BeyondTerms`).
    """
    if new.allocation <= 0:
        raise InvalidInput(f"allocation must be above 0, found {new.allocation}")
    if new.sizing_mode is not SizingMode.EQUITY_RATIO and (new.sizing_value is None or new.sizing_value <= 0):
        raise InvalidInput(f"sizing {new.sizing_mode} needs a value above 0, found {new.sizing_value}")
    if new.leverage_max is not None and new.leverage_max < 1:
        raise InvalidInput(f"leverage_max must be at least 1, found {new.leverage_max}")
    open_to_followers(session, new.strategy_id)
    require_room_for_follower(session, new.account_id)
    require_terms(session, new.strategy_id, new.account_id, new.allocation)
    subscription = Subscription(tenant_id=session.tenant_id, **vars(new))
    session.add(subscription)
    session.flush()
    if ground is not None:
        require_allocation(session, ground, subscription.id)
    add_edge(session, subscription.id, strategy_id=new.strategy_id, account_id=new.account_id)
    if new.join_mode is not JoinMode.IGNORE:
        _join(session, subscription.id, new.join_mode, standings(session, new.strategy_id))
    return subscription.id


def _join(session: TenantSession, subscription_id: int, mode: JoinMode, held: list[Standing]) -> None:
    if mode is JoinMode.WAIT_UNTIL_FLAT:
        shut = [Doorway(subscription_id, standing.symbol, standing.position_side) for standing in held]
        close_doors(session, shut, Denial.WAITING_UNTIL_FLAT)
        return
    session.add_all([_late_join(session, subscription_id, mode, standing) for standing in held])
    session.flush()
    if held:
        note_errand(session, subscription_id)


def _late_join(session: TenantSession, subscription_id: int, mode: JoinMode, standing: Standing) -> LateJoin:
    return LateJoin(
        tenant_id=session.tenant_id,
        subscription_id=subscription_id,
        symbol=standing.symbol,
        position_side=str(standing.position_side),
        mode=str(mode),
        leader_qty=standing.qty,
        entry_px=standing.entry_px,
        since_signal_id=standing.signal_id,
    )
