"""Open the accounts of a measurement on the lab and subscribe them, many at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from copydesk.bench.load import ORDER_QTY, PERPETUAL, Load
from copydesk.bench.plain import Follower
from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.lab_control import FUTURES, TRADING, LabControl, LabKey
from copydesk.identity import Role, User
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, shard_of, subscribe
from copydesk.trading import Environment, SizingMode
from copydesk.vault import NewAccount, add_account, add_accounts
from copydesk.venues import TRAITS

Say = Callable[[str], None]
BRAND = "aurora"
LEADER = "bench-leader"
LEADER_QTY = 0.1
CHUNK = 500
_ALLOCATION = Decimal(20_000)
_RATIO = Decimal(str(ORDER_QTY)) / Decimal(str(LEADER_QTY))
# A little coin pays the fees that spot takes in it, so that every round ends as it began.
_LEADER_MONEY = {"USDT": "1000000", "BTC": "0.05"}
_FOLLOWER_MONEY = {"USDT": "50000", "BTC": "1"}
# What the desk would set accounts to: leverage one is what it counts for a leader whose leverage is not known yet.
_LEVERAGE = 1
_PREPARED = text(
    """
    INSERT INTO account_setup (tenant_id, account_id, symbol, hedge, leverage)
    SELECT :tenant_id, id, symbol, false, :leverage
    FROM unnest(CAST(:ids AS bigint[])) AS id CROSS JOIN unnest(CAST(:symbols AS text[])) AS symbol
    """
)


def seed(runtime: Runtime, lab: LabControl, load: Load, say: Say) -> tuple[LabKey, list[Follower]]:
    """Open leader and followers and return their keys; accounts are set up, as a desk has done long before a signal."""
    tenant_id = runtime.tenant_ids[BRAND]
    perpetuals, leader_venue = _perpetuals(runtime, tenant_id), load.venues[0]
    (leader_key,) = lab.open_crowd(LEADER, 1, **_terms(load, leader_venue, _LEADER_MONEY))
    with runtime.db.tenant(tenant_id) as session:
        trader, copier = _person(session, "leader", Role.TRADER), _person(session, "crowd", Role.FOLLOWER)
        new = NewAccount(
            trader, leader_venue, Environment.LAB, LEADER, shard_of(leader_venue, Environment.LAB, 0, 1), *leader_key
        )
        leader = add_account(session, runtime.vault, new)
        strategy = add_strategy(session, NewStrategy(trader, leader, "bench", "Bench", "Measures."))
    crowd: list[Follower] = []
    for venue, first, many in _chunks(load):
        keys = lab.open_crowd(f"bench-{venue}", many, first=first, **_terms(load, venue, _FOLLOWER_MONEY))
        accounts = [_account(load, venue, copier, number, key) for number, key in enumerate(keys, start=first)]
        with runtime.db.tenant(tenant_id) as session:
            added = add_accounts(session, runtime.vault, accounts)
            _note_setups(session, added, perpetuals)
            for account in added:
                subscribe(session, NewSubscription(strategy, account, _ALLOCATION, SizingMode.FIXED_RATIO, _RATIO))
        crowd += [Follower(f"bench-{venue}:{number}", venue, *key) for number, key in enumerate(keys, start=first)]
        say(f"{len(crowd)} of {load.followers} followers subscribed")
    return leader_key, crowd


def _terms(load: Load, venue: str, balances: dict[str, str]) -> dict[str, Any]:
    """Return what accounts are opened with: a perpetual's money where the exchange keeps a purse for it."""
    terms = {"venue": venue, "leverage": _LEVERAGE}
    if load.market != PERPETUAL:
        return {**terms, "balances": balances}
    wallet = TRADING if TRAITS[venue].unified else FUTURES
    return {**terms, "balances": {"USDT": balances["USDT"]}, "wallet": wallet}


def _chunks(load: Load) -> Iterator[tuple[str, int, int]]:
    """Yield exchange, first number and count of accounts that are opened at once."""
    for venue, many in load.spread().items():
        for first in range(0, many, CHUNK):
            yield venue, first, min(CHUNK, many - first)


def _person(session: TenantSession, name: str, role: Role) -> int:
    user = User(tenant_id=session.tenant_id, email=f"{name}@bench.invalid", display_name=name.title(), role=role)
    session.add(user)
    session.flush()
    return user.id


def _account(load: Load, venue: str, owner: int, number: int, key: LabKey) -> NewAccount:
    egress = load.address(venue, number)
    shard = shard_of(venue, Environment.LAB, number, 1 if egress else load.lanes, egress=egress)
    return NewAccount(owner, venue, Environment.LAB, str(number), shard, *key, egress=egress)


def _perpetuals(runtime: Runtime, tenant_id: int) -> list[str]:
    """Return what accounts are set up for: every perpetual of their brand, whatever is traded."""
    markets = {market for exchange in runtime.tenant(tenant_id).config.exchanges for market in exchange.markets}
    return sorted(market for market in markets if ":" in market)


def _note_setups(session: TenantSession, accounts: Sequence[int], symbols: Sequence[str]) -> None:
    """Note what the lab was told."""
    params = {"tenant_id": session.tenant_id, "ids": list(accounts), "symbols": symbols, "leverage": _LEVERAGE}
    session.execute(_PREPARED, params)
