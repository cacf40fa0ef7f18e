"""One account and one strategy, looked at before the one copies the other: rights, modes, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.kernel import Unavailable, utc_now
from copydesk.replication import (
    LEVERAGE_MAX,
    NEW,
    SIGNAL_AGE_MS_MAX,
    SLIPPAGE_BPS_MAX,
    AccountPlace,
    JoinLine,
    Leads,
    Limits,
    No,
    Standing,
    StrategyKeys,
    Suitability,
    Wallets,
    Wanted,
    account_place,
    excesses,
    identify,
    is_of_purse,
    join_preview,
    kinship_denial,
    leader_in_figures,
    limits_on_joining,
    needs_of,
    note_wallets,
    open_to_followers,
    probe_account,
    read_joining_limits,
    read_wallets,
    standings,
    strategy_keys,
    suitability,
    told_facts,
    whereabouts_of,
)
from copydesk.risk.limits import LimitSet
from copydesk.risk.model import Scope, Scoped
from copydesk.risk.order_rules import DENIALS
from copydesk.risk.profiles import Profile
from copydesk.risk.service import ground_of, profile_of
from copydesk.risk.store import Holder
from copydesk.tenancy import setting_value
from copydesk.trading import Credentials
from copydesk.venues import Venue


class _Limited(NamedTuple):
    """The limits on a subscription that does not exist yet, and whose it would be."""

    limits: LimitSet
    holder: Holder


class FollowerDesk:
    """Look at accounts of one brand through their keys; changes nothing at the exchange."""

    def __init__(self, runtime: Runtime, tenant_id: int) -> None:
        self.tenant_id = tenant_id
        self._runtime = runtime
        self._ground = ground_of(runtime.tenant(tenant_id))

    def shard(self, session: TenantSession, account_id: int) -> str:
        """Return the lane that serves an account; raises NotFound."""
        return account_place(session, account_id).shard

    async def look(
        self, slug: str, account_id: int, wanted: Wanted, profile: Profile | None = None
    ) -> tuple[Suitability, list[JoinLine]]:
        """Say whether an account can copy a strategy, and what would be done about what the trader holds.

        With a `profile` its limits hold too. Notes the fingerprints of both accounts, and what the account owns where
        a limit is a share of that. Raises NotFound, InvalidInput for a strategy that is
        closed, and `Unavailable` where an exchange or a key cannot be asked.
        """
        with self._runtime.db.tenant(self.tenant_id) as session:
            keys = strategy_keys(session, slug)
            open_to_followers(session, keys.strategy_id)
            place = account_place(session, account_id)
            needs = needs_of(session, strategy_id=keys.strategy_id, account_id=account_id)
            held, leads = standings(session, keys.strategy_id), leader_in_figures(session, keys.strategy_id)
        await self._identify(keys.account_id)
        async with self._open(place) as venue:
            seen = await probe_account(venue, self._key(account_id))
            instruments = await venue.instruments()
            found = suitability(needs, seen, venue.traits, instruments)
            if seen.uid:
                await self._note(account_id, place, seen.uid)
            limited = _Limited(self._limits(keys, account_id, profile), Holder(NEW, keys.strategy_id, account_id))
            if seen.scope is not None and any(is_of_purse(scoped) for scoped in limited.limits):
                perpetuals = seen.scope.can_trade_perpetuals
                wallets = await read_wallets(venue, self._key(account_id), perpetuals=perpetuals)
                await asyncio.to_thread(self._note_wallets, account_id, wallets, await venue.prices())
            found.against.extend(self._excesses(limited, wanted.allocation))
            lines = await self._preview(venue, place, held, leads, wanted, limited) if held else []
        with self._runtime.db.tenant(self.tenant_id) as session:
            kin = kinship_denial(session, strategy_id=keys.strategy_id, account_id=account_id)
        if kin is not None:
            found.against.insert(0, (kin, {}))
        return found, lines

    def _limits(self, keys: StrategyKeys, account_id: int, profile: Profile | None) -> LimitSet:
        chosen = (
            [] if profile is None else [Scoped(Scope.SUBSCRIPTION, one) for one in profile_of(self._ground, profile)]
        )
        with self._runtime.db.tenant(self.tenant_id) as session:
            return limits_on_joining(session, self._ground, Holder(NEW, keys.strategy_id, account_id), chosen)

    def _excesses(self, limited: _Limited, allocation: Decimal) -> list[No]:
        """Name the limits that the allocation is beyond, each with field, bound and value."""
        currency = self._ground.currency
        with self._runtime.db.tenant(self.tenant_id) as session:
            found = excesses(session, limited.limits, limited.holder, allocation, currency=currency)
        return [
            (DENIALS[one.scoped.limit.measure], {**told_facts(one.scoped), "excess": one.words(currency)})
            for one in found
        ]

    def _note_wallets(self, account_id: int, wallets: Wallets, prices: Mapping[str, Decimal]) -> None:
        with self._runtime.db.tenant(self.tenant_id) as session:
            note_wallets(session, {account_id: wallets}, self._ground.markets, px_of=prices.get, at=utc_now())

    async def _preview(
        self,
        venue: Venue,
        place: AccountPlace,
        held: list[Standing],
        leads: Leads,
        wanted: Wanted,
        limited: _Limited,
    ) -> list[JoinLine]:
        tenant = self._runtime.tenant(self.tenant_id)
        here = (place.venue, place.environment)
        offered = [exchange for exchange in tenant.config.exchanges if (exchange.venue, exchange.environment) == here]
        limits = Limits(
            setting_value(tenant, SLIPPAGE_BPS_MAX, int),
            setting_value(tenant, SIGNAL_AGE_MS_MAX, int),
            leverage_max=setting_value(tenant, LEVERAGE_MAX, int),
        )
        prices, instruments = await venue.prices(), await venue.instruments()
        markets = frozenset(market for exchange in offered for market in tenant.config.markets_of(exchange))
        with self._runtime.db.tenant(self.tenant_id) as session:
            risk = read_joining_limits(
                session,
                *limited,
                wanted.allocation,
                currency=self._ground.currency,
                prices=prices,
                instruments=instruments,
            )
        if risk.asks_market:
            symbols = sorted({one.symbol for one in held if one.symbol in instruments})
            told = await asyncio.gather(*[venue.liquidity(symbol) for symbol in symbols])
            risk = replace(risk, liquidity=dict(zip(symbols, told, strict=True)))
        return join_preview(
            held,
            wanted,
            leads,
            prices=prices,
            instruments=instruments,
            markets=markets,
            limits=limits,
            risk=risk,
        )

    async def _identify(self, account_id: int) -> None:
        """Ask for the number of an account, so that loops are seen."""
        with self._runtime.db.tenant(self.tenant_id) as session:
            place = account_place(session, account_id)
        async with self._open(place) as venue:
            await self._note(account_id, place, await venue.account_uid(self._key(account_id)))

    async def _note(self, account_id: int, place: AccountPlace, uid: str) -> None:
        await asyncio.to_thread(self._note_now, account_id, place, uid)

    def _note_now(self, account_id: int, place: AccountPlace, uid: str) -> None:
        uid_hash = self._runtime.fingerprints.of_account(place.venue, place.environment, uid)
        with self._runtime.db.tenant(self.tenant_id) as session:
            identify(session, account_id, uid_hash)

    def _key(self, account_id: int) -> Credentials:
        found = self._runtime.keys.credentials(self.tenant_id, [account_id])
        if account_id not in found:
            raise Unavailable(f"the key of account {account_id} does not open")
        return found[account_id]

    @asynccontextmanager
    async def _open(self, place: AccountPlace) -> AsyncIterator[Venue]:
        egress = whereabouts_of(place.shard).egress
        venue = self._runtime.venue(place.venue, place.environment, egress=egress)
        try:
            await venue.warm(1)
            yield venue
        finally:
            await venue.aclose()
